"""Where the time of a thread goes while it brings or sends files.

Each thread counts its own seconds in SPENT, at the few places where it waits, reads, writes or
hashes; whoever reports takes them. The receiver waits for bytes while the sender reads, or because
the way is slow: the sender tells how long it read, and the rest is the network's.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

WEIGHT_BYTES = 4_096  # An empty file costs about as much beside its bytes.


class Totals(NamedTuple):
    """Seconds: waiting for bytes, of which the sender says that it read so many; held back by a
    limit; writing; hashing."""

    waiting: float = 0.0
    told: float = 0.0
    limited: float = 0.0
    writing: float = 0.0
    verifying: float = 0.0

    def plus(self, other: Totals) -> Totals:
        return Totals(*(mine + more for mine, more in zip(self, other, strict=True)))

    def parts(self) -> dict[str, float]:
        """By the names of `events.tasks.Measured`, in milliseconds."""
        reading = min(self.waiting, self.told)
        seconds = (reading, self.waiting - reading, self.limited, self.writing, self.verifying)
        return {name: 1000 * one for name, one in zip(NAMES, seconds, strict=True)}


NAMES = ("reading_ms", "network_ms", "limited_ms", "writing_ms", "verifying_ms")
NOTHING = Totals()


class Spent(threading.local):
    """Seconds of this thread since they were taken; `reading` is that of a sender."""

    def __init__(self) -> None:
        self.reading = 0.0
        self._set(NOTHING)

    def _set(self, totals: Totals) -> None:
        self.waiting, self.told, self.limited, self.writing, self.verifying = totals

    def _totals(self) -> Totals:
        return Totals(self.waiting, self.told, self.limited, self.writing, self.verifying)

    def add(self, totals: Totals) -> None:
        self._set(self._totals().plus(totals))

    def take(self) -> Totals:
        totals = self._totals()
        self._set(NOTHING)
        return totals

    def take_reading_us(self) -> int:
        reading, self.reading = self.reading, 0.0
        return round(reading * 1e6)


SPENT = Spent()


class Shares:
    """Shares time out among tasks in whole milliseconds, so that none is lost in rounding."""

    def __init__(self) -> None:
        self._left = dict.fromkeys(NAMES, 0.0)

    def share(self, together: Totals, sizes: Sequence[int]) -> dict[str, list[int]]:
        """By name a number for each task, by size: what many small files cost is told together."""
        weights = [size + WEIGHT_BYTES for size in sizes]
        whole = sum(weights)
        parts = together.parts() if whole else {}
        return {
            name: self._whole_ms(name, [spent_ms * one / whole for one in weights])
            for name, spent_ms in parts.items()
        }

    def _whole_ms(self, name: str, values: list[float]) -> list[int]:
        told, left = [], self._left[name]
        for value in values:
            left += value
            told.append(int(left))
            left -= told[-1]
        self._left[name] = left
        return told
