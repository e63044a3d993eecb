"""What agents say, judged: events, `[]`, or a refusal as stale, upon which the agent drops the run.

A report counts if it comes from the process that answers for the endpoint now, for the run that
the job is in now. Everything later than that is somebody who did not hear that it is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from events import endpoints, jobs, ranges, tasks
from events.endpoints import Endpoint
from events.job import Job
from events.jobs import ErrorClass, Party, Status
from projections import timing_rows
from projections.board import Board
from projections.task_table import EXECUTING, QUEUED, TaskTable
from services.scheduler import changing, ending, executing, listing, rooms, steadiness
from services.scheduler.commands import (
    Beat,
    ListingAwaits,
    ListingEnded,
    ListingFound,
    Rejected,
    Removed,
    Removing,
    Report,
    RunEnded,
    RunFailed,
    TasksDone,
    TasksFailed,
    TasksStarted,
    Why,
)

Event = jobs.Event | tasks.Event | endpoints.Event
DIALLED_MAX = 100
ALONG = ("started_ms", "took_ms", "hashes", *timing_rows.SUMS)  # Lists along the numbers.


# Endpoints: who is there.


def beat(said: Beat, board: Board, now: datetime) -> Sequence[Event] | Rejected:
    """What a beat changes: mostly nothing."""
    known = board.endpoints.get(said.endpoint)
    events: list[Event] = []
    if known is None:
        owner = board.endpoint_by_name(said.name)
        if owner is not None:
            detail = (
                f"the name {said.name} belongs to endpoint {owner.id}: choose another --name, or "
                "start the agent with the data directory of the first"
            )
            return Rejected(Why.CONFLICT, detail, "name")
        known = Endpoint(said.endpoint, said.name, said.kind)
        events.append(endpoints.Enrolled(said.endpoint, said.name, said.kind))
    if said.leaving:
        return [*events, *_left(known, "stopped", board)] if known.session == said.session else []
    room = list(rooms.judged(said, known, board))
    if not known.online or known.session != said.session:
        came = endpoints.CameOnline(
            said.endpoint,
            said.session,
            said.url,
            said.volumes,
            said.machine,
            said.fingerprint,
            said.relays,
        )
        interrupted = _interrupted(known, "endpoint_restarted", board)
        unknown = changing.unknown(known, "its agent was started anew meanwhile")
        unsteady = steadiness.came_back(known, said.volumes, board, now)
        return [*events, *interrupted, *unknown, came, *unsteady, *room]
    found = _found(said, known, board)
    if found:
        events.append(endpoints.ReachChanged(said.endpoint, found))
    if tuple(said.volumes) != known.volumes:
        changed = endpoints.VolumesChanged(said.endpoint, said.volumes)
        unsteady = steadiness.mounted(known, said.volumes, board, now)
        lost = _volumes_lost(known, said, room, board)
        return [*events, changed, *room, *lost, *unsteady]
    return [*events, *room, *_volumes_lost(known, said, room, board)] if room else events


def _found(said: Beat, known: Endpoint, board: Board) -> list[endpoints.Dialled]:
    """What it found of others that is news."""
    told = [one for one in said.dialled[:DIALLED_MAX] if one.endpoint in board.endpoints]
    return [one for one in told if known.reach.get(one.endpoint) != one]


def silent(endpoint: str, board: Board) -> Sequence[Event]:
    """No beat for the grace time."""
    return _left(board.endpoints[endpoint], "silent", board)


def _left(endpoint: Endpoint, cause: str, board: Board) -> list[Event]:
    if not endpoint.online:
        return []
    went = endpoints.WentOffline(endpoint.id, cause)
    unknown = changing.unknown(endpoint, "its agent went away meanwhile")
    return [went, *unknown, *_interrupted(endpoint, "endpoint_offline", board)]


def _interrupted(endpoint: Endpoint, cause: str, board: Board) -> Iterator[Event]:
    yield from interrupted(endpoint, cause, board)
    yield from executing.released(board.lanes.taken(endpoint.id), cause, endpoint.id, board)


def interrupted(endpoint: Endpoint, cause: str, board: Board) -> Iterator[jobs.Interrupted]:
    """The transfers and listings in which it takes part are stopped."""
    for job in board.active(endpoint.id):
        of_source = job.transfer.source.endpoint == endpoint.id
        yield _interrupted_run(job, cause, endpoint.id, of_source=of_source)


def _volumes_lost(
    before: Endpoint, said: Beat, room: Sequence[rooms.Event], board: Board
) -> Iterator[Event]:
    """Who stands on a volume that went, or brings files to one that is full now."""
    online = {volume.code for volume in said.volumes if volume.online}
    lost = {volume.code for volume in before.volumes} - online
    full = {one.volume for one in room if isinstance(one, endpoints.VolumeFilled)}
    for job in board.active(before.id):
        to = job.transfer.destination
        of_source = _is_on(job.transfer.source, before.id, lost)
        runs = job.status is Status.RUNNING
        if of_source or (runs and _is_on(to, before.id, lost)):
            yield _interrupted_run(job, "volume_offline", before.id, of_source=of_source)
        elif runs and _is_on(to, before.id, full):
            yield _interrupted_run(job, "volume_full", before.id, of_source=False)
    buckets = executing.on_volumes(before.id, lost, board)
    yield from executing.released(buckets, "volume_offline", before.id, board)


def _is_on(party: Party, endpoint: str, volumes: set[str]) -> bool:
    return party.endpoint == endpoint and party.volume in volumes


def _interrupted_run(job: Job, cause: str, holder: str, *, of_source: bool) -> jobs.Interrupted:
    """A listing beside the run goes on unless it is the source that went away."""
    run = job.run if job.status is Status.RUNNING else job.listing_run
    return jobs.Interrupted(job.id, run, cause, holder, listing=of_source)


# Runs: what became of them.


def report(said: Report, board: Board, now: datetime) -> Sequence[Event] | Rejected:
    job = board.jobs.get(said.report.job)
    endpoint = board.endpoints.get(said.endpoint)
    if endpoint is None or endpoint.session != said.session:
        return _stale("this process does not answer for the endpoint any more")
    asked = endpoint.changing.get(said.report.job)
    if asked is not None and (changed := changing.reported(said.report, asked)):
        return [changed]
    if job is None:
        return _stale("nothing is known of it")
    if job.computes:
        return executing.report(said.report, job, endpoint.id, board, now)
    duty = (said.endpoint, said.report.run)
    match said.report:
        case ListingAwaits(files=files) if duty == _lister(job):
            awaited = jobs.Awaited(job.id, job.listing_run, files)
            return [awaited] if files != job.awaited else []
        case ListingFound() | ListingEnded() as found if duty == _lister(job):
            return listing.judge(found, job, board)
        case RunFailed() as broke if duty in (_lister(job), _receiver(job)):
            failed = ending.failed(job, broke.error_class, broke.message, now, board)
            return [replace(failed, run=broke.run)]
        case TasksStarted() | TasksDone() | TasksFailed() | RunEnded() as of_run if (
            duty == _receiver(job)
        ):
            return _run(of_run, job, board, now)
        case Removing(uris=uris, size=size) if duty == _receiver(job):
            return [jobs.Removing(job.id, job.run, tuple(uris), size)]
        case Removed(count=count, size=size) if duty == _receiver(job):
            return [jobs.Removed(job.id, job.run, count, size)]
    return _stale(f"{job.id} is not at that in run {said.report.run}")


def _lister(job: Job) -> tuple[str, int] | None:
    """Who lists the source, and in which run."""
    return (job.transfer.source.endpoint, job.listing_run) if job.listing else None


def _receiver(job: Job) -> tuple[str, int] | None:
    """Who brings the tasks, and in which run."""
    runs = job.status is Status.RUNNING
    return (job.transfer.destination.endpoint, job.run) if runs else None


def _stale(detail: str) -> Rejected:
    return Rejected(Why.STALE, f"{detail}: drop it")


def _run(
    said: TasksStarted | TasksDone | TasksFailed | RunEnded, job: Job, board: Board, now: datetime
) -> Sequence[Event] | Rejected:
    table = board.tables[job.id]
    if isinstance(said, RunEnded):
        return _run_ended(job, board, now)
    overruled = table.overruled(_numbers(said), said.hands)
    if overruled:
        said = _without(said, overruled, table)
    if not table.are(_numbers(said), [QUEUED, EXECUTING]):
        return _stale("a task among them is settled")
    if not _numbers(said):
        return []
    match said:
        case TasksStarted(numbers=numbers):
            return [tasks.Started(job.id, job.run, numbers)]
        case TasksDone():
            return [_done(said, job)]
        case TasksFailed(failures=failures):
            return [tasks.Failed(job.id, job.run, failures)]


def _done(said: TasksDone, job: Job) -> tasks.Done:
    """Without lists in which nothing stands."""
    told = {name: tuple(getattr(said, name)) for name in timing_rows.SUMS}
    known = set(ranges.read(said.numbers)) if said.versions else ()
    return tasks.Done(
        job.id,
        job.run,
        said.numbers,
        said.size,
        said.started_ms,
        said.took_ms,
        said.hashes,
        versions=tuple(one for one in said.versions if one.number in known),
        **{name: values for name, values in told.items() if any(values)},
    )


def _numbers(said: TasksStarted | TasksDone | TasksFailed) -> str:
    if isinstance(said, TasksFailed):
        return ranges.write(one.number for one in said.failures)
    return said.numbers


def _without(
    said: TasksStarted | TasksDone | TasksFailed, overruled: set[int], table: TaskTable
) -> TasksStarted | TasksDone | TasksFailed:
    """What is said of the tasks that no hand has changed since they were given."""
    match said:
        case TasksStarted(numbers=numbers):
            left = ranges.write(n for n in ranges.read(numbers) if n not in overruled)
            return replace(said, numbers=left)
        case TasksFailed(failures=failures):
            return replace(said, failures=[one for one in failures if one.number not in overruled])
        case TasksDone(numbers=numbers):
            listed = sorted(ranges.read(numbers))
            kept = [at for at, number in enumerate(listed) if number not in overruled]
            left = ranges.write(listed[at] for at in kept)
            return replace(
                said,
                numbers=left,
                size=table.size_of(left, map(int, tasks.Status)),
                **{name: _some(getattr(said, name), kept) for name in ALONG},
            )


def _some(values: list[Any], kept: list[int]) -> list[Any]:
    return [values[at] for at in kept] if values else []


def _run_ended(job: Job, board: Board, now: datetime) -> Sequence[Event] | Rejected:
    table = board.tables[job.id]
    if not job.listed:
        detail = f"the source of {job.id} is still being listed: ask for tasks again"
        return Rejected(Why.CONFLICT, detail)
    if not table.count(QUEUED) and not table.count(EXECUTING):
        return [ending.ended(job, board, now)]
    if table.touches:
        return [jobs.Interrupted(job.id, job.run, "tasks_queued", "")]
    message = "the agent ended the run with tasks left"
    return [ending.failed(job, ErrorClass.INTERNAL, message, now, board)]
