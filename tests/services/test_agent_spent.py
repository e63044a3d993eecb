"""What the time of a transfer goes for and what did not have to come, as the receiver says."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.rules import Rules
from events.tasks import Version
from services.agent.commands import BLOCK_BYTES
from services.agent.spent import NAMES, Shares, Totals
from services.scheduler.commands import TasksDone
from tests.services.agent_planes import Ledger, Planes, Proxy, planes_in

SIZE = 3 * BLOCK_BYTES + 5


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Planes]:
    with planes_in(tmp_path) as made:
        yield made


def done(ledger: Ledger) -> list[TasksDone]:
    return [report for report in ledger.reports if isinstance(report, TasksDone)]


def spent(ledger: Ledger) -> dict[str, int]:
    """By name, of all tasks together."""
    return {name: sum(sum(getattr(one, name)) for one in done(ledger)) for name in NAMES}


def most(ledger: Ledger) -> str:
    told = spent(ledger)
    return max(told, key=lambda name: told[name])


class Slowly(Proxy):
    """A line that takes its time."""

    def passed(self, data: bytes) -> bytes:
        time.sleep(len(data) / (30 << 20))
        return data


def test_a_slow_line_is_the_networks_time(planes: Planes) -> None:
    (planes.source / "big").write_bytes(os.urandom(SIZE))
    proxy = Slowly(planes.server.address[1], [])
    try:
        ledger = planes.receive("big", "", url=proxy.url)
    finally:
        proxy.close()
    assert most(ledger) == "network_ms"
    assert spent(ledger)["network_ms"] > 200
    [took_ms] = done(ledger)[0].took_ms
    assert sum(spent(ledger).values()) <= took_ms + 200, "one thread spends no more than there is"


def test_a_slow_disk_at_the_sender_is_readings_time(
    planes: Planes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (planes.source / "big").write_bytes(os.urandom(SIZE))
    read = os.preadv

    def slowly(*given: Any) -> int:
        time.sleep(0.01)
        return read(*given)

    monkeypatch.setattr("services.agent.readable.os.preadv", slowly)
    ledger = planes.receive("big")
    assert most(ledger) == "reading_ms"
    assert spent(ledger)["reading_ms"] > 200


def test_a_limit_is_neither_the_networks_nor_the_disks(planes: Planes) -> None:
    (planes.source / "big").write_bytes(os.urandom(SIZE))
    assert most(planes.receive("big", limit=15_000_000)) == "limited_ms"


def test_a_slow_disk_here_is_writings_time(planes: Planes, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        (planes.source / f"{number}").write_bytes(os.urandom(1000))
    rename = os.rename

    def slowly(*given: Any, **more: Any) -> None:
        time.sleep(0.02)
        rename(*given, **more)

    monkeypatch.setattr("services.agent.landing.os.rename", slowly)
    ledger = planes.receive()
    assert most(ledger) == "writing_ms"
    assert 400 <= spent(ledger)["writing_ms"] < 4_000
    told = max(done(ledger), key=lambda one: len(one.took_ms)).writing_ms
    assert max(told) - min(told) < 100, "small files share it"


def test_what_is_the_same_already_is_saved_and_costs_only_hashing(planes: Planes) -> None:
    for root in (planes.source, planes.destination):
        (root / "big").write_bytes(bytes(SIZE))
        os.utime(root / "big", ns=(1, 1))
    planes.rules = Rules(comparison="hash")
    [report] = done(planes.receive("big"))
    assert (report.saved, report.size) == ([SIZE], SIZE)


def test_what_an_earlier_try_left_is_saved(planes: Planes) -> None:
    (planes.source / "big").write_bytes(os.urandom(SIZE))
    proxy = Proxy(planes.server.address[1], [2 * BLOCK_BYTES + 4096] + [0] * 99)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("services.agent.pull.PAUSES_S", (0.001, 0.001))
            with pytest.raises(Exception, match="cannot be read"):
                planes.receive("big", "", url=proxy.url)
    finally:
        proxy.close()
    [report] = done(planes.receive("big"))
    assert report.saved in ([BLOCK_BYTES], [2 * BLOCK_BYTES])


def test_nothing_is_saved_of_what_came_whole(planes: Planes) -> None:
    (planes.source / "small").write_bytes(b"small")
    [report] = done(planes.receive("small"))
    assert (report.saved, report.versions) == ([0], [])


def test_a_file_that_changed_since_it_was_listed_is_told_as_it_was_sent(planes: Planes) -> None:
    (planes.source / "plate").write_bytes(b"small")
    ledger = Ledger(planes.list("plate"))
    (planes.source / "plate").write_bytes(b"larger")
    os.utime(planes.source / "plate", ns=(5, 5))
    planes.receive("plate", ledger=ledger)
    assert done(ledger)[0].versions == [Version(0, 6, 5)]


class Cutting(Proxy):
    """The source is cut short once some of it has come."""

    BUFFER_BYTES = 256 << 10
    source: Path

    def passed(self, data: bytes) -> bytes:
        if self.came > BLOCK_BYTES:
            os.truncate(self.source, BLOCK_BYTES)
        return data


def test_a_try_that_failed_says_what_came_of_it_all_the_same(planes: Planes) -> None:
    big = planes.source / "big"
    big.write_bytes(os.urandom(8 * BLOCK_BYTES))
    proxy = Cutting(planes.server.address[1], [])
    proxy.source = big
    try:
        ledger = planes.receive("big", "", url=proxy.url)
    finally:
        proxy.close()
    [failure] = ledger.failures
    assert failure.error_class == "changed"
    assert failure.measured is not None
    assert BLOCK_BYTES <= failure.measured.bytes < 8 * BLOCK_BYTES
    assert done(ledger) == []


@given(
    st.lists(st.lists(st.integers(0, 10**9), min_size=1, max_size=6), max_size=8),
    st.floats(0, 5, allow_nan=False),
)
def test_no_time_is_lost_or_made_however_it_is_shared_out(
    batches: list[list[int]], each_s: float
) -> None:
    shares, told = Shares(), 0
    for sizes in batches:
        share = shares.share(Totals(waiting=each_s, told=each_s / 3, writing=each_s), sizes)
        assert all(len(share[name]) == len(sizes) for name in NAMES)
        assert min(map(min, share.values())) >= 0
        told += sum(share["reading_ms"]) + sum(share["network_ms"])
    assert told == pytest.approx(1000 * each_s * len(batches), abs=2)


def test_what_the_sender_says_counts_only_as_far_as_we_waited() -> None:
    told = Totals(waiting=2.0, told=5.0).parts()
    assert (told["reading_ms"], told["network_ms"]) == (2000.0, 0.0)
