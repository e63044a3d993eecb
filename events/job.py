"""A job: what its events add up to."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from events import tasks
from events.jobs import (
    Aborted,
    Appended,
    Archived,
    Awaited,
    Done,
    ErrorClass,
    Event,
    Failed,
    GaveWay,
    Interrupted,
    Listed,
    ListingStarted,
    Moved,
    Opened,
    Paused,
    Removed,
    Removing,
    Resumed,
    Retried,
    SettingsChanged,
    Started,
    Status,
    Submitted,
)
from events.settings import Value, changed
from events.work import Compute, Transfer, Work


class Job(Struct, frozen=True, gc=False):
    """A job as its events left it. `run` is the number of its newest execution, of a compute job
    that of its newest bucket, and `listing_run` that of its newest listing: they are counted
    together.

    Before it is `listed`, a job may be `opened`: what was found is transferred while its source is
    listed further. `adding` are the paths that are still to be listed and added, `later` those that
    were named before the source was listed whole: they follow that listing. `route` and `relay` are
    those of its newest execution. `failures` are counted since a person last sent it on its way, in
    `causes` by class of failure; `cause` is the last one's.
    `version` is the commit of its last event: what a guarded command is compared with.
    """

    id: str = ""
    name: str = ""
    user: str = ""
    queue: str = ""
    place: str = ""
    work: Work | None = None
    depends_on: tuple[str, ...] = ()
    adding: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    status: Status = Status.INIT
    run: int = 0
    listing_run: int = 0
    listing: bool = False
    opened: bool = False
    listed: bool = False
    awaited: int = 0
    tasks: int = 0
    size: int = 0
    route: str = ""
    relay: str = ""
    failures: int = 0
    causes: dict[str, int] = {}
    cause: ErrorClass | None = None
    retry_at: datetime | None = None
    since: datetime | None = None
    settings: dict[str, Value] = {}
    version: int = 0
    archived: bool = False

    @property
    def transfer(self) -> Transfer:
        assert isinstance(self.work, Transfer), "asked only of a transfer"
        return self.work

    @property
    def compute(self) -> Compute:
        assert isinstance(self.work, Compute), "asked only of a compute job"
        return self.work

    @property
    def computes(self) -> bool:
        return isinstance(self.work, Compute)

    @property
    def next_run(self) -> int:
        return max(self.run, self.listing_run) + 1


def evolve(job: Job, event: Event, at: datetime) -> Job:
    """Move the state by one event. Total: what has happened cannot be refused."""
    after = _evolve(job, event)
    if after.status is job.status:
        return after
    return replace(after, since=at, archived=False)


def _evolve(job: Job, event: Event) -> Job:
    match event:
        case Submitted():
            return _submitted(event)
        case ListingStarted(run=run, first=first):
            return _listing(job, run, first)
        case Awaited(files=files):
            return replace(job, awaited=files)
        case Opened():
            return replace(job, opened=True, status=Status.WAITING)
        case Listed(tasks=tasks, size=size):
            return _listed(job, tasks, size)
        case Started(run=run) if job.computes:
            return replace(job, status=Status.RUNNING, run=run)
        case Started(run=run, route=route, relay=relay):
            return replace(job, status=Status.RUNNING, run=run, route=route, relay=relay)
        case GaveWay() | Interrupted(listing=False):
            return _back_in_queue(job)
        case Interrupted():
            return replace(_back_in_queue(job), listing=False)
        case Paused():
            return replace(job, status=Status.PAUSED, listing=False, retry_at=None)
        case Aborted():
            return replace(job, status=Status.ABORTED, listing=False, retry_at=None)
        case Resumed(place=place):
            return _forgiven(replace(_back_in_queue(job), place=place))
        case Failed():
            return _failed(job, event)
        case Retried(place=None):
            return replace(_back_in_queue(job), retry_at=None)
        case Retried(place=place, relist=relist):
            again = replace(job, listed=job.listed and not relist, place=place or job.place)
            return _forgiven(replace(_back_in_queue(again), retry_at=None))
        case Done():
            return replace(job, status=Status.DONE, retry_at=None)
        case Removing() | Removed():
            return job
        case SettingsChanged(values=values, unset=unset):
            return replace(job, settings=changed(job.settings, values, unset))
        case Moved(queue=queue, place=place):
            return replace(job, queue=queue, place=place)
        case Appended():
            return _appended(job, event)
        case Archived():
            return replace(job, archived=True)


def evolve_by_tasks(job: Job, event: tasks.Event) -> Job:
    """What an event about its tasks says of the job itself."""
    match event:
        case tasks.Ranged(count=count):
            return replace(job, tasks=job.tasks + count)
        case tasks.Dispatched(run=run):
            return replace(job, run=run)
        case _:
            return job


def _submitted(event: Submitted) -> Job:
    """A transfer is listed first; of a compute job the frames are known."""
    computes = isinstance(event.work, Compute)
    return Job(
        id=event.job,
        name=event.name,
        user=event.user,
        queue=event.queue,
        place=event.place,
        work=event.work,
        depends_on=event.depends_on,
        status=Status.WAITING if computes else Status.INIT,
        listed=computes,
    )


def _listing(job: Job, run: int, first: int) -> Job:
    """What an earlier listing found stays for what is added to it, or up to `first`."""
    job = replace(job, listing_run=run, listing=True, awaited=0)
    return job if job.adding or first else replace(job, opened=False, tasks=0, size=0)


def _listed(job: Job, tasks: int, size: int) -> Job:
    """It may run already."""
    job = replace(job, listing=False, opened=False, listed=True, adding=(), awaited=0)
    status = Status.WAITING if job.status is Status.INIT else job.status
    return replace(job, status=status, tasks=tasks, size=size)


def _appended(job: Job, event: Appended) -> Job:
    """What was never listed is listed whole first; a paused job stays so until it is resumed."""
    job = replace(job, retry_at=None)
    if job.listed or job.adding:
        adding = (*job.adding, *event.uris)
        job = replace(job, adding=adding, later=(), listed=False, listing=False)
    else:
        job = replace(job, later=(*job.later, *event.uris))
    if job.status is Status.PAUSED:
        return job
    job = replace(_back_in_queue(job), place=event.place or job.place)
    return job if event.place is None else _forgiven(job)


def _failed(job: Job, event: Failed) -> Job:
    cause = event.error_class
    return replace(
        job,
        status=Status.FAILED,
        listing=False,
        failures=job.failures + 1,
        causes={**job.causes, cause.value: job.causes.get(cause.value, 0) + 1},
        cause=cause,
        retry_at=event.retry_at,
    )


def _forgiven(job: Job) -> Job:
    """A person sent it on its way again: it starts with a clean sheet."""
    return replace(job, failures=0, causes={}, cause=None)


def _back_in_queue(job: Job) -> Job:
    return replace(job, status=Status.WAITING if job.listed or job.opened else Status.INIT)
