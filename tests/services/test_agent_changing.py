"""A source that changes while it is read: its class of failure, or all of it anew, never a mix."""

from __future__ import annotations

import http.client
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import pytest
from msgspec.structs import replace

from events.tasks import Entry
from services.agent import bring, pace
from services.agent.commands import BLOCK_BYTES
from services.agent.frames import Inflow, Item, write_request
from services.agent.unchanged import COARSE_TICK_S, SECOND_NS, TICK_S, wait
from tests.services.agent_planes import Ledger, Planes, leftovers, planes_in
from tests.services.ordinary import as_ordinary_user, ordinary_folder
from tests.services.test_agent_large import CONNECTIONS, Slow

SIZE = 7 * BLOCK_BYTES + 5
LETTERS = b"abcdefgh"
NS = 1_700_000_000_123_456_789


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Planes]:
    with planes_in(tmp_path) as planes:
        yield planes


@pytest.fixture
def theirs() -> Iterator[Path]:
    with ordinary_folder() as folder:
        yield folder


def replaced(path: Path) -> None:
    """By another file of the same size and time."""
    another(path).rename(path)


def another(path: Path) -> Path:
    """Of the same size and time, out of the source's way."""
    before, other = path.stat(), path.parents[1] / "other"
    other.write_bytes(os.urandom(before.st_size))
    os.utime(other, ns=(before.st_mtime_ns, before.st_mtime_ns))
    return other


def overwritten(path: Path) -> None:
    before = path.stat()
    path.write_bytes(os.urandom(before.st_size))
    os.utime(path, ns=(before.st_mtime_ns, before.st_mtime_ns))


