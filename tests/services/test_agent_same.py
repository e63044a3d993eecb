"""Compared by hash, what is here is done only when the sender says that it has the same bytes."""

from __future__ import annotations

import io
import os
import socket
import stat
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from blake3 import blake3

from events.rules import Rules
from events.tasks import Entry
from services.agent import outflow, pull, send
from services.agent.commands import BLOCK_BYTES
from services.agent.faults import Fault
from services.agent.frames import Head, Inflow, Item, write_head
from services.agent.halt import Halt
from services.agent.outflow import Outflow
from services.agent.partial import partial_names
from services.agent.sender import Sender
from services.agent.volume import Volume
from tests.services.agent_planes import JOB, Ledger, Planes, Proxy, leftovers, planes_in
from tests.services.test_agent_lies import CONTENT, TRUTH, Liar

NS = 1_700_000_000_123_456_789
SIZE = 2 * BLOCK_BYTES + 100_000
OVERHEAD_BYTES = 64 << 10


@pytest.fixture
def planes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Planes]:
    monkeypatch.setattr(pull, "PAUSES_S", (0.001, 0.001))
    with planes_in(tmp_path) as planes:
        planes.rules = Rules(comparison="hash")
        yield planes


def put(path: Path, content: bytes, mtime_ns: int = NS) -> Path:
    path.write_bytes(content)
    os.utime(path, ns=(mtime_ns, mtime_ns))
    return path


def inode(path: Path) -> int:
    return path.stat().st_ino


def moved(planes: Planes, ledger: Ledger | None = None) -> tuple[Ledger, int]:
    """Everything received, and how many bytes the sender sent for it."""
    proxy = Proxy(planes.server.address[1], [])
    try:
        return planes.receive("", "", ledger=ledger, url=proxy.url), proxy.came
    finally:
        proxy.close()


@pytest.mark.parametrize("size", [1, 300_000, BLOCK_BYTES, SIZE])
def test_other_bytes_of_the_same_size_and_time_are_replaced(planes: Planes, size: int) -> None:
    content = os.urandom(size)
    put(planes.source / "file", content)
    put(planes.destination / "file", content[:-1] + bytes([content[-1] ^ 1]))
    ledger, _ = moved(planes)
    assert ledger.failures == []
    assert (planes.destination / "file").read_bytes() == content
    assert ledger.hashes[1] == blake3(content).hexdigest()
    assert leftovers(planes.destination) == []


def test_the_same_bytes_are_not_moved_again(planes: Planes) -> None:
    for index, size in enumerate([0, 1, 300_000, SIZE]):
        put(planes.source / f"file {index}", os.urandom(size))
    first = planes.receive("", "")
    inodes = {path: inode(path) for path in planes.destination.iterdir()}
    again, came = moved(planes)
    assert again.failures == []
    assert again.hashes == first.hashes
    assert again.bytes_done == first.bytes_done
    assert came < OVERHEAD_BYTES
    assert inodes == {path: inode(path) for path in planes.destination.iterdir()}


def test_what_is_the_same_gets_the_mode_and_time_that_the_source_has_now(planes: Planes) -> None:
    put(planes.source / "file", os.urandom(SIZE))
    planes.receive("", "")
    ledger, before = Ledger(planes.list("")), inode(planes.destination / "file")
    os.utime(planes.source / "file", ns=(NS, NS + 5))
    (planes.source / "file").chmod(0o640)
    _, came = moved(planes, ledger)
    found = (planes.destination / "file").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_mtime_ns) == (0o640, NS + 5)
    assert (found.st_ino, came < OVERHEAD_BYTES) == (before, True)


@pytest.mark.parametrize("content", [b"longer than it was", b"other"])
def test_a_source_that_changed_since_the_listing_is_sent(planes: Planes, content: bytes) -> None:
    put(planes.source / "file", b"first")
    planes.receive("", "")
    ledger = Ledger(planes.list(""))
    put(planes.source / "file", content)
    planes.receive("", "", ledger=ledger)
    assert (planes.destination / "file").read_bytes() == content
    assert ledger.hashes[1] == blake3(content).hexdigest()


def test_what_the_sender_lacks_fails_and_what_is_here_stays(planes: Planes) -> None:
    put(planes.source / "file", b"file")
    planes.receive("", "")
    ledger = Ledger(planes.list(""))
    (planes.source / "file").unlink()
    planes.receive("", "", ledger=ledger)
    assert ledger.failed() == {"file": ("missing", "v/file: No such file or directory")}
    assert (planes.destination / "file").read_bytes() == b"file"


