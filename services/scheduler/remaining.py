"""When a compute job that runs will end: by what its tasks take, on the lanes it has. Pure.

Of one that waits see estimate_lanes.py.
"""

from __future__ import annotations

from datetime import datetime

from events import ranges
from events.job import Job
from projections.board import Board
from projections.task_table import QUEUED, Bucket
from services.scheduler import lanes
from services.scheduler.commands import Estimate
from services.scheduler.cost import Span, dated, without
from services.scheduler.estimate_lanes import UNMEASURED, price_of


def of(job: Job, board: Board, now: datetime) -> Estimate:
    """Of a running compute job; as if it kept the lanes that it has."""
    price, buckets = price_of(job, board), board.tables[job.id].buckets
    if price is None:
        return Estimate(basis=UNMEASURED)
    if not buckets:
        return Estimate(basis="it has no lane now")
    end = _end(price.task, list(buckets.values()), job, board, now)
    on = "the lane that it has" if len(buckets) == 1 else f"the {len(buckets)} lanes that it has"
    return dated(now, None, end, price.runs, f"{price.basis}, for {on}")


def _end(task: Span, buckets: list[Bucket], job: Job, board: Board, now: datetime) -> Span:
    """The work shared by the lanes; at the latest one begins its last bucket as the others end."""
    queued = board.tables[job.id].count(QUEUED)
    last = min(queued, lanes.bucket_size(job, board))
    rests = [
        without(_times(task, ranges.count(bucket.numbers)), (now - bucket.since).total_seconds())
        for bucket in buckets
    ]
    work = [sum(rest[n] for rest in rests) + queued * task[n] for n in range(3)]
    longest = [max(rest[n] for rest in rests) for n in range(3)]
    fast, mid, slow = (max(work[n] / len(buckets), longest[n]) for n in range(3))
    return Span(fast, mid, slow + last * task.slow)


def _times(task: Span, count: int) -> Span:
    return Span(task.fast * count, task.mid * count, task.slow * count)
