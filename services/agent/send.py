"""Put one file or link on its way: opened once, hashed as it is read, compared after reading.

A file that the receiver may have already is compared first, as it asks; alike, no byte is sent.

A block is read in pieces that stay in the processor's cache while they are hashed, and sent from
that same memory: what was hashed is what is sent, with TLS and without. (Measured beside hashing
and then `sendfile`, 1 GiB over loopback, processor seconds of both ends, medians of seven turns:
2.04 against 1.93 to a disk, 1.77 against 1.85 to memory. Hashing is what costs, not the copy.)
"""

from __future__ import annotations

import time

from blake3 import blake3

from events import names
from events.jobs import ErrorClass
from events.rules import State, alike
from services.agent.commands import BLOCK_BYTES
from services.agent.faults import Fault, fault_of
from services.agent.frames import End, Head, Item, write_block_length, write_end, write_head
from services.agent.outflow import Outflow
from services.agent.readable import Readable, Seen
from services.agent.sparse import hash_zeros
from services.agent.spent import SPENT
from services.agent.unchanged import identity, which
from services.agent.volumes import AnySource
from services.agent.xattrs import Xattrs

PIECE_BYTES = 256 << 10
MESSAGE_MAX = 2_000
LOOKED_EACH_S = 1.0  # Well below the silence after which a receiver gives up.


class Trail:
    """Where the last answer on a connection ended, so that the next one can hash on from there."""

    def __init__(self) -> None:
        self._identity: tuple[int, ...] = ()
        self._at = 0
        self.since = 0
        self.hasher = blake3()

    def begin(self, identity: tuple[int, ...], at: int) -> None:
        if (identity, at) != (self._identity, self._at):
            self._identity, self.since, self.hasher = identity, at, blake3()
        self._at = -1  # Until the answer is whole, nothing follows it.

    def end(self, at: int) -> None:
        self._at = at


def send(item: Item, source: AnySource, outflow: Outflow, trail: Trail) -> None:
    """Put one item of the answer on its way."""
    try:
        if item.kind == "link":
            outflow.put(write_head(_link(item, source)))
            return
        if item.kind == "folder":
            outflow.put(write_head(Head(item.number, xattrs=source.folder_xattrs(item.uri))))
            return
        opened = source.open_file(item.uri)
    except OSError as error:
        outflow.put(write_head(_failed(item, fault_of(error, source.named(item.uri)))))
    except Fault as fault:
        outflow.put(write_head(_failed(item, fault)))
    else:
        try:
            _send_file(item, source, opened, outflow, trail)
        finally:
            opened.close()


def _failed(item: Item, fault: Fault) -> Head:
    return Head(item.number, fault.error_class, fault.message[:MESSAGE_MAX])


def _link(item: Item, source: AnySource) -> Head:
    target, found = source.read_link(item.uri)
    return Head(item.number, mtime_ns=found.st_mtime_ns, target=names.to_text(target))


def _send_file(
    item: Item, source: AnySource, opened: Readable, outflow: Outflow, trail: Trail
) -> None:
    try:
        same = _same(item, opened, outflow)
        before = same or opened.settled()
        xattrs = _xattrs(item, opened, source)
    except _Unreadable as unreadable:
        why = fault_of(unreadable.error, source.named(item.uri))
        outflow.put(write_head(_failed(item, why)))
        return
    except Fault as why:
        outflow.put(write_head(_failed(item, why)))
        return
    if same is not None:
        outflow.put(write_head(_head(item, same, xattrs, same=True)))
        return
    offset = _offset(item, before)
    end = min(before.st_size, offset + item.length)
    trail.begin(identity(before), offset)
    rest, sparse = before.st_size - end, opened.has_holes()
    head = _head(item, before, xattrs, offset=offset, since=trail.since, rest=rest, sparse=sparse)
    outflow.put(write_head(head))
    try:
        send_blocks = _send_holed if sparse else _send_blocks
        whole = send_blocks(opened, offset, end, outflow, trail.hasher)
        changed = not whole or identity(opened.state()) != identity(before)
    except _Unreadable as unreadable:
        fault = fault_of(unreadable.error, source.named(item.uri))
        _end(outflow, fault.error_class, fault.message)
        return
    trail.end(end)
    message = f"{source.named(item.uri)}: changed while it was read" if changed else ""
    _end(outflow, ErrorClass.CHANGED if changed else None, message)


def _end(outflow: Outflow, error_class: ErrorClass | None, message: str) -> None:
    end = End(error_class, message[:MESSAGE_MAX], SPENT.take_reading_us())
    outflow.put(write_end(end))


