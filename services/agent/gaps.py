"""The parts of a file that nobody has fetched yet, as ranges of bytes handed out in order. Pure.

A range begins at the end of a block, and ends at one or at the end of the file. Knows nothing of
who took a range: what is not fetched after all is put back.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.agent.commands import BLOCK_BYTES

Range = tuple[int, int]
"""Offsets of the first byte and of the one behind the last."""


class Gaps:
    def __init__(self, size: int, verified: Iterable[int] = ()) -> None:
        """All of a file of `size` but for the blocks `verified`, numbers in ascending order."""
        self._ranges: list[Range] = []
        start = 0
        for block in verified:
            self._add(start, block * BLOCK_BYTES)
            start = min(size, (block + 1) * BLOCK_BYTES)
        self._add(start, size)

    def _add(self, start: int, end: int) -> None:
        if start < end:
            self._ranges.append((start, end))

    @property
    def left(self) -> int:
        return sum(end - start for start, end in self._ranges)

    def take(self, want: int) -> Range | None:
        """The first bytes that are left, about `want` of them in whole blocks."""
        if not self._ranges:
            return None
        start, end = self._ranges[0]
        cut = start + -(-want // BLOCK_BYTES) * BLOCK_BYTES
        if cut < end:
            self._ranges[0] = (cut, end)
            return start, cut
        del self._ranges[0]
        return start, end

    def put_back(self, start: int, end: int) -> None:
        """What was taken and did not come."""
        self._add(start, end)
        self._ranges.sort()
        joined: list[Range] = []
        for one in self._ranges:
            if joined and joined[-1][1] == one[0]:
                joined[-1] = (joined[-1][0], one[1])
            else:
                joined.append(one)
        self._ranges = joined
