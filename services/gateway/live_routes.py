"""`GET /api/events`: what changes, as it changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, TypeAlias

from litestar import get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, QueryParameter
from litestar.types import ASGIApp

from services.gateway import jobs
from services.gateway.context import SEQUENCE_MAX, Asked, Gateway, Ours, user_of
from services.gateway.messages import View
from services.gateway.problems import invalid
from services.gateway.resources import Endpoint, Event, Job, Position, Progress, Queue
from services.gateway.rows import Picture
from services.gateway.stream import EventStream, Source

TOLD = ResponseSpec(
    Job | Queue | Endpoint | Progress | Event | Position,
    generate_examples=False,
    media_type="text/event-stream",
    description="Server-sent events, without end. `job`, `queue`, `endpoint`: the whole row as it "
    "is now; `progress`: what a tick changed in a running job; `event`: a CloudEvents object; "
    "`position` (with `id`): everything up to this sequence number was told; `reset`: too much "
    "happened to tell, read the lists anew. A comment at least every 10 s.",
)

Only: TypeAlias = Annotated[
    Literal["rows", "events"] | None,
    QueryParameter(name="only", description="Only rows and progress, or only events."),
]
OnlyJob: TypeAlias = Annotated[
    str | None, QueryParameter(name="job", description="Only of this job: its id or its beginning.")
]
Since: TypeAlias = Annotated[
    int | None,
    QueryParameter(
        name="since",
        ge=0,
        le=SEQUENCE_MAX,
        description="As `Last-Event-ID`, for a first connection: a list's own `sequence`.",
    ),
]
LastEventId: TypeAlias = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID",
        description="Tell first all that happened behind this position.",
    ),
]


@get("/events", summary="Follow what changes", responses={200: TOLD})
async def follow(
    request: Asked,
    gateway: Ours,
    only: Only = None,
    of_job: OnlyJob = None,
    since: Since = None,
    last_event_id: LastEventId = None,
) -> ASGIApp:
    gateway.hub.check()
    after = since if last_event_id is None else _position(last_event_id)
    view = View(
        rows=only != "events",
        events=only != "rows",
        job=await _job(request, gateway, of_job),
        user=user_of(request),
    )
    source = Source(
        gateway.hub,
        gateway.rows,
        gateway.asking,
        gateway.clock,
        gateway.workspace,
        _allowed(request, gateway),
    )
    return EventStream(source, view, after)


def _position(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > SEQUENCE_MAX:
        detail = "Last-Event-ID: send the `id` of the last `position`, or none to begin now"
        raise invalid("Last-Event-ID", detail)
    return int(text)


async def _job(request: Asked, gateway: Gateway, job: str | None) -> str | None:
    if job is None:
        return None
    user, written = user_of(request), job

    async def question(picture: Picture) -> str:
        return await jobs.find(picture, written, user)

    return await gateway.rows.read(question)


def _allowed(request: Asked, gateway: Gateway) -> Callable[[], bool]:
    actor, token = request.user, request.auth
    return lambda: gateway.check(token) == actor
