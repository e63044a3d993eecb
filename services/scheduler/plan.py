"""What follows from what happened: who starts, who gives way, who is tried again. Pure.

A running transfer that is no longer admitted gives way at once; an admitted one that waits is
started; sources are listed a few at a time; what is due is tried again.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice

from msgspec import Struct

from events import codec, endpoints, jobs, pairs, queues, tasks, workspace
from events.job import Job
from events.jobs import ErrorClass, Status
from projections.board import Board, Pair, pair_of
from projections.task_table import DONE
from services.agent.commands import Dial, Duty, List, Receive
from services.scheduler import (
    admit,
    changing,
    connections,
    executing,
    lanes,
    obstacles,
    policy,
    rooms,
    routing,
    shares,
)
from services.scheduler.decide import requeue_failed
from services.scheduler.touched import Touched

Event = jobs.Event | tasks.Event | endpoints.Readmitted
DUE_PER_TURN_MAX = 500


def listings(endpoint: str, board: Board) -> list[Job]:
    """The jobs whose source an endpoint may list now, in order; one under way goes on."""
    volumes = obstacles.volumes_open(endpoint, board)
    walks = [board.unlisted(endpoint, volume) for volume in volumes]
    return list(islice(heapq.merge(*walks, key=board.rank), policy.LISTINGS_PER_ENDPOINT))


def plan(touched: Touched, board: Board) -> Iterator[Event]:
    """What follows, place by place. The events of one place do not touch another's choice."""
    listed = set[str]()
    for endpoint in touched.sources:
        for job in listings(endpoint, board):
            if not job.listing:
                listed.add(job.id)
                first = len(board.tables[job.id]) if job.opened else 0
                yield jobs.ListingStarted(job.id, job.next_run, first)
    planned: set[Pair] = set()
    for pair in touched.pairs:
        if pair not in planned:
            group = admit.together(pair, board)
            planned.update(group)
            yield from _plan_pairs(group, listed, board)
    if touched.lanes:
        yield from lanes.plan(board)


def _plan_pairs(pairs: list[Pair], listed: set[str], board: Board) -> Iterator[Event]:
    """`listed` are the jobs whose next run is a listing that starts now."""
    chosen = admit.admitted(pairs, board)
    ids = {job.id for job in chosen}
    for pair in pairs:
        for job in admit.running(pair, board):
            if job.id not in ids:
                yield _stopped(job, chosen, board)
    going = [job for job in chosen if job.status is Status.RUNNING]
    places = routing.Places(pairs, going, board)
    for job in chosen:
        route = places.take(job)
        assert route is not None, "who is admitted has one"
        if job in going and routing.holds(job, board):
            continue
        if job in going:
            yield _without_way(job)
        receiver, run = job.transfer.destination.endpoint, job.next_run + (job.id in listed)
        yield jobs.Started(job.id, run, receiver, route.kind, route.relay)


def _stopped(job: Job, chosen: list[Job], board: Board) -> jobs.Event:
    """A running job that may not go on: its queue is held, no way leads from one of its ends to
    the other, or another job stands above it.
    """
    if board.queues[job.queue].paused:
        return jobs.Interrupted(job.id, job.run, "queue_paused", job.queue, listing=False)
    if not routing.holds(job, board):
        return _without_way(job)
    sharing = [one for one in chosen if set(pair_of(one)) & set(pair_of(job))]
    above = [one for one in sharing if board.rank(one) < board.rank(job)]
    return jobs.GaveWay(job.id, job.run, above[0].id)


def _without_way(job: Job) -> jobs.Interrupted:
    holder = routing.lost(job)
    return jobs.Interrupted(job.id, job.run, "no_route", holder, listing=False)


def due(board: Board, now: datetime) -> Iterator[Event]:
    """Automatic retries whose time has come, each keeps its place; and back-offs that are over."""
    for endpoint, volume in list(board.back_offs.due(now)):
        yield endpoints.Readmitted(endpoint, volume)
    yield from again(list(islice(board.due(now), DUE_PER_TURN_MAX)), board)
    if policy.next_archived(board) <= now:
        yield from map(jobs.Archived, islice(policy.outlived(board, now), DUE_PER_TURN_MAX))


def again(failed: Iterable[Job], board: Board) -> Iterator[Event]:
    """They are tried again, as the clock does."""
    retryable = tuple(one for one in ErrorClass if one not in policy.NOT_RETRIED)
    for job in failed:
        yield from requeue_failed(job, board, retryable)
        yield jobs.Retried(job.id)


