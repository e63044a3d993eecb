"""Reading the tries of a task: each with where, when, how much, and what became of it."""

from __future__ import annotations

import msgspec

from events.tasks import Measured
from projections.bottleneck import PARTS
from services.gateway.cursors import Numbered
from services.gateway.jobs import cursor as cursor_at
from services.gateway.jobs import find, following_cursor
from services.gateway.problems import absent
from services.gateway.resources import Attempt, AttemptPage
from services.gateway.rows import SQL, Picture, Row, Rows
from services.runtime.database import load_queries

QUERIES = load_queries(SQL / "attempts.sql")
NUMBER_MAX = 2**31 - 1


async def attempts(
    rows: Rows, job: str, number: int, user: str | None, limit: int, cursor: str | None
) -> AttemptPage:
    """A page of the tries of a task, the first one first. Raises Refusal."""
    after = cursor_at(Numbered, cursor)

    async def question(picture: Picture) -> AttemptPage:
        of_job = await find(picture, job, user)
        if number > NUMBER_MAX or not await picture.value(QUERIES["task_exists"], of_job, number):
            raise absent(f"the job has no task {number}: see its tasks", "number")
        behind = after.number if after else 0
        found = await picture.all(QUERIES["attempts"], of_job, number, behind, limit + 1)
        given = found[:limit]
        following = following_cursor(found, given, lambda row: Numbered(row["attempt"]))
        return AttemptPage([attempt(row) for row in given], following)

    return await rows.read(question)


def attempt(row: Row) -> Attempt:
    took_ms, moved = row["took_ms"], row["bytes"]
    told = row["measured"] and msgspec.json.decode(row["measured"], type=Measured)
    spent = {} if told is None else {one: getattr(told, f"{one}_ms") / 1000 for one in PARTS}
    return Attempt(
        attempt=row["attempt"],
        outcome=row["outcome"],
        cause=row["cause"],
        run=row["run"],
        endpoint=row["endpoint_name"] or row["endpoint"],
        started_at=row["started_at"],
        took_s=None if took_ms is None else took_ms / 1000,
        bytes=moved,
        bytes_per_second=moved * 1000 / took_ms if moved and took_ms else None,
        error_class=row["error_class"],
        error_message=row["error_message"],
        exit_code=row["exit_code"],
        peak_memory_bytes=row["peak_memory_bytes"],
        cpu_s=None if row["cpu_ms"] is None else row["cpu_ms"] / 1000,
        bytes_saved=told.saved if told else None,
        **{f"{one}_s": seconds for one, seconds in spent.items()},
    )
