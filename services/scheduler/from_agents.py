"""What agents say to the scheduler, of themselves and of what they do. Pure values.

`Beat` and `Report` arrive on `subjects.from_agent(…, "beat")` and `(…, "report")`; others import
these words from `commands`.
"""

from __future__ import annotations

from msgspec import Struct

from events.endpoints import Dialled, Machine, Outcome, Volume
from events.jobs import ErrorClass
from events.tasks import Entry, Failure, Version
from services.agent.commands import Room


class Holding(Struct, frozen=True):
    """A run that the agent works at; `used`: so many bytes per second did it take in since the
    last beat, if it has a limit.
    """

    job: str
    run: int
    used: float = 0.0


class Beat(Struct, frozen=True):
    """Every two seconds: who I am and what I do. Answered with `agent.commands.Orders`.

    `session` is new at every start of the agent; `url` is where it serves bytes ("" if it cannot
    be reached) with the certificate of that `fingerprint`; `leaving` is the goodbye of an orderly
    stop; `machine` what commands may run on; `rooms` what is left of volumes that are online.
    `relays` is how many connections it would join for others, and `dialled` what it found when it
    tried its `Orders.peers`.
    """

    endpoint: str
    name: str
    session: str
    url: str
    volumes: list[Volume]
    holding: list[Holding] = []
    kind: str = "server"
    leaving: bool = False
    machine: Machine | None = None
    fingerprint: str = ""
    rooms: list[Room] = []
    relays: int = 0
    dialled: list[Dialled] = []


class ListingFound(Struct, frozen=True, tag_field="report", tag="listing_found"):
    """The next entries (1,000 at most); `first` is the number of the first.

    `more`: the listing goes on for a while, they may be transferred meanwhile.
    """

    job: str
    run: int
    first: int
    entries: list[Entry]
    more: bool = False


class ListingAwaits(Struct, frozen=True, tag_field="report", tag="listing_awaits"):
    """As `events.jobs.Awaited`."""

    job: str
    run: int
    files: int


class ListingEnded(Struct, frozen=True, tag_field="report", tag="listing_ended"):
    """`took_ms` is what it took the agent."""

    job: str
    run: int
    tasks: int
    skipped: int = 0
    took_ms: int = 0


class TasksStarted(Struct, frozen=True, tag_field="report", tag="tasks_started"):
    """`hands` is that of the `TasksGiven` that gave these tasks, here and in the next two."""

    job: str
    run: int
    numbers: str
    hands: int = 0


class TasksDone(Struct, frozen=True, tag_field="report", tag="tasks_done"):
    """As `events.tasks.Done`."""

    job: str
    run: int
    numbers: str
    size: int
    started_ms: list[int]
    took_ms: list[int]
    hashes: list[str]
    hands: int = 0
    saved: list[int] = []
    reading_ms: list[int] = []
    network_ms: list[int] = []
    limited_ms: list[int] = []
    writing_ms: list[int] = []
    verifying_ms: list[int] = []
    versions: list[Version] = []


class TasksFailed(Struct, frozen=True, tag_field="report", tag="tasks_failed"):
    job: str
    run: int
    failures: list[Failure]
    hands: int = 0


class Removing(Struct, frozen=True, tag_field="report", tag="removing"):
    """As `events.jobs.Removing`; answered before anything is deleted."""

    job: str
    run: int
    uris: list[str]
    size: int


class Removed(Struct, frozen=True, tag_field="report", tag="removed"):
    """As `events.jobs.Removed`."""

    job: str
    run: int
    count: int
    size: int


class RunEnded(Struct, frozen=True, tag_field="report", tag="run_ended"):
    """Every task given was reported on."""

    job: str
    run: int


class RunFailed(Struct, frozen=True, tag_field="report", tag="run_failed"):
    """The run (or listing) cannot go on as a whole: the reason, once, not once a task."""

    job: str
    run: int
    error_class: ErrorClass
    message: str


class BucketEnded(Struct, frozen=True, tag_field="report", tag="bucket_ended"):
    """The command of a bucket ended: all its tasks are done, or failed with `error_class`.

    The rest as in `events.tasks.Exited`. Before it a bucket reports TasksStarted, once.
    """

    job: str
    run: int
    exit_code: int | None = None
    took_ms: int = 0
    cpu_ms: int = 0
    peak_memory_bytes: int = 0
    error_class: ErrorClass | None = None
    message: str = ""


class ChangeEnded(Struct, frozen=True, tag_field="report", tag="change_ended"):
    """What became of the duty `Change`; as in `events.endpoints.FilesChanged`."""

    job: str
    run: int
    outcome: Outcome
    error_class: ErrorClass | None = None
    message: str = ""
    files: int = 0
    folders: int = 0
    links: int = 0
    size: int = 0


AgentsReport = (
    ListingFound
    | ListingAwaits
    | ListingEnded
    | TasksStarted
    | TasksDone
    | TasksFailed
    | Removing
    | Removed
    | RunEnded
    | RunFailed
    | BucketEnded
    | ChangeEnded
)


class Report(Struct, frozen=True):
    """`id` names the report: sent again after a lost answer, it gets the first answer again.

    A report of a run that is over, or of another process than the one that answers for the
    endpoint, is refused as STALE: the agent drops the run.
    """

    id: str
    endpoint: str
    session: str
    report: AgentsReport


class TasksAsked(Struct, frozen=True):
    """On `subjects.from_agent(…, "tasks")`: the next queued tasks of a run, from number `after`+1.

    With `every` all tasks of the job, whatever became of them. Answered with `TasksGiven`, or
    `Rejected` (STALE).
    """

    endpoint: str
    job: str
    run: int
    after: int = -1
    every: bool = False


class GivenTask(Struct, frozen=True):
    number: int
    entry: Entry


class TasksGiven(Struct, frozen=True, tag_field="answer", tag="tasks"):
    """At most 1,000 tasks, rising; empty when no queued task is left after `after`.

    `after` is where to go on asking from. While the source is being listed (`listing`) there may be
    more to come: the run is not to end. `hands` counts the changes by hand to tasks of the job:
    what a later one changes is not to be gone on with. `whole`: all that the source has is here,
    as far as it is wanted. `bucket`: so many are to be in hand at a time, so what is in hand
    is settled before more is asked for; 0 is no limit.
    """

    tasks: list[GivenTask]
    after: int
    hands: int = 0
    listing: bool = False
    whole: bool = False
    bucket: int = 0
