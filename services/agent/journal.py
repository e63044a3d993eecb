"""What is known of the blocks of a partial file, in a file beside it. Nothing in it is believed.

A header holds the version of the source. Then follows an entry for each block of the file, in its
place: zeros while the block is not verified, else the BLAKE3 of the bytes from `since` to the end
of the block. Blocks that one connection brought in a row share their `since`: hashed once from
there on, the bytes prove all of them.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from typing import NamedTuple

from blake3 import blake3

from services.agent.commands import BLOCK_BYTES
from services.agent.frames import HASH_BYTES

_HEADER = struct.Struct(">16sQqq")
_ENTRY = struct.Struct(f">Q{HASH_BYTES}s")
_MAGIC = b"haulage journal2"
_NONE = bytes(HASH_BYTES)
PIECE_BYTES = 256 << 10


class Version(NamedTuple):
    """Of a source: as long as all three are the same, so are its bytes."""

    size: int
    mtime_ns: int
    ctime_ns: int


class Chain(NamedTuple):
    """The bytes from `since` to `at` are the source's, and `hasher` has seen them."""

    since: int
    at: int
    hasher: blake3


def block_end(block: int, size: int) -> int:
    return min(size, (block + 1) * BLOCK_BYTES)


class Journal:
    """Owns the open file `descriptor`. All raise OSError."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def version(self) -> Version | None:
        header = os.pread(self._descriptor, _HEADER.size, 0)
        if len(header) < _HEADER.size:
            return None
        magic, *version = _HEADER.unpack(header)
        return Version(*version) if magic == _MAGIC else None

    def begin(self, version: Version) -> None:
        """Know nothing but the version."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, _HEADER.pack(_MAGIC, *version), 0)

    def note(self, block: int, since: int, digest: bytes) -> None:
        at = _HEADER.size + block * _ENTRY.size
        os.pwrite(self._descriptor, _ENTRY.pack(since, digest), at)

    def _entry(self, block: int) -> tuple[int, bytes]:
        at = _HEADER.size + block * _ENTRY.size
        entry = os.pread(self._descriptor, _ENTRY.size, at)
        return _ENTRY.unpack(entry) if len(entry) == _ENTRY.size else (0, _NONE)

    def verify(
        self, content: int, size: int, check: Callable[[], None]
    ) -> tuple[list[int], Chain | None]:
        """Read the partial `content`: the blocks that are as noted, and the chain from the file's
        start. `check` is called between blocks and may raise to stop."""
        verified: list[int] = []
        first: Chain | None = None
        chain = Chain(0, 0, blake3())
        memory = memoryview(bytearray(min(PIECE_BYTES, size)))
        for block in range(-(-size // BLOCK_BYTES)):
            check()
            since, noted = self._entry(block)
            start, end = block * BLOCK_BYTES, block_end(block, size)
            if noted == _NONE:
                continue
            if since == start:
                chain = Chain(since, start, blake3())
            if (chain.since, chain.at) != (since, start):
                continue  # What it follows is missing.
            hasher = chain.hasher.copy()
            if not _hash(content, start, end, hasher, memory):
                break
            if hasher.digest() != noted:
                continue
            verified.append(block)
            chain = Chain(since, end, hasher)
            if since == 0:
                first = chain
        return verified, first

    def close(self) -> None:
        os.close(self._descriptor)


def _hash(content: int, start: int, end: int, hasher: blake3, memory: memoryview) -> bool:
    """False when the file ends before."""
    while start < end:
        count = os.preadv(content, [memory[: end - start]], start)
        if count == 0:
            return False
        hasher.update(memory[:count])
        start += count
    return True
