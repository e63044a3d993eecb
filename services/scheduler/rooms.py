"""Room on volumes, as beats tell it: which are full, and who may be tried again for it is more.

A full volume is a fact, stored once when it fills and once when it has room again. What a job that
found no room for one file waits for is only that there is more than when it looked: nobody but its
file system knows how much it takes. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from events.endpoints import Endpoint, VolumeFilled, VolumeFreed
from events.job import Job
from events.room import has_room, is_full
from projections.board import Board
from services.agent.commands import Room
from services.scheduler import policy
from services.scheduler.commands import Beat

Event = VolumeFilled | VolumeFreed

MEGABYTE = 1_000_000
JOBS_MAX = 500
RISE_MIN_BYTES = 1_000_000
RISE_MAX_BYTES = 256_000_000
RISE_SHARE = 100
WAIT_SHARE = 8
LOWS_MAX = 100_000


def reserved(endpoint: Endpoint, board: Board) -> int:
    """The bytes that are to be left free on each volume of an endpoint."""
    return MEGABYTE * int(policy.of_endpoint("transfer_reserved_space", endpoint, board))


def judged(said: Beat, known: Endpoint, board: Board) -> Iterator[Event]:
    """What a beat says of volumes that fill up or have room again."""
    left, online = reserved(known, board), {one.code for one in said.volumes if one.online}
    for room in (one for one in said.rooms if one.volume in online):
        told = (known.id, room.volume, room.free_bytes, left)
        if room.volume not in known.full and is_full(room.free_bytes, left):
            yield VolumeFilled(*told)
        elif room.volume in known.full and has_room(room.free_bytes, left):
            yield VolumeFreed(*told)


class Rooms:
    """What was the least room of a volume, since each job failed for want of it."""

    def __init__(self) -> None:
        self._lows: dict[tuple[str, int], int] = {}

    def more(self, said: Beat, board: Board, now: datetime) -> list[str]:
        """The jobs that may be tried again before their time: there is clearly more room now.

        Not before an eighth of their wait is over, so that room that comes and goes is not chased.
        """
        found = []
        for room in said.rooms:
            for job in list(islice(board.short_of_room(said.endpoint, room.volume), JOBS_MAX)):
                if self._is_more(job, room) and _waited(job, now):
                    del self._lows[job.id, job.run]
                    found.append(job.id)
        return found

    def _is_more(self, job: Job, room: Room) -> bool:
        if len(self._lows) >= LOWS_MAX:
            self._lows.clear()
        low = min(self._lows.get((job.id, job.run), room.free_bytes), room.free_bytes)
        self._lows[job.id, job.run] = low
        share = room.total_bytes // RISE_SHARE
        return room.free_bytes >= low + max(RISE_MIN_BYTES, min(share, RISE_MAX_BYTES))


def _waited(job: Job, now: datetime) -> bool:
    assert job.since is not None, "it failed once"
    assert job.retry_at is not None, "it is tried again"
    return now >= job.since + (job.retry_at - job.since) / WAIT_SHARE
