"""The BLAKE3 of a whole file while its parts come in any order.

One connection that reads from the start hashes everything in passing, and its hash is taken over.
What came early is read again, from the page cache, once the gap before it is closed.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from blake3 import blake3

from services.agent.spent import SPENT

PIECE_BYTES = 256 << 10


class Whole:
    """`at` bytes from the start are hashed; all of them are verified."""

    def __init__(self) -> None:
        self.at = 0
        self._hasher = blake3()
        self._lock = threading.Lock()

    def adopt(self, at: int, hasher: blake3) -> None:
        """Someone hashed the bytes up to `at` already; nobody updates `hasher` any more."""
        with self._lock:
            if at > self.at:
                self.at, self._hasher = at, hasher

    def see(self, start: int, block: memoryview) -> None:
        """The bytes from `start` on, if they are what is hashed next and nobody is about it."""
        if start == self.at and self._lock.acquire(blocking=False):
            try:
                if start == self.at:
                    self._hasher = self._hasher.copy()
                    self._hasher.update(block)
                    self.at += len(block)
            finally:
                self._lock.release()

    def advance(self, content: int, upto: int, step: Callable[[], None]) -> None:
        """Hash on up to `upto`, from the file `content`; returns at once if somebody does that
        already. `step` may raise to stop. Raises OSError."""
        if upto <= self.at or not self._lock.acquire(blocking=False):
            return
        try:
            self._read(content, upto, step)
        finally:
            self._lock.release()

    def digest(self, content: int, size: int, step: Callable[[], None]) -> str:
        """Of the whole file, in hex; all its bytes are there. As `advance`."""
        with self._lock:
            self._read(content, size, step)
            return str(self._hasher.hexdigest())

    def _read(self, content: int, upto: int, step: Callable[[], None]) -> None:
        if upto <= self.at:
            return
        began = time.perf_counter()
        memory = memoryview(bytearray(min(PIECE_BYTES, upto - self.at)))
        self._hasher = self._hasher.copy()
        while self.at < upto:
            step()
            count = os.preadv(content, [memory[: upto - self.at]], self.at)
            if count == 0:
                raise OSError(f"a partial file of {self.at} bytes where {upto} were verified")
            self._hasher.update(memory[:count])
            self.at += count
        SPENT.verifying += time.perf_counter() - began
