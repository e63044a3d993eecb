"""The endpoints and volumes that are not used yet, in the order of the times until when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sortedcontainers import SortedList

from events.endpoints import Endpoint
from events.stays import back_offs


class BackOffs:
    def __init__(self) -> None:
        self._line = SortedList()

    def put(self, before: Endpoint | None, after: Endpoint) -> None:
        for until, volume in back_offs(before.stays) if before is not None else ():
            self._line.remove((until, after.id, volume))
        for until, volume in back_offs(after.stays):
            self._line.add((until, after.id, volume))

    def next(self) -> datetime | None:
        return self._line[0][0] if self._line else None

    def due(self, now: datetime) -> Iterator[tuple[str, str]]:
        """Endpoint and volume ("" for the endpoint itself) of those that are over."""
        for _, endpoint, volume in self._line.irange(maximum=(now, "~", "")):
            yield endpoint, volume
