"""How far a run is, counted by its threads and read four times a second."""

from __future__ import annotations

import threading
import time
from collections import deque
from itertools import islice

from services.agent.commands import Receive, Tick

EXECUTING_MAX = 20
WINDOW_S = 2.0


class Progress:
    def __init__(self, duty: Receive) -> None:
        self._duty = duty
        self._lock = threading.Lock()
        self._bytes_done = duty.bytes_done
        self._tasks_done = duty.tasks_done
        self._bytes_moved = 0
        self._executing: dict[int, int] = {}
        self._came: dict[int, int] = {}
        self._samples: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])

    def have(self, number: int, size: int) -> None:
        """So many bytes of the task are here already, without having been moved now."""
        with self._lock:
            self._executing[number] = size

    def moved(self, number: int, size: int) -> None:
        with self._lock:
            self._executing[number] = self._executing.get(number, 0) + size
            self._came[number] = self._came.get(number, 0) + size
            self._bytes_moved += size

    def lost(self, number: int, size: int) -> None:
        """So many bytes that were moved have to be moved again."""
        with self._lock:
            self._executing[number] = self._executing.get(number, 0) - size

    def done(self, number: int, size: int) -> int:
        """The bytes that came for it."""
        with self._lock:
            self._executing.pop(number, None)
            self._bytes_done += size
            self._tasks_done += 1
            return self._came.pop(number, 0)

    def failed(self, number: int) -> int:
        """As `done`."""
        with self._lock:
            self._executing.pop(number, None)
            return self._came.pop(number, 0)

    @property
    def bytes_moved(self) -> int:
        return self._bytes_moved

    def tick(self, now: float) -> Tick:
        """`now` is on the monotonic clock; the speed is that of the last WINDOW_S."""
        with self._lock:
            bytes_done = self._bytes_done + sum(self._executing.values())
            return Tick(
                self._duty.job,
                self._duty.run,
                bytes_done,
                self._speed(now),
                self._tasks_done,
                list(islice(self._executing.items(), EXECUTING_MAX)),
                moved=self._bytes_moved,
            )

    def _speed(self, now: float) -> float:
        self._samples.append((now, self._bytes_moved))
        while len(self._samples) > 2 and self._samples[1][0] <= now - WINDOW_S:
            self._samples.popleft()
        since, before = self._samples[0]
        return (self._bytes_moved - before) / (now - since) if now > since else 0.0
