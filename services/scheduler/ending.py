"""How a job ends when nothing of it is left to run: done, paused for what is held, or failed. Pure.

Whether it tries again by itself is decided here too.
"""

from __future__ import annotations

from datetime import datetime

from events import jobs, ranges
from events.job import Job
from events.jobs import ErrorClass
from projections.board import Board
from projections.task_table import EXECUTING, FAILED, ONHOLD, QUEUED
from services.scheduler import policy


def ended(job: Job, board: Board, now: datetime) -> jobs.Event:
    """No task is queued or under way any more."""
    table = board.tables[job.id]
    count = table.count(FAILED)
    if not count or _only_missing(job, board):
        return jobs.Paused(job.id) if table.count(ONHOLD) else jobs.Done(job.id, job.run)
    told = [one for one in table.failures if table.failed_as(one.error_class)]
    assert told, "a task that failed says why"
    speaks = next((one for one in told if retries_left(job, one.error_class, board)), told[0])
    message = f"{count} of {len(table)} tasks failed, for example: {speaks.message}"
    return failed(job, speaks.error_class, message, now, board)


def is_whole(job: Job, board: Board) -> bool:
    """Whether all that the source has is at the destination, but for what is left out by hand and
    what may be missing."""
    count = board.tables[job.id].count
    left = count(QUEUED) + count(EXECUTING) + count(ONHOLD)
    return job.listed and not left and (not count(FAILED) or _only_missing(job, board))


def _only_missing(job: Job, board: Board) -> bool:
    """Whether all that failed is missing, and that is to be ignored."""
    table = board.tables[job.id]
    missing = ranges.count(table.failed([ErrorClass.MISSING]))
    ignored = policy.of_job("job_on_missing", job, board) == "ignore"
    return ignored and missing == table.count(FAILED)


def failed(
    job: Job, error_class: ErrorClass, message: str, now: datetime, board: Board
) -> jobs.Failed:
    """The job's failure, with the time of the next try while automatic retries are left."""
    if not retries_left(job, error_class, board):
        return jobs.Failed(job.id, job.run, error_class, message)
    first_s = int(policy.of_job("job_autoretry_delay_s", job, board))
    retry_at = now + policy.retry_delay(job.causes.get(error_class, 0) + 1, first_s)
    return jobs.Failed(job.id, job.run, error_class, message, retry_at)


def retries_left(job: Job, error_class: ErrorClass, board: Board) -> bool:
    """Retries are counted by class, and those that wait for room do not run out."""
    retries_max = int(policy.of_job("job_max_retries", job, board))
    if error_class in policy.NOT_RETRIED or retries_max == 0:
        return False
    waited_for = error_class in policy.WAITED_FOR
    return waited_for or job.causes.get(error_class, 0) < retries_max
