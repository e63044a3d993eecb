"""How fast work went: what finished transfers of each way amount to, and the finished tasks of each
compute job. A fold, part of the board.

A way is a pair with a direction: the up and the down of a line differ, and so do the disks that are
read and written. A job is measured when it is done, over all its runs together: what one that gave
way had of a half file is counted with the time that it took. Of a compute job its own tasks are
measured, and when it is done they stand for jobs like it. Of everything the newest are kept.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from events import jobs, tasks
from events.job import Job

KEPT_OF_A_WAY = 20
KEPT_OF_ALL = 50
KEPT_OF_A_JOB = 20
KEPT_OF_A_DONE_JOB = 5
SHORT_S = 1.0


class Measured(Struct, frozen=True, array_like=True):
    """A job's `size` bytes in so many `tasks` took `seconds` of running."""

    size: int
    tasks: int
    seconds: float


class Computed(Struct, frozen=True, array_like=True):
    """A compute job that is done: whose command it was, and the seconds its last tasks took."""

    command: str
    user: str
    queue: str
    took: list[float]


class Going(Struct):
    """A job under way: what its runs did; `began` is None while none is on.

    `heard` is when a run last began or something of it was done.
    """

    began: datetime | None = None
    heard: datetime | None = None
    seconds: float = 0.0
    size: int = 0
    tasks: int = 0

    def stop(self, at: datetime) -> None:
        if self.began is not None:
            self.seconds += (at - self.began).total_seconds()
            self.began = None


class Pace(Struct):
    """`ways` by `way_of`, oldest first; `everywhere` is the newest of all of them together.

    `frames` are, of each compute job under way, the seconds that a task took, oldest first;
    `computed` are the newest that are done.
    """

    ways: dict[str, list[Measured]] = {}
    everywhere: list[Measured] = []
    going: dict[str, Going] = {}
    frames: dict[str, list[float]] = {}
    computed: list[Computed] = []

    def apply(self, event: jobs.Event | tasks.Event, job: Job, at: datetime) -> None:
        """`job` is as it is after the event. Total: what has happened cannot be refused."""
        if job.computes:
            self._apply_to_frames(event, job)
            return
        match event:
            case jobs.Started():
                going = self.going.setdefault(job.id, Going())
                going.began = going.heard = at
            case tasks.Done(size=size, hashes=hashes) if job.id in self.going:
                going = self.going[job.id]
                going.size += size
                going.tasks += len(hashes)
                going.heard = at
            case jobs.Done():
                self._measure(job, at)
            case jobs.Aborted():
                self.going.pop(job.id, None)
            case jobs.ListingStarted(first=0) if not job.adding:
                self.going.pop(job.id, None)
            case _ if job.id in self.going and job.status is not jobs.Status.RUNNING:
                self.going[job.id].stop(at)
            case _:
                pass

    def _apply_to_frames(self, event: jobs.Event | tasks.Event, job: Job) -> None:
        """The tasks of a bucket share its time."""
        match event:
            case tasks.Done(took_ms=[took_ms, *_]):
                took = self.frames.setdefault(job.id, [])
                took.append(took_ms / 1000 / len(event.took_ms))
                del took[:-KEPT_OF_A_JOB]
            case jobs.Done() if job.id in self.frames:
                last = self.frames.pop(job.id)[-KEPT_OF_A_DONE_JOB:]
                self.computed.append(Computed(job.compute.command, job.user, job.queue, last))
                del self.computed[:-KEPT_OF_ALL]
            case jobs.Aborted():
                self.frames.pop(job.id, None)
            case _:
                pass

    def _measure(self, job: Job, at: datetime) -> None:
        going = self.going.pop(job.id, None)
        if going is None:
            return
        going.stop(at)
        if going.tasks and going.seconds > 0:
            measured = Measured(going.size, going.tasks, going.seconds)
            _keep(self.ways.setdefault(way_of(job), []), measured, KEPT_OF_A_WAY)
            _keep(self.everywhere, measured, KEPT_OF_ALL)


def way_of(job: Job) -> str:
    return f"{job.transfer.source.endpoint} {job.transfer.destination.endpoint}"


def back(way: str) -> str:
    """The same pair, the other way round."""
    source, _, destination = way.partition(" ")
    return f"{destination} {source}"


def _keep(kept: list[Measured], measured: Measured, kept_max: int) -> None:
    """What took less than a second says little of a line: it only fills what others leave."""
    kept.append(measured)
    if len(kept) > kept_max:
        short = (n for n, one in enumerate(kept) if one.seconds < SHORT_S)
        del kept[next(short, 0)]
