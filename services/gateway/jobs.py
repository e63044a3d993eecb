"""Reading jobs: lists by page, and one by the beginning of its id. What is in one: history.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from projections.job_rows import searchable
from services.gateway import cursors, showing, timing
from services.gateway.asking import Asking, Standing
from services.gateway.cursors import AnyCursor, BadCursor, Cursor, Ended, InLine
from services.gateway.problems import Refusal, absent, invalid, later
from services.gateway.resources import Job, JobPage, Timing, Why
from services.gateway.rows import JOBS, QUEUES, WORKSPACE, Picture, Row, Rows
from services.scheduler.commands import Reason

JobStatus: TypeAlias = Literal["init", "waiting", "running", "paused", "failed", "aborted", "done"]
State: TypeAlias = Literal["active", "finished"]
Filters: TypeAlias = tuple[str | None, str | None, str | None, str | None, list[str] | None]
FINISHED = ("aborted", "done")
IN_LINE = ("init", "waiting", "running")
ID_LENGTH = 24


class Wanted(Struct, frozen=True):
    """Which jobs a list shows; `user` only theirs, None everybody's."""

    finished: bool
    queue: str | None
    status: str | None
    user: str | None
    search: str | None
    limit: int
    cursor: str | None


async def page(rows: Rows, asking: Asking, wanted: Wanted) -> JobPage:
    """Raises Refusal."""

    async def question(picture: Picture) -> tuple[Shown, int, str | None, int]:
        filters = await _filters(picture, wanted)
        list_ = _finished if wanted.finished else _active
        ids, following = await list_(picture, wanted, filters)
        total = await _total(picture, wanted, filters)
        return await shown(picture, ids), total, following, picture.sequence

    found, total, following, sequence = await rows.read(question)
    jobs = found.jobs(await asking.standing(found.in_line()))
    return JobPage(await _for_user(rows, jobs, wanted.user), total, following, sequence)


async def these(rows: Rows, asking: Asking, ids: list[str], user: str | None) -> JobPage:
    """The jobs with these ids as they are now, in this order; others than there are are left out.

    Raises Refusal.
    """

    async def question(picture: Picture) -> tuple[Shown, int]:
        there = {row["id"] for row in await picture.all(JOBS["names"], ids, user)}
        return await shown(picture, [one for one in ids if one in there]), picture.sequence

    found, sequence = await rows.read(question)
    jobs = found.jobs(await asking.standing(found.in_line()))
    return JobPage(await _for_user(rows, jobs, user), len(jobs), None, sequence)


async def _queue_id(picture: Picture, code: str) -> str:
    queues = await picture.all(QUEUES["queues"], None)
    found = next((row["id"] for row in queues if code in (row["code"], row["id"])), None)
    if found is None:
        known = ", ".join(row["code"] for row in queues) or "none yet"
        raise invalid("queue", f"there is no queue {code!r}: there are {known}")
    return str(found)


async def _filters(picture: Picture, wanted: Wanted) -> Filters:
    queue = await _queue_id(picture, wanted.queue) if wanted.queue else None
    ends = await _endpoints_like(picture, wanted.search) if wanted.search else None
    return (queue, wanted.status, wanted.user, pattern(wanted.search), ends or None)


async def _endpoints_like(picture: Picture, search: str) -> list[str]:
    """A job is found by the names of its endpoints too; its row has only their ids."""
    needle = searchable(search)
    found = await picture.all(WORKSPACE["endpoint_names"])
    return [row["id"] for row in found if needle in searchable(row["name"])]


async def _active(
    picture: Picture, wanted: Wanted, filters: Filters
) -> tuple[list[str], str | None]:
    after = cursor(InLine, wanted.cursor)
    key = (after.priority, after.queue, after.place, after.job) if after else (None,) * 4
    found = await picture.all(JOBS["active"], *filters, *key, wanted.limit + 1)
    given = found[: wanted.limit]
    return [row["id"] for row in given], following_cursor(found, given, _in_line)


async def _finished(
    picture: Picture, wanted: Wanted, filters: Filters
) -> tuple[list[str], str | None]:
    after = cursor(Ended, wanted.cursor)
    key = (after.at, after.job) if after else (None, None)
    found = await picture.all(JOBS["finished"], *filters, *key, wanted.limit + 1)
    given = found[: wanted.limit]
    return [row["id"] for row in given], following_cursor(found, given, _ended)


def _in_line(row: Row) -> InLine:
    return InLine(row["priority"], row["queue"], row["place"], row["id"])


def _ended(row: Row) -> Ended:
    return Ended(row["finished_at"], row["id"])


