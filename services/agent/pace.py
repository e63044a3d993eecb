"""How many connections a transfer uses, and how much of a file one of them takes. Pure.

It begins with a few and adds some while that makes it faster, measured over windows of time; what
did not help is taken back, and tried again after a while, for lines change. Where the processors
have no time left for more, it tries fewer, and stays with them if they are as fast.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

FIRST = 2
SETTLE_S = 0.3  # For a new connection to get under way.
WINDOW_S = 0.5
GAIN = 1.15
ENOUGH = 0.95
SPARE = 2  # Times the processors that are used, idle: then more connections may help.
HOLD_S = 20.0

TAKE_S = 2.0
TAKE_MIN_BYTES = 16 << 20
TAKE_MAX_BYTES = 256 << 20


def share(rate: float, left: int, hands: int) -> int:
    """How many bytes of a file that has `left` one of `hands` takes that moves `rate` a second:
    for some seconds, and towards the end little enough that all of them end together."""
    for_long = min(max(TAKE_MIN_BYTES, int(rate * TAKE_S)), TAKE_MAX_BYTES)
    return max(TAKE_MIN_BYTES // 4, min(for_long, left // (2 * hands)))


class Used(NamedTuple):
    """Seconds of processors, so far: by this process, and by nobody."""

    busy: float
    idle: float


class Pace:
    """One for a run."""

    def __init__(self, now: float, limit: int) -> None:
        self.wanted = min(FIRST, limit)
        self._before = self.wanted  # The number before the last step.
        self._best = 0.0  # What that one moved a second.
        self._limit = limit
        self._since = now + SETTLE_S
        self._start: tuple[int, Used] | None = None  # Bytes at `_since`, once it is past.

    def look(self, now: float, moved: int, limit: int, used: Callable[[], Used]) -> int:
        """The connections wanted, with `moved` bytes since the start. Call it again and again."""
        if self.wanted > limit:
            self._step(limit, now)
            self._before = limit
        if limit > self._limit:
            self._since = min(self._since, now)
        self._limit = limit
        if now < self._since:
            return self.wanted
        if self._start is None:
            self._since, self._start = now, (moved, used())
        elif now >= self._since + WINDOW_S:
            seconds = now - self._since
            (before, then), after = self._start, used()
            no_time_left = SPARE * (after.busy - then.busy) > after.idle - then.idle
            self._judge((moved - before) / seconds, no_time_left, now, limit)
        return self.wanted

    def _judge(self, rate: float, no_time_left: bool, now: float, limit: int) -> None:
        fewer = self.wanted < self._before
        if fewer and rate < self._best * ENOUGH:
            self._step(self._before, now)
            self._hold(now)
        elif fewer or (rate <= self._best * GAIN and self.wanted == self._before):
            self._keep(rate)
            self._hold(now)
        elif rate <= self._best * GAIN:
            self._step(self._before, now)
            self._hold(now)
        else:
            self._keep(rate)
            self._try_another(no_time_left, now, limit)

    def _try_another(self, no_time_left: bool, now: float, limit: int) -> None:
        """Each connection wants its share of the processors, and of several some more."""
        if no_time_left and self.wanted > 1:
            self._step(self.wanted // 2, now)
        elif self.wanted < limit and not no_time_left:
            self._step(min(limit, 2 * self.wanted), now)
        else:
            self._hold(now)

    def _keep(self, rate: float) -> None:
        self._best, self._before = rate, self.wanted

    def _step(self, wanted: int, now: float) -> None:
        self.wanted = wanted
        self._since, self._start = now + SETTLE_S, None

    def _hold(self, now: float) -> None:
        """Then measure anew what this number is worth, and try another."""
        self._since, self._start, self._best = now + HOLD_S, None, 0.0
        self._before = self.wanted
