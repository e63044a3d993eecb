"""given / when / then for the scheduler's core, with what every `when` checks besides.

A history starts with a small studio: endpoints hq, stockholm and oslo online, three queues. Jobs
are named by single letters in tests; `job_id` makes ids of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import reduce

from events import codec, endpoints, jobs, ranges, tasks
from events.codec import Recorded
from events.job import Job
from events.jobs import Status
from events.tasks import Entry
from projections.board import Board
from services.agent.commands import Room
from services.scheduler import plan
from services.scheduler.commands import (
    Accepted,
    Actor,
    AgentsReport,
    Answer,
    Beat,
    BucketEnded,
    ListingEnded,
    ListingFound,
    PartyNamed,
    PersonsCommand,
    Rejected,
    Report,
    Request,
    Role,
    RunEnded,
    RunFailed,
    Set,
    Submit,
    SubmitCompute,
    TasksDone,
    TasksFailed,
    TasksStarted,
)
from services.scheduler.lanes import in_order
from services.scheduler.rooms import Rooms
from services.scheduler.touched import Touched, touch
from services.scheduler.turn import Clock, Input, Roomier, Silent, Turn

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ANN = Actor("ann", Role.ADMIN)
BOB = Actor("bob", Role.USER)
HQ, STOCKHOLM, OSLO = "e" * 23 + "1", "e" * 23 + "2", "e" * 23 + "3"
NAMES = {HQ: "hq", STOCKHOLM: "stockholm", OSLO: "oslo"}
VOLUMES = [endpoints.Volume("projects"), endpoints.Volume("incoming")]


def job_id(letter: str) -> str:
    return letter.encode().hex().rjust(24, "0")


def beat(endpoint: str = HQ, session: str = "1", **changes: object) -> Beat:
    fields: dict[str, object] = {
        "endpoint": endpoint,
        "name": NAMES[endpoint],
        "session": session,
        "url": "http://127.0.0.1:1",
        "volumes": VOLUMES,
    }
    return Beat(**{**fields, **changes})  # type: ignore[arg-type]


def transfer(
    letter: str,
    source: str = "hq:projects/shot",
    destination: str = "stockholm:incoming",
    queue: str | None = None,
    paused: bool = False,
    depends_on: str = "",
) -> Submit:
    """`depends_on` are letters."""
    others = [job_id(one) for one in depends_on]
    ends = (_named(source), _named(destination))
    return Submit(job_id(letter), *ends, letter, queue, paused=paused, depends_on=others)


def compute(letter: str, frames: str = "1-4", **changes: object) -> SubmitCompute:
    fields: dict[str, object] = {"command": "render --frame {frame}" if frames else "render"}
    given = {"name": letter, **fields, **changes}
    return SubmitCompute(job_id(letter), frames=frames, **given)  # type: ignore[arg-type]


def _named(text: str) -> PartyNamed:
    endpoint, _, rest = text.partition(":")
    volume, slash, path = rest.partition("/")
    return PartyNamed(endpoint, volume, path if slash else None)


class History:
    """A board with all that led to it; every step is checked as it is taken."""

    def __init__(self) -> None:
        self.board = Board()
        self.log: list[list[Recorded]] = []
        self.now = NOON
        self.rooms = Rooms()
        self._asked = 0
        opening = Turn(self.board, self.now)
        opening.open("main", ["f" * 24, "a" * 24, "b" * 24, "c" * 24])
        opening.start_scheduler("s" * 24, "host", "0")
        self._stored(opening)
        for endpoint in NAMES:
            self.take(beat(endpoint))

    def take(self, said: Input) -> Answer:
        turn = Turn(self.board, self.now)
        answer = turn.take(said)
        self._stored(turn)
        if isinstance(answer, Rejected):
            assert turn.recorded == [], "a refusal leaves no trace"
        if isinstance(said, Beat):
            self.take(Roomier(self.rooms.more(said, self.board, self.now)))
        return answer

    def _stored(self, turn: Turn) -> None:
        if not turn.recorded:
            return
        payload = codec.encode("main", turn.recorded)
        assert codec.decode(payload) == turn.recorded, "what is stored is what was decided"
        self.log.append(turn.recorded)
        everything = Touched.nothing()
        for recorded in turn.recorded:
            touch(everything, recorded.event, self.board)
        assert list(plan.plan(everything, self.board)) == [], "a plan leaves nothing to plan"
        assert not self.board.lanes.spent, "nobody is left that has nothing left to run"

    # People.

    def ask(self, command: PersonsCommand, by: Actor = ANN, key: str | None = None) -> Answer:
        self._asked += 1
        return self.take(Request(key or f"c{self._asked}", by, command))

    def when(self, command: PersonsCommand, by: Actor = ANN) -> Outcome:
        """Ask; then ask the same again, under the same key and a new one: nothing is added."""
        before = len(self.log)
        key = f"w{before}"
        answer = self.ask(command, by, key)
        recorded = [one for commit in self.log[before:] for one in commit]
        if isinstance(answer, Accepted):
            after = len(self.log)
            again = self.ask(command, by, key)
            assert isinstance(again, Accepted)
            assert recorded == [] or again == answer, "the first answer again"
            self.ask(command, by)
            assert len(self.log) == after, "asked twice, done once"
        return Outcome(answer, [one.event for one in recorded])

    # Agents.

    def report(
        self, said: AgentsReport, endpoint: str | None = None, session: str | None = None
    ) -> Answer:
        """From the endpoint that works at the job and its present process, if not told else."""
        self._asked += 1
        job = self.board.jobs.get(said.job)
        if endpoint is None and job is not None and not job.computes:
            of_listing = job.listing and said.run == job.listing_run
            party = job.transfer.source if of_listing else job.transfer.destination
            endpoint = party.endpoint
        if endpoint is None and job is not None and job.computes:
            bucket = self.board.tables[job.id].buckets.get(said.run)
            endpoint = bucket.endpoint if bucket else None
        endpoint = endpoint or HQ
        session = session or self.board.endpoints[endpoint].session
        return self.take(Report(f"r{self._asked}", endpoint, session, said))

    def listed(self, letter: str, count: int = 3, size: int = 100) -> None:
        """The source's agent lists the job: `count` files of `size` bytes."""
        self.listed_as(letter, [Entry(f"f{number}", size=size) for number in range(count)])

    def listed_as(self, letter: str, entries: list[Entry]) -> None:
        """The source's agent finds these and is through."""
        job = self.job(letter)
        self.report(ListingFound(job.id, job.listing_run, 0, entries))
        self.report(ListingEnded(job.id, job.listing_run, len(entries)))

    def lists_some(self, letter: str, count: int = 2, size: int = 100) -> Answer:
        """The source's agent finds so many more files, having told the others, and goes on."""
        job, known = self.job(letter), len(self.board.tables[job_id(letter)])
        entries = [Entry(f"f{number}", size=size) for number in range(known, known + count)]
        return self.report(ListingFound(job.id, job.listing_run, known, entries, more=True))

    def is_through(self, letter: str) -> Answer:
        """It finds no more."""
        job, known = self.job(letter), len(self.board.tables[job_id(letter)])
        return self.report(ListingEnded(job.id, job.listing_run, known))

    def started(self, letter: str, numbers: str, hands: int | None = None) -> Answer:
        """`hands` is what the agent was given the tasks under; as of now if not told else."""
        job = self.job(letter)
        hands = self.board.tables[job.id].hands if hands is None else hands
        return self.report(TasksStarted(job.id, job.run, numbers, hands))

    def done(
        self, letter: str, numbers: str = "0-2", size: int = 300, hands: int | None = None
    ) -> Answer:
        job, count = self.job(letter), ranges.count(numbers)
        hands = self.board.tables[job.id].hands if hands is None else hands
        self.started(letter, numbers, hands)
        none = [0] * count
        said = TasksDone(job.id, job.run, numbers, size, none, none, [""] * count, hands)
        return self.report(said)

    def tasks(self, letter: str) -> str:
        """The tasks in order, a letter each: q(ueued), b, e, d, f, o(n hold), x (excluded)."""
        table = self.board.tables[job_id(letter)]
        return "".join("qedfoxb"[table.status(number)] for number in range(len(table)))

    def failed(self, letter: str, number: int, error_class: jobs.ErrorClass) -> Answer:
        job = self.job(letter)
        failure = tasks.Failure(number, error_class, f"task {number}")
        return self.report(TasksFailed(job.id, job.run, [failure]))

    def breaks(self, letter: str, error_class: jobs.ErrorClass, message: str = "gone") -> Answer:
        """What is done for it fails as a whole: its run, or else its listing."""
        job = self.job(letter)
        run = job.run if job.status is Status.RUNNING else job.listing_run
        return self.report(RunFailed(job.id, run, error_class, message))

    def ended(self, letter: str) -> Answer:
        job = self.job(letter)
        return self.report(RunEnded(job.id, job.run))

    def finished(self, letter: str) -> None:
        self.done(letter)
        self.ended(letter)

    # Compute jobs.

    def allows(self, endpoint: str = HQ, lanes: int = 1, **machine: object) -> None:
        """The endpoint's agent is started anew, with commands allowed in so many lanes."""
        fields = {
            "user": "render",
            "hostname": NAMES[endpoint],
            "cores": 8,
            "memory_bytes": 32 << 30,
        }
        session = self.board.endpoints[endpoint].session
        self.take(beat(endpoint, session, leaving=True))
        found = endpoints.Machine(**{**fields, **machine})  # type: ignore[arg-type]
        self.take(beat(endpoint, f"{session}+", machine=found))
        self.ask(Set("endpoint", NAMES[endpoint], {"client_compute_lanes": lanes}))

    def lanes(self) -> dict[str, str]:
        """What is in the lanes of each endpoint: `a0 b1-2`, a letter and task numbers."""
        return {NAMES[one]: " ".join(self._in_lanes(one)) for one in self.board.lanes.machines()}

    def _in_lanes(self, endpoint: str) -> Iterator[str]:
        for job, run in self.board.lanes.taken(endpoint):
            yield f"{self.board.jobs[job].name}{self.board.tables[job].buckets[run].numbers}"

    def bucket_ends(
        self, letter: str, error_class: jobs.ErrorClass | None = None, endpoint: str | None = None
    ) -> Answer:
        """The job's oldest bucket (there), well or with this failure."""
        job = self.job(letter)
        found = self.board.tables[job.id].buckets.items()
        run, bucket = next(one for one in found if endpoint in (None, one[1].endpoint))
        self.report(TasksStarted(job.id, run, bucket.numbers))
        code, message = (0, "") if error_class is None else (1, "exit code 1")
        said = BucketEnded(job.id, run, code, 1000, 900, 1 << 20, error_class, message)
        return self.report(said)

    def begins(self, letter: str, run: int) -> Answer:
        """A bucket's process starts."""
        numbers = self.board.tables[job_id(letter)].buckets[run].numbers
        return self.report(TasksStarted(job_id(letter), run, numbers))

    def silent(self, endpoint: str) -> None:
        self.take(Silent(endpoint))

    def has_room(self, endpoint: str, free_bytes: int) -> Answer:
        """So much is left of each of its volumes."""
        rooms = [Room(one.code, free_bytes, 10**12) for one in VOLUMES]
        return self.take(beat(endpoint, self.board.endpoints[endpoint].session, rooms=rooms))

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.take(Clock())

    # What there is to see.

    def job(self, letter: str) -> Job:
        return self.board.jobs[job_id(letter)]

    def statuses(self) -> dict[str, str]:
        return {job.name: str(job.status) for job in self.board.jobs.values()}

    def running(self) -> list[str]:
        jobs_now = self.board.jobs.values()
        return sorted(job.name for job in jobs_now if job.status is Status.RUNNING)

    def line(self, code: str = "medium") -> str:
        queue = self.board.queue_by_code(code)
        assert queue is not None
        return "".join(self.board.jobs[job].name for _, job in self.board.line(queue.id))

    def events(self) -> Iterator[codec.Event]:
        return (recorded.event for commit in self.log for recorded in commit)

    def folded_again(self) -> Board:
        def applied(board: Board, recorded: Recorded) -> Board:
            board.apply(recorded)
            return board

        return reduce(applied, (one for commit in self.log for one in commit), Board())


