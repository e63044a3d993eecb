"""The way of one connection through a part of a partial file: written, hashed, verified block by
block. Used by one thread; what it brought is the partial's at once, and the rest can be put back.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import Executor, Future
from typing import NamedTuple

from blake3 import blake3

from services.agent.direct import Direct
from services.agent.frames import Head, Malformed
from services.agent.partial import Partial
from services.agent.sparse import hash_zeros
from services.agent.spent import SPENT


class Damaged(Exception):
    """The bytes that came are not those that were sent."""


class _Behind(NamedTuple):
    """A block, which is being written; `hasher` has seen all of it."""

    written: Future[None]
    block: memoryview
    hasher: blake3


class Stretch:
    """The bytes from its start to `at` are verified, those up to `end` are to come.

    `since` is where the hashes begin that the sender sends behind each block: where its answer
    began, or earlier, where the same connection brought what is right before it.
    """

    def __init__(self, partial: Partial, start: int, end: int) -> None:
        self.partial = partial
        self.at = self.since = self._came = start
        self.end = end
        self._chain = blake3()
        self._behind: _Behind | None = None
        self._good = self._chain  # As it was when the bytes up to `at` were in it.

    def follow(self, before: Stretch) -> None:
        """Go on hashing where the stretch before this one ended, if the sender does."""
        if before.partial is self.partial and before.at == self.at:
            self.since, self._good = before.since, before._good

    def begin(self, head: Head) -> None:
        """Expect the bytes that the head says. Raises Malformed when nobody asked for them."""
        asked = (head.offset, head.end) == (self.at, self.end)
        if not asked or head.since not in (self.since, self.at):
            raise Malformed("bytes of another version or from another place than asked")
        if head.since == self.at:
            self._good = blake3()
        self.since = head.since
        self._chain, self._came = self._good.copy(), self.at

    def write(self, piece: memoryview) -> None:
        """It is on its way to the disk before it is verified. Raises OSError."""
        at = self._came
        self.take(piece)
        began = time.perf_counter()
        while piece:
            count = os.pwrite(self.partial.descriptor, piece, at)
            piece, at = piece[count:], at + count
        SPENT.writing += time.perf_counter() - began

    def take(self, piece: memoryview) -> None:
        """It came, and is kept in memory."""
        began = time.perf_counter()
        self._chain.update(piece)
        self._came += len(piece)
        SPENT.verifying += time.perf_counter() - began

    def leave_hole(self, length: int) -> None:
        """So many bytes are zeros, which are to take no room. Raises OSError."""
        hash_zeros(self._chain, length)
        self.partial.leave_hole(self._came, self._came + length)
        self._came += length

    def verify(self, digest: bytes) -> None:
        """The block is complete; `digest` is the sender's. Raises Damaged."""
        if self._chain.digest() != digest:
            raise Damaged

    def note(self) -> None:
        """The block is verified and written. Raises OSError."""
        self._note(self._came, self._chain.copy())

    def _note(self, end: int, hasher: blake3) -> None:
        self.partial.note(self.at, end, self.since, hasher)
        self.at, self._good = end, hasher

    def write_behind(self, block: memoryview, direct: Direct, writer: Executor) -> None:
        """Of a block that was taken and verified; it is noted by `finish`, which this calls for
        the one before. Raises OSError."""
        self.finish()
        written = writer.submit(direct.write, block, self.at)
        self._behind = _Behind(written, block, self._chain.copy())

    def finish(self) -> None:
        """Wait for what is being written, and note it. Raises OSError."""
        behind, self._behind = self._behind, None
        if behind is None:
            return
        began = time.perf_counter()
        behind.written.result()
        SPENT.writing += time.perf_counter() - began
        start = self.at
        self._note(start + len(behind.block), behind.hasher)
        self.partial.see(start, behind.block)

    @property
    def left(self) -> int:
        """Bytes that have not come."""
        return self.end - self._came

    def roll_back(self) -> int:
        """Forget what was not verified: so many bytes that came."""
        lost, self._came = self._came - self.at, self.at
        return lost
