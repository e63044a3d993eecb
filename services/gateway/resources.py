"""What the API shows: one struct a resource; what it takes is in bodies.py. The OpenAPI document
and the page's types are made from these; field names are the product's words and stay.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from events.settings import Value
from services.gateway.endpoint_resources import Disabling, Machine
from services.scheduler.commands import Estimate, Limited, Reason


class Computing(Struct, frozen=True):
    """What a compute job runs: as in `SubmitCompute`; `lanes` are names of the endpoints that its
    buckets run on now, one a bucket.
    """

    command: str
    range: str
    filters: list[str]
    environment: dict[str, str]
    cwd: str
    lanes: list[str]


class Timing(Struct, frozen=True):
    """Where the time of a transfer's tries went, in seconds, as far as it was measured.

    `listing_s` is the time of its listings. The others are added up over the threads of the
    receiver, so together they may be more than the time that passed: waiting for bytes while the
    sender read and hashed them (`reading`), waiting otherwise (`network`), held back by a speed
    limit (`limited`), writing and flushing, and hashing at the destination (`verifying`).
    `bottleneck` is the part with the most, or `listing` where that took longer than all that came
    after it, `share` 0..1 its part of them, `text` a sentence; all three null where too little was
    measured. `bytes_saved` did not have to come.
    """

    listing_s: float
    reading_s: float
    network_s: float
    limited_s: float
    writing_s: float
    verifying_s: float
    bytes_saved: int
    bottleneck: str | None
    share: float | None
    text: str | None


class Job(Struct, frozen=True):
    """A job as a list shows it.

    `queue` is the queue's code, `position` its place in it from 1 (None when it is not in line, and
    as `reason` while no scheduler answers), `progress` 0..1, sizes in bytes, `eta_s` the estimated
    seconds left (None when unknown), `source` and `destination` as `endpoint:volume/path`,
    `sequence` the log's sequence number of the last event of this job. `place` sorts the job in its
    queue, as text: a list that is kept live needs it, because a move changes the position of rows
    that have no event of their own. `version` is the sequence of the last event of the job itself;
    what its tasks do leaves it: it is what `If-Match` compares. `failures` counts the failures
    since a person last sent it on its way, by class: `{"network": 2}`. `estimate` says when it is
    expected to start and end, each with an interval; null for a job that is over, is listed or is
    kept by something else than those before it, and while no scheduler answers. `limit` is how fast
    a running transfer may go and who says so; null where nobody does. `route` is how the bytes of
    its newest run go: the receiver dials (pull), the sender does (push), both dial the endpoint
    `relay` (relay), or they are one (local); null before it ran. A compute job has no parties
    (null) but `compute`; `depends_on` are ids of the jobs that it waits for. An `archived` one
    ended `finished_keep_days` ago and is in no list. `timing` is told where one job is asked for,
    not in lists. `awaited` counts files that change still and are waited for (`transfer_stable_s`).
    Before it is `listed` whole, `size`, `tasks_total` and `progress` are of what was found so far,
    and grow. `removed` things of `size_removed` bytes were deleted at the destination, for the
    source does not have them (`transfer_mode`).
    """

    id: str
    name: str
    kind: str
    status: str
    reason: Reason | None
    queue: str
    position: int | None
    progress: float
    size: int
    bytes_done: int
    bytes_per_second: float
    eta_s: float | None
    tasks_total: int
    tasks_done: int
    tasks_failed: int
    source: str | None
    destination: str | None
    user: str
    error_class: str | None
    error_message: str | None
    tries: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    retry_at: datetime | None
    sequence: int
    place: str = ""
    version: int = 0
    failures: dict[str, int] = {}
    estimate: Estimate | None = None
    tasks_onhold: int = 0
    tasks_excluded: int = 0
    limit: Limited | None = None
    compute: Computing | None = None
    depends_on: list[str] = []
    archived: bool = False
    timing: Timing | None = None
    route: str | None = None
    relay: str | None = None
    awaited: int = 0
    listed: bool = True
    removed: int = 0
    size_removed: int = 0


class JobPage(Struct, frozen=True):
    """`next` is the cursor of the next page, None at the end; `total` counts all that match."""

    jobs: list[Job]
    total: int
    next: str | None
    sequence: int


class Task(Struct, frozen=True):
    """`percent` (0 to 100) and `said` are the newest `openjd_progress` and `openjd_status` of the
    command that executes it, which all tasks of a bucket share.
    """

    number: int
    uri: str
    name: str
    kind: str
    size: int
    status: str
    tries: int
    started_at: datetime | None
    took_s: float | None
    error_class: str | None
    error_message: str | None
    hash: str | None
    percent: float | None = None
    said: str | None = None


class TaskPage(Struct, frozen=True):
    tasks: list[Task]
    total: int
    next: str | None


class Attempt(Struct, frozen=True):
    """One try of a task. `outcome` is executing, done, failed, or interrupted by `cause`.

    `endpoint` is the name of who executed it; `bytes` and their rate are None where nobody counted.
    Exit code, memory and CPU time are of the command's process, which all tasks of a bucket share.
    `bytes_saved` did not have to come: kept from a try before, or the same already. The seconds
    from `reading_s` on are as in `Timing`; None where nothing was measured.
    """

    attempt: int
    outcome: str
    cause: str | None
    run: int
    endpoint: str | None
    started_at: datetime | None
    took_s: float | None
    bytes: int | None
    bytes_per_second: float | None
    error_class: str | None
    error_message: str | None
    exit_code: int | None = None
    peak_memory_bytes: int | None = None
    cpu_s: float | None = None
    bytes_saved: int | None = None
    reading_s: float | None = None
    network_s: float | None = None
    limited_s: float | None = None
    writing_s: float | None = None
    verifying_s: float | None = None


class AttemptPage(Struct, frozen=True):
    attempts: list[Attempt]
    next: str | None


class Queue(Struct, frozen=True):
    """`status` is waiting (its jobs may run), paused, or on the event stream deleted; `default`
    takes the jobs that name no queue, `compute_default` those of them that compute.
    """

    id: str
    code: str
    priority: int
    description: str
    default: bool
    status: str
    jobs_waiting: int
    jobs_running: int
    sequence: int
    compute_default: bool = False
    metadata: dict[str, str] = {}


class Throughput(Struct, frozen=True):
    """`bytes` that were moved in each step of `step_s` seconds from `begins_at` to `ends_at`.

    Steps begin at multiples of their length since 1970, so the first begins at or before what was
    asked for. Bytes count as often as they came.
    """

    begins_at: datetime
    ends_at: datetime
    step_s: int
    bytes: list[int]


class EndpointThroughput(Struct, frozen=True):
    """As `Throughput`, of all bytes that an endpoint `sent` and those that it `received`."""

    begins_at: datetime
    ends_at: datetime
    step_s: int
    sent: list[int]
    received: list[int]


class Volume(Struct, frozen=True):
    """`full`: no more is free than is reserved, so no file goes there. `free_bytes` is as its agent
    said last, null where it never did, and in the past.
    """

    code: str
    online: bool
    full: bool = False
    free_bytes: int | None = None
    total_bytes: int | None = None


class Reach(Struct, frozen=True):
    """Whether an endpoint could dial another, by name, where that one listens now."""

    endpoint: str
    reached: bool


class Endpoint(Struct, frozen=True):
    """`listens`: others may dial it. `relays` is how many connections it joins of those who cannot
    dial each other; `reaches` what it found when it tried others. `since` is when it came or went.
    `machine` is null where no commands may run; of its lanes `lanes_taken` are busy, and
    `lanes` is its own `client_compute_lanes`, null where the workspace's holds. While it is
    `disabled` nothing starts there.
    """

    id: str
    name: str
    kind: str
    status: str
    volumes: list[Volume]
    jobs_running: int
    sequence: int
    listens: bool = True
    relays: int = 0
    reaches: list[Reach] = []
    since: datetime | None = None
    machine: Machine | None = None
    lanes: int | None = None
    lanes_taken: int = 0
    disabled: Disabling | None = None


class QueueDeleted(Struct, frozen=True):
    """As `Done`: `jobs` went to the bottom of the queue `to` (null: stored, but not known yet)."""

    sequence: int
    jobs: list[str]
    to: str | None


class Why(Struct, frozen=True):
    """Why a job waits, worst first, as the scheduler has it at `sequence`.

    A job that does not wait has no reasons: `status` says what it does. `position` and `estimate`
    as in `Job`.
    """

    job: str
    status: str
    position: int | None
    reasons: list[Reason]
    sequence: int
    estimate: Estimate | None = None


class Setting(Struct, frozen=True):
    """A setting as it holds somewhere: `source` is the level that its value comes from, the
    nearest that has one (job, queue, endpoint, pair, workspace), or "default". What it may be: one
    of `choices`, a whole number from `low` to `high` (null for all others), of `unit`, or a text
    as `written` says. Of a text that adds up over the levels, `together` is all that holds.
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


