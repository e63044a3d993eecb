"""The API's questions. Each may say how new the answer has to be (`at_least`)."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from litestar import Response, get
from litestar.params import FromQuery, PathParameter, QueryParameter

from services.gateway import attempts, history, jobs, past, showing
from services.gateway.context import Asked, Ours, Reads, user_of
from services.gateway.history import TaskStatus
from services.gateway.jobs import JobStatus, State, Wanted
from services.gateway.past import AsOf
from services.gateway.problems import invalid
from services.gateway.resources import (
    AttemptPage,
    Endpoint,
    Instant,
    Job,
    JobPage,
    Me,
    TaskPage,
    Wait,
    Why,
)
from services.gateway.rows import WORKSPACE, Picture
from services.gateway.versions import ETAG, etag

LIMIT_MAX = 500
SEARCH_MAX = 200
CODE_MAX = 255

Limit: TypeAlias = Annotated[
    int, QueryParameter(name="limit", ge=1, le=LIMIT_MAX, description="Rows in a page.")
]
Cursor: TypeAlias = Annotated[
    str | None,
    QueryParameter(name="cursor", max_length=1024, description="The `next` of the page before."),
]
JobId: TypeAlias = Annotated[
    str, PathParameter(description="A job's id, or the beginning of it if no other begins so.")
]
OfState: TypeAlias = Annotated[
    State | None,
    QueryParameter(
        name="state",
        description="`active`: all that is neither done nor aborted, in the order in which queues "
        "and places have it; `finished`: the others, newest first. Left out: what `status` asks "
        "for, else active.",
    ),
]
OfQueue: TypeAlias = Annotated[
    str | None, QueryParameter(name="queue", max_length=CODE_MAX, description="A queue's code.")
]
Search: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="search",
        max_length=SEARCH_MAX,
        description="Text in the name, the paths, the user or the id, in any case of letters.",
    ),
]
Ids: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="ids",
        max_length=LIMIT_MAX * (jobs.ID_LENGTH + 1),
        pattern="^[0-9a-f]{24}(,[0-9a-f]{24})*$",
        description="Whole ids, with commas between: just these jobs as they are now, whatever "
        "their state; the other parameters are not looked at.",
    ),
]
EndpointName: TypeAlias = Annotated[str, PathParameter(description="An endpoint's id or name.")]


@get("/jobs", summary="List jobs")
async def list_jobs(
    request: Asked,
    gateway: Ours,
    rows: Reads,
    of_state: OfState = None,
    queue: OfQueue = None,
    status: FromQuery[JobStatus | None] = None,
    search: Search = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    ids: Ids = None,
    as_of: AsOf = None,
) -> JobPage:
    if ids is not None:
        asked = list(dict.fromkeys(ids.split(",")))
        if as_of is not None:
            return await past.these(gateway.historian, as_of, asked, user_of(request))
        return await jobs.these(rows, gateway.asking, asked, user_of(request))
    wanted = Wanted(
        finished=_is_finished(of_state, status),
        queue=queue,
        status=status,
        user=user_of(request),
        search=_searchable(search),
        limit=limit,
        cursor=cursor,
    )
    if as_of is not None:
        return await past.page(gateway.historian, as_of, wanted)
    return await jobs.page(rows, gateway.asking, wanted)


def _is_finished(state: State | None, status: JobStatus | None) -> bool:
    if status is None:
        return state == "finished"
    finished = status in jobs.FINISHED
    if state is not None and (state == "finished") != finished:
        other = "finished" if finished else "active"
        raise invalid("state", f"a job that is {status} is {other}: leave `state` out")
    return finished


def _searchable(search: str | None) -> str | None:
    if search is not None and "\0" in search:
        raise invalid("search", "search: no name holds a NUL character: leave it out")
    return search


@get("/jobs/{job:str}", summary="Show a job", response_headers=[ETAG])
async def show_job(
    request: Asked, gateway: Ours, rows: Reads, job: JobId, as_of: AsOf = None
) -> Response[Job]:
    if as_of is not None:
        return Response(await past.one(gateway.historian, as_of, job, user_of(request)))
    found = await jobs.one(rows, gateway.asking, job, user_of(request))
    return Response(found, headers={"etag": etag(found.version)})


@get("/jobs/{job:str}/why", summary="Say why a job waits")
async def say_why(
    request: Asked, gateway: Ours, rows: Reads, job: JobId, as_of: AsOf = None
) -> Why:
    """All its reasons, worst first."""
    if as_of is not None:
        return await past.why(gateway.historian, as_of, job, user_of(request))
    return await jobs.why(rows, gateway.asking, job, user_of(request))


@get("/jobs/{job:str}/wait", summary="Say where a job's time went")
async def say_wait(request: Asked, gateway: Ours, job: JobId, as_of: AsOf = None) -> Wait:
    """Its whole life in stretches, each with its first reason while it waited, and their sums."""
    return await past.wait(gateway.historian, as_of or past.NOW, job, user_of(request))


@get("/jobs/{job:str}/tasks", summary="List the tasks of a job")
async def list_tasks(
    request: Asked,
    gateway: Ours,
    rows: Reads,
    job: JobId,
    status: FromQuery[TaskStatus | None] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    as_of: AsOf = None,
) -> TaskPage:
    if as_of is not None:
        user = user_of(request)
        return await past.tasks(gateway.historian, as_of, job, user, status, limit, cursor)
    return await history.tasks(rows, job, user_of(request), status, limit, cursor)


@get("/jobs/{job:str}/tasks/{number:int}/attempts", summary="List the tries of a task")
async def list_attempts(
    request: Asked,
    rows: Reads,
    job: JobId,
    number: Annotated[int, PathParameter(ge=0, description="The task's number in its job.")],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> AttemptPage:
    return await attempts.attempts(rows, job, number, user_of(request), limit, cursor)


@get("/endpoints", summary="List the endpoints")
async def list_endpoints(gateway: Ours, rows: Reads, as_of: AsOf = None) -> list[Endpoint]:
    if as_of is not None:
        return await past.endpoints(gateway.historian, as_of)

    async def question(picture: Picture) -> list[Endpoint]:
        return [showing.endpoint(row) for row in await picture.all(WORKSPACE["endpoints"])]

    return await rows.read(question)


@get("/instant", summary="Find a position in history")
async def find_instant(gateway: Ours, as_of: AsOf = None) -> Instant:
    """The commit that `as_of` means, when it was stored, and how far history goes."""
    return await past.instant(gateway.historian, as_of or past.NOW)


@get("/me", summary="Who am I?")
async def who_am_i(request: Asked) -> Me:
    return Me(request.user.name, request.user.role.value)
