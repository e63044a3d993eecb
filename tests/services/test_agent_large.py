"""A large file comes on several connections at once, and is the same file in the end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.agent import bring, pace, pull
from services.agent.commands import BLOCK_BYTES
from services.agent.halt import Halt, Stopped
from tests.services.agent_planes import Ledger, Planes, Proxy, leftovers, planes_in
from tests.services.test_agent_resume import OVERHEAD_BYTES, Stopping

SIZE = 9 * BLOCK_BYTES + 12_345
CONNECTIONS = 3


@pytest.fixture
def planes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Planes]:
    """Where a file of more than a block is large, and connections take a block at a time."""
    monkeypatch.setattr(bring, "LARGE_BYTES", BLOCK_BYTES)
    monkeypatch.setattr(pace, "TAKE_MIN_BYTES", BLOCK_BYTES)
    monkeypatch.setattr(pace, "TAKE_MAX_BYTES", BLOCK_BYTES)
    monkeypatch.setattr(pace, "FIRST", CONNECTIONS)
    monkeypatch.setattr(pull, "PAUSES_S", (0.001,) * len(pull.PAUSES_S))
    with planes_in(tmp_path) as planes:
        (planes.source / "big").write_bytes(os.urandom(SIZE))
        yield planes


def arrived(planes: Planes, ledger: Ledger) -> bool:
    content = (planes.source / "big").read_bytes()
    assert ledger.failures == []
    assert (planes.destination / "big").read_bytes() == content
    assert ledger.hashes == {0: blake3(content).hexdigest()}
    return leftovers(planes.destination) == []


class Slow(Proxy):
    """A line so slow that every thread gets its part, and the first slower than the others."""

    BUFFER_BYTES = 256 << 10

    def passed(self, data: bytes) -> bytes:
        first = threading.current_thread() is self._threads[2]
        time.sleep(0.004 if first else 0.001)  # For 256 KiB at most.
        return data


def test_a_large_file_comes_on_several_connections_in_any_order(planes: Planes) -> None:
    line = Slow(planes.server.address[1], [])
    ledger = planes.receive("big", "", url=line.url, sockets=CONNECTIONS)
    line.close()
    assert arrived(planes, ledger)
    assert line.connections == CONNECTIONS
    assert line.came <= SIZE + OVERHEAD_BYTES


def test_no_more_connections_than_the_setting_allows(planes: Planes) -> None:
    line = Slow(planes.server.address[1], [])
    ledger = planes.receive("big", "", url=line.url, sockets=1)
    line.close()
    assert arrived(planes, ledger)
    assert line.connections == 1


def test_a_lowered_setting_reaches_the_running_transfer(
    planes: Planes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is too many stops after the block in hand; what it had taken comes another way."""
    monkeypatch.setattr(pace, "TAKE_MIN_BYTES", 4 * BLOCK_BYTES)
    monkeypatch.setattr(pace, "TAKE_MAX_BYTES", 4 * BLOCK_BYTES)
    line = Slow(planes.server.address[1], [])

    def lower() -> None:
        while line.came < 2 * BLOCK_BYTES:
            time.sleep(0.001)
        planes.run.duty = replace(planes.run.duty, sockets=1)

    lowering = threading.Thread(target=lower)
    lowering.start()
    ledger = planes.receive("big", "", url=line.url, sockets=CONNECTIONS)
    lowering.join()
    line.close()
    assert arrived(planes, ledger)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=st.lists(st.integers(0, 3 * BLOCK_BYTES), max_size=6))
def test_lines_cut_anywhere_cost_at_most_a_block_each_time(planes: Planes, cuts: list[int]) -> None:
    line = Proxy(planes.server.address[1], cuts)
    try:
        ledger = planes.receive("big", "", url=line.url, sockets=CONNECTIONS)
    finally:
        line.close()
    assert arrived(planes, ledger)
    assert line.came <= SIZE + len(cuts) * BLOCK_BYTES + OVERHEAD_BYTES
    (planes.destination / "big").unlink()


@pytest.mark.parametrize("checks", [3, 15, 25, 35, 45])
def test_a_run_stopped_anywhere_costs_at_most_a_block_a_connection(
    planes: Planes, checks: int
) -> None:
    ledger = Ledger(planes.list("big"))
    first = Proxy(planes.server.address[1], [])
    try:
        with pytest.raises(Stopped):
            planes.receive(
                "big", "", ledger=ledger, halt=Stopping(checks), url=first.url, sockets=CONNECTIONS
            )
    finally:
        first.close()
    written = planes.progress.bytes_moved
    second = Proxy(planes.server.address[1], [])
    planes.receive("big", "", ledger=ledger, url=second.url, sockets=CONNECTIONS)
    second.close()
    assert arrived(planes, ledger)
    assert second.came <= SIZE - written + CONNECTIONS * BLOCK_BYTES + OVERHEAD_BYTES


def test_a_sender_without_a_place_for_another_connection_is_no_failure(
    planes: Planes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "PAUSES_S", (0.05,) * 3)
    line = One(planes.server.address[1], [])
    ledger = planes.receive("big", "", url=line.url, sockets=CONNECTIONS)
    line.close()
    assert arrived(planes, ledger)


class One(Slow):
    """Lets nobody in while somebody is."""

    def _pump(self, origin: object, to: object, limit: int, *, counted: bool = False) -> None:
        super()._pump(origin, to, limit if self.connections == 1 else 0, counted=counted)  # type: ignore[arg-type]


def rewritten(path: Path) -> None:
    """With other bytes of the same size and time."""
    before = path.stat()
    with path.open("r+b") as file:
        file.write(os.urandom(1_000))
    os.utime(path, ns=(before.st_mtime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "how",
    [rewritten, lambda path: os.truncate(path, SIZE - 1), lambda path: os.truncate(path, 2 * SIZE)],
    ids=["overwritten", "cut short", "appended to"],
)
def test_a_source_that_changes_between_two_parts_is_never_mixed(
    planes: Planes, how: Callable[[Path], None]
) -> None:
    line = Slow(planes.server.address[1], [])
    ledger = Ledger(planes.list("big"))

    def change() -> None:
        while line.came < 2 * BLOCK_BYTES:
            time.sleep(0.001)
        how(planes.source / "big")

    changing = threading.Thread(target=change)
    changing.start()
    planes.receive("big", "", ledger=ledger, url=line.url, sockets=CONNECTIONS)
    changing.join()
    line.close()
    assert ledger.failed() == {"big": ("changed", "v/big: changed while it was read")}
    assert not (planes.destination / "big").exists()
    assert leftovers(planes.destination) == []


def test_a_stop_ends_all_threads_at_once(planes: Planes) -> None:
    halt, line = Halt(), Slow(planes.server.address[1], [])

    def stop() -> None:
        while line.came < 2 * BLOCK_BYTES:
            time.sleep(0.001)
        halt.call()

    stopping = threading.Thread(target=stop)
    stopping.start()
    with pytest.raises(Stopped):
        planes.receive("big", "", halt=halt, url=line.url, sockets=CONNECTIONS)
    stopping.join()
    line.close()
    assert not [one for one in threading.enumerate() if one.name.startswith("bytes.pull")]
