"""A run of a job: the endpoint that executed it, and what its process used if it was a command.

The tries of tasks name their run by its number; listings have no row.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from events import jobs, tasks
from events.codec import Recorded
from projections.seen import seen

Event = jobs.Started | tasks.Dispatched | tasks.Exited
Key = tuple[str, int]


class Row(Struct, frozen=True):
    """The columns of `runs`; the last ones are of a bucket's process, once it has ended."""

    job: str
    run: int
    endpoint: str
    started_at: datetime
    sequence: int
    index: int
    exit_code: int | None = None
    took_ms: int | None = None
    cpu_ms: int | None = None
    peak_memory_bytes: int | None = None


def project(row: Row | None, recorded: Recorded, event: Event) -> Row | None:
    """Move a run's row by one event; None until it begins."""
    if row is not None and seen(row, recorded):
        return row
    place = (recorded.sequence, recorded.index)
    match event:
        case jobs.Started() | tasks.Dispatched():
            return Row(event.job, event.run, event.endpoint, recorded.at, *place)
        case tasks.Exited():
            return row and _exited(row, event, place)


def _exited(row: Row, event: tasks.Exited, place: tuple[int, int]) -> Row:
    return replace(
        row,
        sequence=place[0],
        index=place[1],
        exit_code=event.exit_code,
        took_ms=event.took_ms,
        cpu_ms=event.cpu_ms,
        peak_memory_bytes=event.peak_memory_bytes,
    )
