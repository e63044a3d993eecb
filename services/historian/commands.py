"""What is asked of the historian, on `subjects.past`: what there was after some commit.

Answers carry the rows as the read side folds them; the gateway shows them as it shows today's.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Raw, Struct

from events.settings import Level
from projections import endpoint_rows, job_rows, queue_rows, task_rows
from services.scheduler.commands import (
    Abort,
    Actor,
    ChangeQueue,
    Command,
    DeleteQueue,
    Estimate,
    HandOnTasks,
    Heard,
    Limited,
    Move,
    Pause,
    PauseQueue,
    Reason,
    Rejected,
    Resume,
    ResumeQueue,
    Retry,
    Set,
    Shown,
    Undo,
)

UNDO_OF = "undo of "
"""Begins the id of a command that takes back the one whose id follows. No key that a person chooses
has a space in it."""


class When(Struct, frozen=True):
    """A position in history: a commit, or the last one that was stored by `time`.

    With neither it is the newest.
    """

    sequence: int | None = None
    time: datetime | None = None


class Ask(Struct, frozen=True, tag_field="ask", tag=str.lower):
    """Base of what is asked; `user` only of their jobs, None of everybody's."""

    when: When
    user: str | None = None


class Jobs(Ask, frozen=True):
    """A list. `queue` is a code or an id; `after` is the sort key of the last job given before:
    (priority, queue, place, id) of active ones, (finished_at, id) of finished ones.
    """

    finished: bool = False
    queue: str | None = None
    status: str | None = None
    search: str | None = None
    limit: int = 100
    after_line: tuple[int, str, str, str] | None = None
    after_end: tuple[datetime, str] | None = None


class These(Ask, frozen=True):
    """Jobs by id; those that were not there are left out."""

    jobs: list[str] = []


class One(Ask, frozen=True):
    """The job whose id begins so, with all its reasons."""

    job: str = ""


class Queues(Ask, frozen=True):
    pass


class Endpoints(Ask, frozen=True):
    pass


class Tasks(Ask, frozen=True):
    """Tasks of a job from number `after`+1 on."""

    job: str = ""
    status: str | None = None
    after: int = -1
    limit: int = 100


class SettingsOf(Ask, frozen=True, kw_only=True):
    level: Level
    which: str
    actor: Actor


class Wait(Ask, frozen=True):
    """How a job spent its time, up to the instant."""

    job: str = ""


class Moment(Ask, frozen=True):
    """Which commit is it, and how far does history go?"""


class Offline(Command, frozen=True):
    """Of a what-if alone: the endpoint (a name or an id) is stopped; `when` as in `absences`."""

    endpoint: str
    when: str = ""


Change = (
    Move
    | Pause
    | Resume
    | Retry
    | Abort
    | HandOnTasks
    | ChangeQueue
    | PauseQueue
    | ResumeQueue
    | DeleteQueue
    | Set
    | Offline
)


class WhatIf(Ask, frozen=True, kw_only=True):
    """What would become of all jobs if `actor` changed something, in this order?

    `now` is the asker's clock, `heard` what ticks said of running jobs, both for who asks about the
    present. At most `limit` jobs are told of.
    """

    actor: Actor
    changes: list[Change]
    now: datetime
    heard: dict[str, Heard] = {}
    limit: int = 100


class Commands(Ask, frozen=True, kw_only=True):
    """What did `actor` command lately?"""

    actor: Actor
    limit: int = 20


class Undoing(Ask, frozen=True, kw_only=True):
    """What would take back the command of that id? `now` is the asker's clock."""

    command: str
    actor: Actor
    now: datetime


class Replay(Ask, frozen=True):
    """What changed from `when` to `until`, event by event; of one job or of all."""

    until: When = When()
    job: str | None = None
    limit: int = 200


class CheckAgain(Ask, frozen=True, tag="check"):
    """Whether this version's scheduler decides from `when` to `until` what is recorded."""

    until: When = When()


Asked = (
    Jobs
    | These
    | One
    | Queues
    | Endpoints
    | Tasks
    | SettingsOf
    | Wait
    | Moment
    | WhatIf
    | Commands
    | Undoing
    | Replay
    | CheckAgain
)


class Instant(Struct, frozen=True, tag_field="answer", tag="instant"):
    """The commit that was opened, when it was stored, and the newest that there is."""

    sequence: int
    at: datetime
    newest: int


class JobsFound(Struct, frozen=True, tag_field="answer", tag="jobs"):
    """`more` is whether others follow. By job: `reasons` (the worst first), `positions`,
    `estimates`, `limits`, `awaited`; `names` are those of queues and endpoints, by id.
    """

    instant: Instant
    rows: list[job_rows.Row]
    total: int
    more: bool
    names: dict[str, str]
    reasons: dict[str, list[Reason]] = {}
    positions: dict[str, int] = {}
    estimates: dict[str, Estimate] = {}
    limits: dict[str, Limited] = {}
    awaited: dict[str, int] = {}
    owners: dict[str, str] = {}
    priorities: dict[str, int] = {}


