"""What is under way in a simulation, and when each of it ends. Pure.

A transfer that is stopped goes on later from where it was, a command begins anew. What has no known
length never ends. Where somebody limits the speed of transfers, they share as the scheduler has it.
"""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta
from math import ceil, inf

from msgspec import Struct

from events.job import Job
from events.jobs import Status
from projections.board import Board, Pair, pair_of
from services.historian.rates import Rates, Stretch
from services.scheduler import shares

FARTHEST_S = 3650 * 86400.0
RATE_MAX = 1e15

Key = tuple[str, int]
"""A job and its run."""


class Going(Struct):
    """A run under way: of `whole_s` at full speed `left_s` is left as of `since`, and gets done at
    `speed` of it (0 to 1). `rate` is its bytes per second at full speed. What never ends has inf.
    """

    whole_s: float
    left_s: float
    rate: float
    since: datetime
    speed: float = 1.0

    def settle(self, now: datetime) -> None:
        self.left_s = max(0.0, self.left_s - (now - self.since).total_seconds() * self.speed)
        self.since = now

    def end(self) -> datetime | None:
        if self.left_s == inf:
            return None
        return self.since + timedelta(seconds=min(self.left_s / self.speed, FARTHEST_S))


class Work:
    def __init__(self, board: Board, rates: Rates, now: datetime) -> None:
        """With all that goes on at the beginning."""
        self.most: dict[Pair, int] = {}
        """How many transfers were under way together, by pair."""
        self.edge: datetime | None = None
        """When the clock changes a limit."""
        self._board, self._rates = board, rates
        self._going: dict[Key, Going] = {}
        self._runs: dict[str, dict[int, None]] = {}
        self._ends: list[tuple[datetime, Key]] = []
        self._kept_s: dict[str, float] = {}
        """By transfer: what was done of it and its tasks do not show."""
        for job in board.jobs.values():
            if not job.computes and job.status is Status.RUNNING:
                self._take_up(job, now)
            else:
                self._begin(job, now)

    def next(self) -> datetime | None:
        """When the first of it ends."""
        while self._ends and not self._is_end(*self._ends[0]):
            heapq.heappop(self._ends)
        return self._ends[0][0] if self._ends else None

    def first(self) -> Key:
        """The one that `next` is of."""
        return self._ends[0][1]

    def endless(self) -> set[str]:
        return {key[0] for key, going in self._going.items() if going.left_s == inf}

    def follow(self, job: Job, now: datetime, *, changed: bool) -> None:
        """The board has it so: what is over stops, what is new begins. One whose tasks were
        `changed` by hand has another rest now.
        """
        if job.computes:
            on = set(self._board.tables[job.id].buckets)
        else:
            on = {job.run} if job.status is Status.RUNNING and not changed else set()
        for run in [one for one in self._runs.get(job.id, ()) if one not in on]:
            self._stop(job, run, now)
        self._begin(job, now)

    def is_told(self, job: str) -> None:
        """Its tasks show all that was done of a transfer."""
        self._kept_s.pop(job, None)

    def share(self, now: datetime) -> int:
        """Each goes as fast as the limits let it now; how many were looked at."""
        moving = {key[0]: (key, one) for key, one in self._going.items() if one.rate}
        needs = {job: ceil(min(one.rate, RATE_MAX)) for job, (_, one) in moving.items()}
        given = shares.given([self._board.jobs[job] for job in moving], self._board, now, needs)
        self.edge = given.until
        for job, (key, one) in moving.items():
            share = given.of.get(job)
            speed = min(1.0, max(share.rate, 1) / one.rate) if share else 1.0
            if speed != one.speed:
                one.settle(now)
                one.speed = speed
                self._foresee(key)
        return len(moving)

    def _is_end(self, at: datetime, key: Key) -> bool:
        return key in self._going and self._going[key].end() == at

    def _take_up(self, job: Job, now: datetime) -> None:
        """A transfer that goes on already."""
        whole, rest = self._rates.whole(job, self._board), self._rates.rest[job.id]
        if whole is not None and rest is not None:
            self._kept_s[job.id] = whole.seconds - rest.seconds
        self._put((job.id, job.run), rest, now)
        self._count(job)

    def _begin(self, job: Job, now: datetime) -> None:
        known = self._runs.get(job.id, {})
        if job.computes:
            for run, bucket in self._board.tables[job.id].buckets.items():
                if run not in known:
                    self._put((job.id, run), self._rates.bucket(job.id, bucket, now), now)
        elif job.status is Status.RUNNING and job.run not in known:
            whole, kept_s = self._rates.whole(job, self._board), self._kept_s.get(job.id, 0.0)
            rest = whole and Stretch(max(0.0, whole.seconds - kept_s), whole.rate)
            self._put((job.id, job.run), rest, now)
            self._count(job)

    def _put(self, key: Key, work: Stretch | None, now: datetime) -> None:
        seconds, rate = (work.seconds, work.rate) if work else (inf, 0.0)
        self._going[key] = Going(seconds, seconds, rate, now)
        self._runs.setdefault(key[0], {})[key[1]] = None
        self._foresee(key)

    def _foresee(self, key: Key) -> None:
        if (end := self._going[key].end()) is not None:
            heapq.heappush(self._ends, (end, key))

    def _count(self, job: Job) -> None:
        pair = pair_of(job)
        self.most[pair] = max(self.most.get(pair, 0), len(self._board.running(pair)))

    def _stop(self, job: Job, run: int, now: datetime) -> None:
        going = self._going.pop((job.id, run))
        del self._runs[job.id][run]
        going.settle(now)
        if not job.computes and going.whole_s < inf:
            kept_s = self._kept_s.get(job.id, 0.0)
            self._kept_s[job.id] = kept_s + going.whole_s - going.left_s
