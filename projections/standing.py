"""Where a job stands: in line or not, on which pair, between which volumes."""

from __future__ import annotations

from events.job import Job
from events.jobs import Status

IN_LINE = frozenset({Status.INIT, Status.WAITING, Status.RUNNING})

Pair = tuple[str, str]
Leg = tuple[str, str, str, str]
Rank = tuple[int, str, str, str]


def pair_of(job: Job) -> Pair:
    """The two parties' endpoints, whichever way the bytes flow."""
    one, other = job.transfer.source.endpoint, job.transfer.destination.endpoint
    return (one, other) if one <= other else (other, one)


def leg_of(job: Job) -> Leg:
    """The volumes it goes between: (endpoint, volume) of the source, then of the destination."""
    source, destination = job.transfer.source, job.transfer.destination
    return (source.endpoint, source.volume, destination.endpoint, destination.volume)


def in_line(job: Job) -> bool:
    """Whether the job holds a place in its queue; one that backs off keeps its place."""
    return job.status in IN_LINE or (job.status is Status.FAILED and job.retry_at is not None)
