"""When transfers will start and end: the scheduler's own order, walked ahead. Pure.

Compute jobs are asked for here too; how they are walked is in estimate_lanes.py.
The jobs that run hold their seats on their pair and its ends until their rest is done; those that
wait take, in order, the first seat that is free. This is walked three times at once, as if all
that was measured had been fast, as it mostly was, and slow: so an interval widens with what
stands before. Who will be submitted or moved meanwhile nobody knows, and an end that many pairs
share is taken as if nobody slipped in between: these are estimates.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from events.job import Job
from events.jobs import Status
from projections.board import Board, Pair, pair_of
from projections.pace import Going
from services.scheduler import admit, estimate_lanes, obstacles, policy, remaining, shares
from services.scheduler.commands import Estimate, Heard
from services.scheduler.cost import Span, dated, not_before, without
from services.scheduler.prices import NOT_HEARD, OWN_PACE_S, UNMEASURED, Prices, left, own

AHEAD_MAX = 500
WALKED_MAX = 1_000
LISTED = "its source is still being listed: how much it is nobody knows"
LISTED_BEFORE = "the source of a job before it is still being listed"

Key = Pair | str


def estimates(
    asked: Iterable[Job], board: Board, now: datetime, heard: Mapping[str, Heard] = NOT_HEARD
) -> dict[str, Estimate]:
    """By job id: of jobs that run, and of those that could if none stood before them.

    `heard` is what ticks said of running jobs, as far as the asker knows: their own pace has the
    last word. The same board, time and ticks give the same answer. Its cost has a bound, whatever
    is asked: `WALKED_MAX` jobs are looked at, `AHEAD_MAX` on a pair; what one leaves the next has.
    """
    asked = list(asked)
    computing = [job for job in asked if job.computes and job.status is Status.RUNNING]
    wanted: dict[Pair, list[str]] = {}
    for job in asked:
        if _is_foreseeable(job, board):
            wanted.setdefault(pair_of(job), []).append(job.id)
    told = {job.id: remaining.of(job, board, now) for job in computing}
    told |= estimate_lanes.estimates(asked, board, now)
    left = WALKED_MAX
    while wanted:
        group = admit.together(next(iter(wanted)), board)
        mine = {job for pair in group for job in wanted.pop(pair, ())}
        ahead = _Ahead(board, now, heard)
        told |= ahead.look(group, mine, min(left // (len(wanted) + 1), AHEAD_MAX))
        left -= ahead.walked
    return told


def _is_foreseeable(job: Job, board: Board) -> bool:
    if job.computes or job.status not in (Status.WAITING, Status.RUNNING):
        return False
    return job.status is Status.RUNNING or obstacles.can_run(job, board)


class _Ahead:
    """What is to come on pairs that belong together, from now on."""

    def __init__(self, board: Board, now: datetime, heard: Mapping[str, Heard]) -> None:
        self.walked = 0
        self._board, self._now = board, now
        self._prices = Prices(board, heard)
        self._ends: dict[Key, tuple[list[float], list[float], list[float]]] = {}
        self._limits: dict[tuple[Pair, str], dict[Key, int]] = {}
        self._unknown: dict[Key, str] = {}
        self._ceilings = shares.Ceilings(board, now)

    def look(self, pairs: list[Pair], wanted: set[str], walked_max: int) -> dict[str, Estimate]:
        told: dict[str, Estimate] = {}
        rest = set(wanted)
        running = [job for pair in pairs for job in admit.running(pair, self._board)]
        given = shares.given(running, self._board, self._now).of
        for job in running:
            told[job.id] = self._runs(job, given[job.id].rate if job.id in given else 0)
            rest.discard(job.id)
        for job in _in_order(pairs, self._board):
            if not rest or self.walked >= walked_max:
                break
            self.walked += 1
            if obstacles.can_run(job, self._board):
                seat = self._sit(job)
                if job.id in rest:
                    rest.remove(job.id)
                    told[job.id] = self._told(job, seat)
        return {job: told.get(job) or _too_far(walked_max) for job in wanted}

    # One job.

    def _runs(self, job: Job, limit: int) -> Estimate:
        known = self._prices.of(job)
        if known is None or not job.listed:
            return self._unforeseen(job)
        cost, runs, basis = known
        going = self._board.pace.going.get(job.id) or Going()
        its_own = own(going)
        spread = cost.spread
        if its_own is not None and its_own.seconds >= OWN_PACE_S:
            pace = its_own.seconds / cost.fitted(its_own.size, its_own.tasks)
            spread = Span(min(spread.fast, pace), pace, max(spread.slow, pace))
        quiet_s = (self._now - going.heard).total_seconds() if going.heard else 0.0
        rest = left(job, self._board)
        took = not_before(cost.seconds(*rest, spread), rest[0], limit)
        end = without(took, max(0.0, quiet_s))
        if heard := self._prices.heard_of(job):
            left_s = max(0, job.size - heard.bytes_done) / heard.bytes_per_second
            end = Span(left_s / 2, left_s, left_s * 2)
        self._take(job, end)
        return dated(self._now, None, end, runs, basis)

    def _sit(self, job: Job) -> tuple[Span, Span] | None:
        """When the next in order has its seat, and until when; None when that is unknown."""
        known = self._prices.of(job)
        is_clear = job.listed and self._unknown.keys().isdisjoint(self._keys(job))
        if known is None or not is_clear:
            self._unforeseen(job)
            return None
        rest = left(job, self._board)
        took = not_before(known[0].seconds(*rest), rest[0], self._ceilings.of(job))
        start = self._free(job)
        end = Span(start.fast + took.fast, start.mid + took.mid, start.slow + took.slow)
        self._take(job, end)
        return start, end

    def _told(self, job: Job, seat: tuple[Span, Span] | None) -> Estimate:
        known = self._prices.of(job)
        if known is None or seat is None:
            return self._unforeseen(job)
        return dated(self._now, *seat, *known[1:])

    def _unforeseen(self, job: Job) -> Estimate:
        """Nothing is said of those behind it, either."""
        keys = self._keys(job)
        if not job.listed:
            why = (LISTED, LISTED_BEFORE)
        elif self._prices.of(job) is None:
            why = (UNMEASURED, UNMEASURED)
        else:
            why = (next(self._unknown[key] for key in keys if key in self._unknown),) * 2
        for key in keys:
            self._unknown.setdefault(key, why[1])
        return Estimate(basis=why[0])

    # Seats.

    def _keys(self, job: Job) -> dict[Key, int]:
        """Its pair, and those of its ends that have a limit: how many each takes."""
        pair = pair_of(job)
        if (pair, job.queue) not in self._limits:
            most = int(policy.of_queue("transfer_concurrent", job.queue, self._board))
            rooms = {end: admit.room(end, self._board) for end in pair}
            limited: dict[Key, int] = {e: n for e, n in rooms.items() if n < admit.UNLIMITED}
            self._limits[pair, job.queue] = {pair: most, **limited}
        return self._limits[pair, job.queue]

    def _free(self, job: Job) -> Span:
        """In how many seconds fewer than the limit are left of those that took their seats."""
        fast = mid = slow = 0.0
        for key, limit in self._keys(job).items():
            ends = self._ends.get(key)
            if ends and len(ends[0]) >= limit:
                fast, mid = max(fast, ends[0][-limit]), max(mid, ends[1][-limit])
                slow = max(slow, ends[2][-limit])
        return Span(fast, mid, slow)

    def _take(self, job: Job, end: Span) -> None:
        for key in self._keys(job):
            for line, one in zip(self._ends.setdefault(key, ([], [], [])), end, strict=True):
                insort(line, one)


def _too_far(walked_max: int) -> Estimate:
    if walked_max < AHEAD_MAX:
        return Estimate(basis="too many jobs were asked about at once: ask about this one alone")
    return Estimate(basis=f"more than {AHEAD_MAX} jobs stand before it: too far ahead to say")


def _in_order(pairs: list[Pair], board: Board) -> Iterator[Job]:
    """The waiting jobs of these pairs whose queue and volumes are there, in the order of all."""
    queues = [queue for queue in board.in_order() if not board.queues[queue].paused]
    walks = [
        (board.jobs[job] for job in ranked.walk(queues))
        for pair in pairs
        for leg, ranked in board.legs(pair).items()
        if obstacles.is_open(leg, board)
    ]
    merged = heapq.merge(*walks, key=board.rank)
    return (job for job in merged if job.status is Status.WAITING)
