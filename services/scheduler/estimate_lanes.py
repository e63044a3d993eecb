"""When compute jobs that wait will start and end: the lanes, walked ahead as they are handed out.

The buckets in lanes hold them until their rest is done; then the jobs take lanes in the planner's
own order, each by its needs. What a task takes is that of the job's own finished tasks, else of
those of finished jobs: of the same command, of its user with the same program, of its queue. As for
transfers this is walked three times, as if all that was measured had been fast, as it mostly was,
and slow. Machines are taken for equally fast, and a bucket for one that does not fail. Pure.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import islice
from math import ceil, inf
from typing import NamedTuple

from events import placeholders, ranges
from events.job import Job
from events.jobs import Status
from projections.board import Board
from projections.lanes import Need
from projections.pace import Computed
from projections.task_table import QUEUED
from services.scheduler import lanes, obstacles
from services.scheduler.commands import Estimate
from services.scheduler.cost import Span, dated, spread, without
from services.scheduler.lanes_ahead import LanesAhead

AHEAD_MAX = 500
WALKED_MAX = 1_000
STEPS_MAX = 5_000
LANES_MAX = 2_000
NEEDS_MAX = 500
OF_THE_USER, OF_THE_QUEUE = 2.0, 3.0
NOW, UNKNOWN = Span(0.0, 0.0, 0.0), Span(0.0, inf, inf)
UNMEASURED = "nothing comparable was measured yet"
BEFORE_IT = "nothing comparable to a job before it was measured yet"
TOO_MANY = "its lanes, or what jobs ask of them, are too many to look ahead"
AT_ONCE = "too many jobs were asked about at once: ask about this one alone"
TOO_FAR = f"more than {AHEAD_MAX} jobs stand before it: too far ahead to say"

Pool = tuple[int, ...]
"""Lanes of the endpoints that serve these needs, by number, and no others."""


class Price(NamedTuple):
    """What a task takes, in seconds, by how many tasks or jobs, and which."""

    task: Span
    runs: int
    basis: str


class Ask(NamedTuple):
    """A job in line: so many buckets of so many seconds each, on lanes of these pools."""

    job: Job
    pools: list[Pool]
    buckets: int
    seconds: Span


def estimates(asked: list[Job], board: Board, now: datetime) -> dict[str, Estimate]:
    """By job id, of those that wait for nothing but their turn. The cost has bounds, as for
    transfers: `WALKED_MAX` jobs are looked at, `AHEAD_MAX` of those that share lanes.
    """
    wanted = {job.id: need for job in asked if (need := _foreseeable(job, board)) is not None}
    if not wanted:
        return {}
    if len(board.lanes.hungry) > NEEDS_MAX:
        return dict.fromkeys(wanted, Estimate(basis=TOO_MANY))
    told: dict[str, Estimate] = {}
    left, serving = WALKED_MAX, {need: lanes.serving(need, board) for need in board.lanes.hungry}
    while len(told) < len(wanted):
        first = next(need for job, need in wanted.items() if job not in told)
        together = _together(first, serving)
        mine = [job for job, need in wanted.items() if need in together]
        ahead = _Ahead(together, board, now)
        told |= ahead.look(mine, min(left, AHEAD_MAX))
        left -= len(ahead.line)
    return told


def _foreseeable(job: Job, board: Board) -> Need | None:
    """The need of a job that only waits for lanes."""
    standing = board.lanes.standing(job.id) if job.computes else None
    if standing is None or not standing.hungry or job.status is not Status.WAITING:
        return None
    may = obstacles.can_run(job, board) and lanes.serving(standing.need, board)
    return standing.need if may else None


def _together(first: Need, serving: Mapping[Need, tuple[str, ...]]) -> dict[Need, tuple[str, ...]]:
    """The needs that are in one another's way, over any number of others."""
    ends, left, found = set(serving[first]), dict(serving), dict[Need, tuple[str, ...]]()
    while touching := [need for need in left if not ends.isdisjoint(left[need])]:
        found |= {need: left.pop(need) for need in touching}
        ends.update(*found.values())
    return found


