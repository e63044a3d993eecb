"""The answer to `POST /read`, as bytes: one item after another, each told by lengths.

    answer = item*                      until the body ends
    item   = looked* head [block* end]  blocks and end only for a file whose bytes are sent
    looked = head                       with `looked`: the sender still compares
    head   = u32 length, JSON `Head`
    block  = u32 length (1 to BLOCK_BYTES), that many bytes, 32 bytes BLAKE3
           | u32 length + HOLES, u32 count, count times u32, bytes, 32 bytes BLAKE3
    end    = u32 zero, u32 length, JSON `End`

The second form is for a block with holes: the `count` numbers are the lengths of data, hole, data,
… in it (the first may be 0), and only the bytes of data follow. Hashed are the zeros as well.
Numbers are big-endian. The items come in the order asked. The BLAKE3 behind a block is that of
the file's bytes from the head's `since` to its end. `since` is where the item begins or, if the
connection's last item ended there, where that one's hashes began: so one pass verifies each block
and, for a file that one connection read from its start, gives the hash of the whole. Every block
but a file's last has BLOCK_BYTES; an item begins at the end of a block.

An item may say that the receiver has a file like it already. The sender then looks whether its own
is still like that, by the `alike` of the item; by hash, for which the item carries the BLAKE3 of
what the receiver has, it reads its own file and says now and then how far it is, `looked` growing
up to the size told. If they are alike, the head says `same`, with the file's state and nothing
behind it. Else all bytes follow, whatever the offset asked, and so they do from a sender that knows
nothing of this.

`read_…` trust nothing: each length is checked before anything is set aside for it. Raises Malformed
for what is out of order and Cut where the bytes end too early.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Annotated, Literal, Protocol, TypeVar

import msgspec
from msgspec import Meta, Struct

from events.jobs import ErrorClass, Part
from events.parts import PARTS_MAX
from events.rules import Comparison
from services.agent.commands import BLOCK_BYTES
from services.agent.spent import SPENT

HASH_BYTES = 32
JSON_MAX = 1 << 20  # Of a head with extended attributes.
ITEMS_MAX = 1_000
REQUEST_MAX = 8 << 20
BUFFER_BYTES = 256 << 10
HOLES = 1 << 31
RUNS_MAX = 4_096
_LENGTH = struct.Struct(">I")
_TOP = (1 << 63) - 1

Count = Annotated[int, Meta(ge=0, le=_TOP)]
Nanoseconds = Annotated[int, Meta(ge=-_TOP, le=_TOP)]
Hash = Annotated[str, Meta(pattern=r"\A([0-9a-f]{64})?\Z")]


class Item(Struct, frozen=True, omit_defaults=True):
    """What is asked: the file or link `uri` below the ticket's path; of a folder its `xattrs`.

    `length` bytes from `offset` on are sent if the file still has this `size`, `mtime_ns` and
    `ctime_ns`, and is this `file` where one is told; else as many from its start, in both cases no
    more than there are; none if by `alike` it is the same as told: `hash` is that of its content.
    """

    number: Count
    uri: str
    kind: Literal["file", "link", "folder"] = "file"
    offset: Count = 0
    size: Count = 0
    mtime_ns: Nanoseconds = 0
    hash: Hash = ""
    alike: Comparison | None = None
    ctime_ns: Nanoseconds = 0
    length: Count = _TOP
    file: str = ""
    xattrs: bool = False


class Head(Struct, frozen=True, omit_defaults=True):
    """What the item is as it was opened; nothing of it follows with an `error_class` or `same`.

    The bytes from `offset` on follow, but for the last `rest`; a `sparse` file may have holes.
    With `looked`, bytes compared so far, it says no more than that: another head is to come. `file`
    tells it from all others there. `read_us` is how long the sender read and hashed since it told.
    `xattrs` are by their escaped names behind `user.`, None where nobody asked.
    """

    number: Count
    error_class: ErrorClass | None = None
    message: str = ""
    size: Count = 0
    mtime_ns: Nanoseconds = 0
    mode: Annotated[int, Meta(ge=0, le=0o7777)] = 0o644
    offset: Count = 0
    target: str = ""
    same: bool = False
    looked: Count = 0
    ctime_ns: Nanoseconds = 0
    since: Count = 0
    rest: Count = 0
    file: str = ""
    sparse: bool = False
    read_us: Count = 0
    xattrs: dict[str, bytes] | None = None

    @property
    def end(self) -> int:
        return self.size - self.rest


class End(Struct, frozen=True, omit_defaults=True):
    """Whether the file was the same after reading as before. `read_us` as in `Head`."""

    error_class: ErrorClass | None = None
    message: str = ""
    read_us: Count = 0


class Refusal(Struct, frozen=True):
    """The body of an answer that is not 200: the whole request was refused."""

    error_class: ErrorClass
    message: str


class Malformed(Exception):
    """The sender's bytes are not in order."""


class Cut(Exception):
    """The bytes ended in the middle of an item."""


class Asked(Struct, frozen=True, omit_defaults=True):
    """The body of a request; `parts` as the ticket has their hash."""

    items: Annotated[list[Item], Meta(min_length=1, max_length=ITEMS_MAX)]
    parts: Annotated[list[Part], Meta(max_length=PARTS_MAX)] = []


