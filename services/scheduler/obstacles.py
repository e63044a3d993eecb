"""What keeps a job from running, whoever else waits. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from events.job import Job
from events.jobs import Party, Status
from projections.board import Board, Leg
from services.scheduler import routing


class Obstacle(Struct, frozen=True):
    """Why a job cannot run now, whoever else waits: the endpoint, its volume, the queue, the job
    that it depends on, or that its ends (`endpoint` is one) do not reach one another.
    """

    code: str
    since: datetime | None
    endpoint: str = ""
    volume: str = ""
    queue: str = ""
    job: str = ""
    until: datetime | None = None
    detail: str = ""


def found(job: Job, board: Board) -> Iterator[Obstacle]:
    """What stands in the way of the job itself, worst first; a listing needs only its source."""
    for one in board.waits_for(job):
        yield Obstacle("waiting_for_job", one.since, job=one.id)
    queue = board.queues[job.queue]
    if job.status is not Status.INIT and queue.paused:
        yield Obstacle("queue_paused", queue.since, queue=queue.id)
    if job.computes:
        return  # Which endpoint runs it is not said before it has a lane.
    yield from _party_obstacles(job.transfer.source, board)
    if job.status is not Status.INIT:
        yield from _destination_obstacles(job.transfer.destination, board)
    gap = routing.gap(job, board)
    if gap is not None:
        yield Obstacle("no_route", gap.since, job.transfer.source.endpoint, detail=gap.detail)


def _destination_obstacles(party: Party, board: Board) -> Iterator[Obstacle]:
    yield from _party_obstacles(party, board)
    since = board.endpoints[party.endpoint].full.get(party.volume)
    if since is not None:
        yield Obstacle("volume_full", since, party.endpoint, party.volume)


def _party_obstacles(party: Party, board: Board) -> Iterator[Obstacle]:
    endpoint = board.endpoints[party.endpoint]
    if endpoint.disabled_at is not None:
        yield Obstacle("endpoint_disabled", endpoint.disabled_at, endpoint.id)
    if not endpoint.online:
        yield Obstacle("endpoint_offline", endpoint.since, endpoint.id)
    elif not any(one.code == party.volume and one.online for one in endpoint.volumes):
        stay = endpoint.stays.get(party.volume)
        since = stay.went if stay is not None else endpoint.since
        yield Obstacle("volume_offline", since, endpoint.id, party.volume)
    else:
        for code, which in (("endpoint_backing_off", ""), ("volume_backing_off", party.volume)):
            until = endpoint.unused_until(which)
            if until is not None:
                yield Obstacle(code, endpoint.stays[which].came, endpoint.id, which, until=until)


def volumes_open(endpoint: str, board: Board) -> list[str]:
    """The volumes that an endpoint serves now."""
    codes = [volume.code for volume in board.endpoints[endpoint].volumes]
    return [one for one in codes if not any(_party_obstacles(Party(endpoint, one, ""), board))]


def can_run(job: Job, board: Board) -> bool:
    return next(found(job, board), None) is None


def is_open(leg: Leg, board: Board) -> bool:
    source, of_source, destination, of_destination = leg
    if any(True for _ in _party_obstacles(Party(source, of_source, ""), board)):
        return False
    to = Party(destination, of_destination, "")
    there = not any(True for _ in _destination_obstacles(to, board))
    return there and routing.is_connected((source, destination), board)
