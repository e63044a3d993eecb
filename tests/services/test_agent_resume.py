"""Cut lines, killed runs, damaged partials, sources that change: the right bytes, and no others."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.jobs import ErrorClass
from services.agent import pull
from services.agent.commands import BLOCK_BYTES
from services.agent.faults import Fault
from services.agent.halt import Halt, Stopped
from services.agent.partial import is_ours, partial_names
from tests.services.agent_planes import JOB, Ledger, Planes, Proxy, leftovers, planes_in, tree

SIZE = 2 * BLOCK_BYTES + 100_000
OVERHEAD_BYTES = 64 << 10  # Heads, hashes and HTTP of a handful of answers.


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Planes]:
    with planes_in(tmp_path) as planes:
        yield planes


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses between tries, shortened for the test's sake."""
    monkeypatch.setattr(pull, "PAUSES_S", (0.001,) * len(pull.PAUSES_S))


@pytest.mark.usefixtures("hasty")
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=st.lists(st.integers(0, SIZE + 5_000), max_size=5))
def test_a_line_cut_anywhere_costs_at_most_a_block_each_time(
    planes: Planes, cuts: list[int]
) -> None:
    (planes.source / "big").write_bytes(os.urandom(SIZE))
    proxy = Proxy(planes.server.address[1], cuts)
    try:
        ledger = planes.receive("big", "", url=proxy.url)
    finally:
        proxy.close()
    assert ledger.failures == []
    content = (planes.source / "big").read_bytes()
    assert (planes.destination / "big").read_bytes() == content
    assert ledger.hashes == {0: blake3(content).hexdigest()}
    assert leftovers(planes.destination) == []
    assert proxy.came <= SIZE + len(cuts) * BLOCK_BYTES + OVERHEAD_BYTES
    (planes.destination / "big").unlink()


@pytest.mark.usefixtures("hasty")
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=st.lists(st.integers(0, 300_000), max_size=7))
def test_a_cut_batch_goes_on_with_what_is_missing(planes: Planes, cuts: list[int]) -> None:
    for root in (planes.source, planes.destination):
        shutil.rmtree(root)
        root.mkdir()
    for index in range(60):
        (planes.source / f"{index:03d}").write_bytes(os.urandom(index * 137))
    proxy = Proxy(planes.server.address[1], cuts)
    try:
        ledger = planes.receive("", "", url=proxy.url)
    finally:
        proxy.close()
    assert ledger.failures == []
    assert tree(planes.destination) == tree(planes.source)


class Stopping(Halt):
    """Stops the run by itself once the receiver has checked so many times."""

    def __init__(self, checks: int) -> None:
        super().__init__()
        self._left = checks

    def check(self) -> None:
        self._left -= 1
        if self._left < 0:
            self.call()
        super().check()


@pytest.mark.parametrize("checks", [0, 1, 3, 5, 8, 10, 12, 13, 14, 15, 16, 20])
def test_a_run_stopped_anywhere_is_taken_up_by_the_next(planes: Planes, checks: int) -> None:
    (planes.source / "big").write_bytes(os.urandom(SIZE))
    ledger = Ledger(planes.list("big"))
    try:
        planes.receive("big", "", ledger=ledger, halt=Stopping(checks))
    except Stopped:
        assert not ledger.ended
    kept = sum(path.stat().st_size for path in planes.destination.glob(".*.part"))
    proxy = Proxy(planes.server.address[1], [])
    planes.receive("big", "", ledger=ledger, url=proxy.url)
    proxy.close()
    assert (planes.destination / "big").read_bytes() == (planes.source / "big").read_bytes()
    assert proxy.came <= SIZE - kept + BLOCK_BYTES + OVERHEAD_BYTES
    assert leftovers(planes.destination) == []


def interrupted(planes: Planes) -> tuple[Ledger, Path, Path]:
    """A run stopped after two verified blocks of three; its partial and its journal."""
    (planes.source / "big").write_bytes(os.urandom(SIZE))
    ledger = Ledger(planes.list("big"))
    proxy = Proxy(planes.server.address[1], [2 * BLOCK_BYTES + 50_000, *[0] * 20])
    with pytest.raises(Fault, match="cannot be read"):
        planes.receive("big", "", ledger=ledger, url=proxy.url)
    proxy.close()
    part, journal = partial_names(b"big", JOB, 0)
    folder = planes.destination
    return ledger, folder / os.fsdecode(part), folder / os.fsdecode(journal)


def flip(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))


