"""How long work takes in a simulation: by what was measured until it begins, and by nothing later.

Before and after a change the same rates hold, so that all that differs is the change. What was
never measured has no length: it is said to be unknown, and is not guessed. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import inf

from msgspec import Struct

from events import ranges
from events.job import Job
from events.jobs import Status
from projections.board import Board
from projections.pace import way_of
from projections.task_table import Bucket
from services.scheduler import estimate, shares
from services.scheduler.commands import Heard
from services.scheduler.cost import Span, without
from services.scheduler.estimate import LISTED
from services.scheduler.estimate_lanes import price_of
from services.scheduler.prices import UNMEASURED, Price, Prices, left


class Stretch(Struct, frozen=True):
    """Work of `seconds` at full speed; `rate` is then its bytes per second, 0 where it has none."""

    seconds: float
    rate: float = 0.0


class Rates:
    def __init__(self, board: Board, now: datetime, heard: Mapping[str, Heard]) -> None:
        prices = Prices(board, heard)
        transfers = [job for job in board.jobs.values() if not job.computes]
        self._ways = {way_of(job): prices.of(job) for job in transfers}
        computing = (
            one for one in board.jobs.values() if one.computes and one.queue in board.queues
        )
        self._tasks = {job.id: price_of(job, board) for job in computing}
        going = [job for job in transfers if job.status is Status.RUNNING]
        limited = shares.given(going, board, now).of
        known = estimate.estimates(going, board, now, heard)
        self.rest = {
            job.id: self._rest(job, board, known[job.id].end_at, now, heard.get(job.id))
            if job.id not in limited
            else self._limited_rest(job, board, heard.get(job.id))
            for job in going
        }
        """What is left of the transfers that run at the beginning; None where nobody knows."""

    def basis(self, job: Job) -> str:
        """What its length is known by, or why it is not."""
        if job.computes:
            known = self._tasks.get(job.id)
            return known.basis if known is not None else UNMEASURED
        price = self._ways.get(way_of(job))
        if not job.listed:
            return LISTED
        return price.basis if price is not None else UNMEASURED

    def whole(self, job: Job, board: Board) -> Stretch | None:
        """All that the tasks of a transfer leave to be done, from the begin of a run."""
        price = self._ways.get(way_of(job))
        return _stretch(price, *left(job, board)) if price is not None and job.listed else None

    def bucket(self, job: str, bucket: Bucket, now: datetime) -> Stretch | None:
        """What is left of a bucket that took its lane some time ago, or now."""
        known, count = self._tasks.get(job), ranges.count(bucket.numbers)
        if known is None:
            return None
        task = known.task
        took = Span(task.fast * count, task.mid * count, task.slow * count)
        return Stretch(without(took, max(0.0, (now - bucket.since).total_seconds())).mid)

    def _rest(
        self, job: Job, board: Board, end_at: datetime | None, now: datetime, heard: Heard | None
    ) -> Stretch | None:
        """As its estimate has it: by its own pace."""
        if end_at is None:
            return None
        seconds = (end_at - now).total_seconds()
        return Stretch(seconds, _bytes_left(job, board, heard) / seconds if seconds else inf)

    def _limited_rest(self, job: Job, board: Board, heard: Heard | None) -> Stretch | None:
        """Its own pace is that of its limit, which may be another soon: as others went."""
        price = self._ways.get(way_of(job))
        if price is None or not job.listed:
            return None
        return _stretch(price, _bytes_left(job, board, heard), left(job, board)[1])


def _bytes_left(job: Job, board: Board, heard: Heard | None) -> int:
    if heard is not None and heard.run == job.run:
        return max(0, job.size - heard.bytes_done)
    return left(job, board)[0]


def _stretch(price: Price, size: int, tasks: int) -> Stretch:
    seconds = price.cost.fitted(size, tasks)
    return Stretch(seconds, size / seconds)
