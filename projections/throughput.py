"""The history of throughput: how fine it is kept as it ages, and how fine it is told. Pure.

Bytes are kept by stretches of time that begin at multiples of their length since 1970: ten seconds
at first, a minute after some hours, ten minutes after some days. What is told has steps that are
multiples of what is kept then, and never more of them than a graph can show.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from msgspec import Struct

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
POINTS_MAX = 1_000
POINTS = 300
STEPS_S = (10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400)


class Level(Struct, frozen=True):
    """Stretches of `step_s` are kept until they are older than `age`."""

    step_s: int
    age: timedelta = timedelta.max


LEVELS = (Level(10, timedelta(hours=3)), Level(60, timedelta(days=2)), Level(600))


class Grid(Struct, frozen=True):
    """`count` steps of `step_s` from `begins_at` on."""

    begins_at: datetime
    step_s: int
    count: int

    @property
    def ends_at(self) -> datetime:
        return self.begins_at + timedelta(seconds=self.step_s * self.count)

    def laid(self, found: Iterable[tuple[datetime, int]]) -> list[int]:
        """Bytes by step, of those found at the beginnings of steps."""
        values = [0] * self.count
        for at, count in found:
            values[int((at - self.begins_at).total_seconds()) // self.step_s] += count
        return values


def grid(begins_at: datetime, ends_at: datetime, step_s: int | None, now: datetime) -> Grid:
    """The steps that cover this stretch: not finer than asked, kept or shown. Never none."""
    span_s = max(1.0, (ends_at - begins_at).total_seconds())
    wanted_s = span_s / POINTS if step_s is None else step_s
    kept_s = kept_step_s(begins_at, now)
    least_s = max(wanted_s, kept_s, span_s / POINTS_MAX)
    fitting = (one for one in STEPS_S if one >= least_s and one % kept_s == 0)
    chosen_s = next(fitting, -(-int(least_s) // 86_400) * 86_400)
    first = floored(begins_at, chosen_s)
    count = -(-(ends_at - first) // timedelta(seconds=chosen_s))
    return Grid(first, chosen_s, max(1, count))


def kept_step_s(at: datetime, now: datetime) -> int:
    """How fine it is at a time, at the coarsest."""
    within = (one.step_s for one in LEVELS[:-1] if at >= floored(now - one.age, one.step_s))
    return next(within, LEVELS[-1].step_s)


def floored(at: datetime, step_s: int) -> datetime:
    return at - (at - EPOCH) % timedelta(seconds=step_s)
