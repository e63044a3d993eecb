"""What the scheduler and the gateway say to an agent. Orders are a level, not an edge."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from events.attributes import DEFAULT
from events.endpoints import Act
from events.jobs import ErrorClass, Part
from events.rules import Rules
from events.tasks import TASKS_PER_EVENT_MAX, Entry

BLOCK_BYTES = 4 << 20
OUTPUT_SLOTS = 1024
GAUGE = "volumes"


STALL_S = 300


class Choice(Struct, frozen=True):
    """What of a source goes, by the settings `transfer_…` of these names."""

    include: str = ""
    exclude: str = ""
    symlinks: Literal["keep", "follow", "skip"] = "keep"
    stable_s: int = 0
    hardlinks: Literal["on", "off"] = "off"
    attributes: str = DEFAULT
    xattrs: Literal["on", "off"] = "off"


class List(Struct, frozen=True, tag_field="duty", tag="list"):
    """List and measure the source of a job. It fails when nothing is found for `stall_s`.

    With `only`, escaped paths below it, these and what is in them, each after the folders that it
    is in. Of all that only what is of the `choice` is told. With `parts`, of the source only these,
    each under its last name. What is missing of either is told as a file, for its task to fail.
    """

    job: str
    run: int
    volume: str
    path: str
    stall_s: int = STALL_S
    only: list[str] = []
    choice: Choice = Choice()
    parts: list[Part] = []


class Meeting(Struct, frozen=True):
    """Where the two ends of a run meet: at the byte port of the agent at `url`, who has the
    certificate of that `fingerprint` ("": the connection is plain), showing `ticket`.
    """

    url: str
    fingerprint: str
    ticket: str


class Receive(Struct, frozen=True, tag_field="duty", tag="receive"):
    """Bring a job's tasks from their sender, showing it `ticket`, into `volume`/`path`.

    The sender answers at `url`; or both meet at `relay`; or it is the agent itself (`here`); or,
    with none of these, it dials this agent (its duty `Dial`). The connection is encrypted, and who
    answers has the certificate of that `fingerprint` (SHA-256, hex); "": it is plain.

    At most `sockets` connections are used, as many as help.

    `bytes_done` is what the job's done tasks hold already, and `tasks_done` how many they are.
    Without any progress for `stall_s` it fails. `touches` are the changes by hand to tasks since
    the run began, as (number of the hand, tasks): what was given under an earlier hand
    (`TasksGiven.hands`) is dropped at once, and the agent asks for tasks anew before it ends the
    run. It takes in at most `limit` bytes per second; 0 is no limit. `reserved` bytes are left free
    on the volume. `parts` and `choice` say what of the source goes, `rules` what becomes of what is
    there already.
    """

    job: str
    run: int
    url: str
    ticket: str
    volume: str
    path: str
    bytes_done: int
    tasks_done: int = 0
    stall_s: int = STALL_S
    touches: list[tuple[int, str]] = []
    rules: Rules = Rules()
    choice: Choice = Choice()
    fingerprint: str = ""
    limit: int = 0
    relay: Meeting | None = None
    here: bool = False
    parts: list[Part] = []
    sockets: int = 10
    reserved: int = 0


class Dial(Struct, frozen=True):
    """Keep connections ready at a meeting, for the receiver of a run to take, and serve it there.

    The receiver, or a relay, listens there; what may be read is said by the tickets it shows.
    """

    job: str
    run: int
    meeting: Meeting


class Execute(Struct, frozen=True, tag_field="duty", tag="execute"):
    """Run a bucket's command in a lane: the tasks `numbers`, which are the frames `frames`.

    `command` as in `events.work.Compute`, with its placeholders; it runs in `volume`/`path` (in a
    folder of its own when `volume` is ""), for at most `limit_s` seconds (0: no limit).
    """

    job: str
    run: int
    numbers: str
    frames: str
    command: str
    environment: dict[str, str]
    volume: str
    path: str
    limit_s: int


class Change(Struct, frozen=True, tag_field="duty", tag="change"):
    """Change files, once; as in `events.endpoints.FilesChanging`, whose `change` is the `job`."""

    job: str
    run: int
    act: Act
    volume: str
    path: str
    to: str = ""
    whole: bool = False


Duty = List | Receive | Execute | Change


class Peer(Struct, frozen=True):
    """An endpoint that this one may have to dial, and the certificate that it has."""

    endpoint: str
    url: str
    fingerprint: str


class Orders(Struct, frozen=True):
    """All that the endpoint shall be doing now. What is not in `duties` is to be stopped at once.

    `sequence` orders Orders: an agent ignores one that is older than the last it followed.
    `ticket_key` is the scheduler's public key (hex, Ed25519) for tickets shown to this agent.
    `refused` says why the scheduler does not accept this agent at all (its name is taken, …).
    `dials` are a level as well: where to offer connections to receivers that cannot dial this one.
    `peers` are those of whom the agent shall find out, and tell with its beat, if it can dial them.
    """

    sequence: int
    ticket_key: str
    duties: list[Duty]
    refused: str = ""
    dials: list[Dial] = []
    peers: list[Peer] = []


class Ticket(Struct, frozen=True, tag_field="right", tag="read"):
    """The right to read below one path of one volume of `endpoint`, for one run, until `expires`.

    `expires` is in seconds since 1970. Without `plain` it holds on an encrypted connection only.
    It `follows` symbolic links below the path, wherever in the volume they lead. With `parts`, the
    hash of a list of them, it is the right to these parts of what is at the path and no more.
    """

    job: str
    run: int
    endpoint: str
    volume: str
    path: str
    expires: int
    plain: bool = False
    follows: bool = False
    parts: str = ""


class MeetingTicket(Struct, frozen=True, tag_field="right", tag="meet"):
    """The right to meet the other end of a run at `endpoint`: to be asked as its sender, or, at a
    relay, to ask as its receiver. The rest as in `Ticket`.
    """

    job: str
    run: int
    endpoint: str
    side: Literal["sender", "receiver"]
    expires: int
    plain: bool = False


class Tick(Struct, frozen=True):
    """Progress of a run, four times a second; nobody decides from it.

    `bytes_done` counts the whole job (what was done before this run included); `tasks_done`
    likewise; `executing` holds (task number, its bytes so far), at most 20. Of a command: `numbers`
    are its tasks, `percent` and `status` what it said of itself. `moved` counts the bytes that came
    in this run, those that came again included.
    """

    job: str
    run: int
    bytes_done: int
    bytes_per_second: float
    tasks_done: int
    executing: list[tuple[int, int]] = []
    numbers: str = ""
    percent: float | None = None
    status: str = ""
    moved: int = 0


class Output(Struct, frozen=True):
    """A part of the process log of a run, as far as it has come; on `subjects.output`.

    `lines` are numbered from `first` on within the run, each (milliseconds since 1970, text).
    Numbers that no part has are lines that were lost, or dropped because the log grew too long:
    part n is stored in slot n modulo OUTPUT_SLOTS, in place of what was there.
    """

    job: str
    run: int
    part: int
    first: int
    lines: list[tuple[int, str]]


BOUNDLESS = 1 << 60


class Room(Struct, frozen=True):
    """How much is left of a volume of so many bytes, for others than the superuser; BOUNDLESS of
    a bucket.
    """

    volume: str
    free_bytes: int
    total_bytes: int


class Gauge(Struct, frozen=True):
    """On `subjects.progress` as of "job" GAUGE: what is left of an endpoint's volumes."""

    rooms: list[Room]


