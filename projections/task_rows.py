"""A task's row. One event names many tasks: `steps` takes it apart, `project` moves one row.

The end of a run returns every executing task of its job to the queue (`stopped`); who holds rows
outside memory does the same to them in bulk. A task started by a run that is over is never seen:
the scheduler refuses what such a run reports.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import zip_longest

from msgspec import Struct
from msgspec.structs import replace

from events import frames, ranges, tasks
from events.codec import Recorded
from events.jobs import ErrorClass
from events.tasks import Measured, Version
from projections import timing_rows
from projections.seen import seen

QUEUED, EXECUTING, DONE, FAILED = "queued", "executing", "done", "failed"
ONHOLD, EXCLUDED, BOOTING = "onhold", "excluded", "booting"
UNDER_WAY = (BOOTING, EXECUTING)
FRAME = "frame"
_MILLISECOND = timedelta(milliseconds=1)
LONGEST_RUN_MS = 10 * 365 * 86_400_000


class Row(Struct, frozen=True):
    """The columns of `tasks`; `run` is of the try that the row shows, None when it shows none.

    `mtime_ns` is that of a file, folder or link, since 1970.
    """

    job: str
    number: int
    uri: str
    kind: str
    size: int
    sequence: int
    index: int
    status: str = QUEUED
    tries: int = 0
    started_at: datetime | None = None
    took_ms: int | None = None
    error_class: str | None = None
    error_message: str | None = None
    hash: str | None = None
    run: int | None = None
    mtime_ns: int | None = None
    measured: Measured | None = None


class Finish(Struct, frozen=True):
    """`version` is told only where it is another than listed."""

    run: int
    started_ms: int
    took_ms: int
    hash: str
    measured: Measured | None = None
    version: Version | None = None


class Fail(Struct, frozen=True):
    """`run` is None for one that somebody set failed."""

    run: int | None
    error_class: ErrorClass
    message: str
    measured: Measured | None = None


class Start(Struct, frozen=True):
    run: int


class Queue(Struct, frozen=True):
    pass


class Frame(Struct, frozen=True):
    uri: str


class Put(Struct, frozen=True):
    """Into a status, whatever it was."""

    status: str


Step = tasks.Entry | Frame | Start | Finish | Fail | Queue | Put
_QUEUE = Queue()
_BOOT, _HOLD, _EXCLUDE, _DONE_BY_HAND = map(Put, (BOOTING, ONHOLD, EXCLUDED, DONE))
_FAILED_BY_HAND = Fail(None, ErrorClass.BY_HAND, "set failed by hand")


def spans(event: tasks.Event) -> list[tuple[int, int]]:
    """The (first, last) task numbers that an event touches."""
    match event:
        case tasks.Found(first=first, entries=entries):
            return [(first, first + len(entries) - 1)] if entries else []
        case tasks.Failed(failures=failures):
            return [(failure.number, failure.number) for failure in failures]
        case tasks.Ranged(first=first, count=count):
            return [(first, first + count - 1)] if count else []
        case tasks.Exited():
            return []
        case (
            tasks.Started()
            | tasks.Done()
            | tasks.Queued()
            | tasks.Held()
            | tasks.Excluded()
            | tasks.MarkedDone()
            | tasks.MarkedFailed()
            | tasks.Dispatched()
            | tasks.Released()
        ):
            return ranges.spans(event.numbers)


def steps(event: tasks.Event) -> Iterator[tuple[int, Step]]:
    """What an event does to each task that it names."""
    match event:
        case tasks.Found(first=first, entries=entries):
            yield from enumerate(entries, first)
        case tasks.Done():
            yield from _finishes(event)
        case tasks.Failed(run=run, failures=failures):
            for failure in failures:
                why = (failure.error_class, failure.message)
                yield failure.number, Fail(run, *why, failure.measured)
        case tasks.Ranged(first=first, frames=text):
            uris = map(str, frames.read(text)) if text else [""]
            yield from enumerate(map(Frame, uris), first)
        case tasks.Exited():
            return
        case (
            tasks.Started()
            | tasks.Queued()
            | tasks.Held()
            | tasks.Excluded()
            | tasks.MarkedDone()
            | tasks.MarkedFailed()
            | tasks.Dispatched()
            | tasks.Released()
        ):
            step = _same_step(event)
            yield from ((number, step) for number in ranges.read(event.numbers))


def _same_step(event: tasks.ByHand | tasks.Started | tasks.Dispatched | tasks.Released) -> Step:
    """What an event does to each of its numbers alike."""
    match event:
        case tasks.Started(run=run):
            return Start(run)
        case tasks.Queued() | tasks.Released():
            return _QUEUE
        case tasks.Dispatched():
            return _BOOT
        case tasks.Held():
            return _HOLD
        case tasks.Excluded():
            return _EXCLUDE
        case tasks.MarkedDone():
            return _DONE_BY_HAND
        case tasks.MarkedFailed():
            return _FAILED_BY_HAND


def by_hand(event: tasks.ByHand) -> Row:
    """What a hand leaves of any task: a row of which only the outcome counts."""
    put = _same_step(event)
    blank = Row(event.job, 0, "", "", 0, 0, 0)
    assert not isinstance(put, tasks.Entry | Frame | Start | Finish)
    nowhen = datetime.fromtimestamp(0, UTC)
    return _moved(blank, put, Recorded(0, 0, nowhen, "", "", event), nowhen)


def _finishes(event: tasks.Done) -> Iterator[tuple[int, Step]]:
    """A list that is too short leaves its last tasks without a time or a hash."""
    numbers = sorted(ranges.read(event.numbers))
    versions = {version.number: version for version in event.versions}
    measured = timing_rows.each(event, len(numbers))
    told = zip_longest(numbers, event.started_ms, event.took_ms, event.hashes, measured)
    for number, started_ms, took_ms, content_hash, of_task in told:
        if number is None:
            return
        finish = Finish(event.run, started_ms or 0, took_ms or 0, content_hash or "", of_task)
        version = versions.get(number)
        yield number, replace(finish, version=version) if version else finish


def project(
    row: Row | None, job: str, number: int, step: Step, recorded: Recorded, run_began: datetime
) -> Row | None:
    """Move a task's row by what one event does to it; None until the listing finds it."""
    if row is not None and seen(row, recorded):
        return row
    if isinstance(step, tasks.Entry | Frame):
        sequence, index = recorded.sequence, recorded.index
        tries = row.tries if row is not None else 0
        found = Row(job, number, step.uri, FRAME, 0, sequence, index, tries=tries)
        if isinstance(step, Frame):
            return found
        return replace(found, kind=step.kind, size=step.size, mtime_ns=step.mtime_ns)
    if row is None:
        return None
    return _moved(
        replace(row, sequence=recorded.sequence, index=recorded.index), step, recorded, run_began
    )


