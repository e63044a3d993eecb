"""What happens to the tasks of a job, in bulk: one event names many tasks as ranges."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from events.base import Base
from events.jobs import ErrorClass

TASKS_PER_EVENT_MAX = 1000


class Status(IntEnum):
    """One byte a task on the board."""

    QUEUED = 0
    EXECUTING = 1
    DONE = 2
    FAILED = 3
    ONHOLD = 4
    EXCLUDED = 5
    BOOTING = 6


class Entry(Struct, frozen=True, omit_defaults=True):
    """A file, folder or symbolic link as the listing found it.

    `uri` is its escaped path below the root of the listing ("" is the root folder itself), `size`
    in bytes, `mode` the permission bits, `mtime_ns` since 1970, `target` a link's escaped target.
    `same_as` is another uri by which the listing found the same file: a hard link, to be made anew.
    `owner` and `group` are names, or numbers where the source has no name for them; "" where nobody
    asked for them.
    """

    uri: str
    kind: str = "file"
    size: int = 0
    mode: int = 0o644
    mtime_ns: int = 0
    target: str = ""
    same_as: str = ""
    owner: str = ""
    group: str = ""


class Found(Base, frozen=True, tag="task.found"):
    """The listing's next entries; they are the tasks `first`, `first + 1`, …"""

    job: str
    run: int
    first: int
    entries: list[Entry]


class Started(Base, frozen=True, tag="task.started"):
    """The agent took these tasks up; each starts another try."""

    job: str
    run: int
    numbers: str


class Measured(Struct, frozen=True, omit_defaults=True):
    """Where the time of a try went, and how many bytes did not have to come.

    `saved` bytes were kept from an earlier try or were the same already. The rest are milliseconds
    that threads of the receiver spent: waiting for bytes while the sender read and hashed, waiting
    for bytes otherwise, held back by a speed limit, writing and flushing, and hashing. Several
    threads may bring one file, so together these may be more than it took. What many small files
    cost together is shared out among them by size. `bytes` is what came for a try that failed.
    """

    saved: int = 0
    reading_ms: int = 0
    network_ms: int = 0
    limited_ms: int = 0
    writing_ms: int = 0
    verifying_ms: int = 0
    bytes: int = 0


class Version(Struct, frozen=True):
    """What file `number` was when it was sent."""

    number: int
    size: int
    mtime_ns: int


class Done(Base, frozen=True, tag="task.done"):
    """These tasks are verified, flushed and in place.

    The lists run along the sorted numbers: milliseconds from the start of the run to the start of
    the task, milliseconds it took, BLAKE3 of the content (64 hex characters, "" for a folder or a
    link). `size` is the sum of the bytes of content.

    So do the lists from `saved` on, each as in `Measured`; one that is left out is all zeros, or
    was not measured. `versions` are those of files that were another when they were sent than when
    they were listed.
    """

    job: str
    run: int
    numbers: str
    size: int
    started_ms: list[int]
    took_ms: list[int]
    hashes: list[str]
    saved: tuple[int, ...] = ()
    reading_ms: tuple[int, ...] = ()
    network_ms: tuple[int, ...] = ()
    limited_ms: tuple[int, ...] = ()
    writing_ms: tuple[int, ...] = ()
    verifying_ms: tuple[int, ...] = ()
    versions: tuple[Version, ...] = ()


class Failure(Struct, frozen=True, omit_defaults=True):
    number: int
    error_class: ErrorClass
    message: str
    measured: Measured | None = None


class Failed(Base, frozen=True, tag="task.failed"):
    job: str
    run: int
    failures: list[Failure]


class Queued(Base, frozen=True, tag="task.queued"):
    """A retry put these tasks back; `size` is the bytes of those among them that were done."""

    job: str
    numbers: str
    size: int = 0


# By hand. Each holds of `numbers` only the tasks that it changes.


class Held(Base, frozen=True, tag="task.held"):
    """Put on hold, for a retry by hand; `size` is the bytes of those that were done."""

    job: str
    numbers: str
    size: int = 0


class Excluded(Base, frozen=True, tag="task.excluded"):
    """Left out, kept for the record; `size` is the bytes of those that were done."""

    job: str
    numbers: str
    size: int = 0


class MarkedDone(Base, frozen=True, tag="task.marked_done"):
    """Somebody says that they are done; `size` is the bytes of those that were not."""

    job: str
    numbers: str
    size: int = 0


class MarkedFailed(Base, frozen=True, tag="task.marked_failed"):
    """Somebody says that they failed; `size` is the bytes of those that were done."""

    job: str
    numbers: str
    size: int = 0


# Of compute jobs.


class Ranged(Base, frozen=True, tag="task.ranged"):
    """`count` new tasks from number `first` on, one a frame of `frames` ("" for one without)."""

    job: str
    first: int
    frames: str
    count: int


class Dispatched(Base, frozen=True, tag="task.dispatched"):
    """A bucket, the tasks `numbers`, took a lane of `endpoint`, as run `run` of its job."""

    job: str
    run: int
    endpoint: str
    numbers: str


class Exited(Base, frozen=True, tag="task.exited"):
    """The process of a bucket ended and its lane is free; what became of the tasks is told apart.

    `exit_code` is negative for a signal, None when no process was started. `took_ms` is wall time,
    `cpu_ms` of all its processes; `peak_memory_bytes` of the largest of them.
    """

    job: str
    run: int
    exit_code: int | None = None
    took_ms: int = 0
    cpu_ms: int = 0
    peak_memory_bytes: int = 0


class Released(Base, frozen=True, tag="task.released"):
    """A bucket was stopped from outside: its lane is free, and `numbers`, what was left, is queued.

    `cause` is a word (by_hand, endpoint_offline, …), `holder` the id of what it came from.
    """

    job: str
    run: int
    numbers: str
    cause: str
    holder: str = ""


ByHand = Queued | Held | Excluded | MarkedDone | MarkedFailed
OfCompute = Ranged | Dispatched | Exited | Released
Event = Found | Started | Done | Failed | ByHand | OfCompute
