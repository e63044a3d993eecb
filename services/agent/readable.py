"""A file that is being sent, wherever it lies: its state, and its bytes from any offset."""

from __future__ import annotations

import os
from typing import Protocol

from services.agent.sparse import is_sparse, runs
from services.agent.unchanged import Seen as Seen
from services.agent.unchanged import settled
from services.agent.xattrs import Xattrs, read


class Readable(Protocol):
    """All but `close` raise OSError."""

    def state(self) -> Seen:
        """As it is now."""
        ...

    def settled(self) -> Seen:
        """Its state, from when on every change shows."""
        ...

    def has_holes(self) -> bool:
        """Whether it may be worth asking for its `runs`."""
        ...

    def runs(self, start: int, end: int) -> list[int]:
        """Lengths of bytes and of holes in turn, the first of bytes."""
        ...

    def read_into(self, piece: memoryview, offset: int) -> int:
        """Bytes read, 0 at the end."""
        ...

    def read(self, size: int) -> bytes:
        """The first `size` bytes, or as many as there are."""
        ...

    def xattrs(self, named: str) -> Xattrs:
        """Those that it has now. Raises Fault as well, about what messages call `named`."""
        ...

    def close(self) -> None: ...


class LocalFile:
    """A file of this machine by its descriptor, which it closes."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def settled(self) -> Seen:
        return settled(self.descriptor)

    def state(self) -> Seen:
        return os.fstat(self.descriptor)

    def has_holes(self) -> bool:
        return is_sparse(os.fstat(self.descriptor))

    def runs(self, start: int, end: int) -> list[int]:
        return runs(self.descriptor, start, end)

    def read_into(self, piece: memoryview, offset: int) -> int:
        return os.preadv(self.descriptor, [piece], offset)

    def read(self, size: int) -> bytes:
        return os.pread(self.descriptor, size, 0)

    def xattrs(self, named: str) -> Xattrs:
        return read(self.descriptor, named)

    def close(self) -> None:
        os.close(self.descriptor)
