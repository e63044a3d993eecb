"""What people and agents say to the scheduler, and what it answers. Imperatives; pure values.

People's commands arrive in a `Request` on `subjects.command`, agents' reports in a `Report` on
`subjects.from_agent(…, "report")`. The answer is `Accepted` or `Rejected`, after the store.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from msgspec import Struct

from events.endpoints import Act
from events.rules import Rules
from events.settings import Level, Value
from events.work import Part, Party
from services.agent.commands import Choice
from services.scheduler.backwards import GiveBack as GiveBack
from services.scheduler.backwards import HoldBack as HoldBack
from services.scheduler.backwards import PutBack as PutBack
from services.scheduler.backwards import PutOn as PutOn
from services.scheduler.backwards import SetBack as SetBack
from services.scheduler.backwards import Step as Step
from services.scheduler.backwards import TakeOff as TakeOff
from services.scheduler.from_agents import AgentsReport as AgentsReport
from services.scheduler.from_agents import Beat as Beat
from services.scheduler.from_agents import BucketEnded as BucketEnded
from services.scheduler.from_agents import ChangeEnded as ChangeEnded
from services.scheduler.from_agents import GivenTask as GivenTask
from services.scheduler.from_agents import Holding as Holding
from services.scheduler.from_agents import ListingAwaits as ListingAwaits
from services.scheduler.from_agents import ListingEnded as ListingEnded
from services.scheduler.from_agents import ListingFound as ListingFound
from services.scheduler.from_agents import Removed as Removed
from services.scheduler.from_agents import Removing as Removing
from services.scheduler.from_agents import Report as Report
from services.scheduler.from_agents import RunEnded as RunEnded
from services.scheduler.from_agents import RunFailed as RunFailed
from services.scheduler.from_agents import TasksAsked as TasksAsked
from services.scheduler.from_agents import TasksDone as TasksDone
from services.scheduler.from_agents import TasksFailed as TasksFailed
from services.scheduler.from_agents import TasksGiven as TasksGiven
from services.scheduler.from_agents import TasksStarted as TasksStarted

JOBS_PER_COMMAND_MAX = 1_000
DEPENDENCIES_MAX = 100
NAME_MAX = 255


class Role(StrEnum):
    ADMIN = "admin"
    EMPLOYEE = "employee"
    USER = "user"


class Actor(Struct, frozen=True):
    name: str
    role: Role


class PartyNamed(Struct, frozen=True):
    """A party as a person names it: the endpoint by name, `path` None to mirror the source's."""

    endpoint: str
    volume: str
    path: str | None = None


class Command(Struct, frozen=True, tag_field="do", tag=str.lower):
    """Base of what a person can ask for."""


class Submit(Command, frozen=True):
    """`job` is the new job's id, made by the asker; `queue` a code, None for the default.

    It waits until the jobs of `depends_on` (ids) are done. `settings` are its own from the start.
    With `parts` (`events.work.Part`) only these of the source go, a folder that ends with a slash.
    """

    job: str
    source: PartyNamed
    destination: PartyNamed
    name: str | None = None
    queue: str | None = None
    paused: bool = False
    depends_on: list[str] = []
    settings: dict[str, Value] = {}
    parts: list[Part] = []


class SubmitCompute(Command, frozen=True):
    """A command to run for each of `frames` ("1001-1100,1200-1300x5", "" for once).

    The rest as in `events.work.Compute` and `Submit`; `bucket` and `limit_s` are the job's own
    `task_bucketsize` and `task_limit_s`. Without a queue it goes to the compute default.
    """

    job: str
    command: str
    frames: str = ""
    filters: list[str] = []
    environment: dict[str, str] = {}
    volume: str = ""
    path: str = ""
    name: str | None = None
    queue: str | None = None
    paused: bool = False
    depends_on: list[str] = []
    bucket: int | None = None
    limit_s: int | None = None
    settings: dict[str, Value] = {}


class Hand(Command, frozen=True):
    """Base of what is done to one job; `seen`: only if its version still is what was seen."""

    job: str
    seen: int | None = None


class Pause(Hand, frozen=True):
    pass


class Resume(Hand, frozen=True):
    pass


