"""A job's row: what the lists and a job's page show of it. Ids stay ids; labels are joined.

`project` is pure and total: an event that the row has already seen changes nothing, and no event
is refused. What a task event did to the counts comes in as a `Tally`, because only the rows of
the tasks know what they were before.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec.structs import replace

from events import jobs, parts, tasks
from events.codec import Recorded
from events.jobs import Status
from projections.job_row import NOTHING as NOTHING
from projections.job_row import Row as Row
from projections.job_row import Tally as Tally
from projections.job_row import searchable as searchable
from projections.seen import seen

EXECUTION_ENDED = (
    jobs.GaveWay
    | jobs.Interrupted
    | jobs.Paused
    | jobs.Aborted
    | jobs.Failed
    | jobs.Done
    | jobs.Appended
)


def project(row: Row | None, recorded: Recorded, tally: Tally = NOTHING) -> Row | None:
    """Move a job's row by one event about it; None until it is submitted."""
    event = recorded.event
    if row is None:
        return _submitted(event, recorded) if isinstance(event, jobs.Submitted) else None
    if seen(row, recorded):
        return row
    row = replace(row, sequence=recorded.sequence, index=recorded.index)
    if isinstance(event, tasks.Event):
        return _counted(row, event, tally)
    assert isinstance(event, jobs.Event), "events of other things do not reach a job's row"
    row = replace(row, version=recorded.sequence)
    after = _moved_on(row, event, recorded.at)
    if row.lanes and isinstance(event, EXECUTION_ENDED):
        after = replace(after, lanes={})
    if after.status == row.status:
        return after
    return replace(after, since=recorded.at, archived=False)


def _submitted(event: jobs.Submitted, recorded: Recorded) -> Row:
    """Of a compute job the parties are empty and the status is waiting: its frames are known."""
    match event.work:
        case jobs.Transfer(source=source, destination=destination) as work:
            source = replace(source, path=parts.shown(source.path, work.parts))
            sought = [f"{party.volume}/{party.path}" for party in (source, destination)]
        case jobs.Compute() as work:
            source = destination = jobs.Party("", "", "")
            sought = [work.command]
    computes = isinstance(work, jobs.Compute)
    return Row(
        id=event.job,
        kind="compute" if computes else "transfer",
        status=(Status.WAITING if computes else Status.INIT).value,
        listed=computes,
        compute=msgspec.to_builtins(work) if computes else None,
        depends_on=event.depends_on,
        name=event.name,
        user_name=event.user,
        queue=event.queue,
        place=event.place,
        source_endpoint=source.endpoint,
        source_volume=source.volume,
        source_path=source.path,
        destination_endpoint=destination.endpoint,
        destination_volume=destination.volume,
        destination_path=destination.path,
        search=searchable(event.name, *sought, event.user, event.job),
        created_at=recorded.at,
        since=recorded.at,
        sequence=recorded.sequence,
        index=recorded.index,
        version=recorded.sequence,
    )


def _counted(row: Row, event: tasks.Event, tally: Tally) -> Row:
    row = replace(
        row,
        tasks_done=row.tasks_done + tally.done,
        tasks_failed=row.tasks_failed + tally.failed,
        tasks_onhold=row.tasks_onhold + tally.onhold,
        tasks_excluded=row.tasks_excluded + tally.excluded,
        size=row.size + tally.size,
    )
    match event:
        case tasks.Found():
            return replace(row, tasks_total=row.tasks_total + tally.tasks)
        case tasks.Done(size=size) | tasks.MarkedDone(size=size):
            return replace(row, bytes_done=row.bytes_done + size)
        case (
            tasks.Queued(size=size)
            | tasks.Held(size=size)
            | tasks.Excluded(size=size)
            | tasks.MarkedFailed(size=size)
        ):
            return replace(row, bytes_done=row.bytes_done - size)
        case tasks.Ranged(count=count):
            return replace(row, tasks_total=row.tasks_total + count)
        case tasks.Dispatched(run=run, endpoint=endpoint):
            return replace(row, run=run, lanes={**row.lanes, str(run): endpoint})
        case tasks.Exited(run=run) | tasks.Released(run=run):
            left = {one: endpoint for one, endpoint in row.lanes.items() if one != str(run)}
            return replace(row, lanes=left)
        case tasks.Started() | tasks.Failed():
            return row


