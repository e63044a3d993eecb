"""Where the time of a job's tries went, added up: a row a job, once anything of it was measured.

A listing that makes an earlier one void begins anew. What is added to a job adds to its row.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from events import jobs, tasks
from events.codec import Recorded
from events.tasks import Measured
from projections.seen import seen

Event = jobs.ListingStarted | jobs.Listed | tasks.Done | tasks.Failed
SUMS = ("saved", "reading_ms", "network_ms", "limited_ms", "writing_ms", "verifying_ms")
NOT_MEASURED = Measured()


class Row(Struct, frozen=True):
    """The columns of `timings`: milliseconds, but for `saved`, which is bytes."""

    job: str
    sequence: int
    index: int
    listing_ms: int = 0
    saved: int = 0
    reading_ms: int = 0
    network_ms: int = 0
    limited_ms: int = 0
    writing_ms: int = 0
    verifying_ms: int = 0


def project(row: Row | None, recorded: Recorded, event: Event, *, adding: bool) -> Row | None:
    """Move a job's row by one event; None while there is nothing to tell."""
    if row is not None and seen(row, recorded):
        return row
    place = {"sequence": recorded.sequence, "index": recorded.index}
    match event:
        case jobs.ListingStarted(first=first):
            return row if adding or first else row and Row(event.job, **place)
        case jobs.Listed(took_ms=more_ms) if more_ms > 0:
            row = row or Row(event.job, **place)
            return replace(row, **place, listing_ms=row.listing_ms + more_ms)
        case jobs.Listed():
            return row
        case tasks.Done() | tasks.Failed():
            return _added(row or Row(event.job, **place), event, place) if any_of(event) else row


def any_of(event: tasks.Done | tasks.Failed) -> bool:
    """Whether anything was measured."""
    if isinstance(event, tasks.Failed):
        return any(failure.measured for failure in event.failures)
    return any(getattr(event, name) for name in SUMS)


def _added(row: Row, event: tasks.Done | tasks.Failed, place: dict[str, int]) -> Row:
    if isinstance(event, tasks.Done):
        more = {name: sum(max(0, one) for one in getattr(event, name)) for name in SUMS}
    else:
        told = [failure.measured or NOT_MEASURED for failure in event.failures]
        more = {name: sum(max(0, getattr(one, name)) for one in told) for name in SUMS}
    return replace(row, **place, **{name: getattr(row, name) + more[name] for name in SUMS})


def each(event: tasks.Done, count: int) -> Iterator[Measured | None]:
    """What was measured of each of `count` tasks; None where that is nothing."""
    if not any_of(event):
        yield from [None] * count
        return
    lists = [getattr(event, name) for name in SUMS]
    for at in range(count):
        values = [max(0, one[at]) if at < len(one) else 0 for one in lists]
        yield Measured(*values) if any(values) else None
