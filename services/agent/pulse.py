"""When a run last got on: its threads beat, the loop looks how long ago that was.

A run that has to wait for the scheduler, or for the listing, rests: it stands still for no fault of
its own.
"""

from __future__ import annotations

import time


class Pulse:
    def __init__(self) -> None:
        self._at = self._rested = time.monotonic()

    def beat(self) -> None:
        """A byte came, a block was looked at, a task was settled. From any thread."""
        self._at = time.monotonic()

    def rest(self) -> None:
        """There is nothing to do now. From any thread."""
        self._rested = time.monotonic()

    def still_s(self, now: float) -> float:
        """How long it should have got on and did not; `now` is on the monotonic clock."""
        return now - max(self._at, self._rested)
