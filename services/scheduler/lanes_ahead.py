"""Lanes as they get free, walked ahead: so many buckets of so many seconds take the first. Pure.

Lanes that the same jobs may have are one pool. What nobody knows takes for ever: a lane that is
given to it does not get free (`inf`).
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from math import inf

ROUNDS = 2

Pool = Hashable


class LanesAhead:
    """`free` says of each pool in how many seconds its lanes are free, one by one."""

    def __init__(self, free: Mapping[Pool, Iterable[float]]) -> None:
        self._free = {pool: sorted(Counter(times).items()) for pool, times in free.items()}
        self._lanes = {pool: sum(n for _, n in found) for pool, found in self._free.items()}
        self.steps = 0
        """What all this cost."""

    def take(self, pools: Sequence[Pool], buckets: int, seconds: float) -> tuple[float, float]:
        """When the first of these buckets begins, and when the last one ends."""
        start = end = self._head(pools)[0]
        if not seconds or start == inf:
            return start, start
        lanes = sum(self._lanes[pool] for pool in pools)
        if seconds == inf:
            buckets = min(buckets, lanes)
        elif buckets > 2 * ROUNDS * lanes:
            self._level(pools, (buckets - ROUNDS * lanes) * seconds)
            buckets = ROUNDS * lanes
        while buckets:
            at, pool = self._head(pools)
            count = self._pop(pool)
            some = min(count, buckets)
            self._push(pool, at, count - some)
            self._push(pool, at + seconds, some)
            buckets, end = buckets - some, max(end, at + seconds)
        return start, end

    def _level(self, pools: Sequence[Pool], work: float) -> None:
        """Very many buckets fill the lanes like water, up to one level: it is not far from true."""
        filled: Counter[Pool] = Counter()
        lanes, begun = 0, 0.0
        while True:
            at, pool = self._head(pools)
            if lanes and (work + begun) / lanes <= at:
                break
            count = self._pop(pool)
            filled[pool] += count
            lanes, begun = lanes + count, begun + count * at
        for pool, count in filled.items():
            self._push(pool, (work + begun) / lanes, count)

    def _head(self, pools: Sequence[Pool]) -> tuple[float, Pool]:
        """When the next lane is free, and where; `inf` when none ever is."""
        heads = ((self._free[pool][0][0], n) for n, pool in enumerate(pools) if self._free[pool])
        at, first = min(heads, default=(inf, 0))
        return at, pools[first]

    def _pop(self, pool: Pool) -> int:
        self.steps += 1
        return heapq.heappop(self._free[pool])[1]

    def _push(self, pool: Pool, at: float, count: int) -> None:
        if count:
            heapq.heappush(self._free[pool], (at, count))