DAMAGES: dict[str, tuple[Callable[[Path, Path], object], int]] = {
    "nothing": (lambda part, journal: None, 2),
    "a flipped bit in the first block": (lambda part, journal: flip(part, 77), 0),
    "a flipped bit in the second block": (lambda part, journal: flip(part, BLOCK_BYTES), 1),
    "a partial cut short": (lambda part, journal: os.truncate(part, BLOCK_BYTES + 9), 1),
    "an empty partial": (lambda part, journal: os.truncate(part, 0), 0),
    "no partial": (lambda part, journal: part.unlink(), 0),
    "a partial that grew": (lambda part, journal: os.truncate(part, 9 * BLOCK_BYTES), 2),
    "no journal": (lambda part, journal: journal.unlink(), 0),
    "a journal cut short": (lambda part, journal: os.truncate(journal, 40 + 40 + 7), 1),
    "an empty journal": (lambda part, journal: os.truncate(journal, 0), 0),
    "a flipped bit in the journal's version": (lambda part, journal: flip(journal, 20), 0),
    "a flipped bit in the journal's magic": (lambda part, journal: flip(journal, 3), 0),
    "a flipped bit in the journal's second hash": (
        lambda part, journal: flip(journal, 40 + 40 + 8),
        1,
    ),
}


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_resume_believes_only_what_it_can_verify(planes: Planes, damage: str) -> None:
    ledger, part, journal = interrupted(planes)
    do, blocks_kept = DAMAGES[damage]
    do(part, journal)
    proxy = Proxy(planes.server.address[1], [])
    planes.receive("big", "", ledger=ledger, url=proxy.url)
    proxy.close()
    assert ledger.failures == []
    content = (planes.source / "big").read_bytes()
    assert (planes.destination / "big").read_bytes() == content
    assert ledger.hashes == {0: blake3(content).hexdigest()}
    moved = SIZE - blocks_kept * BLOCK_BYTES
    assert moved <= proxy.came <= moved + OVERHEAD_BYTES
    assert leftovers(planes.destination) == []


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("plant", [os.symlink, os.link], ids=["link", "second name"])
@pytest.mark.parametrize("which", [0, 1], ids=["partial", "journal"])
def test_what_was_planted_as_a_partial_is_not_written_to(
    planes: Planes, tmp_path: Path, plant: Callable[[Path, Path], None], which: int
) -> None:
    ledger, *files = interrupted(planes)
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    files[which].unlink()
    plant(precious, files[which])
    planes.receive("big", "", ledger=ledger)
    assert precious.read_bytes() == b"precious"
    assert (planes.destination / "big").read_bytes() == (planes.source / "big").read_bytes()
    assert leftovers(planes.destination) == []


class Flipping(Proxy):
    """Flips a bit of each of so many bytes on the way."""

    def __init__(self, planes: Planes, places: list[int]) -> None:
        self._places = places
        super().__init__(planes.server.address[1], [])

    def passed(self, data: bytes) -> bytes:
        hit = [place for place in self._places if self.came <= place < self.came + len(data)]
        changed = bytearray(data)
        for place in hit:
            changed[place - self.came] ^= 1
            self._places.remove(place)
        return bytes(changed)


@pytest.mark.usefixtures("hasty")
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(places=st.lists(st.integers(0, SIZE), min_size=1, max_size=4, unique=True))
def test_bits_flipped_on_the_way_do_not_arrive(planes: Planes, places: list[int]) -> None:
    (planes.source / "big").write_bytes(os.urandom(SIZE))
    os.utime(planes.source / "big", ns=(1, 1))
    ledger = Ledger(planes.list("big"))
    proxy = Flipping(planes, places)
    try:
        planes.receive("big", "", ledger=ledger, url=proxy.url)
    except Fault:
        assert not (planes.destination / "big").exists()
        return  # The flip made a refusal of the answer.
    finally:
        proxy.close()
    if not ledger.failures:
        content = (planes.source / "big").read_bytes()
        assert (planes.destination / "big").read_bytes() == content
        assert ledger.hashes == {0: blake3(content).hexdigest()}
        (planes.destination / "big").unlink()


@pytest.mark.usefixtures("hasty")
def test_another_version_of_the_source_starts_anew(planes: Planes) -> None:
    ledger, _, _ = interrupted(planes)
    (planes.source / "big").write_bytes(os.urandom(SIZE + 1))
    planes.receive("big", "", ledger=ledger)
    assert ledger.failures == []
    assert (planes.destination / "big").read_bytes() == (planes.source / "big").read_bytes()