def test_a_link_is_not_taken_for_the_file_it_leads_to(planes: Planes) -> None:
    put(planes.source / "file", b"file")
    put(planes.destination / "other", b"file")
    (planes.destination / "file").symlink_to("other")
    planes.receive("", "")
    assert not (planes.destination / "file").is_symlink()
    assert (planes.destination / "file").read_bytes() == b"file"


class Meddling(Proxy):
    """Does something when the first bytes of the sender are on their way."""

    def __init__(self, planes: Planes, do: Callable[[], object]) -> None:
        self._do: Callable[[], object] | None = do
        super().__init__(planes.server.address[1], [])

    def passed(self, data: bytes) -> bytes:
        if self._do is not None:
            do, self._do = self._do, None
            do()
        return data


@pytest.mark.parametrize("how", ["overwritten", "replaced", "removed"])
def test_what_changes_here_before_the_answer_is_replaced(planes: Planes, how: str) -> None:
    put(planes.source / "file", b"source")
    here = put(planes.destination / "file", b"source")

    def meddle() -> None:
        if how != "overwritten":
            here.unlink()
        if how != "removed":
            put(here, b"meddle")

    proxy = Meddling(planes, meddle)
    try:
        ledger = planes.receive("", "", url=proxy.url)
    finally:
        proxy.close()
    assert ledger.failures == []
    assert len(ledger.hashes) == 2
    assert here.read_bytes() == b"source"


