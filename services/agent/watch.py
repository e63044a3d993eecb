"""Which volumes are there and what is left of them: each is looked at by a thread of its own, for a
look may hang.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from events.endpoints import Volume as Reported
from services.agent.commands import Room
from services.agent.volumes import AnyVolume

LOOK_EACH_S = 1.0
HANGS_S = 5.0


class Watch:
    def __init__(self, volumes: Mapping[str, AnyVolume]) -> None:
        self._seen = {code: (volume.room(), _now()) for code, volume in volumes.items()}
        self._asked = self._woke = _now()
        self._stopping = threading.Event()
        for code, volume in volumes.items():
            self._start(self._look, code, volume)

    def stop(self) -> None:
        self._stopping.set()

    def volumes(self) -> list[Reported]:
        """One that does not answer for HANGS_S is offline; asked for every few seconds."""
        now = _now()
        if now - self._asked > HANGS_S:
            self._woke = now  # This process itself stood still: that says nothing of its volumes.
        self._asked = now
        return [
            Reported(code, room is not None and now - max(seen, self._woke) < HANGS_S)
            for code, (room, seen) in self._seen.items()
        ]

    def rooms(self) -> list[Room]:
        """Of those that were there when they were last seen."""
        return [room for room, _ in self._seen.values() if room is not None]

    def _start(self, look: Callable[[str, AnyVolume], None], code: str, volume: AnyVolume) -> None:
        threading.Thread(
            target=look, args=(code, volume), name=f"volume.{code}", daemon=True
        ).start()

    def _look(self, code: str, volume: AnyVolume) -> None:
        while not self._stopping.wait(LOOK_EACH_S):
            self._seen[code] = (volume.room(), _now())


def _now() -> float:
    return time.monotonic()