def lanes_of(board: Board) -> dict[str, object]:
    """All that a board knows of lanes, as plain values."""
    lanes = board.lanes
    asking = {need: [job.id for _, job in in_order(need, board)] for need in lanes.hungry}
    taken = {one: list(lanes.taken(one)) for one in board.endpoints}
    standing = {job: lanes.standing(job) for job in board.jobs}
    sets = (list(lanes.laneless), list(lanes.spent), sorted(lanes.avoiding))
    return {
        "asking": asking,
        "taken": taken,
        "vacant": lanes.vacant,
        "standing": standing,
        "sets": sets,
    }


class Outcome:
    def __init__(self, answer: Answer, events: list[codec.Event]) -> None:
        self.answer = answer
        self.events = events

    def then(self, *expected: str) -> None:
        """The tags of all that was stored, the scheduler's consequences included."""
        assert [codec.tag(event) for event in self.events] == list(expected)

    def then_nothing(self) -> None:
        assert isinstance(self.answer, Accepted)
        assert self.events == []

    def then_rejected(self, why: str, *words: str) -> None:
        assert isinstance(self.answer, Rejected), self.answer
        assert self.answer.why == why
        for word in words:
            assert word in self.answer.detail


def given(*submitted: Submit) -> History:
    """The studio, with these jobs submitted and listed in order."""
    history = History()
    for command in submitted:
        history.ask(command)
        if command.paused:
            continue
        history.listed(command.name or "")
    return history
