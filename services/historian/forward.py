"""A workspace run forward on a simulated clock: the scheduler's own turns, with work that takes as
long as was measured. Pure; the board is the caller's to lose, and nothing is written.

What happens next is the earliest of: work ends at its rate, an endpoint leaves or comes back as
told, a retry or back-off is due, the clock changes a speed limit. Each is reported to a turn as an
agent would report it, and what the turn decides begins and stops work. No other fault happens than
those that already have, nobody submits or asks anything, and what is offline stays so. A source
that is being listed never gets through, nor does work whose length nobody knows.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from events import jobs, ranges, tasks
from events.codec import Recorded
from events.endpoints import Endpoint
from events.job import Job
from events.jobs import Status
from projections.board import Board
from projections.task_table import EXECUTING, QUEUED
from services.historian.rates import Rates
from services.historian.work import Key, Work
from services.scheduler import shares
from services.scheduler.commands import (
    Actor,
    AgentsReport,
    Answer,
    Beat,
    BucketEnded,
    PersonsCommand,
    Rejected,
    Report,
    Request,
    RunEnded,
    TasksDone,
)
from services.scheduler.turn import Clock, Input, Turn

COST_MAX = 10_000
"""Each step costs one, and one more for each transfer whose speed limit is looked at."""
AHEAD = timedelta(days=60)


class Course(Struct):
    """What became of a job: when it first started, and when it was done or failed for good."""

    start: datetime | None
    end: datetime | None = None


class Absence(Struct, frozen=True):
    """An endpoint is stopped in order at `start`, and back at `end`; None: not any more."""

    endpoint: str
    start: datetime
    end: datetime | None


class Forward:
    def __init__(self, board: Board, now: datetime, rates: Rates) -> None:
        self.board, self.now = board, now
        self.courses = {
            job.id: Course(job.since if job.status is Status.RUNNING else None)
            for job in board.jobs.values()
        }
        self.work = Work(board, rates, now)
        self._absences: list[tuple[datetime, str, bool]] = []
        self._said = 0
        self._take(Clock())

    def ask(self, command: PersonsCommand, actor: Actor) -> Answer:
        return self._take(Request(self._name(), actor, command))

    def absent(self, absence: Absence) -> None:
        heapq.heappush(self._absences, (absence.start, absence.endpoint, False))
        if absence.end is not None:
            heapq.heappush(self._absences, (absence.end, absence.endpoint, True))

    def run(self, cost_max: int = COST_MAX) -> bool:
        """Until nothing more happens; False when it was cut before that."""
        until, limited, cost = self.now + AHEAD, _is_limited(self.board), 0
        while True:
            if limited:
                cost += self.work.share(self.now)
            at = self._next()
            if at is None:
                return True
            if at > until or cost >= cost_max:
                return False
            cost += 1
            self.now = max(self.now, at)
            self._step()

    def forget_after(self, until: datetime) -> None:
        """As far as somebody else was looked at, too."""
        for course in self.courses.values():
            course.start = course.start if course.start and course.start <= until else None
            course.end = course.end if course.end and course.end <= until else None

    def unknown(self) -> list[Job]:
        """Those that never got through because nobody knows how long they take."""
        endless = self.work.endless()
        found = (self.board.jobs[job] for job in sorted(self.board.jobs))
        return [one for one in found if one.id in endless or one.status is Status.INIT]

    # What happens.

    def _next(self) -> datetime | None:
        end, due = self.work.next(), self.board.next_due()
        edge = self.work.edge if end else None
        leave = self._absences[0][0] if self._absences else None
        return min((at for at in (end, due, edge, leave) if at is not None), default=None)

    def _step(self) -> None:
        end, due = self.work.next(), self.board.next_due()
        if end is not None and end <= self.now:
            self._end(self.work.first())
        elif self._absences and self._absences[0][0] <= self.now:
            _, endpoint, is_back = heapq.heappop(self._absences)
            self._take(_beat(self.board.endpoints[endpoint], leaving=not is_back))
        elif due is not None and due <= self.now:
            self._take(Clock())

    def _end(self, key: Key) -> None:
        """Its agent says that all of it went well."""
        job = self.board.jobs[key[0]]
        table = self.board.tables[job.id]
        if job.computes:
            self._report(table.buckets[key[1]].endpoint, BucketEnded(*key, exit_code=0))
            return
        receiver, to_do = job.transfer.destination.endpoint, (QUEUED, EXECUTING)
        numbers = ranges.write(n for n, status in enumerate(table.statuses) if status in to_do)
        size = table.size_of(numbers, to_do)
        told = TasksDone(*key, numbers, size, [], [], [], table.hands)
        self._report(receiver, told, RunEnded(*key))
        self.work.is_told(job.id)

    def _report(self, endpoint: str, *reports: AgentsReport) -> None:
        session, turn = self.board.endpoints[endpoint].session, Turn(self.board, self.now)
        for report in reports:
            answer = turn.take(Report(self._name(), endpoint, session, report))
            assert not isinstance(answer, Rejected), answer
        self._follow(turn.recorded)

    def _name(self) -> str:
        self._said += 1
        return f"what if {self._said}"

    def _take(self, said: Input) -> Answer:
        turn = Turn(self.board, self.now)
        answer = turn.take(said)
        self._follow(turn.recorded)
        return answer

    def _follow(self, recorded: Iterable[Recorded]) -> None:
        """What was decided begins work and stops it."""
        events = [one.event for one in recorded]
        for event in events:
            if isinstance(event, jobs.Event):
                self._note(event)
        changed = {one.job for one in events if isinstance(one, tasks.ByHand)}
        named = (one.job for one in events if isinstance(one, jobs.Event | tasks.Event))
        for job in dict.fromkeys(named):
            self.work.follow(self.board.jobs[job], self.now, changed=job in changed)

    def _note(self, event: jobs.Event) -> None:
        course = self.courses[event.job]
        match event:
            case jobs.Started():
                course.start = course.start or self.now
            case jobs.Done() | jobs.Failed(retry_at=None):
                course.end = self.now
            case jobs.Retried():
                course.end = None
            case _:
                pass


def _beat(endpoint: Endpoint, *, leaving: bool) -> Beat:
    return Beat(
        endpoint=endpoint.id,
        name=endpoint.name,
        session=endpoint.session,
        url=endpoint.url,
        volumes=list(endpoint.volumes),
        kind=endpoint.kind,
        leaving=leaving,
        machine=endpoint.machine,
        fingerprint=endpoint.fingerprint,
        relays=endpoint.relays,
    )


def _is_limited(board: Board) -> bool:
    held = [board.settings, *board.pair_settings.values()]
    held += [queue.settings for queue in board.queues.values()]
    held += [endpoint.settings for endpoint in board.endpoints.values()]
    held += [job.settings for job in board.jobs.values()]
    return any(shares.NAME in one for one in held)