def _moved_on(row: Row, event: jobs.Event, at: datetime) -> Row:
    match event:
        case jobs.Submitted() | jobs.SettingsChanged() | jobs.Awaited() | jobs.Removing():
            return row
        case jobs.Removed(count=count, size=size):
            removed, size = row.removed + count, row.size_removed + size
            return replace(row, removed=removed, size_removed=size)
        case jobs.ListingStarted(first=first):
            return row if row.adding or first else _unlisted(row)
        case jobs.Opened():
            return replace(row, opened=True, status=Status.WAITING.value)
        case jobs.Listed():
            return _listed(row, event)
        case jobs.Started():
            return _running(row, event, at)
        case jobs.GaveWay() | jobs.Interrupted():
            return _back_in_queue(row)
        case jobs.Paused():
            row = replace(row, retry_at=None, finished_at=None)
            return replace(row, status=Status.PAUSED.value, executor=None)
        case jobs.Resumed(place=place):
            return _forgiven(replace(_back_in_queue(row), place=place))
        case jobs.Aborted():
            return _finished(row, Status.ABORTED, at)
        case jobs.Failed():
            return _failed(row, event, at)
        case jobs.Retried(place=None):
            return replace(_back_in_queue(row), retry_at=None, finished_at=None)
        case jobs.Retried(place=place, relist=relist):
            again = replace(row, listed=row.listed and not relist, place=place or row.place)
            return _forgiven(_back_in_queue(again))
        case jobs.Done():
            done = _finished(row, Status.DONE, at)
            return replace(done, error_class=None, error_message=None)
        case jobs.Moved(queue=queue, place=place):
            return replace(row, queue=queue, place=place)
        case jobs.Appended():
            return _appended(row, event)
        case jobs.Archived():
            return replace(row, archived=True)


def _appended(row: Row, event: jobs.Appended) -> Row:
    adding = row.listed or row.adding
    row = replace(row, adding=adding, listed=False, executor=None, retry_at=None)
    if row.status == Status.PAUSED.value:
        return row
    row = replace(_back_in_queue(row), place=event.place or row.place)
    return row if event.place is None else _forgiven(row)


def _listed(row: Row, event: jobs.Listed) -> Row:
    """It may run already, and what hands left out meanwhile counts in no size."""
    size, skipped = event.size, event.skipped
    if row.adding or row.opened:
        size, skipped = row.size, row.skipped + skipped
    row = replace(row, tasks_total=event.tasks, size=size, skipped=skipped, listed=True)
    status = Status.WAITING.value if row.status == Status.INIT.value else row.status
    return replace(row, status=status, opened=False, adding=False)


def _unlisted(row: Row) -> Row:
    """What an earlier listing found is void."""
    counts = ("total", "done", "failed", "onhold", "excluded")
    row = replace(row, **{f"tasks_{count}": 0 for count in counts})
    return replace(row, size=0, bytes_done=0, skipped=0, opened=False)


def _running(row: Row, started: jobs.Started, at: datetime) -> Row:
    return replace(
        row,
        status=Status.RUNNING.value,
        run=started.run,
        executor=started.endpoint,
        route=started.route if row.compute is None else None,
        relay=started.relay or None,
        tries=row.tries + 1,
        run_started_at=at,
        started_at=row.started_at or at,
    )


def _back_in_queue(row: Row) -> Row:
    status = Status.WAITING if row.listed or row.opened else Status.INIT
    return replace(row, status=status.value, executor=None)


def _forgiven(row: Row) -> Row:
    """A person sent it on its way again: it starts with a clean sheet."""
    return replace(
        row,
        failures=0,
        causes={},
        retry_at=None,
        finished_at=None,
        error_class=None,
        error_message=None,
    )


def _failed(row: Row, event: jobs.Failed, at: datetime) -> Row:
    cause = event.error_class.value
    return replace(
        row,
        status=Status.FAILED.value,
        executor=None,
        failures=row.failures + 1,
        causes={**row.causes, cause: row.causes.get(cause, 0) + 1},
        error_class=cause,
        error_message=event.message,
        retry_at=event.retry_at,
        finished_at=None if event.retry_at else at,
    )


def _finished(row: Row, status: Status, at: datetime) -> Row:
    return replace(row, status=status.value, executor=None, retry_at=None, finished_at=at)
