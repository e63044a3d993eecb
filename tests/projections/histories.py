"""Histories for the read side: by hand, or by a small studio that does only what may happen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from msgspec.structs import replace

from events import codec, endpoints, jobs, queues, ranges, tasks, workspace
from events.codec import Event, Recorded
from events.job import Job, evolve
from events.jobs import ErrorClass, Party, Transfer
from events.tasks import Entry
from projections.standing import IN_LINE
from services.runtime.ports import Stored

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HQ, STOCKHOLM = "e" * 23 + "1", "e" * 23 + "2"
HIGH, NORMAL = "a" * 23 + "1", "a" * 23 + "2"
NAMES = {HQ: "hq", STOCKHOLM: "stockholm", HIGH: "high", NORMAL: "normal"}
WORK = Transfer(Party(HQ, "projects", "shot010/"), Party(STOCKHOLM, "incoming", "shot010/"))

OPENING: list[Event] = [
    workspace.Opened("main", "epoch"),
    queues.Created(HIGH, "high", 800),
    queues.Created(NORMAL, "normal", 500, default=True),
    endpoints.Enrolled(HQ, "hq"),
    endpoints.CameOnline(HQ, "s1", "http://127.0.0.1:1", [endpoints.Volume("projects")]),
    endpoints.Enrolled(STOCKHOLM, "stockholm"),
]


def job_id(number: int) -> str:
    return f"{number:024x}"


JOB = job_id(1)


def submitted(job: str = JOB, **changes: object) -> jobs.Submitted:
    fields: dict[str, object] = {
        "job": job,
        "name": "Shot 010",
        "user": "ann",
        "queue": NORMAL,
        "place": "a0",
        "work": WORK,
    }
    return jobs.Submitted(**(fields | changes))  # type: ignore[arg-type]


def found(first: int = 0, count: int = 3, job: str = JOB, run: int = 1) -> tasks.Found:
    return tasks.Found(job, run, first, [Entry(f"f{first + n}", size=10) for n in range(count)])


def done(numbers: str, job: str = JOB, run: int = 2) -> tasks.Done:
    count = ranges.count(numbers)
    times, took, hashes = [1500] * count, [250] * count, ["ab" * 32] * count
    return tasks.Done(job, run, numbers, 10 * count, times, took, hashes)


def measured(told: tasks.Done) -> tasks.Done:
    """The first was there in part, took its time, and had grown since it was listed."""
    first, count = min(ranges.read(told.numbers)), ranges.count(told.numbers)
    rest = (0,) * (count - 1)
    version = tasks.Version(first, 12, 7)
    spent = {"saved": (4, *rest), "reading_ms": (30, *rest), "writing_ms": (20,)}
    return replace(told, size=told.size + 2, versions=(version,), **spent)


LISTED: list[Event] = [
    submitted(),
    jobs.ListingStarted(JOB, 1),
    found(),
    jobs.Listed(JOB, 1, 3, 30),
]
RUNNING: list[Event] = [*LISTED, jobs.Started(JOB, 2, STOCKHOLM)]


def record(events: Iterable[Event], *, first: int = 1, actor: str = "ann") -> list[Recorded]:
    """Each event a commit of its own, a second after the one before."""
    return [
        Recorded(sequence, 0, NOON + SECOND * sequence, actor, "c1", event)
        for sequence, event in enumerate(events, first)
    ]


def commit(groups: Iterable[Sequence[Event]], *, actor: str = "ann") -> list[list[Recorded]]:
    """Each group of events one commit."""
    return [
        [
            Recorded(sequence, index, NOON + SECOND * sequence, actor, f"c{sequence}", event)
            for index, event in enumerate(events)
        ]
        for sequence, events in enumerate(groups, 1)
    ]


def stored(commits: Iterable[Sequence[Recorded]]) -> list[Stored]:
    """As they lie in the log."""
    log, chain = [], codec.CHAIN_START
    for events in commits:
        payload = codec.encode("main", events)
        chain = codec.chain(chain, payload)
        log.append(Stored(events[0].sequence, chain, payload))
    return log


class Studio:
    """Does one thing after the other to a few jobs, as the scheduler would allow it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.jobs: dict[str, Job] = {}
        self.tasks: dict[str, list[str]] = {}

    def act(self, what: str, job: str, number: int) -> list[Event]:
        """The events of it, none if it may not happen now."""
        done_before = len(self.events)
        if job in self.jobs:
            what = self._next(self.jobs[job], number) if what == "go_on" else what
            getattr(self, f"_{what}")(self.jobs[job], number)
        else:
            queue = (HIGH, NORMAL)[number % 2]
            user = ("ann", "bob")[number // 2 % 2]
            self._say(submitted(job, queue=queue, user=user, name=f"Job {number}"))
        return self.events[done_before:]

    def _next(self, job: Job, number: int) -> str:
        """What brings a job on."""
        match job.status:
            case jobs.Status.INIT if job.listing:
                return "listed" if self.tasks[job.id] and number % 3 else "find"
            case jobs.Status.INIT:
                return "list"
            case _ if job.opened and number % 4 == 0:  # The listing beside the run.
                return "find" if number % 8 and job.listing else "listed" if job.listing else "list"
            case jobs.Status.WAITING:
                return "start"
            case jobs.Status.RUNNING if "executing" in self.tasks[job.id]:
                return ("settle", "settle", "fail", "take_up")[number % 4]
            case jobs.Status.RUNNING:
                return "take_up" if "queued" in self.tasks[job.id] else "end"
            case jobs.Status.PAUSED:
                return "resume"
            case jobs.Status.FAILED | jobs.Status.ABORTED | jobs.Status.DONE:
                return "retry"

    def _say(self, *events: Event) -> None:
        for event in events:
            self.events.append(event)
            if isinstance(event, jobs.Event):
                before = self.jobs.get(event.job, Job())
                self.jobs[event.job] = evolve(before, event, NOON)
            if isinstance(event, jobs.Submitted):
                self.tasks[event.job] = []
            if isinstance(event, jobs.ListingStarted) and not self.jobs[event.job].adding:
                self.tasks[event.job] = self.tasks[event.job][: event.first]
            if isinstance(event, jobs.GaveWay | jobs.Interrupted | jobs.Paused | jobs.Aborted):
                self._stop(event.job)
            if isinstance(event, jobs.Failed | jobs.Done):
                self._stop(event.job)

    def _stop(self, job: str) -> None:
        self.tasks[job] = ["queued" if one == "executing" else one for one in self.tasks[job]]

    def _some(self, job: str, status: str, number: int) -> str:
        """At most three tasks of a status, somewhere among them."""
        those = [n for n, one in enumerate(self.tasks[job]) if one == status]
        start = number % len(those) if those else 0
        return ranges.write(those[start : start + 3])

    def _set(self, job: str, numbers: str, status: str) -> None:
        for number in ranges.read(numbers):
            self.tasks[job][number] = status

    def _list(self, job: Job, number: int) -> None:
        if job.status in IN_LINE and not (job.listed or job.listing):
            first = len(self.tasks[job.id]) if job.opened else 0
            self._say(jobs.ListingStarted(job.id, job.next_run, first))

    def _open(self, job: Job, number: int) -> None:
        if job.listing and not job.adding and not job.opened and self.tasks[job.id]:
            self._say(jobs.Opened(job.id, job.listing_run))

    def _find(self, job: Job, number: int) -> None:
        again = self._some(job.id, ("done", "queued", "failed")[number % 3], number)
        if job.listing and job.adding and again:
            for one in ranges.read(again):
                if self.tasks[job.id][one] != "queued":
                    size = 10 if self.tasks[job.id][one] == "done" else 0
                    self._say(tasks.Queued(job.id, str(one), size))
                entries = [Entry(f"f{one}", "link", 10)]
                self._say(tasks.Found(job.id, job.listing_run, one, entries))
            self._set(job.id, again, "queued")
        elif job.listing:
            count = number % 5
            self._say(found(len(self.tasks[job.id]), count, job.id, job.listing_run))
            self.tasks[job.id] += ["queued"] * count

    def _listed(self, job: Job, number: int) -> None:
        if job.listing:
            total = len(self.tasks[job.id])
            told = (total, 10 * total, number % 2, number % 3 * 100)
            self._say(jobs.Listed(job.id, job.listing_run, *told))
            if job.later:
                self._say(jobs.Appended(job.id, job.later))

    def _start(self, job: Job, number: int) -> None:
        if job.status is jobs.Status.WAITING:
            self._say(jobs.Started(job.id, job.next_run, (HQ, STOCKHOLM)[number % 2]))

    def _take_up(self, job: Job, number: int) -> None:
        numbers = self._some(job.id, "queued", number)
        if job.status is jobs.Status.RUNNING and numbers:
            self._say(tasks.Started(job.id, job.run, numbers))
            self._set(job.id, numbers, "executing")

    def _settle(self, job: Job, number: int) -> None:
        numbers = self._some(job.id, "executing", number)
        if job.status is jobs.Status.RUNNING and numbers:
            told = done(numbers, job.id, job.run)
            self._say(measured(told) if number % 3 == 0 else told)
            self._set(job.id, numbers, "done")

    def _fail(self, job: Job, number: int) -> None:
        numbers = self._some(job.id, "executing", number)
        if job.status is jobs.Status.RUNNING and numbers:
            spent = tasks.Measured(network_ms=9, bytes=5) if number % 2 else None
            failures = [
                tasks.Failure(one, ErrorClass.SPACE, "no space left", spent)
                for one in ranges.read(numbers)
            ]
            self._say(tasks.Failed(job.id, job.run, failures))
            self._set(job.id, numbers, "failed")

    def _interrupt(self, job: Job, number: int) -> None:
        if job.status is jobs.Status.RUNNING and number % 2:
            self._say(jobs.GaveWay(job.id, job.run, job_id(9)))
        elif job.status is jobs.Status.RUNNING or job.listing:
            stays = job.status is jobs.Status.RUNNING and number % 4 == 0
            gone = (job.next_run - 1, "endpoint_offline", STOCKHOLM if stays else HQ)
            self._say(jobs.Interrupted(job.id, *gone, listing=not stays))

    def _pause(self, job: Job, number: int) -> None:
        if job.status in (jobs.Status.INIT, jobs.Status.WAITING, jobs.Status.RUNNING):
            self._say(jobs.Paused(job.id))

    def _resume(self, job: Job, number: int) -> None:
        if job.status is jobs.Status.PAUSED:
            self._say(jobs.Resumed(job.id, f"b{number}"))

    def _abort(self, job: Job, number: int) -> None:
        if job.status not in (jobs.Status.ABORTED, jobs.Status.DONE):
            self._say(jobs.Aborted(job.id))

    def _end(self, job: Job, number: int) -> None:
        if job.status is not jobs.Status.RUNNING:
            return
        if "failed" in self.tasks[job.id] or number % 3 == 0:
            retry_at = NOON + SECOND * 60 if number % 2 else None
            failed = jobs.Failed(job.id, job.run, ErrorClass.SPACE, "no space left", retry_at)
            self._say(failed)
        elif job.listed:
            self._say(jobs.Done(job.id, job.run))

    def _retry(self, job: Job, number: int) -> None:
        """Everything that is not queued, or by the clock only what failed."""
        if job.status not in (jobs.Status.FAILED, jobs.Status.ABORTED, jobs.Status.DONE):
            return
        status = "failed" if job.retry_at else ("done", "failed")[number % 2]
        again = [n for n, one in enumerate(self.tasks[job.id]) if one == status]
        if job.status is jobs.Status.DONE and number % 2:
            self._say(jobs.Retried(job.id, f"c{number}", relist=True))
            return
        self._say(jobs.Retried(job.id, None if job.retry_at else f"c{number}"))
        if again:
            size = 10 * len(again) if status == "done" else 0
            self._say(tasks.Queued(job.id, ranges.write(again), size))
            self._set(job.id, ranges.write(again), "queued")

    def _hand(self, job: Job, number: int) -> None:
        """A hand on some tasks of one status, whatever the job is at; of two kinds it is a mark."""
        status = ("executing", "done", "failed", "queued")[number % 4]
        numbers = self._some(job.id, status, number)
        if not numbers or (job.listing and not job.opened):
            return
        size = 10 * ranges.count(numbers)
        was_done = size if status == "done" else 0
        hands: list[tuple[str, Event]] = [
            ("queued", tasks.Queued(job.id, numbers, was_done)),
            ("onhold", tasks.Held(job.id, numbers, was_done)),
            ("excluded", tasks.Excluded(job.id, numbers, was_done)),
            ("failed", tasks.MarkedFailed(job.id, numbers, was_done)),
            ("done", tasks.MarkedDone(job.id, numbers, size - was_done)),
        ]
        becomes, event = hands[number % 5]
        if becomes != status:
            self._say(event)
            self._set(job.id, numbers, becomes)

    def _append(self, job: Job, number: int) -> None:
        ended = job.status in (jobs.Status.FAILED, jobs.Status.ABORTED, jobs.Status.DONE)
        self._say(jobs.Appended(job.id, (f"more{number}",), f"e{number}" if ended else None))
        self._stop(job.id)

    def _move(self, job: Job, number: int) -> None:
        self._say(jobs.Moved(job.id, (HIGH, NORMAL)[number % 2], f"d{number}"))


TURNS = [
    "append",
    "append",
    "hand",
    "hand",
    "interrupt",
    "pause",
    "abort",
    "move",
    "fail",
    "end",
    "find",
    "open",
    "open",
    "take_up",
]
_act = st.tuples(
    st.sampled_from(["go_on"] * 20 + TURNS), st.integers(1, 2).map(job_id), st.integers(0, 30)
)


@st.composite
def histories(draw: st.DrawFn, acts_max: int = 60) -> list[list[Recorded]]:
    """Commits of what two jobs went through, from the opening of the workspace on: mostly straight
    on, with a turn here and there.
    """
    studio = Studio()
    groups: list[list[Event]] = [list(OPENING)]
    count = draw(st.integers(0, acts_max))
    for what, job, number in draw(st.lists(_act, min_size=count, max_size=count)):
        events = studio.act(what, job, number)
        if len(groups) > 1 and number % 2:
            groups[-1] += events
        else:
            groups.append(events)
    return commit(group for group in groups if group)
