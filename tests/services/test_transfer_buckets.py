"""A transfer in buckets: so many tasks in hand at a time, and the next when those are settled."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from events import ranges
from events.tasks import Entry
from services.runtime.memory import MemoryLog
from services.scheduler.commands import (
    AgentsReport,
    Set,
    TasksAsked,
    TasksDone,
    TasksFailed,
    TasksGiven,
    TasksStarted,
)
from services.scheduler.reading import Reading
from tests.services.agent_planes import Ledger, Planes, planes_in, tree
from tests.services.read_side import fill
from tests.services.spec import STOCKHOLM, History, job_id, transfer

LARGE = 70 << 20
"""Of that size several threads work at one file."""


class Buckets(Ledger):
    """Gives `bucket` tasks at a time from the ask number `since` on, as the setting has it."""

    def __init__(self, entries: list[Entry], bucket: int, since: int = 0) -> None:
        super().__init__(entries)
        self.bucket, self.since = bucket, since
        self.asks = 0
        self.in_hand: set[int] = set()
        self.most = self.left_over = 0
        self._lock = threading.Lock()

    def ask(self, after: int) -> TasksGiven:
        given, self.asks = super().ask(after), self.asks + 1
        if self.asks <= self.since:
            first = given.tasks[:20]
            return replace(given, tasks=first, after=first[-1].number)
        self.left_over = max(self.left_over, len(self.in_hand) if self.asks > self.since + 1 else 0)
        some = given.tasks[: self.bucket]
        return TasksGiven(some, some[-1].number if some else after, bucket=self.bucket)

    def report(self, report: AgentsReport) -> None:
        with self._lock:
            super().report(report)
            match report:
                case TasksStarted(numbers=numbers):
                    self.in_hand |= set(ranges.read(numbers))
                    if self.asks > self.since:
                        self.most = max(self.most, len(self.in_hand))
                case TasksDone(numbers=numbers):
                    self.in_hand -= set(ranges.read(numbers))
                case TasksFailed(failures=failures):
                    self.in_hand -= {one.number for one in failures}


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Planes]:
    with planes_in(tmp_path) as planes:
        for folder in ("shot/a", "shot/b", "shot/c", "shot/d"):
            (planes.source / folder).mkdir(parents=True)
            for name in range(9):
                (planes.source / folder / f"{name}").write_bytes(os.urandom(name))
        (planes.source / "shot/a/large").write_bytes(os.urandom(LARGE))
        yield planes


@pytest.mark.parametrize("bucket", [1, 3, 1_000])
def test_no_more_tasks_than_a_bucket_are_in_hand(planes: Planes, bucket: int) -> None:
    ledger = Buckets(planes.list("shot"), bucket)
    planes.receive("shot", "in", ledger=ledger)
    assert ledger.ended
    assert 0 < ledger.most <= bucket
    assert ledger.left_over == 0, "the next are asked for when all are settled"
    assert ledger.asks > len(ledger.entries) / bucket
    assert tree(planes.destination / "in") == tree(planes.source / "shot")


def test_buckets_that_come_while_it_runs_wait_for_what_is_in_hand(planes: Planes) -> None:
    ledger = Buckets(planes.list("shot"), 2, since=1)
    planes.receive("shot", "in", ledger=ledger)
    assert ledger.ended
    assert ledger.left_over == 0
    assert tree(planes.destination / "in") == tree(planes.source / "shot")


async def test_the_scheduler_gives_a_bucket_at_a_time_while_the_setting_says_so() -> None:
    history, job = History(), job_id("a")
    history.ask(transfer("a"))
    history.listed("a", 3)
    log = MemoryLog()
    await fill(log, history.log)
    reading, run = Reading(log, history.board), history.job("a").run

    async def asked(after: int = -1, *, every: bool = False) -> tuple[list[int], int]:
        answer = await reading.tasks_left(TasksAsked(STOCKHOLM, job, run, after, every))
        assert isinstance(answer, TasksGiven)
        return [one.number for one in answer.tasks], answer.bucket

    assert await asked() == ([0, 1, 2], 0)
    history.ask(Set("job", job, {"task_bucketsize": 2}))
    assert await asked() == ([0, 1], 2), "at once, while it runs"
    assert await asked(1) == ([2], 2)
    assert await asked(every=True) == ([0, 1, 2], 0), "who looks what there is needs all names"
