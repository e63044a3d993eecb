"""What is asked of the historian, on `subjects.past`: what there was after some commit.

Answers carry the rows as the read side folds them; the gateway shows them as it shows today's.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from events.settings import Level
from projections import endpoint_rows, job_rows, queue_rows, task_rows
from services.scheduler.commands import Actor, Estimate, Limited, Reason, Rejected, Shown


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


Asked = Jobs | These | One | Queues | Endpoints | Tasks | SettingsOf | Wait | Moment


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


Found = Instant | JobsFound | QueuesFound | EndpointsFound | TasksFound | SettingsFound | WaitFound
Answer = Found | Rejected
