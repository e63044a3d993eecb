"""Compute jobs by what they need of an endpoint, and the lanes that are taken. It decides nothing.

Jobs of one need stand together, so that a planner with a free lane looks at one of each need that
the lane fits, and never at those that could not use it. A job stands here while it waits or runs:
`hungry` with tasks to hand out, `laneless` when it then runs without a lane, `spent` when it has
neither tasks to hand out nor a lane.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from msgspec import Struct
from sortedcontainers import SortedSet

from events import jobs, settings
from events.endpoints import Endpoint
from events.job import Job
from events.jobs import Status
from events.settings import Value
from projections.ranked import Ranked
from projections.task_table import QUEUED, TaskTable

AVOID_AFTER = 2
"""So many buckets of a job that failed in a row on an endpoint, and it is avoided for that job."""

Taken = tuple[str, int]


class Need(NamedTuple):
    """What a job asks of an endpoint: filters, an open volume ("" for none), not to be one of
    `avoids`.
    """

    filters: tuple[str, ...]
    volume: str
    avoids: tuple[str, ...] = ()


class Hungry(Struct):
    """The jobs of one need that have tasks to hand out."""

    waiting: Ranked
    running: Ranked


class Standing(Struct, frozen=True):
    """Where a job was put, so that it can be taken away from there."""

    need: Need
    queue: str
    place: str
    runs: bool
    hungry: bool
    laneless: bool


class Lanes:
    def __init__(self) -> None:
        self.hungry: dict[Need, Hungry] = {}
        self.laneless = SortedSet()
        self.spent = SortedSet()
        self.vacant: dict[str, int] = {}
        """Free lanes of the endpoints that have some; its order means nothing."""
        self.serving: dict[Need, tuple[str, ...]] = {}
        """Who serves a need, for who looks often; emptied whenever that may have changed."""
        self.avoiding: dict[str, None] = {}
        self._room: dict[str, int] = {}
        self._taken: dict[str, SortedSet] = {}
        self._standing: dict[str, Standing] = {}

    def taken(self, endpoint: str) -> Iterator[Taken]:
        """(job, run) of the buckets in its lanes, in order."""
        return iter(self._taken.get(endpoint, ()))

    def count(self, endpoint: str) -> int:
        return len(self._taken.get(endpoint, ()))

    def room(self, endpoint: str) -> int:
        """How many lanes it has, now that it is there and allows commands; else none."""
        return self._room.get(endpoint, 0)

    def machines(self) -> list[str]:
        """The endpoints that have lanes now, by id."""
        return sorted(endpoint for endpoint, room in self._room.items() if room)

    def standing(self, job: str) -> Standing | None:
        return self._standing.get(job)

    # How it moves.

    def take(self, endpoint: str, job: str, run: int) -> None:
        self._taken.setdefault(endpoint, SortedSet()).add((job, run))
        self._count(endpoint)

    def leave(self, endpoint: str, job: str, run: int) -> None:
        self._taken[endpoint].discard((job, run))
        self._count(endpoint)

    def leave_all(self, job: str, table: TaskTable) -> None:
        for run, bucket in table.buckets.items():
            self.leave(bucket.endpoint, job, run)

    def look_at(self, endpoints: Iterable[Endpoint], workspace: dict[str, Value]) -> None:
        """They came, went, or another number of lanes holds for them."""
        self.serving.clear()
        for endpoint in endpoints:
            lanes = settings.find("client_compute_lanes", (endpoint.settings, workspace))
            there = endpoint.online and endpoint.machine is not None
            there = there and endpoint.unused_until() is None and endpoint.disabled_at is None
            self._room[endpoint.id] = int(lanes) if there else 0
            self._count(endpoint.id)

    def _count(self, endpoint: str) -> None:
        free = self.room(endpoint) - self.count(endpoint)
        if free > 0:
            self.vacant[endpoint] = free
        else:
            self.vacant.pop(endpoint, None)

    def put(self, job: Job, table: TaskTable, *, waits: bool, avoid: str) -> None:
        """Where a compute job stands now; `waits` is for others to be done, `avoid` its setting."""
        failed_on = sorted(one for one, n in table.failed_on.items() if n >= AVOID_AFTER)
        if failed_on:
            self.avoiding[job.id] = None
        else:
            self.avoiding.pop(job.id, None)
        avoids = () if avoid == "disable" else tuple(failed_on)
        before, after = self._standing.get(job.id), _standing(job, table, waits, avoids)
        if before == after:
            return
        if before is not None:
            self._move(job.id, before, into=False)
            del self._standing[job.id]
        if after is not None:
            self._move(job.id, after, into=True)
            self._standing[job.id] = after

    def _move(self, job: str, to: Standing, *, into: bool) -> None:
        if to.laneless and to.hungry:
            (self.laneless.add if into else self.laneless.discard)(job)
        if not to.hungry:
            (self.spent.add if into else self.spent.discard)(job)
            return
        group = self.hungry.setdefault(to.need, Hungry(Ranked(), Ranked()))
        ranked = group.running if to.runs else group.waiting
        (ranked.add if into else ranked.remove)(to.queue, to.place, job)
        if not group.running and not group.waiting:
            del self.hungry[to.need]


def need_of(job: Job, avoids: tuple[str, ...] = ()) -> Need:
    return Need(job.compute.filters, job.compute.volume, avoids)


def forgives(event: jobs.Event) -> bool:
    """Whether a person lets a job go on, upon which what it avoided may try again."""
    by_hand = isinstance(event, jobs.Retried) and event.place is not None
    return by_hand or isinstance(event, jobs.Resumed)


def _standing(job: Job, table: TaskTable, waits: bool, avoids: tuple[str, ...]) -> Standing | None:
    hungry = QUEUED in table.statuses
    if job.status not in (Status.WAITING, Status.RUNNING) or waits:
        return None
    if not hungry and table.buckets:
        return None
    runs = job.status is Status.RUNNING
    need = need_of(job, avoids)
    return Standing(need, job.queue, job.place, runs, hungry, runs and not table.buckets)
