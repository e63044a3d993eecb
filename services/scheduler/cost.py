"""What a transfer will take, by what others took: seconds = bytes and tasks at their price. Pure.

Large files cost by the byte, small ones by the piece, so a way has two prices, fitted by least
squares to what was measured of it; a run costs as much as one more task. How far what was measured
lies from the fit is the spread of every answer. What ran side by side shared its line when it was
measured, and will again: the prices are those of one job among as many as the settings admit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from math import ceil
from typing import NamedTuple

from msgspec import Struct

from projections.pace import SHORT_S, Measured
from services.scheduler.commands import Estimate

TASK_BYTES = 65_536
"""What a task costs, in bytes, as long as nothing that was measured tells the two apart."""
ENOUGH = 3
FARTHEST_S = 3650 * 86400.0
BELIEF = 0.001
GRAIN_S = 0.2
TASK_S_MIN = 0.00002
VAGUE_MAX = 10.0
"""Whose files are ten times as large as any that was measured, or a tenth, is no worse known."""


class Span(NamedTuple):
    """Something uncertain, in seconds or as a factor: `fast` ≤ `mid` ≤ `slow`."""

    fast: float
    mid: float
    slow: float


class Cost(Struct, frozen=True):
    """The two prices, in seconds, and by which factors what was measured lay beside them.

    `smallest` and `largest` are the bytes per piece that it was measured with.
    """

    per_byte: float
    per_task: float
    spread: Span
    smallest: float
    largest: float

    def fitted(self, size: int, tasks: int) -> float:
        return size * self.per_byte + (tasks + 1) * self.per_task

    def seconds(self, size: int, tasks: int, spread: Span | None = None) -> Span:
        """Of files of another size than was measured less is known: what the bytes cost and what
        the pieces do cannot be told apart, and the fit may be wrong by as much as the size is off.
        """
        by_fit, (fast, mid, slow) = self.fitted(size, tasks), spread or self.spread
        piece = max(1.0, size / (tasks + 1))
        vague = min(max(1.0, self.smallest / piece, piece / self.largest), VAGUE_MAX)
        return Span(by_fit * fast / vague, by_fit * mid, by_fit * slow * vague)


@lru_cache(maxsize=4096)
def fit(measured: tuple[Measured, ...], widened: float = 1.0) -> Cost:
    """The prices by what was measured, at least one; `widened` for what was measured elsewhere."""
    long = [one for one in measured if one.seconds >= SHORT_S]
    samples = long if len(long) >= ENOUGH else measured
    per_byte, per_task = _prices(samples)
    fitted = [one.size * per_byte + (one.tasks + 1) * per_task for one in samples]
    off = [one.seconds / by_fit for one, by_fit in zip(samples, fitted, strict=True)]
    pieces = [max(1.0, one.size / (one.tasks + 1)) for one in samples]
    return Cost(per_byte, per_task, spread(off, widened), min(pieces), max(pieces))


def spread(measured: Iterable[float], widened: float = 1.0) -> Span:
    """What is likely after these, at least one: as eight in ten of them were, and a little more.

    Of a few, little is known: after one the half and the double are likely, after twenty 5 % more.
    """
    found = sorted(measured)
    last, width = len(found) - 1, (1 + 1 / len(found)) * widened
    return Span(found[int(0.1 * last)] / width, found[last // 2], found[ceil(0.9 * last)] * width)


def without(took: Span, quiet_s: float) -> Span:
    """The rest of what was begun so long ago. What is late will be later, by as much again."""
    fast = max(took.fast - quiet_s, 0.0)
    slow = abs(took.slow - quiet_s)
    late = min((fast + slow) / 4, quiet_s)
    return Span(fast, min(max(took.mid - quiet_s, late), slow), slow)


def not_before(took: Span, size: int, limit: int) -> Span:
    """So many bytes are not through before a limit (bytes per second; 0 is none) lets them."""
    least_s = size / limit if limit else 0.0
    return Span(*(max(one, least_s) for one in took))


def dated(now: datetime, start: Span | None, end: Span | None, runs: int, basis: str) -> Estimate:
    """In so many seconds from now, as times."""
    ends = _at(end, now) if end else (None, None, None)
    starts = _at(start, now) if start else (None, None, None)
    return Estimate(
        start_earliest=starts[0],
        start_at=starts[1],
        start_latest=starts[2],
        end_earliest=ends[0],
        end_at=ends[1],
        end_latest=ends[2],
        runs=runs,
        basis=basis,
    )


def _at(span: Span, now: datetime) -> tuple[datetime, datetime, datetime]:
    fast, mid, slow = (now + timedelta(seconds=min(one, FARTHEST_S)) for one in span)
    return fast, mid, slow


def _prices(samples: Sequence[Measured]) -> tuple[float, float]:
    """Least squares of the relative errors. Where all samples are of one kind any split of the
    price fits them: a weak belief about what a task costs chooses one. No piece is free.
    """
    bb = bt = tt = bs = ts = joint = joint_s = 0.0
    for one in samples:
        weight = (one.seconds + GRAIN_S) ** -2
        size, tasks = float(one.size), one.tasks + 1.0
        bb, bt, tt = bb + weight * size * size, bt + weight * size * tasks, tt + weight * tasks**2
        bs, ts = bs + weight * size * one.seconds, ts + weight * tasks * one.seconds
        both = size + TASK_BYTES * tasks
        joint, joint_s = joint + weight * both * both, joint_s + weight * both * one.seconds
    price = joint_s / joint
    bb_known, tt_known = bb * (1 + BELIEF), tt * (1 + BELIEF)
    bs_known, ts_known = bs + BELIEF * bb * price, ts + BELIEF * tt * price * TASK_BYTES
    apart = bb_known * tt_known - bt * bt
    if apart <= 0:
        return 0.0, ts / tt
    per_byte = (bs_known * tt_known - ts_known * bt) / apart
    per_task = (ts_known * bb_known - bs_known * bt) / apart
    if per_byte < 0:
        return 0.0, ts / tt
    if per_task < 0:
        return bs / bb, TASK_S_MIN
    return per_byte, max(per_task, TASK_S_MIN)
