"""The folders that a walk is in, from the first down: their names still to come, and their
descriptors, of which only so many are open at a time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from msgspec import Struct

from events.tasks import Entry

OPEN_MAX = 64

Parts = tuple[bytes, ...]


class Level(Struct):
    """`names` are still to come, the next one last; `parts` lead to the folder, `uri` is its own.

    `whole`: all in it is picked. `untold` is its entry until something in it is told.
    """

    parts: Parts
    uri: str
    names: list[bytes]
    descriptor: int | None
    whole: bool
    untold: Entry | None = None

    def close(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


class Levels:
    """`reopen` opens the folder of a level anew."""

    def __init__(self, reopen: Callable[[Parts], int]) -> None:
        self._reopen = reopen
        self._levels: list[Level] = []

    def __bool__(self) -> bool:
        return bool(self._levels)

    def __iter__(self) -> Iterator[Level]:
        return iter(self._levels)

    @property
    def last(self) -> Level:
        return self._levels[-1]

    def descend(self, parts: Parts, uri: str, opened: int, *, whole: bool) -> None:
        """Raises OSError."""
        self._levels.append(Level(parts, uri, [], opened, whole))
        with os.scandir(opened) as found:
            within = [os.fsencode(one.name) for one in found]
        within.sort(reverse=True)
        self.last.names = within
        if len(self._levels) > OPEN_MAX:
            self._levels[-OPEN_MAX - 1].close()

    def ascend(self) -> None:
        self._levels.pop().close()

    def leave(self) -> None:
        while self._levels:
            self.ascend()

    def descriptor(self, level: Level) -> int:
        """Raises OSError."""
        if level.descriptor is None:
            level.descriptor = self._reopen(level.parts)
        return level.descriptor