def _moved(
    row: Row, step: Start | Finish | Fail | Queue | Put, recorded: Recorded, run_began: datetime
) -> Row:
    match step:
        case Start(run):
            return _tried(row, run, EXECUTING, recorded.at)
        case Finish(run, started_ms, took_ms, content_hash, measured, version):
            if version is not None:
                row = replace(row, size=version.size, mtime_ns=version.mtime_ns)
            offset = timedelta(milliseconds=min(max(0, started_ms), LONGEST_RUN_MS))
            return replace(
                _settling(row, run),
                status=DONE,
                started_at=run_began + offset,
                took_ms=took_ms,
                hash=content_hash or None,
                measured=measured,
            )
        case Fail(run, error_class, message, measured):
            tried = _fresh(row) if run is None else _settling(row, run)
            return replace(
                tried,
                status=FAILED,
                took_ms=elapsed_ms(tried.started_at, recorded.at),
                error_class=error_class.value,
                error_message=message,
                measured=measured,
            )
        case Queue():
            return replace(_fresh(row), status=QUEUED)
        case Put(status):
            return replace(_fresh(row), status=status)


def _fresh(row: Row) -> Row:
    """Without the try before and its outcome."""
    return replace(
        row,
        started_at=None,
        took_ms=None,
        error_class=None,
        error_message=None,
        hash=None,
        run=None,
        measured=None,
    )


def _tried(row: Row, run: int, status: str, started_at: datetime | None) -> Row:
    """One more try."""
    return replace(
        row,
        status=status,
        tries=row.tries + 1,
        run=run,
        started_at=started_at,
        took_ms=None,
        error_class=None,
        error_message=None,
        hash=None,
        measured=None,
    )


def _settling(row: Row, run: int) -> Row:
    """The try under way; what settles without having been taken up was a try all the same."""
    return row if row.status == EXECUTING else _tried(row, run, EXECUTING, None)


def elapsed_ms(began: datetime | None, ended: datetime) -> int | None:
    """By the log's clock, which never runs backwards."""
    return None if began is None else (ended - began) // _MILLISECOND


def stopped(row: Row, recorded: Recorded) -> Row:
    """The run ended around it: a task under way is queued again, any other stays as it is."""
    if row.status not in UNDER_WAY or seen(row, recorded):
        return row
    row = replace(row, sequence=recorded.sequence, index=recorded.index)
    return replace(row, status=QUEUED, run=None)
