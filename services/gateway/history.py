"""Reading what is in a job: its tasks, and the log of what happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

from services.gateway import showing
from services.gateway.cursors import Logged, Numbered
from services.gateway.jobs import cursor as cursor_at
from services.gateway.jobs import find, following_cursor
from services.gateway.problems import absent
from services.gateway.resources import LogPage, TaskPage
from services.gateway.rows import JOBS, QUEUES, WORKSPACE, Picture, Row, Rows

TaskStatus: TypeAlias = Literal[
    "queued", "booting", "executing", "done", "failed", "onhold", "excluded"
]


async def tasks(
    rows: Rows, job: str, user: str | None, status: str | None, limit: int, cursor: str | None
) -> TaskPage:
    after = cursor_at(Numbered, cursor)

    async def question(picture: Picture) -> TaskPage:
        found_job = await find(picture, job, user)
        totals = await picture.one(JOBS["totals_of_tasks"], found_job)
        assert totals is not None, "the job was found in the same picture"
        key = after.number if after else -1
        found = await picture.all(JOBS["tasks"], found_job, status, key, limit + 1)
        given = found[:limit]
        root = totals["source_path"].rstrip("/").rpartition("/")[2] or totals["source_volume"]
        root = root or totals["name"]
        following = following_cursor(found, given, lambda row: Numbered(row["number"]))
        return TaskPage(
            [showing.task(row, root) for row in given], _tasks_with(status, totals), following
        )

    return await rows.read(question)


def _tasks_with(status: str | None, totals: Row) -> int:
    if status is None:
        return int(totals["tasks_total"])
    others = [one for one in get_args(TaskStatus) if one != "queued"]
    counts = {one: totals[f"tasks_{one}"] for one in others}
    counts["queued"] = max(0, totals["tasks_total"] - sum(counts.values()))
    return int(counts[status])


async def log(
    rows: Rows, job: str, user: str | None, newest_first: bool, limit: int, cursor: str | None
) -> LogPage:
    after = cursor_at(Logged, cursor)

    async def question(picture: Picture) -> LogPage:
        found_job = await find(picture, job, user)
        query = JOBS["log_newest" if newest_first else "log_oldest"]
        return await log_page(picture, query, found_job, after, limit, user)

    return await rows.read(question)


async def of_endpoint(
    rows: Rows, name: str, newest_first: bool, limit: int, cursor: str | None
) -> LogPage:
    """The log of the endpoint with this id or name. Raises Refusal."""
    after = cursor_at(Logged, cursor)
    query = QUEUES["log_newest" if newest_first else "log_oldest"]

    async def question(picture: Picture) -> LogPage:
        found = None
        if "\0" not in name:
            found = await picture.value(WORKSPACE["endpoint_called"], name)
        if found is None:
            raise absent(
                f"there is no endpoint {name[:80]!r}: see the list of endpoints", "endpoint"
            )
        return await log_page(picture, query, f"endpoint/{found}", after, limit, user=None)

    return await rows.read(question)


async def log_page(
    picture: Picture, query: str, of: str, after: Logged | None, limit: int, user: str | None
) -> LogPage:
    """A page of the lines that a query finds `of` something."""
    key = (after.sequence, after.index) if after else (None, None)
    found = await picture.all(query, of, *key, limit + 1)
    given = found[:limit]
    names = await names_in(picture, given, user)
    following = following_cursor(found, given, lambda row: Logged(row["sequence"], row["index"]))
    return LogPage([showing.log_line(row, names) for row in given], following)


async def names_in(picture: Picture, lines: Sequence[Row], user: str | None) -> dict[str, str]:
    """What people call the queues, endpoints and jobs that these lines speak of."""
    named = await picture.all(WORKSPACE["names"])
    to = [job for row in lines if row["type"] == "job.gave_way" and (job := showing.gave_way(row))]
    if to:
        named = [*named, *await picture.all(JOBS["names"], to, user)]
    return {row["id"]: row["name"] for row in named}
