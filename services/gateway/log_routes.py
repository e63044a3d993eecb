"""The API's questions about what happened: of a job, a queue, an endpoint, a person, or of all."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Literal, TypeAlias

from litestar import get
from litestar.di import NamedDependency, Provide
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter
from litestar.types import ASGIApp

from projections import log_filter
from projections.log_filter import BadKinds, Wanted
from services.gateway import as_of, log_export, logs
from services.gateway.context import Asked, Reads, user_of
from services.gateway.cursors import Logged
from services.gateway.jobs import cursor as cursor_at
from services.gateway.log_export import Form
from services.gateway.log_resources import LogLine, LogPage
from services.gateway.logs import Filters, Of, Span
from services.gateway.problems import Refusal, invalid, rejected
from services.gateway.queue_routes import QueueName
from services.gateway.read_routes import (
    CODE_MAX,
    SEARCH_MAX,
    Cursor,
    EndpointName,
    JobId,
    Limit,
)
from services.historian.commands import When
from services.scheduler.commands import Rejected

Order: TypeAlias = Annotated[
    Literal["oldest", "newest"], QueryParameter(name="order", description="Which lines come first.")
]
Name: TypeAlias = Annotated[str, PathParameter(description="Somebody's name.")]
InForm: TypeAlias = Annotated[
    Form,
    QueryParameter(
        name="format", description="`jsonl`: a line a line; `csv`: columns named in the first."
    ),
]
GIVEN = ResponseSpec(
    LogLine,
    generate_examples=False,
    media_type="application/x-ndjson",
    description="Every line; text in the other format.",
)


async def filters(
    kind: Annotated[
        str,
        QueryParameter(
            name="kind",
            max_length=1024,
            description="Events of these kinds, with commas between: `job.paused,queue`.",
        ),
    ] = "",
    actor: Annotated[
        str | None,
        QueryParameter(
            name="actor",
            max_length=CODE_MAX,
            description="What this person, this endpoint or the `scheduler` did.",
        ),
    ] = None,
    task: Annotated[
        int | None, QueryParameter(name="task", ge=0, description="Of the task with this number.")
    ] = None,
    text: Annotated[
        str,
        QueryParameter(
            name="text",
            max_length=SEARCH_MAX,
            description="With this text in what is said of them, in any case of letters.",
        ),
    ] = "",
    begins: Annotated[
        str | None,
        QueryParameter(
            name="from", max_length=64, description="From then on, as `as_of` is written."
        ),
    ] = None,
    ends: Annotated[
        str | None,
        QueryParameter(name="to", max_length=64, description="Up to then, as `from`."),
    ] = None,
    cause: Annotated[
        str | None,
        QueryParameter(
            name="cause",
            max_length=CODE_MAX,
            description="All that came from one command: the `cause` of a line.",
        ),
    ] = None,
) -> Filters:
    """Raises Refusal."""
    try:
        kinds = log_filter.kinds(kind)
    except BadKinds as error:
        raise invalid("kind", f"kind: {error}") from error
    for name, value in {"cause": cause, "actor": actor, "text": text}.items():
        if value is not None and "\0" in value:
            raise invalid(name, f"{name}: there is no NUL character in any: leave it out")
    return Filters(
        kinds=tuple(kinds),
        actor=actor,
        cause=cause,
        begins=_when(begins, "from"),
        ends=_when(ends, "to"),
        wanted=Wanted(task, text),
    )


def _when(written: str | None, field: str) -> When | None:
    if written is None:
        return None
    found = as_of.read(written, datetime.now(UTC), field)
    if isinstance(found, Rejected):
        raise rejected(found)
    return found


async def span(
    request: Asked, order: Order = "oldest", limit: Limit = 100, cursor: Cursor = None
) -> Span:
    """Raises Refusal."""
    return Span(cursor_at(Logged, cursor), limit, order == "newest", user_of(request))


Chosen: TypeAlias = NamedDependency[Filters]
Paged: TypeAlias = NamedDependency[Span]
FILTERED = {"filters": Provide(filters)}
PAGED = {**FILTERED, "span": Provide(span)}


@get("/log", summary="Read the log of everything", dependencies=PAGED)
async def read_workspace_log(rows: Reads, filters: Chosen, span: Paged) -> LogPage:
    """Of a user, what happened to their jobs."""
    return await logs.page(rows, Of(), filters, span)


@get("/jobs/{job:str}/log", summary="Read the log of a job", dependencies=PAGED)
async def read_log(rows: Reads, job: JobId, filters: Chosen, span: Paged) -> LogPage:
    """That of an archived job stays."""
    return await logs.page(rows, Of(job=job), filters, span)


@get("/queues/{queue:str}/log", summary="Read the log of a queue", dependencies=PAGED)
async def read_queue_log(rows: Reads, queue: QueueName, filters: Chosen, span: Paged) -> LogPage:
    """That of a deleted queue stays."""
    return await logs.page(rows, _seen(Of(queue=queue), span.user), filters, span)


@get("/endpoints/{endpoint:str}/log", summary="Read the log of an endpoint", dependencies=PAGED)
async def read_endpoint_log(
    rows: Reads, endpoint: EndpointName, filters: Chosen, span: Paged
) -> LogPage:
    """With what was set for the pairs that it is one of."""
    return await logs.page(rows, _seen(Of(endpoint=endpoint), span.user), filters, span)


@get("/users/{user:str}/log", summary="Read what somebody did", dependencies=PAGED)
async def read_user_log(rows: Reads, user: Name, filters: Chosen, span: Paged) -> LogPage:
    return await logs.page(rows, _seen(Of(person=user), span.user), filters, span)


def _seen(of: Of, asker: str | None) -> Of:
    """Whose log the asker may read. Raises Refusal."""
    if asker is None or of == Of(job=of.job) or of.person == asker:
        return of
    what = "queue" if of.queue is not None else "endpoint" if of.endpoint is not None else "user"
    detail = f"the log of {'another' if what == 'user' else 'an' if what[0] == 'e' else 'a'} {what}"
    raise Refusal(HTTPStatus.FORBIDDEN, f"{detail} is for employees and administrators")


OfOne: TypeAlias = Annotated[str | None, QueryParameter(max_length=CODE_MAX)]


@get(
    "/log/export",
    summary="Read a log as a file",
    dependencies=FILTERED,
    responses={200: GIVEN},
)
async def export_log(
    request: Asked,
    rows: Reads,
    filters: Chosen,
    job: OfOne = None,
    queue: OfOne = None,
    endpoint: OfOne = None,
    user: OfOne = None,
    form: InForm = "jsonl",
) -> ASGIApp:
    """Every line, oldest first: of one job, queue, endpoint or user, else of all."""
    given = [one for one in (job, queue, endpoint, user) if one is not None]
    if len(given) > 1:
        raise invalid("job", "name one of job, queue, endpoint and user, or none for all")
    asker = user_of(request)
    of = _seen(Of(job, queue, endpoint, user), asker)
    first = await logs.page(rows, of, filters, Span(None, log_export.LINES, user=asker))
    return log_export.export(rows, of, filters, asker, first, form)


READS = [
    read_log,
    read_queue_log,
    read_endpoint_log,
    read_user_log,
    read_workspace_log,
    export_log,
]