def appended(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


CHANGES = [replaced, overwritten, appended, cut_short]


def batch(planes: Planes) -> Ledger:
    for name in ("one", "two", "three"):
        (planes.source / name).write_bytes(os.urandom(1000))
        os.utime(planes.source / name, ns=(NS, NS))
    return Ledger(planes.list(""))


# Between the listing and the reading.


@pytest.mark.parametrize("change", CHANGES)
def test_a_small_file_arrives_as_it_is_when_it_is_read(
    planes: Planes, change: Callable[[Path], None]
) -> None:
    ledger = batch(planes)
    change(planes.source / "two")
    planes.receive(ledger=ledger)
    assert ledger.failures == []
    for name in ("one", "two", "three"):
        came = planes.destination / name
        assert came.read_bytes() == (planes.source / name).read_bytes()
        assert came.stat().st_mtime_ns == (planes.source / name).stat().st_mtime_ns


def test_what_is_no_file_any_more_fails_alone(planes: Planes) -> None:
    ledger = batch(planes)
    (planes.source / "one").unlink()
    (planes.source / "two").unlink()
    (planes.source / "two").mkdir()
    (planes.source / "three").unlink()
    (planes.source / "three").symlink_to("four")
    (planes.source / "four").write_bytes(b"4")
    planes.receive(ledger=Ledger([*ledger.entries, Entry("four")]))
    planes.receive(ledger=ledger)
    assert {uri: one for uri, (one, _) in ledger.failed().items()} == {
        "one": "missing",
        "two": "changed",
        "three": "permission",
    }
    assert (planes.destination / "four").read_bytes() == b"4"


def without_permission(root: str) -> None:
    with planes_in(Path(root)) as planes:
        ledger = batch(planes)
        (planes.source / "two").chmod(0)
        planes.receive(ledger=ledger)
        assert {uri: one for uri, (one, _) in ledger.failed().items()} == {"two": "permission"}
        assert sorted(path.name for path in planes.destination.iterdir()) == ["one", "three"]


def test_what_may_not_be_read_any_more_fails_alone(theirs: Path) -> None:
    assert as_ordinary_user(without_permission, theirs) == 0


# Between two parts of a large file.


def changed_between_parts(
    planes: Planes, change: Callable[[Path], object]
) -> tuple[Ledger, dict[str, str]]:
    """A run whose source changes after some of it has come, and each failure's class."""
    bring.LARGE_BYTES = pace.TAKE_MIN_BYTES = pace.TAKE_MAX_BYTES = BLOCK_BYTES
    big = planes.source / "big"
    if not big.exists():
        big.write_bytes(os.urandom(SIZE))
    ledger, line = Ledger(planes.list("")), Slow(planes.server.address[1], [])

    def later() -> None:
        while line.came < 2 * BLOCK_BYTES:
            time.sleep(0.001)
        change(big)

    changing = threading.Thread(target=later)
    changing.start()
    planes.receive(ledger=ledger, url=line.url, sockets=CONNECTIONS)
    changing.join()
    line.close()
    return ledger, {uri: one for uri, (one, _) in ledger.failed().items()}


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sizes of parts are afterwards what they were."""
    monkeypatch.setattr(bring, "LARGE_BYTES", bring.LARGE_BYTES)
    monkeypatch.setattr(pace, "TAKE_MIN_BYTES", pace.TAKE_MIN_BYTES)
    monkeypatch.setattr(pace, "TAKE_MAX_BYTES", pace.TAKE_MAX_BYTES)


@pytest.mark.usefixtures("kept")
def test_a_replaced_file_is_not_mixed_and_comes_whole_with_the_next_try(planes: Planes) -> None:
    (planes.source / "big").write_bytes(os.urandom(SIZE))
    other = another(planes.source / "big")
    ledger, failed = changed_between_parts(planes, other.rename)
    assert failed == {"big": "changed"}
    assert not (planes.destination / "big").exists()
    assert leftovers(planes.destination) == []
    ledger.failures.clear()
    planes.receive(ledger=ledger)
    assert ledger.failures == []
    assert (planes.destination / "big").read_bytes() == (planes.source / "big").read_bytes()


@pytest.mark.usefixtures("kept")
def test_a_file_that_vanishes_between_two_parts_is_missing(planes: Planes) -> None:
    _, failed = changed_between_parts(planes, Path.unlink)
    assert failed["big"] in ("missing", "changed"), "changed, for who still has it open"
    assert not (planes.destination / "big").exists()


def permission_off_between_parts(root: str) -> None:
    with planes_in(Path(root)) as planes:
        _, failed = changed_between_parts(planes, lambda path: path.chmod(0))
        assert failed["big"] in ("permission", "changed")
        assert not (planes.destination / "big").exists()


def test_a_file_that_may_not_be_read_any_more_is_not_put_in_place(theirs: Path) -> None:
    assert as_ordinary_user(permission_off_between_parts, theirs) == 0


def test_another_file_is_sent_from_its_start_though_it_looks_the_same(planes: Planes) -> None:
    (planes.source / "big").write_bytes(os.urandom(2 * BLOCK_BYTES))
    found = (planes.source / "big").stat()
    asked = Item(
        0,
        "big",
        offset=BLOCK_BYTES,
        length=0,
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
        ctime_ns=found.st_ctime_ns,
    )
    same = f"{found.st_dev:x}.{found.st_ino:x}"
    connection = http.client.HTTPConnection(*planes.server.address, timeout=5)
    items = [replace(asked, file=file) for file in ("", same, "1.2")]
    headers = {"Authorization": "Bearer the ticket"}
    connection.request("POST", "/read", write_request(items), headers)
    inflow, offsets = Inflow(connection.getresponse()), []
    for _ in items:
        head = inflow.read_head()
        offsets.append(head.offset)
        assert head.file == same
        inflow.begin_file(head.end - head.offset)
        assert inflow.read_block_length() == 0
        inflow.read_end()
    connection.close()
    assert offsets == [BLOCK_BYTES, BLOCK_BYTES, 0]


# While it is read.


def write_on(path: Path, size: int) -> int:
    """A process that fills a file with one letter after another, with rests in between."""
    child = os.fork()
    if child:
        return child
    try:
        descriptor, ends_s = os.open(path, os.O_WRONLY), time.monotonic() + 20
        for turn, letter in enumerate(cycle(LETTERS)):
            for at in range(0, size, 16 << 10):
                os.pwrite(descriptor, bytes([letter]) * min(16 << 10, size - at), at)
            if time.monotonic() > ends_s:
                break
            time.sleep(0.004 * (turn % 3))
    finally:
        os._exit(0)


@pytest.mark.parametrize("size", [100_000, BLOCK_BYTES + 100_000])
def test_a_file_that_somebody_writes_to_arrives_as_it_was_at_one_moment(
    planes: Planes, size: int
) -> None:
    (planes.source / "busy").write_bytes(b"a" * size)
    writer, ends_s = write_on(planes.source / "busy", size), time.monotonic() + 2
    seen: set[str] = set()
    try:
        while time.monotonic() < ends_s:
            ledger = planes.receive(ledger=Ledger([Entry("", "folder"), Entry("busy", size=size)]))
            seen |= {one for one, _ in ledger.failed().values()}
            came = planes.destination / "busy"
            if came.exists():
                assert_of_one_moment(came.read_bytes())
                came.unlink()
    finally:
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
    assert seen <= {"changed"}


def assert_of_one_moment(content: bytes) -> None:
    """It is filled from its start: only the letter before may still stand behind the newest."""
    newest = content[:1]
    older = content.lstrip(newest)
    before = LETTERS[LETTERS.index(newest) - 1 :][:1]
    assert not older.strip(before), "bytes that were never in the file together"


def test_a_change_of_just_now_is_given_time_to_show(tmp_path: Path) -> None:
    """A second one in the same tick of the file system's clock would not."""
    path = tmp_path / "file"
    path.touch()
    os.utime(path, ns=(NS, NS))
    found = path.stat()
    ctime_ns = found.st_ctime_ns
    assert wait(found, ctime_ns) == TICK_S
    assert wait(found, ctime_ns + int(TICK_S * SECOND_NS / 2)) == pytest.approx(TICK_S / 2)
    assert wait(found, ctime_ns + int(TICK_S * SECOND_NS)) == 0
    assert wait(found, ctime_ns - 1) == 0, "its clock is another"
    whole = os.stat_result((*found[:7], 100, 100, 100), {**_times(100)})
    assert wait(whole, 101 * SECOND_NS) == COARSE_TICK_S - 1


def _times(second: int) -> dict[str, int]:
    return {f"st_{name}time_ns": second * SECOND_NS for name in "amc"}
