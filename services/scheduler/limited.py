"""How fast a running transfer may go and who says so, in words: the shares that are given. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from events.job import Job
from events.jobs import Status
from events.speed_limit import shown
from projections.board import Board
from services.scheduler import shares
from services.scheduler.commands import Holder, Limited
from services.scheduler.shares import Limit, Share


def limited(
    asked: Iterable[Job], board: Board, now: datetime, needs: Mapping[str, int] = shares.NO_NEEDS
) -> dict[str, Limited]:
    """Of those asked about that run and are limited, by job."""
    running = [job for job in asked if not job.computes and job.status is Status.RUNNING]
    given = shares.given(running, board, now, needs).of
    fair = shares.given(running, board, now).of if needs else given
    ids = [job.id for job in running if job.id in given]
    return {job: _told(given[job], fair[job].limit, board) for job in ids}


def _told(share: Share, bound: Limit, board: Board) -> Limited:
    """`bound` is the limit that would bind it if it used its share."""
    uses_less = share.limit.level == "need"
    limit = bound if uses_less else share.limit
    by, count = _holder(limit, board), len(limit.jobs)
    text = f"{shown(share.rate)} by {by.kind} {by.name}".rstrip()
    if count > 1:
        text += f", which gives {shown(limit.rate)} to {count} transfers"
    if uses_less:
        text += ": it used less"
    return Limited(share.rate, text, by, limit.until)


def _holder(limit: Limit, board: Board) -> Holder:
    """The job that this is said of needs no name, and there is one workspace."""
    name = ""
    if limit.level == "queue":
        name = board.queues[limit.holder].code
    elif limit.level in ("endpoint", "pair"):
        ends = dict.fromkeys(limit.holder.split(":"))
        name = "–".join(board.endpoints[end].name for end in ends)
    return Holder(limit.level, limit.holder, name)
