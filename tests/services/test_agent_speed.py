"""A run's speed limit on real sockets: kept, and felt at once when it changes or goes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from services.agent.halt import Halt, Stopped
from services.agent.throttle import CREDIT_S, Throttle
from tests.services.agent_planes import Planes, planes_in, tree

MB = 1_000_000


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Planes]:
    with planes_in(tmp_path) as made:
        yield made


class Receiving:
    """A run in a thread of its own, with the clock."""

    def __init__(self, planes: Planes, limit: int) -> None:
        self.planes, self.halt = planes, Halt()
        self._thread = threading.Thread(target=self._receive, args=(limit,), daemon=True)
        self._thread.start()
        while not hasattr(planes, "run"):
            time.sleep(0.001)

    def _receive(self, limit: int) -> None:
        try:
            self.ledger = self.planes.receive(limit=limit, halt=self.halt)
        except Stopped:
            return

    def change(self, limit: int) -> None:
        run = self.planes.run
        run.refresh(replace(run.duty, limit=limit))

    def rate(self, over_s: float) -> float:
        """Bytes per second, as they come in."""
        before, began = self._bytes(), time.monotonic()
        time.sleep(over_s)
        return (self._bytes() - before) / (time.monotonic() - began)

    def _bytes(self) -> int:
        return self.planes.progress.tick(time.monotonic()).bytes_done

    def ends_within(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()


def test_a_limit_is_kept_and_a_change_is_felt_within_a_second(planes: Planes) -> None:
    for name in ("one", "two", "three"):  # More than one connection shares it.
        (planes.source / name).write_bytes(os.urandom(20 * MB))
    receiving = Receiving(planes, 4 * MB)
    time.sleep(2 * CREDIT_S)
    assert receiving.rate(1.0) == pytest.approx(4 * MB, rel=0.1)
    receiving.change(16 * MB)
    time.sleep(CREDIT_S)
    assert receiving.rate(0.7) == pytest.approx(16 * MB, rel=0.1)
    receiving.change(100_000)
    time.sleep(CREDIT_S)
    assert receiving.rate(0.7) == pytest.approx(100_000, rel=0.2)
    receiving.change(0)
    assert receiving.ends_within(5)
    assert tree(planes.destination) == tree(planes.source)


def test_many_small_files_and_their_names_count(planes: Planes) -> None:
    for number in range(600):
        (planes.source / f"{number:03}").write_bytes(bytes(2_000))
    began = time.monotonic()
    receiving = Receiving(planes, MB)
    assert receiving.ends_within(10)
    took = time.monotonic() - began
    assert took > 1.2 - CREDIT_S - 0.1, "1.2 MB and what is told of them"
    assert tree(planes.destination) == tree(planes.source)


def test_a_stop_is_felt_in_the_middle_of_a_wait(planes: Planes) -> None:
    (planes.source / "one").write_bytes(os.urandom(MB))
    receiving = Receiving(planes, 10_000)
    time.sleep(0.2)
    receiving.halt.call()
    assert receiving.ends_within(0.25)


def test_a_burst_is_a_quarter_of_a_second_at_most_however_long_nothing_came() -> None:
    throttle, halt = Throttle(MB), Halt()
    time.sleep(2 * CREDIT_S)
    began = time.monotonic()
    came = 0
    while (passed := time.monotonic() - began) < 0.5:
        came += (portion := throttle.portion(256 << 10))
        throttle.pay(portion, halt)
    assert came <= MB * (passed + CREDIT_S) + portion
    assert came > MB * passed * 0.9