class Told(Struct, frozen=True):
    """What an endpoint shall be doing: until something happens, or the clock says otherwise."""

    duties: list[Duty]
    dials: list[Dial]
    until: datetime | None


def duties(
    endpoint: str, board: Board, now: datetime, needs: Mapping[str, int] = shares.NO_NEEDS
) -> Told:
    """All that an endpoint shall be doing now; tickets are signed where they are sent."""
    active = board.active(endpoint)
    mine = [one for one in active if one.transfer.destination.endpoint == endpoint]
    receives = [one for one in mine if one.status is Status.RUNNING]
    given = shares.given(receives, board, now, needs)
    limits = {job: max(1, share.rate) for job, share in given.of.items()}  # 0 would be none.
    lists = [job for job in active if job.listing and job.transfer.source.endpoint == endpoint]
    told: list[Duty] = [
        *(_list(job, board) for job in lists),
        *(_receive(job, limits.get(job.id, 0), board) for job in receives),
        *(executing.duty(taken, board) for taken in board.lanes.taken(endpoint)),
        *changing.duties(board.endpoints[endpoint]),
    ]
    return Told(told, connections.dials(endpoint, board), given.until)


def _list(job: Job, board: Board) -> List:
    source = job.transfer.source
    return List(
        job=job.id,
        run=job.listing_run,
        volume=source.volume,
        path=source.path,
        stall_s=int(policy.of_job("stall_s", job, board)),
        only=list(job.adding),
        choice=policy.choice(job, board),
        parts=list(job.transfer.parts),
    )


def _receive(job: Job, limit: int, board: Board) -> Receive:
    destination = job.transfer.destination
    table, way = board.tables[job.id], connections.way(job, board)
    return Receive(
        job=job.id,
        run=job.run,
        url=way.url,
        ticket="",
        volume=destination.volume,
        path=destination.path,
        bytes_done=table.size_done,
        tasks_done=table.count(DONE),
        stall_s=int(policy.of_job("stall_s", job, board)),
        touches=[(one.hand, one.numbers) for one in table.touches],
        rules=policy.rules(job, board),
        choice=policy.choice(job, board),
        fingerprint=way.fingerprint,
        limit=limit,
        parts=list(job.transfer.parts),
        sockets=way.sockets,
        relay=way.relay,
        here=way.here,
        reserved=rooms.reserved(board.endpoints[destination.endpoint], board),
    )


def ordered_anew(events: Iterable[codec.Event], board: Board) -> list[str]:
    """The endpoints whose duties these events may have changed: also what others have left them
    of a limit that they share.
    """
    ends: dict[str, None] = {}
    for event in events:
        match event:
            case endpoints.CameOnline():
                ends[event.endpoint] = None
                for relayed in board.relayed(event.endpoint):
                    ends.update(dict.fromkeys(pair_of(relayed)))
            case endpoints.FilesChanging(endpoint=endpoint):
                ends[endpoint] = None
            case endpoints.SettingsChanged(endpoint=endpoint):
                ends.update(dict.fromkeys(shares.partners(endpoint, board)))
            case pairs.SettingsChanged(one=one, other=other):
                ends.update(dict.fromkeys((one, other)))
            case tasks.Dispatched(endpoint=endpoint):
                ends[endpoint] = None
            case queues.SettingsChanged(queue=queue):
                ends.update(dict.fromkeys(_busy_with(queue, board)))
            case workspace.SettingsChanged():
                ends.update(dict.fromkeys(board.endpoints))
            case _ if isinstance(event, tasks.ByHand):
                changed = board.jobs[event.job]
                if changed.status is Status.RUNNING and not changed.computes:
                    ends[changed.transfer.destination.endpoint] = None
            case jobs.Submitted() | jobs.Resumed() | jobs.Retried():
                pass
            case jobs.Moved(job=moved) if board.jobs[moved].status is not Status.RUNNING:
                pass
            case _ if (job := board.jobs.get(getattr(event, "job", ""))) and not isinstance(
                event, tasks.Event
            ):
                if not job.computes:
                    ends[job.transfer.source.endpoint] = None
                    ends[job.transfer.destination.endpoint] = None
            case _:
                pass
    return shares.sharing(ends, board)


def _busy_with(queue: str, board: Board) -> Iterator[str]:
    """The endpoints that work at a job of the queue."""
    for endpoint in board.endpoints:
        if any(job.queue == queue for job in board.active(endpoint)):
            yield endpoint
