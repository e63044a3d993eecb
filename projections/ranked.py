"""Jobs in the one order of all jobs: queue priority, then queue, then place in the queue.

Kept queue by queue, so that another priority of a queue moves nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sortedcontainers import SortedList


class Ranked:
    def __init__(self) -> None:
        self._queues: dict[str, SortedList] = {}

    def add(self, queue: str, place: str, job: str) -> None:
        self._queues.setdefault(queue, SortedList()).add((place, job))

    def remove(self, queue: str, place: str, job: str) -> None:
        line = self._queues[queue]
        line.remove((place, job))
        if not line:
            del self._queues[queue]

    def line(self, queue: str) -> SortedList:
        """(place, job id) of the queue's jobs, in order; one that is `in` this."""
        return self._queues[queue]

    def walk(self, queues: Iterable[str]) -> Iterator[str]:
        """Job ids, the queues taken in this order."""
        for queue in queues:
            for _, job in self._queues.get(queue, ()):
                yield job

    def __contains__(self, queue: str) -> bool:
        return queue in self._queues

    def __iter__(self) -> Iterator[str]:
        """The queues that have jobs here."""
        return iter(self._queues)

    def __bool__(self) -> bool:
        return bool(self._queues)
