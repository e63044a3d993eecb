"""What one decision costs the scheduler's core, with few jobs waiting and with very many.

`Turn.take` whole: the command decided, its events applied and encoded, what follows planned and
applied. On each pair one job runs and the others wait, so that all of it happens: pausing the
running one starts the next, moving another to the top makes the running one give way. The boards
take turns. Once with the settings as they come, once with those that make the planner look
furthest: limits on an endpoint and in a queue, and policies that keep running jobs running.
"""

from __future__ import annotations

import gc
import random
import time
from collections import defaultdict
from collections.abc import Callable
from statistics import mean, median

from projections.board import Board, Pair
from services.scheduler.commands import (
    Accepted,
    Actor,
    Move,
    PartyNamed,
    Pause,
    PersonsCommand,
    Report,
    Request,
    Resume,
    Role,
    Set,
    Submit,
    TasksDone,
)
from services.scheduler.turn import Input, Turn
from tests.bench import crowd
from tests.bench.crowd import NOON, Crowd
from tests.bench.results import Row

COMMAND = "python -m tests.bench scale"
ANN = Actor("ann", Role.ADMIN)
FEW, MANY = 1_000, 100_000
TASKS = 200
ROUNDS = 40
ACTS = 10
HARD = [
    Set("endpoint", "host00", {"endpoint_transfers": 3}),
    Set("queue", "q07", {"transfer_concurrent": 10}),
    Set("queue", "q21", {"queue_interrupt_policy": "never"}),
    Set("queue", "q35", {"queue_interrupt_policy": "priority"}),
]


class Workload:
    """A board, and what is done to it; `taken_s` by what was done."""

    def __init__(self, waiting: int) -> None:
        crowded = Crowd(waiting + 1_000, tasks=TASKS)
        self.board: Board = crowd.board_of(crowded)
        self.pairs: list[Pair] = crowded.ends()
        self.taken_s: dict[str, list[float]] = defaultdict(list)
        self._chance = random.Random(7)
        self._asked = 0

    def forget(self) -> None:
        self.taken_s.clear()

    def ask(self, command: PersonsCommand) -> float:
        self._asked += 1
        return self._take(Request(f"c{self._asked}", ANN, command))

    def _take(self, said: Input) -> float:
        began = time.perf_counter()
        answer = Turn(self.board, NOON).take(said)
        taken_s = time.perf_counter() - began
        assert isinstance(answer, Accepted), answer
        return taken_s

    def act(self) -> None:
        """One of each, on a pair that chance picks; what was paused is resumed, untimed."""
        one, other = self._chance.choice(self.pairs)
        for name, take in (
            ("pause of the running job", self._pause),
            ("move to the top", self._to_the_top),
            ("task report", self._report),
            ("submit", self._submit),
        ):
            taken_s = take(one, other)
            if taken_s is not None:
                self.taken_s[name].append(taken_s)

    def _runs(self, one: str, other: str) -> str | None:
        there = (job.id for job in self.board.active(other) if one in _ends(job.work))
        return next(there, None)

    def _pause(self, one: str, other: str) -> float | None:
        job = self._runs(one, other)
        if job is None:
            return None
        taken_s = self.ask(Pause(job))
        self.ask(Resume(job))
        return taken_s

    def _to_the_top(self, one: str, other: str) -> float | None:
        """Of the first queue, so that it runs at once."""
        waits = self._waiting(one, other)
        if not waits:
            return None
        return self.ask(Move([self._chance.choice(waits)], queue="q49", to="top"))

    def _waiting(self, one: str, other: str) -> list[str]:
        queues = self.board.in_order()
        legs = self.board.legs((one, other)).values()
        known = [job for ranked in legs for job in ranked.walk(queues)]
        return [job for job in known if self.board.jobs[job].status == "waiting"]

    def _report(self, one: str, other: str) -> float | None:
        job = self._runs(one, other)
        if job is None:
            return None
        number = next(self.board.tables[job].queued_after(-1))
        run = self.board.jobs[job].run
        self._asked += 1
        done = TasksDone(job, run, str(number), 1_000, [0], [1], ["0" * 64])
        return self._take(Report(f"r{self._asked}", other, crowd.SESSION, done))

    def _submit(self, one: str, other: str) -> float:
        self._asked += 1
        source, destination = self.board.endpoints[one].name, self.board.endpoints[other].name
        command = Submit(
            f"b{self._asked:023x}",
            PartyNamed(source, "projects", f"new/{self._asked}"),
            PartyNamed(destination, "incoming", f"new/{self._asked}"),
            queue=f"q{self._asked % 50:02}",
        )
        return self.ask(command)


def _ends(work: object) -> set[str]:
    return {work.source.endpoint, work.destination.endpoint}  # type: ignore[attr-defined]


def measure() -> list[Row]:
    few, many = Workload(FEW), Workload(MANY)
    gc.collect()
    gc.freeze()  # As the scheduler does when it begins to lead.
    rows = _compared(few, many, "")
    for command in HARD:
        few.ask(command)
        many.ask(command)
    rows += _compared(few, many, ", limits set")
    gc.unfreeze()
    return rows


def _compared(few: Workload, many: Workload, settings: str) -> list[Row]:
    for number in range(ROUNDS + 1):
        for workload in (few, many) if number % 2 else (many, few):
            if number == 1:
                workload.forget()  # The first round warms up.
            for _ in range(ACTS):
                workload.act()
    rows: list[Row] = []
    for name in many.taken_s:
        rows += _rows(f"{name}{settings}", few.taken_s[name], many.taken_s[name])
    return rows


def _rows(name: str, few: list[float], many: list[float]) -> list[Row]:
    """Medians; and means, which also hold what comes up now and then."""
    rows: list[Row] = []
    of: list[tuple[str, Callable[[list[float]], float]]] = [("median", median), ("mean", mean)]
    for word, pick in of:
        base = Row(f"{name}, {word}, {FEW:,} jobs", _us(pick(few)), "µs", command=COMMAND)
        value = _us(pick(many))
        ratio = round(value / base.value, 3)
        much = Row(f"{name}, {word}, {MANY:,} jobs", value, "µs", base.name, ratio, COMMAND)
        rows += [base, much]
    return rows


def _us(seconds: float) -> float:
    return round(seconds * 1e6, 1)