def test_progress_counts_the_reading_here_as_one_half(planes: Planes) -> None:
    put(planes.source / "file", os.urandom(SIZE))
    planes.receive("", "")
    seen = []
    proxy = Meddling(planes, lambda: seen.append(planes.progress.tick(0.0).bytes_done))
    try:
        planes.receive("", "", url=proxy.url)
    finally:
        proxy.close()
    assert seen == [SIZE // 2]
    assert planes.progress.tick(0.0).bytes_done == SIZE


def test_a_sender_tells_how_far_it_compared(
    planes: Planes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "LOOKED_EACH_S", 0)
    content = os.urandom(1_000_000)
    put(planes.source / "file", content)
    item = Item(7, "file", size=len(content), hash=blake3(content).hexdigest(), alike="hash")
    with asked(planes, item) as answer:
        heads = [answer.read_head() for _ in range(5)]
    assert [head.number for head in heads] == [7] * 5
    assert [head.looked for head in heads] == [1 << 18, 2 << 18, 3 << 18, len(content), 0]
    assert [head.same for head in heads] == [False] * 4 + [True]
    assert (heads[4].size, heads[4].mtime_ns) == (len(content), NS)
    planes.receive("", "")
    again, came = moved(planes)
    assert (again.failures, came < OVERHEAD_BYTES) == ([], True)


@contextmanager
def asked(planes: Planes, item: Item) -> Iterator[Inflow]:
    sender = Sender(lambda: planes.duty(), Halt())
    try:
        yield sender.read([item])
    finally:
        sender.close()


def test_a_hash_of_something_else_brings_all_bytes_whatever_the_offset(planes: Planes) -> None:
    put(planes.source / "file", b"x" * SIZE)
    with asked(planes, Item(0, "file", "file", BLOCK_BYTES, SIZE, NS, "0" * 64, "hash")) as answer:
        head = answer.read_head()
    assert (head.size, head.offset, head.same) == (SIZE, 0, False)


def journal_of(planes: Planes) -> Path:
    return planes.destination / os.fsdecode(partial_names(b"file", JOB, 1)[1])


def test_a_journal_left_by_a_run_killed_at_its_last_step_is_removed(planes: Planes) -> None:
    put(planes.source / "file", os.urandom(SIZE))
    planes.receive("", "")
    journal_of(planes).write_bytes(b"left")
    planes.receive("", "")
    assert leftovers(planes.destination) == []


def test_a_partial_of_before_is_not_believed_where_another_file_is(planes: Planes) -> None:
    content = os.urandom(SIZE)
    put(planes.source / "file", content)
    ledger = Ledger(planes.list(""))
    proxy = Proxy(planes.server.address[1], [BLOCK_BYTES + 50_000, *[0] * 20])
    with pytest.raises(Fault, match="cannot be read"):
        planes.receive("", "", ledger=ledger, url=proxy.url)
    proxy.close()
    assert journal_of(planes).exists()
    put(planes.destination / "file", bytes(SIZE))
    _, came = moved(planes, ledger)
    assert (planes.destination / "file").read_bytes() == content
    assert came > SIZE
    assert leftovers(planes.destination) == []


# A sender that lies, or is of before.


def told(planes: Planes, answer: bytes, here: bytes | None) -> Ledger:
    """What comes of an answer for a file of which `here`, as old as it, is at the destination."""
    if here is not None:
        put(planes.destination / "file", here, 0)
    ledger = Ledger([Entry("file", "file", len(CONTENT))])
    with Liar(answer) as liar:
        planes.receive("", "", ledger=ledger, url=liar.url)
    return ledger


LOOKED = [write_head(Head(0, looked=count)) for count in range(len(CONTENT) + 2)]
SAME = write_head(Head(0, size=len(CONTENT), same=True))


def test_a_sender_that_does_not_compare_is_understood(planes: Planes) -> None:
    assert told(planes, TRUTH, b"falsehood").failures == []
    assert (planes.destination / "file").read_bytes() == CONTENT


def test_a_sender_may_tell_how_far_it_is(planes: Planes) -> None:
    ledger = told(planes, LOOKED[3] + LOOKED[9] + SAME, CONTENT)
    assert ledger.hashes == {0: blake3(CONTENT).hexdigest()}


LIES = {
    "the same as nothing": (SAME, None),
    "the same, of another size": (write_head(Head(0, size=8, same=True)), CONTENT),
    "another task the same": (write_head(Head(1, size=9, same=True)), CONTENT),
    "compared though nobody asked": (LOOKED[3] + TRUTH, None),
    "compared more than there is": (LOOKED[10] + SAME, CONTENT),
    "compared as far as before": (LOOKED[3] + LOOKED[3] + SAME, CONTENT),
    "compared less than before": (LOOKED[3] + LOOKED[2] + SAME, CONTENT),
    "compared another task": (write_head(Head(1, looked=3)) + SAME, CONTENT),
    "compared and gone": (LOOKED[3], CONTENT),
    "compared a negative number": (struct.pack(">I", 24) + b'{"number":0,"looked":-1}', CONTENT),
    "half the same": (struct.pack(">I", 21) + b'{"number":0,"same":1}', CONTENT),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_about_what_is_here_fails_the_run(planes: Planes, lie: str) -> None:
    with pytest.raises(Fault, match="cannot be read"):
        told(planes, *LIES[lie])


# The sender by itself, over a line that is never read.


class Line(Outflow):
    """Keeps what it is to send, and does something at each of the sender's heads."""

    def __init__(self, connection: socket.socket, do: Callable[[], object]) -> None:
        super().__init__(connection)
        self._do = do
        self.heads: list[Head] = []

    def put(self, *pieces: bytes) -> None:
        self.heads += [
            Inflow(io.BytesIO(piece)).read_head() for piece in pieces if b"number" in piece
        ]
        super().put(*pieces)
        self._do()


def test_a_source_that_changes_while_it_is_compared_is_not_the_same(
    planes: Planes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It changes behind the reader, so that what was read has the hash asked for."""
    monkeypatch.setattr(send, "LOOKED_EACH_S", 0)
    content = bytes(2 * send.PIECE_BYTES)
    path = put(planes.source / "file", content)
    digest = blake3(content).hexdigest()
    item = Item(0, "file", "file", 0, len(content), NS, digest, "hash")
    near, far = socket.socketpair()

    def overwrite() -> None:
        with path.open("r+b") as file:
            file.write(b"x")

    reading = threading.Thread(target=_swallow, args=(far,))
    reading.start()
    with near, Volume("v", planes.source).opened() as volume, volume.source("") as source:
        line = Line(near, overwrite)
        send.send(item, source, line, send.Trail())
        line.end()
    reading.join(5)
    assert [(head.looked, head.same) for head in line.heads] == [
        (send.PIECE_BYTES, False),
        (2 * send.PIECE_BYTES, False),
        (0, False),
    ]


def _swallow(line: socket.socket) -> None:
    with line:
        while line.recv(1 << 20):
            pass


def test_small_answers_are_not_kept_back_for_slow_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outflow, "GATHER_S", 0.05)
    near, far = socket.socketpair()
    with near, far:
        far.setblocking(False)
        flow = Outflow(near)
        flow.put(b"first")
        with pytest.raises(BlockingIOError):
            far.recv(100)
        time.sleep(0.06)
        flow.put(b"second")
        assert far.recv(100) == b"b\r\nfirstsecond\r\n"
