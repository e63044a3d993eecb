"""The process log of a task over HTTP: what the command of one of its tries wrote, live or kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Literal, TypeAlias

from litestar import Response, get
from litestar.params import PathParameter, QueryParameter
from msgspec import Struct

from events import subjects
from services.gateway.attempts import NUMBER_MAX, QUERIES
from services.gateway.context import Asked, Gateway, Ours, Reads, user_of
from services.gateway.jobs import find
from services.gateway.log_resources import OutputLine, TaskOutput
from services.gateway.output import Page, Where, page
from services.gateway.problems import absent, invalid
from services.gateway.read_routes import JobId
from services.gateway.rows import Picture, Row, Rows

LINES_MAX = 10_000
WAIT_MAX_S = 20
LOOK_S = 1.0
UNDER_WAY = ("queued", "booting", "executing")


class _Try(Struct, frozen=True):
    """Which try of a task is meant; `where` is None while there is none."""

    job: str
    attempt: int | None
    where: Where | None
    endpoint_name: str | None
    outcome: str

    @property
    def is_over(self) -> bool:
        return self.outcome not in UNDER_WAY


Task: TypeAlias = Annotated[int, PathParameter(ge=0, description="The task's number in its job.")]
Attempt: TypeAlias = Annotated[
    int | None,
    QueryParameter(name="attempt", ge=1, description="Which try; the last if left out."),
]
After: TypeAlias = Annotated[
    int, QueryParameter(name="after", ge=-1, description="Only lines behind this number.")
]
Tail: TypeAlias = Annotated[
    int | None,
    QueryParameter(name="tail", ge=0, le=LINES_MAX, description="Only the last so many lines."),
]
Lines: TypeAlias = Annotated[
    int, QueryParameter(name="limit", ge=1, le=LINES_MAX, description="Lines in an answer.")
]
Wait: TypeAlias = Annotated[
    int,
    QueryParameter(
        name="wait",
        ge=0,
        le=WAIT_MAX_S,
        description="Seconds to wait for a line if there is none; ends early when the try is over.",
    ),
]


@get("/jobs/{job:str}/tasks/{number:int}/log", summary="Read the process log of a task")
async def read_output(
    request: Asked,
    gateway: Ours,
    rows: Reads,
    job: JobId,
    number: Task,
    attempt: Attempt = None,
    after: After = -1,
    tail: Tail = None,
    limit: Lines = 1000,
    wait: Wait = 0,
    as_: Annotated[
        Literal["json", "text"],
        QueryParameter(name="format", description="`text`: the lines alone, as plain text."),
    ] = "json",
) -> Response[TaskOutput] | Response[str]:
    """Follow a running command by asking again with `after` and `wait`."""
    if attempt is not None and attempt > NUMBER_MAX:
        raise invalid("attempt", f"attempt: at most {NUMBER_MAX}")

    async def look() -> TaskOutput:
        tried = await _try(rows, job, number, attempt, user_of(request))
        return await _output(gateway, tried, number, after, tail, limit)

    found = await look()
    if wait and not found.lines and not found.over:
        found = await _waited(gateway, found, look, wait)
    if as_ == "json":
        return Response(found)
    return Response(_text(found.lines), media_type="text/plain; charset=utf-8")


async def _try(rows: Rows, job: str, number: int, attempt: int | None, user: str | None) -> _Try:
    """Raises Refusal."""

    async def question(picture: Picture) -> tuple[str, Row | None]:
        of_job = await find(picture, job, user)
        if number > NUMBER_MAX:
            return of_job, None
        return of_job, await picture.one(QUERIES["one_try"], of_job, number, attempt)

    of_job, row = await rows.read(question)
    if row is None:
        raise absent(f"the job has no task {number}: see its tasks", "number")
    if row["computes"] is False:
        raise absent("a transfer runs no command and has no process log: see the job's log")
    if row["attempt"] is None:
        if attempt is not None:
            raise absent(f"task {number} has no try {attempt}: see its attempts", "attempt")
        return _Try(of_job, None, None, None, row["status"])
    where = Where(row["endpoint"], of_job, row["run"]) if row["endpoint"] else None
    name = row["endpoint_name"] or row["endpoint"]
    return _Try(of_job, row["attempt"], where, name, row["outcome"])


async def _output(
    gateway: Gateway, tried: _Try, number: int, after: int, tail: int | None, limit: int
) -> TaskOutput:
    found = Page([], after, more=False)
    if tried.where is not None:
        found = await page(gateway.outputs, tried.where, after=after, limit=limit, tail=tail)
    return TaskOutput(
        tried.job,
        number,
        tried.attempt,
        tried.where.run if tried.where else None,
        tried.endpoint_name,
        tried.outcome,
        tried.is_over and not found.more,
        found.lines,
        found.after,
        found.more,
    )


async def _waited(
    gateway: Gateway, found: TaskOutput, look: Callable[[], Awaitable[TaskOutput]], wait_s: int
) -> TaskOutput:
    """The answer as soon as it says something new. A part that is stored tells us to look."""
    ends = time.monotonic() + wait_s
    async with _stored(gateway, found) as stored:
        while not (found.lines or found.over or gateway.hub.is_ending):
            left = ends - time.monotonic()
            if left <= 0:
                break
            with suppress(TimeoutError):
                async with asyncio.timeout(min(LOOK_S, left)):
                    await stored.wait()
            stored.clear()
            found = await look()
    return found


@asynccontextmanager
async def _stored(gateway: Gateway, of: TaskOutput) -> AsyncIterator[asyncio.Event]:
    """Set whenever a part of the log comes."""
    stored = asyncio.Event()

    async def heard(_subject: str, _payload: bytes) -> None:
        stored.set()

    run = "*" if of.run is None else of.run
    subject = subjects.output(gateway.workspace, "*", of.job, run, "*")
    serving = await gateway.bus.serve(subject, heard)
    try:
        yield stored
    finally:
        await serving.stop()


def _text(lines: list[OutputLine]) -> str:
    return "".join(
        f"[{line.dropped} earlier lines were dropped]\n{line.text}\n"
        if line.dropped
        else f"{line.text}\n"
        for line in lines
    )
