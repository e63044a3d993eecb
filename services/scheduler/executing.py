"""Buckets in their lanes: what agents say of them, what ends them, what an agent is told. Pure.

Each bucket is a run of its job. What is said of a run that is in no lane any more, or in a lane of
another endpoint, is refused as stale, upon which the agent kills its processes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from events import codec, frames, jobs, ranges, tasks
from events.job import Job
from events.jobs import ErrorClass
from projections.board import Board
from projections.lanes import Taken
from projections.task_table import BOOTING, EXECUTING, Bucket, Stretch, TaskTable
from services.agent.commands import Execute
from services.scheduler import policy
from services.scheduler.commands import Rejected, Why
from services.scheduler.from_agents import AgentsReport, BucketEnded, RunFailed, TasksStarted

Event = jobs.Event | tasks.Event
MESSAGE_MIN = 20
MESSAGES_MAX = 200_000
"""Characters of all messages of a bucket together: each of its tasks carries one."""


# What agents say.


def report(
    said: AgentsReport, job: Job, endpoint: str, board: Board, now: datetime
) -> Sequence[Event] | Rejected:
    table = board.tables[job.id]
    bucket = table.buckets.get(said.run)
    if bucket is None or bucket.endpoint != endpoint:
        return _stale(f"run {said.run} of {job.id} is in no lane of this endpoint: drop it")
    match said:
        case TasksStarted(numbers=numbers):
            return _started(numbers, job, said.run, bucket, table)
        case BucketEnded():
            return list(_ended(said, job, bucket, table, now))
        case RunFailed(run=run, error_class=error_class, message=message):
            ended = BucketEnded(job.id, run, error_class=error_class, message=message)
            return list(_ended(ended, job, bucket, table, now))
    return _stale(f"run {said.run} of {job.id} is a command: drop it")


def _stale(detail: str) -> Rejected:
    return Rejected(Why.STALE, detail)


def _started(
    numbers: str, job: Job, run: int, bucket: Bucket, table: TaskTable
) -> Sequence[Event] | Rejected:
    if not set(ranges.read(numbers)) <= set(ranges.read(bucket.numbers)):
        return _stale("a task among them is not of this bucket: drop it")
    booting = _those(numbers, table, (BOOTING,))
    return [tasks.Started(job.id, run, booting)] if booting else []


def _those(numbers: str, table: TaskTable, statuses: tuple[int, ...]) -> str:
    """Those of the tasks that have one of these statuses."""
    return ranges.write(n for n in ranges.read(numbers) if int(table.status(n)) in statuses)


def _ended(
    said: BucketEnded, job: Job, bucket: Bucket, table: TaskTable, now: datetime
) -> Iterator[Event]:
    """What became of the tasks that the process ran; then its lane is free."""
    numbers = _those(bucket.numbers, table, (BOOTING, EXECUTING))
    count = ranges.count(numbers)
    if count and said.error_class is None:
        started_ms = max(0, _milliseconds(now - bucket.since) - said.took_ms)
        yield tasks.Done(
            job.id,
            said.run,
            numbers,
            0,
            [started_ms] * count,
            [said.took_ms] * count,
            [""] * count,
        )
    elif count and said.error_class is not None:
        yield tasks.Failed(job.id, said.run, _failures(numbers, count, said.error_class, said))
    yield tasks.Exited(
        job.id, said.run, said.exit_code, said.took_ms, said.cpu_ms, said.peak_memory_bytes
    )


def _failures(
    numbers: str, count: int, error_class: ErrorClass, said: BucketEnded
) -> list[tasks.Failure]:
    message = said.message[: max(MESSAGE_MIN, MESSAGES_MAX // count)]
    return [tasks.Failure(number, error_class, message) for number in ranges.read(numbers)]


def _milliseconds(time: timedelta) -> int:
    return time // timedelta(milliseconds=1)


# What ends a bucket from outside.


def released(taken: Iterator[Taken], cause: str, holder: str, board: Board) -> Iterator[Event]:
    """These buckets are stopped; a job with none left in a lane is interrupted."""
    lost: dict[str, set[int]] = {}
    for job_id, run in list(taken):
        lost.setdefault(job_id, set()).add(run)
    for job_id, runs in lost.items():
        job, table = board.jobs[job_id], board.tables[job_id]
        for run in sorted(runs):
            left = _those(table.buckets[run].numbers, table, (BOOTING, EXECUTING))
            yield tasks.Released(job_id, run, left, cause, holder)
        if runs == set(table.buckets):
            yield jobs.Interrupted(job_id, job.run, cause, holder)


def on_volumes(endpoint: str, lost: set[str], board: Board) -> Iterator[Taken]:
    """The buckets on an endpoint that run in one of these volumes."""
    for job, run in board.lanes.taken(endpoint):
        if board.jobs[job].compute.volume in lost:
            yield job, run


def stopped_on(event: codec.Event, board: Board) -> list[str]:
    """The endpoints on which an event that is about to be applied stops buckets."""
    match event:
        case tasks.Released(job=job, run=run):
            return [board.tables[job].buckets[run].endpoint]
        case jobs.Paused(job=job) | jobs.Aborted(job=job) | jobs.Failed(job=job):
            return [bucket.endpoint for bucket in board.tables[job].buckets.values()]
        case _:
            return []


# What an agent is told.


def duty(taken: Taken, board: Board) -> Execute:
    job_id, run = taken
    job, table = board.jobs[job_id], board.tables[job_id]
    bucket, work = table.buckets[run], job.compute
    return Execute(
        job=job_id,
        run=run,
        numbers=bucket.numbers,
        frames=_frames(bucket.numbers, tuple(table.stretches)),
        command=work.command,
        environment=work.environment,
        volume=work.volume,
        path=work.path,
        limit_s=int(policy.of_job("task_limit_s", job, board)),
    )


@lru_cache(maxsize=4096)
def _frames(numbers: str, stretches: tuple[Stretch, ...]) -> str:
    """The frames of these tasks; "" for tasks without one."""
    found: list[int] = []
    for first, last in ranges.spans(numbers):
        for position, stretch in enumerate(stretches):
            following = stretches[position + 1 :]
            end = following[0].first - 1 if following else last
            low, high = max(first, stretch.first), min(last, end)
            if low <= high and stretch.frames:
                found += _cut(stretch.frames, low - stretch.first, high - stretch.first)
    return frames.write(found) if found else ""


def _cut(text: str, first: int, last: int) -> list[int]:
    """Frames number `first` to `last` of a text."""
    found: list[int] = []
    for span in frames.spans(text):
        if first < len(span) and last >= 0:
            found += span[max(0, first) : last + 1]
        first, last = first - len(span), last - len(span)
    return found
