"""The ASGI application of a gateway: its routes, what they work with, and the door before them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

from litestar import Litestar, Request, Response, Router, get
from litestar.di import Provide
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi import OpenAPIConfig
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp

from services.gateway import (
    description,
    endpoint_routes,
    file_change_routes,
    file_routes,
    log_routes,
    problems,
    queue_routes,
    replay_routes,
    setting_routes,
    throughput_routes,
    undo_routes,
    versions,
)
from services.gateway.access import own_names
from services.gateway.command_routes import (
    abort,
    append,
    change_tasks,
    move,
    move_jobs,
    pause,
    resume,
    retry,
    submit,
)
from services.gateway.compute_routes import submit_compute
from services.gateway.context import AtLeast, Gateway
from services.gateway.door import Door
from services.gateway.exact import Exact
from services.gateway.live_routes import follow
from services.gateway.manifest_routes import give_manifest
from services.gateway.open_routes import health, metrics, sign_in, sign_out
from services.gateway.output_routes import read_output
from services.gateway.pages import page
from services.gateway.problems import Refusal, invalid
from services.gateway.read_routes import (
    find_instant,
    list_attempts,
    list_endpoints,
    list_jobs,
    list_tasks,
    say_wait,
    say_why,
    show_job,
    who_am_i,
)
from services.gateway.rows import Rows
from services.gateway.what_if_routes import what_if

BODY_BYTES_MAX = 1 << 20
READS = [
    list_jobs,
    show_job,
    say_wait,
    say_why,
    list_tasks,
    list_attempts,
    give_manifest,
    list_endpoints,
    find_instant,
    who_am_i,
    what_if,
    follow,
    read_output,
    *log_routes.READS,
    *replay_routes.READS,
    *throughput_routes.READS,
]
COMMANDS = [
    submit,
    submit_compute,
    move_jobs,
    pause,
    resume,
    retry,
    abort,
    append,
    change_tasks,
    move,
    *endpoint_routes.COMMANDS,
    *undo_routes.ROUTES,
]
OF_QUEUES = [*queue_routes.READS, *queue_routes.COMMANDS]
SAFE = ("GET", "HEAD", "OPTIONS")
OF_SETTINGS = [*setting_routes.READS, *setting_routes.COMMANDS]
OF_FILES = [*file_routes.READS, *file_change_routes.COMMANDS]
BESIDE = [health, metrics, sign_in, sign_out, page]

Names: TypeAlias = dict[tuple[str, str], frozenset[str]]


Asked: TypeAlias = Request[Any, Any, Any]


def make_app(gateway: Gateway, *, host: str) -> ASGIApp:
    return Door(
        make_routes(lambda: gateway),
        names=own_names(host),
        check=gateway.check,
        measures=gateway.measures,
    )


def make_routes(
    of_process: Callable[[], Gateway], *, described: OpenAPIConfig | None = None
) -> Litestar:
    """`of_process` is asked at each request; to describe the routes it is never asked."""

    async def rows(at_least: AtLeast = None) -> Rows:
        """The read side, once it is as new as was asked for."""
        gateway = of_process()
        if at_least is not None:
            await gateway.clock.reach(at_least)
        return gateway.rows

    app = Litestar(
        [
            Router(
                "/api",
                route_handlers=[*READS, *COMMANDS, *OF_QUEUES, *OF_SETTINGS, *OF_FILES, describe],
            ),
            *BESIDE,
        ],
        dependencies={
            "gateway": Provide(of_process, sync_to_thread=False),
            "rows": Provide(rows),
        },
        before_request=only_what_is_known,
        exception_handlers={
            Refusal: problems.on_refusal,
            ValidationException: problems.on_validation,
            HTTPException: problems.on_http,
            RecursionError: problems.on_too_deep,
            Exception: problems.on_unforeseen,
        },
        request_class=Exact,
        request_max_body_size=BODY_BYTES_MAX,
        openapi_config=described,
        logging_config=None,
    )
    app.state.takes, app.state.heeds = _parameters(app)
    return app


def _parameters(app: Litestar) -> tuple[Names, Names]:
    """What each route takes in its query and heeds in the headers, by what it depends on too."""
    takes: Names = {}
    heeds: Names = {}
    for route in app.routes:
        methods = route.route_handler_map if isinstance(route, HTTPRoute) else {}
        for method, (_, model) in methods.items():
            place = route.path_format, method
            takes[place] = frozenset(one.field_alias for one in model.expected_query_params)
            heeds[place] = frozenset(one.field_alias for one in model.expected_header_params)
    return takes, heeds


async def only_what_is_known(request: Asked) -> None:
    """No parameter and no guard of the asker's is passed over in silence. Raises Refusal."""
    if request.scope["query_string"]:
        _only_known_parameters(request)
    if request.method not in SAFE and versions.HEADER.lower() in request.headers:
        _only_heeded_guards(request)


def _only_known_parameters(request: Asked) -> None:
    """A misspelt filter must not become a list of everything.

    The page's own address carries what the page shows: the gateway does not read it.
    """
    place = request.scope["path_template"]
    if not place.startswith("/api"):
        return
    takes = request.app.state.takes[place, request.method]
    given = Counter(name for name, _ in request.query_params.multi_items())
    for name, times in given.items():
        if name not in takes:
            known = f"it takes {', '.join(sorted(takes))}" if takes else "it takes none"
            raise invalid(name[:80], f"there is no parameter {name[:80]!r} here: {known}")
        if times > 1:
            raise invalid(name, f"{name}: it is given {times} times: give it once")


def _only_heeded_guards(request: Asked) -> None:
    """Who guards a command must not believe in a guard that nobody heeds."""
    if (
        versions.HEADER
        not in request.app.state.heeds[request.scope["path_template"], request.method]
    ):
        raise versions.no_guard()


@cache
def openapi() -> bytes:
    """The OpenAPI 3.1 document of the API, without a server."""
    return description.written(make_routes(_none, described=description.CONFIG))


def _none() -> Gateway:
    raise AssertionError("a description asks nothing of a gateway")


@get("/openapi.json", summary="Describe the API", include_in_schema=False)
async def describe() -> Response[bytes]:
    return Response(openapi(), media_type=description.MEDIA_TYPE)