def _head(
    item: Item,
    found: Seen,
    xattrs: Xattrs | None,
    *,
    offset: int = 0,
    since: int = 0,
    rest: int = 0,
    sparse: bool = False,
    same: bool = False,
) -> Head:
    return Head(
        item.number,
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
        ctime_ns=found.st_ctime_ns,
        mode=found.st_mode & 0o7777,
        offset=offset,
        since=since,
        rest=rest,
        sparse=sparse,
        same=same,
        file=which(found),
        read_us=SPENT.take_reading_us() if same else 0,
        xattrs=xattrs,
    )


def _xattrs(item: Item, opened: Readable, source: AnySource) -> Xattrs | None:
    """Once its state counts, so that a later change of them is one of the file."""
    try:
        return opened.xattrs(source.named(item.uri)) if item.xattrs else None
    except OSError as error:
        raise _Unreadable(error) from error


def _offset(item: Item, found: Seen) -> int:
    """From where to send: what is not of the version asked for, or may differ, is sent whole."""
    version = (found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    wanted = (item.size, item.mtime_ns, item.ctime_ns)
    another = item.file not in ("", which(found))
    if version != wanted or another or item.alike or not _is_block_end(item.offset, found.st_size):
        return 0
    return item.offset


def _same(item: Item, opened: Readable, outflow: Outflow) -> Seen | None:
    """The file's state if it is what the receiver has, as far as that is asked."""
    if item.alike is None:
        return None
    before = opened.settled()
    told = State(item.size, item.mtime_ns)
    if not alike(State(before.st_size, before.st_mtime_ns), told, item.alike):
        return None
    return _same_content(item, before, opened, outflow) if item.alike == "hash" else before


def _same_content(item: Item, before: Seen, opened: Readable, outflow: Outflow) -> Seen | None:
    """Tells how far it is meanwhile."""
    hasher, at, told = blake3(), 0, time.monotonic()
    memory = memoryview(bytearray(min(PIECE_BYTES, item.size)))
    while at < item.size:
        piece = memory[: item.size - at]
        if not _read(opened, at, piece, hasher):
            return None
        at += len(piece)
        if time.monotonic() - told >= LOOKED_EACH_S:
            outflow.put(write_head(Head(item.number, looked=at)))
            outflow.flush()
            told = time.monotonic()
    same = hasher.hexdigest() == item.hash
    return before if same and identity(opened.state()) == identity(before) else None


def _is_block_end(offset: int, size: int) -> bool:
    return offset == size or (offset < size and offset % BLOCK_BYTES == 0)


class _Unreadable(Exception):
    def __init__(self, error: OSError) -> None:
        self.error = error


def _send_blocks(opened: Readable, offset: int, end: int, outflow: Outflow, hasher: blake3) -> bool:
    """Send the file from `offset` to `end`; False when it ended before."""
    if end - offset <= PIECE_BYTES and offset == 0:
        return _send_small(opened, end, outflow, hasher)
    memory = memoryview(bytearray(min(BLOCK_BYTES, end - offset)))
    while offset < end:
        block = memory[: end - offset]
        if not _read(opened, offset, block, hasher):
            return False
        outflow.put_block(block, hasher.digest())
        offset += len(block)
    return True


def _send_holed(opened: Readable, offset: int, end: int, outflow: Outflow, hasher: blake3) -> bool:
    """As `_send_blocks`, for a file with holes: they are hashed and not sent."""
    memory = memoryview(bytearray(min(BLOCK_BYTES, end - offset)))
    while offset < end:
        block = memory[: end - offset]
        try:
            found = opened.runs(offset, offset + len(block))
        except OSError as error:
            raise _Unreadable(error) from error
        at = 0
        for index, length in enumerate(found):
            if index % 2:
                hash_zeros(hasher, length)
            elif not _read(opened, offset + at, block[at : at + length], hasher):
                return False
            at += length
        if len(found) == 1:
            outflow.put_block(block, hasher.digest())
        else:
            outflow.put_holed(block, found, hasher.digest())
        offset += len(block)
    return True


def _send_small(opened: Readable, size: int, outflow: Outflow, hasher: blake3) -> bool:
    if size == 0:
        return True
    began = time.perf_counter()
    try:
        content = opened.read(size)
    except OSError as error:
        raise _Unreadable(error) from error
    if len(content) < size:
        return False
    digest = hasher.update(content).digest()
    SPENT.reading += time.perf_counter() - began
    outflow.put(write_block_length(size), content, digest)
    return True


def _read(opened: Readable, offset: int, block: memoryview, hasher: blake3) -> bool:
    """Fill the block and hash it on the way; False when the file ends before."""
    began, at = time.perf_counter(), 0
    while at < len(block):
        try:
            count = opened.read_into(block[at : at + PIECE_BYTES], offset + at)
        except OSError as error:
            raise _Unreadable(error) from error
        if count == 0:
            return False
        hasher.update(block[at : at + count])
        at += count
    SPENT.reading += time.perf_counter() - began
    return True