class Retry(Hand, frozen=True):
    pass


class Abort(Hand, frozen=True):
    pass


class Append(Hand, frozen=True):
    """Add to a job: `uris`, escaped paths below the source of a transfer, or `frames`.

    What it has already is tried again. A job that ended waits again, at the bottom of its queue.
    """

    uris: list[str] = []
    frames: str | None = None


class HandOnTasks(Hand, frozen=True, kw_only=True):
    """Change tasks of a job; `tasks` are numbers as ranges (`0-99,120`), `all`, or a status."""

    action: Literal["retry", "hold", "fail", "done", "exclude"]
    tasks: str


class Move(Command, frozen=True):
    """Move jobs together, keeping their order among themselves.

    `queue` is a code (None: each stays in its queue); at most one of `before`, `after` (a job id)
    and `to`. With a queue alone the jobs go to its bottom. `seen`: only if every job named there
    still has the version that was seen.
    """

    jobs: list[str]
    queue: str | None = None
    before: str | None = None
    after: str | None = None
    to: Literal["top", "bottom"] | None = None
    seen: dict[str, int] = {}


class CreateQueue(Command, frozen=True):
    """`queue` is the new queue's id, made by the asker."""

    queue: str
    code: str
    priority: int = 500
    description: str = ""
    metadata: dict[str, str] = {}
    default: bool = False
    compute_default: bool = False


class ChangeQueue(Command, frozen=True):
    """`queue` is a code or an id; what is None stays. A default passes on by naming the next."""

    queue: str
    code: str | None = None
    priority: int | None = None
    description: str | None = None
    metadata: dict[str, str] | None = None
    default: bool | None = None
    compute_default: bool | None = None


class PauseQueue(Command, frozen=True):
    """Hold all its jobs; running transfers give way."""

    queue: str


class ResumeQueue(Command, frozen=True):
    queue: str


class DeleteQueue(Command, frozen=True):
    """Its unfinished jobs go to the bottom of the default queue, in their order."""

    queue: str


class DisableEndpoint(Command, frozen=True):
    """Take an endpoint (name or id) out of use: transfers stop at once, commands finish."""

    endpoint: str


class EnableEndpoint(Command, frozen=True):
    endpoint: str


class Set(Command, frozen=True):
    """Settings of the workspace, a queue (code or id), a job (id), an endpoint (name or id), or
    a pair (two endpoints, `hq:stockholm`).

    `unset` takes a value away: the next level's holds again. `seen` is of a job, as in `Pause`.
    """

    level: Level
    which: str
    values: dict[str, Value] = {}
    unset: list[str] = []
    seen: int | None = None


class ChangeFiles(Command, frozen=True):
    """Change what lies on an endpoint, which is named; the rest as in `endpoints.FilesChanging`.

    `change` is its id, made by the asker. Accepted says that it is stored; its outcome is an event
    of the endpoint.
    """

    change: str
    act: Act
    endpoint: str
    volume: str
    path: str
    to: str = ""
    whole: bool = False


class Undo(Command, frozen=True):
    """Take back what a command did, if it is still so: all of `steps` or none."""

    undone: str
    steps: list[Step]


OfQueue = CreateQueue | ChangeQueue | PauseQueue | ResumeQueue | DeleteQueue
OfJob = Pause | Resume | Retry | Abort | Append | HandOnTasks
OfEndpoint = DisableEndpoint | EnableEndpoint | ChangeFiles
PersonsCommand = Submit | SubmitCompute | OfJob | Move | OfQueue | OfEndpoint | Set | Undo


class Request(Struct, frozen=True):
    """`id` names the command for ever: the same id again gets the first answer again."""

    id: str
    actor: Actor
    command: PersonsCommand


class Accepted(Struct, frozen=True, tag_field="answer", tag="accepted"):
    """Stored at `sequence` (what already held is accepted too); `jobs` are those it touched."""

    sequence: int
    jobs: list[str] = []


class Why(StrEnum):
    """What kind of refusal; the gateway turns it into a status code."""

    INVALID = "invalid"
    ABSENT = "absent"
    CONFLICT = "conflict"
    FORBIDDEN = "forbidden"
    STALE = "stale"
    CHANGED = "changed"


