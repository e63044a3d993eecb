"""Why a job waits, in words: the planner's own walk, told. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from events.job import Job
from events.jobs import Status
from projections.board import Board, Pair, in_line, pair_of
from projections.task_table import FAILED
from services.scheduler import (
    admit,
    enabling,
    explain_lanes,
    hands,
    obstacles,
    policy,
    rooms,
    routing,
    steadiness,
)
from services.scheduler.commands import Holder, Reason

Chosen = Callable[[Pair], list[Job]]


def reasons(asked: Iterable[Job], board: Board) -> dict[str, list[Reason]]:
    """By job, worst first; empty for one that runs, or that has left the queue."""
    known: dict[Pair, list[Job]] = {}

    def chosen(pair: Pair) -> list[Job]:
        """Who is admitted on a pair and on those tied to it: one walk for all that ask."""
        if pair not in known:
            group = admit.together(pair, board)
            known.update(dict.fromkeys(group, admit.admitted(group, board)))
        return known[pair]

    return {job.id: _reasons(job, board, chosen) for job in asked}


def awaited(asked: Iterable[Job]) -> dict[str, int]:
    """For how many files that change still their listing waits, while they may run already."""
    return {job.id: job.awaited for job in asked if job.listing and job.awaited}


def _reasons(job: Job, board: Board, chosen: Chosen) -> list[Reason]:
    if not in_line(job) or job.status is Status.RUNNING:
        return []
    if job.status is Status.FAILED:
        waits_for_room = job.cause in policy.WAITED_FOR and not job.computes
        return [_no_space(job, board) if waits_for_room else _backing_off(job)]
    in_the_way = [_told(obstacle, board) for obstacle in obstacles.found(job, board)]
    if job.computes:
        return [*in_the_way, *explain_lanes.reasons(job, board)]
    if job.status is Status.INIT:
        return in_the_way or [_listing(job, board)]
    return [*in_the_way, *_behind(job, chosen(pair_of(job)), board)]


def _backing_off(job: Job) -> Reason:
    assert job.retry_at is not None
    return Reason(
        code="backing_off",
        text=f"tries again after {_failures(job)}",
        holder=Holder("clock", "", _time(job.retry_at) or ""),
        since=_time(job.since),
        release="the clock, or a retry by hand",
    )


def _failures(job: Job) -> str:
    """`failure 2 (network)`."""
    return f"failure {job.causes[job.cause]} ({job.cause})" if job.cause else "a failure"


def _no_space(job: Job, board: Board) -> Reason:
    """Only bytes that arrive take room: it is the destination's that is out."""
    assert job.retry_at is not None
    party = job.transfer.destination
    name = f"volume {party.volume} of {board.endpoints[party.endpoint].name}"
    return Reason(
        code="no_space",
        text=f"no space left on {name}, looks again at {job.retry_at:%H:%M:%S} UTC",
        holder=Holder("volume", f"{party.endpoint}/{party.volume}", party.volume),
        since=_time(job.since),
        release=f"more room on {name}, or the next look, or a retry by hand",
    )


def _told(obstacle: obstacles.Obstacle, board: Board) -> Reason:
    if obstacle.code == "waiting_for_job":
        return _waiting_for(board.jobs[obstacle.job], board)
    if obstacle.code == "queue_paused":
        code = board.queues[obstacle.queue].code
        return Reason(
            code=obstacle.code,
            text=f"queue {code} is paused",
            holder=Holder("queue", obstacle.queue, code),
            since=_time(obstacle.since),
            release=f"queue {code} is resumed, or this job is moved to another queue",
        )
    name = board.endpoints[obstacle.endpoint].name
    if obstacle.code == "no_route":
        return _apart(obstacle, board)
    if obstacle.code == enabling.CODE:
        return enabling.reason(board.endpoints[obstacle.endpoint])
    if obstacle.until is not None:
        return steadiness.reason(board.endpoints[obstacle.endpoint], obstacle.volume)
    if obstacle.code == "endpoint_offline":
        return Reason(
            code=obstacle.code,
            text=f"{name} is offline",
            holder=Holder("endpoint", obstacle.endpoint, name),
            since=_time(obstacle.since),
            release=f"{name} comes online: start its agent",
        )
    is_full, volume = obstacle.code == "volume_full", f"volume {obstacle.volume} of {name}"
    reserved = rooms.reserved(board.endpoints[obstacle.endpoint], board) // rooms.MEGABYTE
    room = f"room on {volume}: more than the {reserved} MB of its transfer_reserved_space"
    opened = f"{obstacle.volume} can be opened on {name} again"
    return Reason(
        code=obstacle.code,
        text=f"{volume} is {'full' if is_full else 'offline'}",
        holder=Holder("volume", f"{obstacle.endpoint}/{obstacle.volume}", obstacle.volume),
        since=_time(obstacle.since),
        release=room if is_full else opened,
    )