class Done(Struct, frozen=True):
    """The answer to a command: stored at `sequence`; read with `?at_least=` it to see it."""

    sequence: int
    jobs: list[str]


class Problem(Struct, frozen=True):
    """RFC 9457. `field` names the input at fault, where there is one."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None


class Progress(Struct, frozen=True):
    """What a tick changes in a job's row; on the event stream as `progress`."""

    id: str
    bytes_done: int
    bytes_per_second: float
    eta_s: float | None
    progress: float
    tasks_done: int


class Lag(Struct, frozen=True):
    """A projection (rows, feed) that has the log up to `sequence`: `events` more are stored, the
    first of them `ms` milliseconds ago. Of more than 20 commits the events are an estimate.
    """

    projection: str
    sequence: int
    events: int
    ms: int


class Health(Struct, frozen=True):
    """`status` is ok or degraded; `lag_events` how far the read side is behind the log."""

    status: str
    version: str
    sequence: int
    lag_events: int
    checks: dict[str, str]
    lags: list[Lag] = []


class Span(Struct, frozen=True):
    """A stretch of a job's life: its `status`, and the first `reason` while it waited.

    It began with the commit at `sequence` and took `seconds`; `until` is null for what holds still.
    """

    sequence: int
    since: datetime
    until: datetime | None
    seconds: float
    status: str
    reason: Reason | None


class Cause(Struct, frozen=True):
    """All the time that went to one cause: a reason's code and holder, or a status."""

    code: str
    text: str
    seconds: float


class Wait(Struct, frozen=True):
    """How a job spent its time up to `sequence`: every stretch, and the sums, the longest first."""

    job: str
    status: str
    spans: list[Span]
    causes: list[Cause]
    sequence: int


class Instant(Struct, frozen=True):
    """A position in history: the commit at `sequence`, stored `at`; `newest` is the last one."""

    sequence: int
    at: datetime
    newest: int


class Me(Struct, frozen=True):
    """Who the token belongs to. `role`: admin, employee or user."""

    name: str
    role: str


class Event(Struct, frozen=True, rename={"kind": "type"}):
    """A CloudEvents 1.0 object, as `event` on the event stream; `data` as in the job log."""

    specversion: str
    id: str
    source: str
    kind: str
    subject: str
    time: datetime
    sequence: str
    actor: str
    cause: str
    data: dict[str, object]


class Position(Struct, frozen=True):
    """`position` on the event stream: everything up to here was told."""

    sequence: int
