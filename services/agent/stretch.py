"""The way of one connection through a part of a partial file: written, hashed, verified block by
block. Used by one thread; what it brought is the partial's at once, and the rest can be put back.
"""

from __future__ import annotations

import os
import time

from blake3 import blake3

from services.agent.frames import Head, Malformed
from services.agent.partial import Partial
from services.agent.sparse import hash_zeros
from services.agent.spent import SPENT


class Damaged(Exception):
    """The bytes that came are not those that were sent."""


class Stretch:
    """The bytes from its start to `at` are verified, those up to `end` are to come.

    `since` is where the hashes begin that the sender sends behind each block: where its answer
    began, or earlier, where the same connection brought what is right before it.
    """

    def __init__(self, partial: Partial, start: int, end: int) -> None:
        self.partial = partial
        self.at = self.since = self._written = start
        self.end = end
        self._chain = blake3()
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
        self._chain, self._written = self._good.copy(), self.at

    def write(self, piece: memoryview) -> None:
        began = time.perf_counter()
        self._chain.update(piece)
        hashed = time.perf_counter()
        while piece:
            count = os.pwrite(self.partial.descriptor, piece, self._written)
            self._written += count
            piece = piece[count:]
        SPENT.verifying += hashed - began
        SPENT.writing += time.perf_counter() - hashed

    def leave_hole(self, length: int) -> None:
        """So many bytes are zeros, which are to take no room. Raises OSError."""
        hash_zeros(self._chain, length)
        self.partial.leave_hole(self._written, self._written + length)
        self._written += length

    def verify(self, digest: bytes) -> None:
        """The block is complete; `digest` is the sender's. Raises Damaged, OSError."""
        if self._chain.digest() != digest:
            raise Damaged
        self._good = self._chain.copy()
        self.partial.note(self.at, self._written, self.since, self._good)
        self.at = self._written

    def roll_back(self) -> int:
        """Forget what was not verified: so many bytes that were written."""
        lost, self._written = self._written - self.at, self.at
        return lost
