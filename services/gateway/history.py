"""Reading what is in a job: its tasks."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from services.gateway import showing
from services.gateway.cursors import Numbered
from services.gateway.jobs import cursor as cursor_at
from services.gateway.jobs import find, following_cursor
from services.gateway.resources import TaskPage
from services.gateway.rows import JOBS, Picture, Row, Rows

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