_request = msgspec.json.Decoder(Asked)
_head = msgspec.json.Decoder(Head)
_end = msgspec.json.Decoder(End)


def write_request(items: list[Item], parts: Sequence[Part] = ()) -> bytes:
    return msgspec.json.encode(Asked(items, list(parts)))


def read_request(body: bytes) -> Asked:
    try:
        return _request.decode(body)
    except msgspec.MsgspecError as error:
        raise Malformed(str(error)) from error


def write_head(head: Head) -> bytes:
    payload = msgspec.json.encode(head)
    assert len(payload) <= JSON_MAX
    return _LENGTH.pack(len(payload)) + payload


def write_block_length(length: int) -> bytes:
    assert 0 < length <= BLOCK_BYTES
    return _LENGTH.pack(length)


def write_holed_length(runs: list[int]) -> bytes:
    """Of a block with holes."""
    length = sum(runs)
    assert 0 < length <= BLOCK_BYTES
    assert len(runs) <= RUNS_MAX
    return struct.pack(f">{len(runs) + 2}I", length + HOLES, len(runs), *runs)


def write_end(end: End) -> bytes:
    payload = msgspec.json.encode(end)
    assert len(payload) <= JSON_MAX
    return _LENGTH.pack(0) + _LENGTH.pack(len(payload)) + payload


class Stream(Protocol):
    """What the bytes come from: an HTTP answer, or a file in memory."""

    def read1(self, size: int, /) -> bytes: ...

    def readinto(self, buffer: memoryview, /) -> int: ...


Json = TypeVar("Json", Head, End)


class Inflow:
    """Reads frames from a stream in the order in which they stand in it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._ahead = b""
        self._at = 0
        self._file_left = 0
        self._block_left = 0
        self._hash_left = False
        self.runs: list[int] = []  # Of the block that is read: data, hole, data, …

    def read_head(self) -> Head:
        return self._json(_head)

    def begin_file(self, left: int) -> None:
        """After a head without an error: `left` bytes of the file are to come."""
        self._file_left = left
        self._block_left = 0
        self._hash_left = False

    def read_block_length(self) -> int:
        """The bytes of the next block, 0 at the end of the file; `runs` says what is in it."""
        told: int = _LENGTH.unpack(self._exactly(_LENGTH.size))[0]
        length = told & ~HOLES
        if length not in (0, min(BLOCK_BYTES, self._file_left)):
            raise Malformed(f"a block of {length} bytes where the file has {self._file_left}")
        self.runs = self._read_runs(length) if told & HOLES else [length]
        holes = sum(self.runs[1::2])
        self._block_left = length - holes
        self._file_left -= holes
        self._hash_left = length > 0
        return length

    def _read_runs(self, length: int) -> list[int]:
        count = _LENGTH.unpack(self._exactly(_LENGTH.size))[0]
        if count > RUNS_MAX:
            raise Malformed(f"a block in {count} runs")
        runs = list(struct.unpack(f">{count}I", self._exactly(count * _LENGTH.size)))
        if sum(runs) != length:
            raise Malformed(f"runs of {sum(runs)} bytes in a block of {length}")
        return runs

    def read_into(self, buffer: memoryview) -> None:
        """Fill the buffer with bytes of the block."""
        assert len(buffer) <= self._block_left
        have = min(len(buffer), len(self._ahead) - self._at)
        buffer[:have] = self._ahead[self._at : self._at + have]
        self._at += have
        while have < len(buffer):
            came = self._stream.readinto(buffer[have:])
            if not came:
                raise Cut
            have += came
        self._block_left -= len(buffer)
        self._file_left -= len(buffer)

    def read_hash(self) -> bytes:
        """After the last byte of a block."""
        self._hash_left = False
        return self._exactly(HASH_BYTES)

    def read_end(self) -> End:
        """After a block length of 0."""
        end = self._json(_end)
        if self._file_left and end.error_class is None:
            raise Malformed(f"{self._file_left} bytes are missing")
        return end

    @property
    def file_left(self) -> int:
        return self._file_left

    def skip_file(self) -> None:
        """Pass over what is left of the file, from anywhere within its blocks."""
        room = memoryview(bytearray(min(BUFFER_BYTES, self._file_left)))
        while True:
            while self._block_left:
                self.read_into(room[: self._block_left])
            if self._hash_left:
                self.read_hash()
            if not self.read_block_length():
                break
        self.read_end()

    def _json(self, decoder: msgspec.json.Decoder[Json]) -> Json:
        length = _LENGTH.unpack(self._exactly(_LENGTH.size))[0]
        if not 0 < length <= JSON_MAX:
            raise Malformed(f"{length} bytes of JSON where at most {JSON_MAX} are allowed")
        try:
            told = decoder.decode(self._exactly(length))
        except msgspec.MsgspecError as error:
            raise Malformed(str(error)) from error
        SPENT.told += told.read_us / 1e6
        return told

    def _exactly(self, size: int) -> bytes:
        while len(self._ahead) - self._at < size:
            came = self._stream.read1(BUFFER_BYTES)
            if not came:
                raise Cut
            self._ahead = self._ahead[self._at :] + came
            self._at = 0
        self._at += size
        return self._ahead[self._at - size : self._at]