class _Ahead:
    """What is to come on the lanes that serve these needs."""

    def __init__(self, serving: Mapping[Need, tuple[str, ...]], board: Board, now: datetime):
        self.line: list[Ask] = []
        self._serving, self._board, self._now = serving, board, now
        self._prices: dict[str, Price | None] = {}
        needs_of: dict[str, list[int]] = {}
        for number, ends in enumerate(serving.values()):
            for end in ends:
                needs_of.setdefault(end, []).append(number)
        self._pools: dict[str, Pool] = {end: tuple(needs) for end, needs in needs_of.items()}

    def look(self, wanted: list[str], walked_max: int) -> dict[str, Estimate]:
        if sum(map(self._board.lanes.room, self._pools)) > LANES_MAX:
            return dict.fromkeys(wanted, Estimate(basis=TOO_MANY))
        self.line = list(self._in_line(set(wanted), walked_max))
        free = self._free()
        walks = [self._walk(free, n) for n in range(3)]
        beyond = Estimate(basis=TOO_FAR if walked_max >= AHEAD_MAX else AT_ONCE)
        told = {ask.job.id: self._told(ask.job, walks) for ask in self.line}
        return {job: told.get(job, beyond) for job in wanted}

    def _walk(self, free: Mapping[Pool, list[Span]], n: int) -> dict[str, tuple[float, float]]:
        """By job, when it begins and ends if all is as the n-th of each span says."""
        ahead = LanesAhead({pool: [one[n] for one in spans] for pool, spans in free.items()})
        found = {}
        for ask in self.line:
            if ahead.steps > STEPS_MAX:
                break
            found[ask.job.id] = ahead.take(ask.pools, ask.buckets, ask.seconds[n])
        return found

    def _told(self, job: Job, walks: list[dict[str, tuple[float, float]]]) -> Estimate:
        walked = [walk[job.id] for walk in walks if job.id in walk]
        if len(walked) < len(walks):
            return Estimate(basis=TOO_MANY)
        start, end = (Span(*sorted(one)) for one in zip(*walked, strict=True))
        price = self._price(job)
        if start.slow == inf:
            return Estimate(basis=BEFORE_IT)
        if price is None or end.slow == inf:
            return dated(self._now, start, None, 0, f"of its own tasks {UNMEASURED}")
        return dated(self._now, start, end, price.runs, price.basis)

    # Who stands in line.

    def _in_line(self, wanted: set[str], walked_max: int) -> Iterator[Ask]:
        """In the planner's order, up to the last of those that are wanted."""
        walks = [self._hungry(need, ends) for need, ends in self._serving.items()]
        merged = heapq.merge(*walks, key=lambda one: one[0])
        for _, job, pools in islice(merged, walked_max):
            yield self._ask(job, pools)
            wanted.discard(job.id)
            if not wanted:
                return

    def _hungry(
        self, need: Need, ends: tuple[str, ...]
    ) -> Iterator[tuple[lanes.Place, Job, list[Pool]]]:
        pools = sorted({self._pools[end] for end in ends})
        return ((place, job, pools) for place, job in lanes.in_order(need, self._board))

    def _ask(self, job: Job, pools: list[Pool]) -> Ask:
        queued, price = self._board.tables[job.id].count(QUEUED), self._price(job)
        buckets = ceil(queued / lanes.bucket_size(job, self._board))
        return Ask(job, pools, buckets, _times(price.task, queued / buckets) if price else UNKNOWN)

    # When lanes are free.

    def _free(self) -> dict[Pool, list[Span]]:
        free: dict[Pool, list[Span]] = {}
        for end, pool in self._pools.items():
            free.setdefault(pool, []).extend(self._free_of(end))
        return free

    def _free_of(self, endpoint: str) -> list[Span]:
        """Of more buckets than it has lanes by now the first to end leave none."""
        room = self._board.lanes.room(endpoint)
        rests = sorted(self._rest(*taken) for taken in self._board.lanes.taken(endpoint))
        return [*[NOW] * (room - len(rests)), *rests[max(0, len(rests) - room) :]]

    def _rest(self, job: str, run: int) -> Span:
        bucket, price = self._board.tables[job].buckets[run], self._price(self._board.jobs[job])
        if price is None:
            return UNKNOWN
        since_s = (self._now - bucket.since).total_seconds()
        return without(_times(price.task, ranges.count(bucket.numbers)), since_s)

    # Prices.

    def _price(self, job: Job) -> Price | None:
        if job.id not in self._prices:
            self._prices[job.id] = price_of(job, self._board)
        return self._prices[job.id]


def price_of(job: Job, board: Board) -> Price | None:
    """Of its own tasks, else of others like it; None when there are none."""
    if took := board.pace.frames.get(job.id):
        own = "finished task" if len(took) == 1 else f"{len(took)} finished tasks"
        return Price(spread(took), len(took), f"measured on its last {own}")
    command, code = job.compute.command, board.queues[job.queue].code
    like = board.pace.computed
    same = [one for one in like if one.command == command]
    by_user = [one for one in like if one.user == job.user and _program(one) == _named(command)]
    by_queue = [one for one in like if one.queue == job.queue]
    for found, widened, which in (
        (same, 1.0, "of the same command"),
        (by_user, OF_THE_USER, f"of {job.user} with {_named(command)}: none of this command was"),
        (by_queue, OF_THE_QUEUE, f"of queue {code}: none like it was"),
    ):
        if found:
            jobs = f"{len(found)} finished {'job' if len(found) == 1 else 'jobs'}"
            task = spread([seconds for one in found for seconds in one.took], widened)
            return Price(task, len(found), f"measured on {jobs} {which}")
    return None


def _program(one: Computed) -> str:
    return _named(one.command)


@lru_cache(maxsize=4096)
def _named(command: str) -> str:
    """The program: the first word, which stands for the kind of work."""
    return placeholders.words(command)[0]


def _times(task: Span, count: float) -> Span:
    return Span(task.fast * count, task.mid * count, task.slow * count)