def following_cursor(
    found: Sequence[Row], given: Sequence[Row], key: Callable[[Row], AnyCursor]
) -> str | None:
    """The cursor behind the last row given, if one more was found."""
    return cursors.write(key(given[-1])) if len(found) > len(given) else None


def cursor(kind: type[Cursor], text: str | None) -> Cursor | None:
    try:
        return cursors.read(kind, text) if text is not None else None
    except BadCursor as error:
        raise invalid("cursor", f"cursor: {error}") from error


def pattern(search: str | None) -> str | None:
    """What `like` finds the text with, whatever characters are in it."""
    if not search:
        return None
    escaped = searchable(search).replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"


async def _total(picture: Picture, wanted: Wanted, filters: Filters) -> int:
    if wanted.search:
        return int(await picture.value(JOBS["counted_by_search"], *filters, wanted.finished))
    return int(await picture.value(JOBS["counted"], *filters[:3], wanted.finished))


class Shown(Struct, frozen=True):
    """Rows of jobs; how they stand in line is for the scheduler to say."""

    rows: list[Row]

    def in_line(self) -> list[str]:
        return [row["id"] for row in self.rows if is_in_line(row)]

    def jobs(self, standing: Standing) -> list[Job]:
        now = datetime.now(UTC)
        return [
            showing.job(
                row,
                position=standing.positions.get(row["id"]),
                reason=standing.reason(row["id"], row["status"]),
                estimate=standing.estimates.get(row["id"]),
                limit=standing.limits.get(row["id"]),
                awaited=standing.awaited.get(row["id"], 0),
                now=now,
            )
            for row in self.rows
        ]


def is_in_line(row: Row) -> bool:
    """Whether it holds a place in its queue; one that backs off keeps its place."""
    return row["status"] in IN_LINE or (row["status"] == "failed" and row["retry_at"] is not None)


async def shown(picture: Picture, ids: list[str]) -> Shown:
    return Shown(await picture.all(JOBS["rows"], ids) if ids else [])


async def one(rows: Rows, asking: Asking, job: str, user: str | None) -> Job:
    """The job with this id or beginning of an id. Raises Refusal."""

    async def question(picture: Picture) -> tuple[Shown, Timing | None]:
        of_job = await find(picture, job, user)
        return await shown(picture, [of_job]), await timing.timing(picture, of_job)

    found, spent = await rows.read(question)
    jobs = found.jobs(await asking.standing(found.in_line()))
    return replace((await _for_user(rows, jobs, user))[0], timing=spent)


async def _for_user(rows: Rows, jobs: list[Job], user: str | None) -> list[Job]:
    if user is None:
        return jobs
    owners = await owners_of(rows, [job.reason for job in jobs])
    return [showing.unnamed(job, owners) for job in jobs]


async def why(rows: Rows, asking: Asking, job: str, user: str | None) -> Why:
    """All reasons why this job waits. Raises Refusal."""

    async def question(picture: Picture) -> str:
        return await find(picture, job, user)

    found = await rows.read(question)
    answer = await asking.reasons(found)
    if found not in answer.statuses:
        raise later("the scheduler does not know of this job yet: ask again in a moment")
    reasons = answer.reasons.get(found, [])
    if user is not None:
        owners = await owners_of(rows, reasons)
        reasons = [showing.unnamed_reason(reason, user, owners) for reason in reasons]
    position = answer.positions.get(found)
    status, expected = answer.statuses[found], answer.estimates.get(found)
    return Why(found, status, position, reasons, answer.sequence, expected)


async def owners_of(rows: Rows, reasons: Iterable[Reason | None]) -> dict[str, str]:
    """Whose the jobs are that hold others for these reasons."""
    holders = {reason.holder.id for reason in reasons if reason and reason.holder}
    if not holders:
        return {}

    async def question(picture: Picture) -> dict[str, str]:
        found = await picture.all(JOBS["owners"], list(holders))
        return {row["id"]: row["user_name"] for row in found}

    return await rows.read(question)


async def find(picture: Picture, job: str, user: str | None) -> str:
    """The id that begins so. Raises Refusal: 404 for none, 409 for more than one."""
    if not job or len(job) > ID_LENGTH or job.strip("0123456789abcdef"):
        raise no_job(job)
    found = await picture.all(JOBS["by_prefix"], job, f"{job}g", user)
    if not found:
        raise no_job(job)
    if len(found) > 1:
        detail = f"more than one job begins with {job!r}: write more of the id"
        raise Refusal(HTTPStatus.CONFLICT, detail, "job")
    return str(found[0]["id"])


def no_job(job: str) -> Refusal:
    return absent(f"there is no job {job[: 2 * ID_LENGTH]!r}: see the list of jobs", "job")
