"""A try of a task that is over: its row, written when the task's own row goes on to something else.

The last try stands on the task's row (`run` there says of which run) until a retry, a hand or the
end of the run takes its place; so what goes well the first time costs no row here. Which endpoint
a run was on and what its process used is one row a run (run_rows.py).
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from events import jobs, tasks
from events.codec import Recorded
from events.tasks import Measured
from projections import task_rows
from projections.timing_rows import NOT_MEASURED

INTERRUPTED = "interrupted"


class Row(Struct, frozen=True):
    """The columns of `attempts`; `bytes` is None where nobody said how many there were."""

    job: str
    number: int
    attempt: int
    run: int
    outcome: str
    started_at: datetime | None = None
    took_ms: int | None = None
    bytes: int | None = None
    cause: str | None = None
    error_class: str | None = None
    error_message: str | None = None
    measured: Measured | None = None


class Cut(Struct, frozen=True):
    """Why a try under way ended: a word, and the failure of the run if it was one."""

    cause: str
    error_class: str | None = None
    error_message: str | None = None


def over(before: task_rows.Row, after: task_rows.Row, recorded: Recorded) -> Row | None:
    """The try that `before` shows and `after` does not any more, if there is one."""
    if before.run is None or (before.run, before.tries) == (after.run, after.tries):
        return None
    row = Row(before.job, before.number, before.tries, before.run, before.status)
    row = replace(row, started_at=before.started_at)
    if before.status == task_rows.EXECUTING:
        ended = cut(recorded)
        return replace(
            row,
            outcome=INTERRUPTED,
            took_ms=task_rows.elapsed_ms(before.started_at, recorded.at),
            cause=ended.cause,
            error_class=ended.error_class,
            error_message=ended.error_message,
        )
    return replace(
        row,
        took_ms=before.took_ms,
        bytes=bytes_moved(before),
        measured=before.measured,
        error_class=before.error_class,
        error_message=before.error_message,
    )


def bytes_moved(row: task_rows.Row) -> int | None:
    """What a try is known to have brought: of one that is done all that was not here yet."""
    measured = row.measured or NOT_MEASURED
    if row.status == task_rows.DONE and row.kind != task_rows.FRAME:
        return max(0, row.size - measured.saved)
    return measured.bytes or None


def cut(recorded: Recorded) -> Cut:
    """Why this event ended tries that were under way."""
    event = recorded.event
    match event:
        case jobs.Failed(error_class=error_class, message=message):
            return Cut("run_failed", error_class.value, message)
        case jobs.Interrupted(cause=cause) | tasks.Released(cause=cause):
            return Cut(cause)
        case tasks.Started():
            return Cut("started_again")
        case _ if isinstance(event, tasks.ByHand):
            return Cut("by_hand")
        case _:
            return Cut(str(event.__struct_config__.tag).partition(".")[2])
