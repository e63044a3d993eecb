"""The rules that settings give: how long, how often, how many. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from msgspec import convert

from events.endpoints import Endpoint
from events.job import Job
from events.jobs import ErrorClass
from events.rules import Rules
from events.settings import Value, find
from projections.board import NEXT_ARCHIVED, Board
from projections.ended import KEEP
from services.agent.commands import Choice

RETRY_DELAY_MAX_S = 3600
LISTINGS_PER_ENDPOINT = 4
NEVER = datetime.max.replace(tzinfo=UTC)

NOT_RETRIED = frozenset({ErrorClass.PERMISSION, ErrorClass.INTERNAL, ErrorClass.BY_HAND})
"""Trying again by itself cannot help."""

WAITED_FOR = frozenset({ErrorClass.SPACE})
"""Passes when somebody does something about it, whenever that is."""


def of_job(name: str, job: Job, board: Board) -> Value:
    """What a setting is for a job: its own, its queue's, the workspace's, the default."""
    queue = board.queues.get(job.queue)
    held = (job.settings, queue.settings if queue else {}, board.settings)
    return find(name, held, computes=job.computes)


def rules(job: Job, board: Board) -> Rules:
    """What the agents of a transfer go by: its settings that are called so, with `transfer_`."""
    given = {name: of_job(f"transfer_{name}", job, board) for name in Rules.__struct_fields__}
    return convert(given, Rules)


def choice(job: Job, board: Board) -> Choice:
    """What of its source a transfer takes."""
    named = {name: of_job(f"transfer_{name}", job, board) for name in Choice.__struct_fields__}
    return convert(named, Choice)


def of_queue(name: str, queue: str, board: Board) -> Value:
    known = board.looked_up.get((name, queue))
    if known is None:
        known = find(name, (board.queues[queue].settings, board.settings))
        board.looked_up[name, queue] = known
    return known


def of_endpoint(name: str, endpoint: Endpoint, board: Board) -> Value:
    known = board.looked_up.get((name, endpoint.id))
    if known is None:
        known = find(name, (endpoint.settings, board.settings))
        board.looked_up[name, endpoint.id] = known
    return known


def queues_allowing(count: int, board: Board) -> frozenset[str]:
    """The queues that let so many jobs run between two endpoints."""
    known = board.looked_up.get(("transfer_concurrent", str(count)))
    if known is None:
        limits = ((queue, of_queue("transfer_concurrent", queue, board)) for queue in board.queues)
        known = frozenset(queue for queue, limit in limits if int(limit) >= count)
        board.looked_up["transfer_concurrent", str(count)] = known
    return known


def kept_until(job: Job, board: Board) -> datetime:
    """When a finished job leaves the lists."""
    days = int(of_job(KEEP, job, board))
    assert job.since is not None, "it ended"
    try:
        return job.since + timedelta(days=days) if days else NEVER
    except OverflowError:
        return NEVER


def next_archived(board: Board) -> datetime:
    """Not later than when the next finished job leaves the lists."""
    known = board.looked_up.get(NEXT_ARCHIVED)
    if known is None:
        firsts = (board.jobs[job] for ids in board.ended.oldest() for job in islice(ids, 1))
        known = min((kept_until(job, board) for job in firsts), default=NEVER)
        board.looked_up[NEXT_ARCHIVED] = known
    return known


def outlived(board: Board, now: datetime) -> Iterator[str]:
    """The finished jobs that leave the lists now."""
    board.looked_up.pop(NEXT_ARCHIVED, None)
    for ids in board.ended.oldest():
        yield from takewhile(lambda one: kept_until(board.jobs[one], board) <= now, ids)


def retry_delay(failures: int, first_s: int) -> timedelta:
    """How long to wait after the `failures`-th failure (from 1) of a class: doubled, capped."""
    return timedelta(seconds=min(first_s * 2 ** min(failures - 1, 20), RETRY_DELAY_MAX_S))