class QueuesFound(Struct, frozen=True, tag_field="answer", tag="queues"):
    """Highest priority first; how many jobs waited and ran in each, by id."""

    instant: Instant
    rows: list[queue_rows.Row]
    waiting: dict[str, int]
    running: dict[str, int]


class EndpointsFound(Struct, frozen=True, tag_field="answer", tag="endpoints"):
    instant: Instant
    rows: list[endpoint_rows.Row]
    running: dict[str, int]
    lanes: dict[str, int] = {}


class TasksFound(Struct, frozen=True, tag_field="answer", tag="tasks"):
    """`counts` by status, over all tasks of the job."""

    instant: Instant
    job: job_rows.Row
    rows: list[task_rows.Row]
    counts: dict[str, int]
    more: bool


class SettingsFound(Struct, frozen=True, tag_field="answer", tag="settings"):
    instant: Instant
    settings: list[Shown]


class Span(Struct, frozen=True):
    """A stretch of one status and one first reason, from the commit at `sequence` on."""

    sequence: int
    since: datetime
    until: datetime | None
    status: str
    reason: Reason | None


class WaitFound(Struct, frozen=True, tag_field="answer", tag="wait"):
    """`spans` in order; the last one has no end: it held at the instant."""

    instant: Instant
    job: job_rows.Row
    spans: list[Span]
    owners: dict[str, str] = {}


class Course(Struct, frozen=True):
    """What becomes of a job: when it first starts and when it is through (None: it never is, as far
    as was looked), its status then, and what keeps it from its end.
    """

    start_at: datetime | None
    end_at: datetime | None
    status: str
    why: Reason | None = None


class Forecast(Struct, frozen=True):
    """A job that is through at another time, or started at another; `later_s` is by how much later
    it ends, None where it does not end with and without the change. `basis` is by what its length
    is known.
    """

    job: str
    name: str
    queue: str
    before: Course
    after: Course
    later_s: float | None
    basis: str


class Unknown(Struct, frozen=True):
    """A job that never got through, for nobody knows how long it takes: why."""

    job: str
    name: str
    why: str


class Sum(Struct, frozen=True):
    """How many jobs, and by how many seconds together; those that end on one side only count."""

    jobs: int
    seconds: float


class WhatIfFound(Struct, frozen=True, tag_field="answer", tag="what_if"):
    """From `now` on, by the board at `instant`. `jobs` are those that differ, those that were named
    first, then the largest difference first; `total` counts them all. `unknown` is cut, too.
    `last_before` and `last_after` are when the last job is through. `notes` are for people.
    """

    instant: Instant
    now: datetime
    jobs: list[Forecast]
    total: int
    sooner: Sum
    later: Sum
    last_before: datetime | None
    last_after: datetime | None
    unknown: list[Unknown]
    unknown_total: int
    notes: list[str]
    owners: dict[str, str] = {}


class Commanded(Struct, frozen=True):
    """A command that was obeyed, by its id; `text` is what was decided. `can` it be undone by its
    kind, and was it `undone` already?
    """

    command: str
    sequence: int
    at: datetime
    text: str
    can: bool
    undone: bool


class CommandsFound(Struct, frozen=True, tag_field="answer", tag="commands"):
    """The newest first."""

    commands: list[Commanded]


class UndoFound(Struct, frozen=True, tag_field="answer", tag="undo"):
    """`undo` for the scheduler to decide, and in `does` what it would do, cut, as it looks now."""

    of: Commanded
    undo: Undo
    does: list[str]


class FieldChange(Struct, frozen=True):
    """A field of what an event is about, before and after it; null for what is not there."""

    field: str
    before: Raw
    after: Raw


class Step(Struct, frozen=True):
    """An event as a row of the job log has it, and what it changed."""

    sequence: int
    index: int
    job: str | None
    subject: str
    at: datetime
    actor: str
    cause: str
    type: str
    data: Raw
    changes: list[FieldChange]


class ReplayFound(Struct, frozen=True, tag_field="answer", tag="replay"):
    """`next` is the commit to go on from; None when the stretch is at its end."""

    instant: Instant
    steps: list[Step]
    names: dict[str, str]
    next: int | None


class Side(Struct, frozen=True):
    """A decision, or that there is none; then why the jobs of either decision wait."""

    step: Step | None
    reasons: dict[str, list[Reason]]


class CheckFound(Struct, frozen=True, tag_field="answer", tag="check"):
    """`events` were taken again, `decisions` of them were the scheduler's; the commits from `next`
    on are still to be checked. The first difference: what is `recorded`, what is `decided` now.
    """

    instant: Instant
    events: int
    decisions: int
    next: int | None
    recorded: Side | None = None
    decided: Side | None = None
    names: dict[str, str] = {}
    at: int = 0


Found = (
    Instant
    | JobsFound
    | QueuesFound
    | EndpointsFound
    | TasksFound
    | SettingsFound
    | WaitFound
    | WhatIfFound
    | CommandsFound
    | UndoFound
    | ReplayFound
    | CheckFound
)
Answer = Found | Rejected
