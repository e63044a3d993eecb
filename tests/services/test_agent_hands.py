"""A hand on a task while a run brings files: that task stops at once, and only that one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from events import ranges
from events.tasks import Entry
from services.agent.commands import BLOCK_BYTES
from services.scheduler.commands import AgentsReport, TasksDone, TasksFailed, TasksGiven
from tests.services.agent_planes import Ledger, Planes, Proxy, leftovers, planes_in, tree

LARGE = 6 * BLOCK_BYTES


class Hands(Ledger):
    """As the scheduler: gives what is queued, and does not count what a later hand overruled."""

    def __init__(self, entries: list[Entry], planes: Planes) -> None:
        super().__init__(entries)
        self.planes = planes
        self.held: set[int] = set()
        self.touches: list[tuple[int, str]] = []

    def hand(self, uri: str, *, held: bool) -> None:
        """Put a task on hold, or queue it again: what the next orders say."""
        number = self.number(uri)
        (self.held.add if held else self.held.discard)(number)
        self.touches.append((len(self.touches) + 1, str(number)))
        run = self.planes.run
        run.duty = msgspec.structs.replace(run.duty, touches=list(self.touches))

    def number(self, uri: str) -> int:
        return next(n for n, entry in enumerate(self.entries) if entry.uri == uri)

    def ask(self, after: int) -> TasksGiven:
        given = super().ask(after)
        left = [one for one in given.tasks if one.number not in self.held]
        return TasksGiven(left, given.after, len(self.touches))

    def report(self, report: AgentsReport) -> None:
        if isinstance(report, TasksDone | TasksFailed):
            overruled = {int(one) for hand, one in self.touches if hand > report.hands}
            named = (
                set(ranges.read(report.numbers))
                if isinstance(report, TasksDone)
                else {one.number for one in report.failures}
            )
            assert not named & overruled, "what was taken away is not told"
        super().report(report)


class Watched(Proxy):
    """Calls `then` once, when so many bytes have come from the sender."""

    def __init__(self, port: int, after: int, then: Callable[[], None]) -> None:
        super().__init__(port, [])
        self._after = after
        self._then: Callable[[], None] | None = then

    def passed(self, data: bytes) -> bytes:
        if self._then is not None and self.came >= self._after:
            then, self._then = self._then, None
            then()
        return data


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Planes]:
    with planes_in(tmp_path) as planes:
        (planes.source / "shot").mkdir()
        for name, size in (("a", LARGE), ("b", 10), ("c", BLOCK_BYTES), ("d", 0)):
            (planes.source / "shot" / name).write_bytes(os.urandom(size))
        yield planes


def received(planes: Planes, after: int, *hands: tuple[str, bool]) -> Hands:
    """Receive through a proxy; after so many bytes these hands come: (uri, held)."""
    ledger = Hands(planes.list("shot"), planes)

    def then() -> None:
        for uri, held in hands:
            ledger.hand(uri, held=held)

    proxy = Watched(planes.server.address[1], after, then)
    try:
        planes.receive("shot", "in", ledger=ledger, url=proxy.url)
    finally:
        proxy.close()
    return ledger


def test_a_task_on_hold_stops_in_the_middle_and_the_others_arrive(planes: Planes) -> None:
    ledger = received(planes, 2 * BLOCK_BYTES, ("a", True))
    assert ledger.ended
    assert ledger.failures == []
    arrived = {ledger.entries[number].uri for number in ledger.hashes}
    assert arrived == {"", "b", "c", "d"}
    assert not (planes.destination / "in/a").exists()
    kept = sum(Path(path).stat().st_size for path in leftovers(planes.destination))
    assert 0 < kept < LARGE, "what came is kept for a later run, and no more comes"


def test_a_task_that_is_queued_again_is_brought_by_the_same_run(planes: Planes) -> None:
    ledger = received(planes, 2 * BLOCK_BYTES, ("a", True), ("a", False))
    assert ledger.ended
    assert len(ledger.hashes) == len(ledger.entries)
    assert tree(planes.destination / "in") == tree(planes.source / "shot")
    assert leftovers(planes.destination) == []


def test_a_task_that_was_not_begun_is_left_alone(planes: Planes) -> None:
    ledger = received(planes, 0, ("c", True), ("", True))
    assert ledger.ended
    arrived = {ledger.entries[number].uri for number in ledger.hashes}
    assert "c" not in arrived
    assert "" not in arrived
    assert not (planes.destination / "in/c").exists()
