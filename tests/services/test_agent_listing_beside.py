"""What is found is sent while the listing goes on: on a bus with real files, and without one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from events.tasks import Entry
from services.agent import pages, receive
from services.agent.commands import List
from services.agent.folders import Folders
from services.agent.levels import Level
from services.agent.listing import Listing
from services.scheduler.commands import GivenTask, ListingFound, RunEnded, TasksDone, TasksGiven
from tests.services.agent_planes import Ledger, Planes, planes_in, tree
from tests.services.agent_scheduler import FAR, HQ, JOB, Scheduler, until
from tests.services.test_agent_orders import both, fill, scheduler

__all__ = ["scheduler"]
STALL_S = 1
FILES, PAGE = 30, 20


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A listing stops before the name `last` until this is set; its pages are short."""
    gate, look = threading.Event(), Listing._look
    monkeypatch.setattr(pages, "TASKS_PER_EVENT_MAX", PAGE)

    def slow(listing: Listing, level: Level, name: bytes) -> Entry | None:
        while name == b"last" and not gate.wait(0.05):
            listing._step()
        return look(listing, level, name)

    monkeypatch.setattr(Listing, "_look", slow)
    yield gate
    gate.set()


def many(root: Path) -> None:
    """More than a page, in a folder, and one file behind it."""
    fill(root, FILES, 10)
    (root / "last").write_bytes(b"the last one")
    os.utime(root / "folder", (1, 1))


def done(scheduler: Scheduler, run: int = 2) -> int:
    told = [one for one in scheduler.of(run) if isinstance(one, TasksDone)]
    return sum(len(one.hashes) for one in told)


@pytest.mark.parametrize("to", [FAR, HQ])
async def test_files_arrive_before_the_listing_has_ended(
    scheduler: Scheduler, tmp_path: Path, gate: threading.Event, to: str
) -> None:
    """Also where one endpoint does both."""
    async with both(scheduler, tmp_path) as (hq, far):
        (hq / "from").mkdir()
        many(hq / "from")
        lists = List(JOB, 1, "v", "from")
        await scheduler.order(HQ, lists)
        await until(lambda: scheduler.listing)
        receives = replace(scheduler.receive(path="from"), stall_s=STALL_S, here=to == HQ)
        await scheduler.order(to, *([lists, receives] if to == HQ else [receives]))
        await until(lambda: done(scheduler) == PAGE - 2)
        before = len(scheduler.beats[to])
        await until(lambda: len(scheduler.beats[to]) > before + (STALL_S if to == FAR else 0))
        assert scheduler.listing
        assert scheduler.last(2) is TasksDone, "it waits for the listing, and does not end"
        gate.set()
        await until(lambda: scheduler.last(2) is RunEnded)
        assert tree((far if to == FAR else hq) / "in") == tree(hq / "from")
        assert done(scheduler) == len(scheduler.entries) == FILES + 3


async def test_a_slow_listing_tells_what_it_has_before_a_page_is_full(
    scheduler: Scheduler, tmp_path: Path, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "FIRST_PAGE_S", 0.0)
    async with both(scheduler, tmp_path) as (hq, _):
        (hq / "a").touch()
        (hq / "last").touch()
        await scheduler.order(HQ, List(JOB, 1, "v", ""))
        await until(lambda: scheduler.of(1))
        assert scheduler.of(1)[0] == ListingFound(JOB, 1, 0, scheduler.entries[:1], more=True)


class Slow(Ledger):
    """Knows some of the entries; the rest come when it has been asked in vain, and with the first
    of them a hand that gave back a task.
    """

    def __init__(self, entries: list[Entry], planes: Planes) -> None:
        super().__init__(entries[:3])
        self._later = entries[3:]
        self._planes = planes
        self._hands = 0

    def ask(self, after: int) -> TasksGiven:
        given = replace(super().ask(after), listing=bool(self._later), hands=self._hands)
        if not given.tasks and not self._hands and 2 in self.hashes:
            self._hands = 1
            del self.hashes[2]
            self._planes.run.refresh(replace(self._planes.run.duty, touches=[(1, "2")]))
        elif not given.tasks and self._hands:
            self.entries, self._later = [*self.entries, *self._later], []
        return given


def test_a_task_that_a_hand_gave_back_does_not_wait_for_the_listing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive, "WAIT_S", 0.001)
    with planes_in(tmp_path) as planes:
        many(planes.source)
        ledger = Slow(planes.list(""), planes)
        planes.receive(to="in", ledger=ledger)
        assert len(ledger.hashes) == FILES + 3
        assert tree(planes.destination / "in") == tree(planes.source)
        order = [one.numbers for one in ledger.reports if isinstance(one, TasksDone)]
        assert order.count("2") == 2, "it was brought, and again"
        assert order[-1] != "2", "others came after it"


def test_folders_come_back_from_the_last_to_the_first_as_they_were_given() -> None:
    kept, given = Folders(), []
    for number in range(2_500):
        uri = f"a b/\\xff {number}\u00e9\ud800"
        entry = Entry(uri, "folder", mode=0o2750, mtime_ns=2**64 + number)
        given.append(GivenTask(number, entry))
        kept.add(given[-1], number // 2_000)
    batches = list(kept.take_back())
    assert [task for batch in batches for task in batch.tasks] == given[::-1]
    assert [(batch.hands, len(batch.tasks)) for batch in batches] == [
        (1, 500),
        (0, 1000),
        (0, 1000),
    ]
