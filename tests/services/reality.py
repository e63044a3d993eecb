"""Agents as values, on a clock: they bring one file after the other, each in the time that its way
was measured with, and say so. What they have of a file stays when they are stopped.

It knows nothing of the simulation that it is held against: it asks the board only who runs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from events import jobs
from events.job import Job
from events.jobs import Status
from events.tasks import Status as TaskStatus
from services.scheduler.commands import Heard
from services.scheduler.prices import Prices
from tests.services.spec import History, beat, job_id, transfer

TINY = timedelta(microseconds=5)
MB = 1_000_000
WAYS = [
    ("hq:projects/x", "stockholm:incoming"),
    ("hq:projects/y", "oslo:incoming"),
    ("oslo:projects/z", "hq:incoming"),
]

Script = tuple[datetime, Callable[[History], object]]


def measured() -> History:
    history = History()
    measure(history)
    return history


def measure(history: History) -> None:
    """Each way was measured once: 10, 5 and 2.5 MB/s."""
    for number, way in enumerate(WAYS):
        letter = f"m{number}"
        history.ask(transfer(letter, *way))
        history.listed(letter, count=2, size=100 * MB)
        history.passes(20 * 2**number)
        history.done(letter, "0-1", 200 * MB)
        history.ended(letter)


class Reality:
    def __init__(self, history: History) -> None:
        self.history = history
        self.scripts: list[Script] = []
        self._ways = {way: list(one) for way, one in history.board.pace.ways.items()}
        self._prices = Prices(history.board)
        for job in history.board.jobs.values():
            self._prices.of(job)
        self._files: dict[str, list[timedelta]] = {}

    def runs_for(self, seconds: float) -> None:
        self._until(self.history.now + timedelta(seconds=seconds))

    def runs_out(self) -> None:
        """Until nothing more happens."""
        self._until(None)

    def rates_hold(self) -> None:
        """What was done since tells nothing new of the ways."""
        self.history.board.pace.ways = {way: list(one) for way, one in self._ways.items()}

    def heard(self) -> dict[str, Heard]:
        """What ticks say of those that run now."""
        found: dict[str, Heard] = {}
        for job in self._running():
            left, table = self._left_of(job), self.history.board.tables[job.id]
            whole_s = self._file(job).total_seconds()
            size = job.size // len(table)
            bytes_done = job.size - round(sum(one.total_seconds() for one in left) / whole_s * size)
            found[job.id] = Heard(job.run, bytes_done, size / whole_s)
        return found

    def course(self, letter: str, since: int) -> tuple[datetime | None, datetime | None]:
        """When the job first started after so many commits, or was running then, and when it was
        done.
        """
        start: datetime | None = None
        end: datetime | None = None
        for number, commit in enumerate(self.history.log):
            for one in commit:
                if getattr(one.event, "job", "") != job_id(letter):
                    continue
                match one.event:
                    case jobs.Started() if start is None or number < since:
                        start = one.at
                    case jobs.GaveWay() | jobs.Interrupted() if number < since:
                        start = None
                    case jobs.Done():
                        end = one.at
                    case _:
                        pass
        return start, end

    def _until(self, end: datetime | None) -> None:
        for _ in range(2_000):
            at = min([*self._next(), *([end] if end else [])], default=None)
            if at is None:
                return
            self._pass(at)
            while self.scripts and self.scripts[0][0] <= self.history.now:
                self.scripts.pop(0)[1](self.history)
            if at == end:
                return
        raise AssertionError("it goes on for ever")

    def _next(self) -> list[datetime]:
        now = self.history.now
        found = [
            now + max(self._left_of(job)[0], TINY) / self._speed(job) for job in self._running()
        ]
        due = self.history.board.next_due()
        return [*found, *(one[0] for one in self.scripts[:1]), *([due] if due else [])]

    def _pass(self, at: datetime) -> None:
        """Everybody works at their file. Whose file is there says so; after the last it ends."""
        passed, working = at - self.history.now, self._running()
        for job in working:
            number = self._to_do(job)[0]
            self._of(job)[number] -= passed * self._speed(job)
        self.history.passes(passed.total_seconds())
        assert abs(self.history.now - at) < TINY
        for job in working:
            now = self.history.board.jobs[job.id]
            if now.run != job.run or now.status is not Status.RUNNING:
                continue
            number = self._to_do(job)[0]
            if self._of(job)[number] <= TINY:
                self.history.done(job.name, str(number), job.size // len(self._of(job)))
                if not self._to_do(job):
                    self.history.ended(job.name)

    def _running(self) -> list[Job]:
        known = self.history.board.jobs.values()
        return [job for job in known if job.status is Status.RUNNING]

    def _speed(self, job: Job) -> float:
        """Of the limit of its queue it may use all, for no other is in it."""
        queue = self.history.board.queues[job.queue]
        limit = float(queue.settings.get("transfer_speedlimit", 1e6)) * MB
        rate = job.size / len(self._of(job)) / self._file(job).total_seconds()
        return min(1.0, limit / rate)

    def _left_of(self, job: Job) -> list[timedelta]:
        files = self._of(job)
        return [files[number] for number in self._to_do(job)]

    def _to_do(self, job: Job) -> list[int]:
        table = self.history.board.tables[job.id]
        wanted = (TaskStatus.QUEUED, TaskStatus.EXECUTING)
        return [number for number in range(len(table)) if table.status(number) in wanted]

    def _of(self, job: Job) -> list[timedelta]:
        count = len(self.history.board.tables[job.id])
        return self._files.setdefault(job.id, [self._file(job)] * count)

    def _file(self, job: Job) -> timedelta:
        """The time of one, the start of the run included."""
        price = self._prices.of(job)
        assert price is not None, "every way was measured"
        count = len(self.history.board.tables[job.id])
        return timedelta(seconds=price.cost.fitted(job.size, count) / count)


def leaves(endpoint: str) -> Callable[[History], object]:
    """Its agent is stopped in order."""
    return lambda history: history.take(
        beat(endpoint, history.board.endpoints[endpoint].session, leaving=True)
    )


def comes_back(endpoint: str) -> Callable[[History], object]:
    return lambda history: history.take(
        beat(endpoint, history.board.endpoints[endpoint].session + "+")
    )