class Stat(Struct, frozen=True, tag_field="call", tag="stat"):
    """On `subjects.call`: what is at `volume`/`path`? Answered with `Found` or `CallFailed`."""

    volume: str
    path: str


class Browse(Struct, frozen=True, tag_field="call", tag="browse"):
    """What of the `choice` is at `volume`/`path` and below it, or only these `parts` of it, in
    pages of at most `limit`: in the order of a listing, `depth` levels deep (0: all). `measured`:
    only how much it is. Answered with `Page` or `CallFailed`.

    `walk` and `after` are those of the page before; with `after` alone it goes on as well, slower.
    """

    volume: str
    path: str
    choice: Choice = Choice()
    parts: tuple[Part, ...] = ()
    depth: int = 0
    limit: int = TASKS_PER_EVENT_MAX
    measured: bool = False
    walk: str = ""
    after: str | None = None


class Lookup(Struct, frozen=True, tag_field="call", tag="lookup"):
    """What is in these places below `volume`/`path`, links not followed? Answered with `Looked` or
    `CallFailed`."""

    volume: str
    path: str
    uris: list[str]


class Found(Struct, frozen=True, tag_field="answer", tag="found"):
    """`kind`: file, folder, link or other; the rest as in `events.tasks.Entry`."""

    kind: str
    size: int
    mode: int = 0
    mtime_ns: int = 0


class Amount(Struct, frozen=True):
    """How many there are, and the bytes of the files; `unread` folders could not be looked into."""

    files: int = 0
    folders: int = 0
    links: int = 0
    size: int = 0
    unread: int = 0


class Page(Struct, frozen=True, tag_field="answer", tag="page"):
    """The next entries, or with `measured` only their amount; `walk` is "" when that was all.

    An empty page that is not the last one took too long.
    """

    entries: list[Entry]
    amount: Amount
    walk: str = ""
    after: str | None = None


class Looked(Struct, frozen=True, tag_field="answer", tag="looked"):
    """In the order asked; None where there is nothing, or something that no listing tells."""

    entries: list[Entry | None]


class CallFailed(Struct, frozen=True, tag_field="answer", tag="failed"):
    error_class: ErrorClass
    message: str


Call = Stat | Browse | Lookup
Told = Found | Page | Looked | CallFailed
