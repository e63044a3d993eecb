"""The tasks of a job as they were: folded from what the log holds of that one job.

Which commits those are, the job log knows; so the read side has to be as far as the instant.
"""

from __future__ import annotations

from collections import Counter

from events import codec
from projections import task_rows
from projections.past import Past
from projections.tables import Tables
from services.historian.answers import find
from services.historian.archive import SQL
from services.historian.commands import Instant, Tasks, TasksFound
from services.runtime.database import Pool
from services.runtime.ports import Log, NoAnswer
from services.scheduler.commands import Rejected


async def tasks(
    asked: Tasks, past: Past, newest: int, log: Log, pool: Pool
) -> TasksFound | Rejected:
    """Raises NoAnswer."""
    at = Instant(past.sequence, past.board.at, newest)
    job = find(asked.job, asked.user, past)
    if isinstance(job, Rejected):
        return job
    rows = await _folded(job.id, at.sequence, log, pool)
    counts = Counter(row.status for row in rows.values())
    wanted = sorted(
        number
        for number, row in rows.items()
        if number > asked.after and asked.status in (None, row.status)
    )
    given = [rows[number] for number in wanted[: asked.limit]]
    return TasksFound(at, job, given, dict(counts), len(wanted) > asked.limit)


async def _folded(job: str, until: int, log: Log, pool: Pool) -> dict[int, task_rows.Row]:
    if (await pool.fetchval(SQL["rows_are_at"]) or 0) < until:
        raise NoAnswer("the job log is not as far as that yet")
    tables = Tables()
    for row in await pool.fetch(SQL["commits_of_job"], job, until):
        stored = await log.get(row["sequence"])
        for recorded in codec.decode(stored.payload):
            if getattr(recorded.event, "job", None) == job:
                tables.apply(recorded)
    return tables.tasks.get(job, {})
