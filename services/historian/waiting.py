"""How a job spent its time: stretches of one status and one first reason, told by the scheduler's
own code at each commit that may have changed them. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from events import jobs, queues, tasks, workspace
from events.codec import Recorded
from events.job import Job
from projections.board import Board
from services.historian.commands import Span
from services.scheduler import explain
from services.scheduler.commands import Reason

Mark = tuple[str, str, str, str]


class Waiting:
    """`look` after each commit, in order; `spans` is what came of it."""

    def __init__(self, job: str) -> None:
        self._job = job
        self._mark: Mark | None = None
        self.spans: list[Span] = []

    def look(self, commit: Iterable[Recorded], board: Board) -> None:
        job = board.jobs.get(self._job)
        if job is None or not (self._mark is None or _may_matter(job, commit, board)):
            return
        reason = next(iter(explain.reasons([job], board)[job.id]), None)
        mark = _mark(job, reason)
        if mark == self._mark:
            return
        self._mark = mark
        self._end(board)
        self.spans.append(Span(board.sequence, board.at, None, job.status.value, reason))

    def _end(self, board: Board) -> None:
        """The last stretch is over; one that was over at once is none."""
        if self.spans:
            last = self.spans.pop()
            if board.at > last.since:
                self.spans.append(replace(last, until=board.at))


def _mark(job: Job, reason: Reason | None) -> Mark:
    holder = reason.holder if reason else None
    held_by = (holder.kind, holder.id) if holder else ("", "")
    return (job.status.value, reason.code if reason else "", *held_by)


def _may_matter(job: Job, commit: Iterable[Recorded], board: Board) -> bool:
    """Whether a commit is about the job, or about anything that it shares a lane or an end with."""
    return any(_is_near(job, recorded.event, board) for recorded in commit)


def _is_near(job: Job, event: object, board: Board) -> bool:
    if isinstance(event, queues.Event | workspace.Event):
        return True
    if isinstance(event, tasks.Event):
        other = board.jobs[event.job]
        return event.job == job.id or (job.computes and other.computes)
    if isinstance(event, jobs.Event):
        other = board.jobs[event.job]
        return event.job == job.id or event.job in job.depends_on or _shares(job, other)
    endpoint = getattr(event, "endpoint", None)
    return endpoint is None or job.computes or endpoint in _ends(job)


def _shares(job: Job, other: Job) -> bool:
    if job.computes or other.computes:
        return job.computes and other.computes
    return bool(_ends(job) & _ends(other))


def _ends(job: Job) -> set[str]:
    return {job.transfer.source.endpoint, job.transfer.destination.endpoint}