@pytest.mark.parametrize(
    "how",
    [
        lambda path: os.truncate(path, BLOCK_BYTES // 2),
        lambda path: os.truncate(path, SIZE * 4),
        lambda path: flip(path, SIZE * 3 - 1),
        lambda path: path.unlink(),
        lambda path: os.rename(path.parent / "other", path),
    ],
    ids=["cut short", "appended to", "overwritten", "removed", "replaced"],
)
def test_a_source_changed_in_the_middle_is_never_mixed(
    planes: Planes, how: Callable[[Path], object]
) -> None:
    """The line is held while the file changes: the kernel's buffers are smaller than the file."""
    (planes.source / "big").write_bytes(os.urandom(SIZE * 3))
    (planes.source / "other").write_bytes(os.urandom(SIZE * 3))
    ledger = Ledger(planes.list("big"))
    held = Held(planes, lambda: how(planes.source / "big"))
    try:
        planes.receive("big", "", ledger=ledger, url=held.url)
    finally:
        held.close()
    assert ledger.failed() == {"big": ("changed", "v/big: changed while it was read")}
    assert not (planes.destination / "big").exists()
    assert leftovers(planes.destination) == []


class Held(Proxy):
    """Holds the line after the first bytes until something was done."""

    def __init__(self, planes: Planes, do: Callable[[], object]) -> None:
        self._do: Callable[[], object] | None = do
        super().__init__(planes.server.address[1], [])

    @property
    def came(self) -> int:
        return self._came

    @came.setter
    def came(self, value: int) -> None:
        self._came = value
        if value > 100_000 and self._do is not None:
            do, self._do = self._do, None
            time.sleep(0.3)  # Until the sender has filled all buffers and waits.
            do()


def test_a_sender_that_is_not_there_fails_the_run_after_a_few_tries(
    planes: Planes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "PAUSES_S", (0.01, 0.02))
    (planes.source / "a").write_bytes(b"a")
    ledger = Ledger(planes.list(""))
    planes.server.stop()
    with pytest.raises(Fault, match="Connection refused") as told:
        planes.receive("", "", ledger=ledger)
    assert told.value.error_class is ErrorClass.NETWORK
    assert not ledger.ended


def test_the_tries_take_about_ten_seconds() -> None:
    assert 8 < sum(pull.PAUSES_S) < 12


@pytest.mark.usefixtures("hasty")
def test_a_refused_ticket_fails_the_run(planes: Planes) -> None:
    (planes.source / "a").write_bytes(b"a")
    with pytest.raises(Fault, match="ticket") as told:
        planes.receive("", "", ticket="another")
    assert told.value.error_class is ErrorClass.NETWORK
    assert list(planes.destination.iterdir()) == []


def test_a_stop_is_felt_at_once(planes: Planes) -> None:
    with (planes.source / "huge").open("wb") as file:
        file.truncate(8 << 30)
    halt = Halt()
    ledger = Ledger(planes.list("huge"))

    def run() -> None:
        with pytest.raises(Stopped):
            planes.receive("huge", "", ledger=ledger, halt=halt)

    running = threading.Thread(target=run)
    running.start()
    part = planes.destination / os.fsdecode(partial_names(b"huge", JOB, 0)[0])
    patience_ends = time.monotonic() + 10
    while not (part.exists() and part.stat().st_size > BLOCK_BYTES):
        assert time.monotonic() < patience_ends
        time.sleep(0.01)
    halt.call()
    time.sleep(0.25)
    size = part.stat().st_size
    running.join(2)
    assert not running.is_alive()
    assert part.stat().st_size == size
    part.unlink()


@pytest.mark.parametrize("name", [b"x" * 255, "é".encode() * 127, b"\xff" * 255, b"a", b".b"])
def test_a_partial_of_any_name_has_a_name(name: bytes) -> None:
    for one in partial_names(name, JOB, 999_999_999):
        assert len(one) <= 255
        assert is_ours(one)
    assert len(set(partial_names(name, JOB, 1) + partial_names(name, JOB, 2))) == 4


def test_partials_are_not_listed_but_counted(planes: Planes) -> None:
    part, journal = partial_names(b"a\nb", JOB, 3)
    for name in (part, journal, b".haulage-like", b"a"):
        (planes.source / os.fsdecode(name)).write_bytes(b"")
    assert [entry.uri for entry in planes.list("")] == ["", ".haulage-like", "a"]
