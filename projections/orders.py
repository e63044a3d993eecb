"""The orders that jobs stand in, by what they are read for: queue, pair, endpoint, time.

A job is put in and taken out whole; what it stands in follows from the job, and from whether it
waits for others (`waits`): until those are done it has a place in its queue and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sortedcontainers import SortedList

from events.job import Job
from events.jobs import FINISHED, ErrorClass, Status
from projections.ranked import Ranked
from projections.standing import IN_LINE, Leg, Pair, in_line, leg_of, pair_of


class Tally:
    """How often each was added and not removed; those that are here in no order."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def add(self, one: str) -> None:
        self._counts[one] = self._counts.get(one, 0) + 1

    def remove(self, one: str) -> None:
        self._counts[one] -= 1
        if not self._counts[one]:
            del self._counts[one]

    def __iter__(self) -> Iterator[str]:
        return iter(self._counts)


Order = tuple[SortedList | Ranked | Tally, tuple[Any, ...]]


class Orders:
    """`lines` and `aside` by queue, `legs` and `running` by pair, `unlisted` by endpoint and
    volume of the source, `active` by endpoint, `relayed` by relay; `retries` by time, and those of
    them that found no room in `roomless` by endpoint and volume of the destination. `partners`
    counts by endpoint those with whom it has transfers in line.
    """

    def __init__(self) -> None:
        self.lines: dict[str, SortedList] = {}
        self.aside: dict[str, SortedList] = {}
        self.legs: dict[Pair, dict[Leg, Ranked]] = {}
        self.running: dict[Pair, SortedList] = {}
        self.unlisted: dict[str, dict[str, Ranked]] = {}
        self.active: dict[str, SortedList] = {}
        self.relayed: dict[str, SortedList] = {}
        self.partners: dict[str, Tally] = {}
        self.retries = SortedList()
        self.roomless: dict[tuple[str, str], SortedList] = {}

    def add(self, job: Job, *, waits: bool) -> None:
        for order, key in self._of(job, waits):
            order.add(*key)

    def remove(self, job: Job, *, waits: bool) -> None:
        for order, key in self._of(job, waits):
            order.remove(*key)

    def line(self, queue: str) -> SortedList:
        return self.lines.setdefault(queue, SortedList())

    def _of(self, job: Job, waits: bool) -> Iterator[Order]:
        """Every order that the job stands in, with what it is added and removed by."""
        key = (job.place, job.id)
        if in_line(job):
            yield self.line(job.queue), (key,)
        elif job.status not in FINISHED:
            yield self.aside.setdefault(job.queue, SortedList()), (key,)
        if job.retry_at is not None:
            yield self.retries, ((job.retry_at, job.id),)
            if job.cause is ErrorClass.SPACE and not job.computes:
                to = job.transfer.destination
                volume = self.roomless.setdefault((to.endpoint, to.volume), SortedList())
                yield volume, (job.id,)
        if not job.computes and not waits:
            yield from self._of_transfer(job)

    def _of_transfer(self, job: Job) -> Iterator[Order]:
        key = (job.place, job.id)
        source, destination = job.transfer.source.endpoint, job.transfer.destination.endpoint
        if job.status in (Status.WAITING, Status.RUNNING):
            legs = self.legs.setdefault(pair_of(job), {})
            yield legs.setdefault(leg_of(job), Ranked()), (job.queue, *key)
        if job.status is Status.RUNNING:
            yield self.running.setdefault(pair_of(job), SortedList()), (job.id,)
            if job.relay:
                yield self.relayed.setdefault(job.relay, SortedList()), (job.id,)
        if job.status in IN_LINE and not job.listed:
            volumes = self.unlisted.setdefault(source, {})
            volume = volumes.setdefault(job.transfer.source.volume, Ranked())
            yield volume, (job.queue, *key)
        if in_line(job) and source != destination:
            yield self.partners.setdefault(source, Tally()), (destination,)
            yield self.partners.setdefault(destination, Tally()), (source,)
        runs = job.status is Status.RUNNING
        ends = [*([source] if job.listing or runs else []), *([destination] if runs else [])]
        for endpoint in dict.fromkeys(ends):
            yield self.active.setdefault(endpoint, SortedList()), (job.id,)