class Rejected(Struct, frozen=True, tag_field="answer", tag="rejected"):
    """A refusal is an answer: `detail` says what is wrong and what to do, `field` where."""

    why: Why
    detail: str
    field: str = ""


Answer = Accepted | Rejected


class Heard(Struct, frozen=True):
    """What run `run` of a job has moved by its newest tick, and how fast it does."""

    run: int
    bytes_done: int
    bytes_per_second: float


class ReasonsAsked(Struct, frozen=True, tag_field="ask", tag="reasons"):
    """On `subjects.ask`: why these jobs wait, and until when. Answered with `Reasons`.

    The scheduler hears no ticks: who asks says in `heard` what it heard of running jobs lately.
    """

    jobs: list[str]
    heard: dict[str, Heard] = {}


class SettingsAsked(Struct, frozen=True, tag_field="ask", tag="settings"):
    """On `subjects.ask`: what holds at a level. Answered with `Settings`, or `Rejected`."""

    level: Level
    which: str
    actor: Actor


class PreviewAsked(Struct, frozen=True, tag_field="ask", tag="preview"):
    """On `subjects.ask`: what would a transfer do? Answered with `Preview`, or `Rejected`."""

    command: Submit
    actor: Actor


class Preview(Struct, frozen=True, tag_field="answer", tag="preview"):
    """Where a transfer would go from and to, what of its source, and by which rules."""

    source: Party
    destination: Party
    parts: tuple[Part, ...]
    choice: Choice
    rules: Rules


class Shown(Struct, frozen=True):
    """A setting as it holds somewhere: `source` is the level that its value comes from.

    It is one of `choices`, a whole number from `low` to `high`, of `unit`, or a text as `written`.
    `together` is what holds of a text that adds up over the levels.
    """

    name: str
    value: Value
    source: str
    default: Value
    meaning: str
    choices: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    unit: str = ""
    written: str = ""
    together: str = ""


class Settings(Struct, frozen=True, tag_field="answer", tag="settings"):
    sequence: int
    settings: list[Shown]


class Holder(Struct, frozen=True):
    """What holds a job back: kind is job, queue, endpoint, volume, clock, filter (of the job, which
    no endpoint fits) or workspace (in which no endpoint allows commands); `name` for people.
    """

    kind: str
    id: str
    name: str


class Reason(Struct, frozen=True):
    """One reason why a job waits. `code` is a word of DESIGN §5, `release` what would end it."""

    code: str
    text: str
    holder: Holder | None
    since: str | None
    release: str


class Estimate(Struct, frozen=True):
    """When a job is expected to start and to end, by what was measured of others. Never past.

    Of each the likeliest time, and the earliest and the latest that the spread of what was
    measured makes likely. All None when nothing can be said; a running job has no start. `runs`
    counts the finished jobs that the rates are from, `basis` says which, or why nothing is said.
    """

    start_at: datetime | None = None
    start_earliest: datetime | None = None
    start_latest: datetime | None = None
    end_at: datetime | None = None
    end_earliest: datetime | None = None
    end_latest: datetime | None = None
    runs: int = 0
    basis: str = ""


class Limited(Struct, frozen=True):
    """How fast a running transfer may go: its share of the limit `by` somebody, in words `text`.

    The kind of `by` is job, queue, workspace, endpoint or pair; at `until` the clock changes its
    limit (None: it does not).
    """

    bytes_per_second: int
    text: str
    by: Holder
    until: datetime | None = None


class Reasons(Struct, frozen=True):
    """By job id, worst first. Jobs that do not wait are left out.

    `positions` are places in the queue from 1; jobs that are not in line are left out. `statuses`
    has all jobs that there are, `estimates` those that run, or could if none stood before them,
    `limits` those that run and are limited; `awaited` counts the files that change still, for which
    their listing waits.
    """

    sequence: int
    reasons: dict[str, list[Reason]]
    positions: dict[str, int] = {}
    statuses: dict[str, str] = {}
    estimates: dict[str, Estimate] = {}
    limits: dict[str, Limited] = {}
    awaited: dict[str, int] = {}
