"""What happens to a job. What it adds up to is in events/job.py; tasks have their own file."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from events.base import Base
from events.settings import Value
from events.work import Compute as Compute
from events.work import Part as Part
from events.work import Party as Party
from events.work import Transfer as Transfer
from events.work import Work as Work


class Status(StrEnum):
    INIT = "init"
    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"
    ABORTED = "aborted"
    DONE = "done"


FINISHED = frozenset({Status.ABORTED, Status.DONE})


class ErrorClass(StrEnum):
    """Why a try failed; PERMISSION, INTERNAL and BY_HAND are not retried by themselves.

    The board stores a class by its place here: a new one goes to the end.
    """

    MISSING = "missing"
    PERMISSION = "permission"
    SPACE = "space"
    NETWORK = "network"
    VOLUME = "volume"
    CHANGED = "changed"
    COMMAND = "command"
    INTERNAL = "internal"
    BY_HAND = "by_hand"


class Submitted(Base, frozen=True, tag="job.submitted"):
    """Somebody asked for a job and a queue took it at `place`.

    It waits until the jobs of `depends_on` are done.
    """

    job: str
    name: str
    user: str
    queue: str
    place: str
    work: Work
    depends_on: tuple[str, ...] = ()


class ListingStarted(Base, frozen=True, tag="job.listing_started"):
    """The source's agent was told to list and measure.

    What an earlier listing found is void, but for the tasks before number `first`: those stay.
    """

    job: str
    run: int
    first: int = 0


class Opened(Base, frozen=True, tag="job.opened"):
    """The source is being listed, and what was found may be transferred meanwhile: it waits for its
    turn.
    """

    job: str
    run: int


class Listed(Base, frozen=True, tag="job.listed"):
    """The source is listed: `tasks` of `size` bytes; `skipped` devices, pipes and sockets.

    `took_ms` is what the agent spent on it (0: not measured).
    """

    job: str
    run: int
    tasks: int
    size: int
    skipped: int = 0
    took_ms: int = 0


class Awaited(Base, frozen=True, tag="job.awaited"):
    """The listing holds back `files` that change still (`transfer_stable_s`); 0: none any more."""

    job: str
    run: int
    files: int


class Started(Base, frozen=True, tag="job.started"):
    """Run `run` began; `endpoint` executes it.

    The bytes of a transfer come on this `route`: the receiver dials its sender (pull) or is dialled
    by it (push), both dial the endpoint `relay` (relay), or they are one endpoint (local).
    """

    job: str
    run: int
    endpoint: str
    route: str = "pull"
    relay: str = ""


class GaveWay(Base, frozen=True, tag="job.gave_way"):
    """The run stopped for `to`, which stands above; it keeps its place and its bytes."""

    job: str
    run: int
    to: str


class Interrupted(Base, frozen=True, tag="job.interrupted"):
    """The run ended from outside: `cause` is a word, `holder` the endpoint that went.

    A listing that is under way ends with it, or else goes on beside.
    """

    job: str
    run: int
    cause: str
    holder: str
    listing: bool = True


class Paused(Base, frozen=True, tag="job.paused"):
    job: str


class Resumed(Base, frozen=True, tag="job.resumed"):
    """Back into its queue at `place`, the bottom."""

    job: str
    place: str


class Aborted(Base, frozen=True, tag="job.aborted"):
    job: str


class Failed(Base, frozen=True, tag="job.failed"):
    """Nothing is left to run and something failed; `retry_at` is set while tries are left."""

    job: str
    run: int
    error_class: ErrorClass
    message: str
    retry_at: datetime | None = None


class Retried(Base, frozen=True, tag="job.retried"):
    """It is tried again: its failed tasks, or with `relist` all of it, as the source is now.

    By the clock it keeps its place (`place` is None).
    """

    job: str
    place: str | None = None
    relist: bool = False


class Done(Base, frozen=True, tag="job.done"):
    job: str
    run: int


class Removing(Base, frozen=True, tag="job.removing"):
    """Of a one-way sync: these are in folders of the destination and not in the source, `size`
    bytes of files. They are about to be deleted; a run that ends here may have deleted some.
    """

    job: str
    run: int
    uris: tuple[str, ...]
    size: int


class Removed(Base, frozen=True, tag="job.removed"):
    """Of those of the event before, `count` of `size` bytes were deleted."""

    job: str
    run: int
    count: int
    size: int


class SettingsChanged(Base, frozen=True, tag="job.settings_changed"):
    job: str
    values: dict[str, Value]
    unset: tuple[str, ...] = ()


class Appended(Base, frozen=True, tag="job.appended"):
    """More is to be transferred: `uris`, paths below the source, are listed (again) and added.

    A run of it ends. What is being listed whole is listed to its end before. A finished job goes to
    the bottom of its queue, at `place`.
    """

    job: str
    uris: tuple[str, ...]
    place: str | None = None


class Archived(Base, frozen=True, tag="job.archived"):
    """It ended `finished_keep_days` ago and leaves the lists; all of it stays in history."""

    job: str


class Moved(Base, frozen=True, tag="job.moved"):
    job: str
    queue: str
    place: str


Event = (
    Submitted
    | ListingStarted
    | Opened
    | Listed
    | Awaited
    | Started
    | GaveWay
    | Interrupted
    | Paused
    | Resumed
    | Aborted
    | Failed
    | Retried
    | Done
    | Removing
    | Removed
    | Moved
    | SettingsChanged
    | Appended
    | Archived
)