def _apart(obstacle: obstacles.Obstacle, board: Board) -> Reason:
    name = board.endpoints[obstacle.endpoint].name
    return Reason(
        code=obstacle.code,
        text=obstacle.detail,
        holder=Holder("endpoint", obstacle.endpoint, name),
        since=_time(obstacle.since),
        release="let one of them listen where the other can dial it, "
        "or start an agent with --relay that both can dial",
    )


def _waiting_for(other: Job, board: Board) -> Reason:
    """It may have ended otherwise than done: then somebody has to decide."""
    table, release = board.tables[other.id], f"{other.name} is done"
    if other.status is Status.ABORTED or (other.status is Status.FAILED and not other.retry_at):
        is_left = not other.computes or hands.runnable(table) or table.count(FAILED)
        release = f"retry {other.name if is_left else f'tasks of {other.name}'}, or abort this job"
    return Reason(
        code="waiting_for_job",
        text=f"waits for {other.name}, which is {other.status}",
        holder=Holder("job", other.id, other.name),
        since=_time(other.since),
        release=release,
    )


def _listing(job: Job, board: Board) -> Reason:
    source = job.transfer.source.endpoint
    name = board.endpoints[source].name
    if job.awaited:
        stable_s = policy.of_job("transfer_stable_s", job, board)
        return Reason(
            code="files_changing",
            text=f"waits for {job.awaited} file{'s' * (job.awaited > 1)} on {name} to stay as is",
            holder=Holder("endpoint", source, name),
            since=_time(job.since),
            release=f"they are left alone for {stable_s} s (transfer_stable_s)",
        )
    doing = f"{name} lists the source" if job.listing else f"{name} lists other sources first"
    return Reason(
        code="listing" if job.listing else "behind_listing",
        text=doing,
        holder=Holder("endpoint", source, name),
        since=_time(job.since),
        release="the listing ends",
    )


def _behind(job: Job, chosen: list[Job], board: Board) -> Iterator[Reason]:
    """Who is served on its pair instead of it, if the pair is full; and the ends that are full."""
    pair = pair_of(job)
    minded = [one for one in chosen if admit.minds(job, one, board)]
    on_pair = [one for one in minded if pair_of(one) == pair]
    if len(on_pair) >= admit.limit(job.queue, board):
        yield from (_behind_job(job, one, board) for one in on_pair)
    for end in sorted(set(pair)):
        taking = [one for one in minded if end in pair_of(one)]
        if len(taking) >= admit.room(end, board):
            yield _endpoint_full(job, end, taking, board)
    full = routing.full(job, chosen, board)
    if full:
        yield _relay_full(job, full, board)


def _behind_job(job: Job, ahead: Job, board: Board) -> Reason:
    ends = "–".join(dict.fromkeys(board.endpoints[end].name for end in pair_of(job)))
    return Reason(
        code="behind_job",
        text=f"behind {ahead.name} on {ends}",
        holder=Holder("job", ahead.id, ahead.name),
        since=_time(_later(job, ahead)),
        release=_ways_past(ahead, board),
    )


def _ways_past(ahead: Job, board: Board) -> str:
    """What a waiting job can do about one that runs: by its queue's policy it may not give way."""
    queue = board.queues[ahead.queue]
    match policy.of_queue("queue_interrupt_policy", queue.id, board):
        case "never":
            return f"{ahead.name} ends"
        case "priority":
            higher = f"this job is moved to a queue of higher priority than {queue.code}"
            return f"{ahead.name} ends, or {higher}"
        case _:
            return f"{ahead.name} ends, or this job is moved above it"


def _endpoint_full(job: Job, end: str, taking: list[Job], board: Board) -> Reason:
    name, limit = board.endpoints[end].name, admit.room(end, board)
    return Reason(
        code="endpoint_full",
        text=f"{name} is at its limit of {limit} transfers",
        holder=Holder("endpoint", end, name),
        since=_time(max(filter(None, (_later(job, one) for one in taking)), default=None)),
        release=f"transfers of {name} end, or its endpoint_transfers is raised",
    )


def _relay_full(job: Job, relay: str, board: Board) -> Reason:
    name = board.endpoints[relay].name
    others = board.relayed(relay)
    return Reason(
        code="relay_full",
        text=f"{name}, which would relay it, relays as much as it may",
        holder=Holder("endpoint", relay, name),
        since=_time(max(filter(None, (_later(job, one) for one in others)), default=None)),
        release=f"a transfer by way of {name} ends, or its agent may relay more (--relay)",
    )


def _later(job: Job, other: Job) -> datetime | None:
    return max((one.since for one in (job, other) if one.since), default=None)


def _time(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None
