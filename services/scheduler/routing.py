"""Which way the bytes of a transfer go: who dials whom, or which relay both dial. Pure.

Two endpoints are connected if one can dial the other, whichever way the bytes go, or if both can
dial a relay. Nobody knows whether somebody can be dialled before it was tried: until then it is
taken for granted, and a verdict holds for the address that it was made of.

The receiver dials its sender if it can, else the sender dials; what is known to work comes before
what may. Else the relay that carries the fewest runs; one that runs keeps its place there, and who
waits for a place takes none from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal

from msgspec import Struct

from events.endpoints import Endpoint
from events.job import Job
from events.jobs import Status
from projections.board import Board, Pair, pair_of

CONNECTIONS_EACH = 8
"""What a relay keeps for a run."""

Verdict = Literal["reaches", "may", "cannot"]


class Route(Struct, frozen=True):
    """`kind` and `relay` as in `jobs.Started`."""

    kind: str
    relay: str = ""


def verdict(one: str, other: str, board: Board) -> Verdict:
    """Whether an endpoint can dial another."""
    url = board.endpoints[other].url
    if not url:
        return "cannot"
    tried = board.endpoints[one].reach.get(other)
    if tried is None or tried.url != url:
        return "may"
    return "reaches" if tried.reached else "cannot"


def can_dial(one: str, other: str, board: Board) -> bool:
    return verdict(one, other, board) != "cannot"


def is_direct(pair: Pair, board: Board) -> bool:
    """Whether one of them can dial the other."""
    one, other = pair
    return one == other or can_dial(one, other, board) or can_dial(other, one, board)


def relays(pair: Pair, board: Board) -> Iterator[str]:
    """Those that both can dial, by id."""
    for relay in sorted(board.relays):
        known = board.endpoints[relay]
        is_used = known.unused_until() is None and known.disabled_at is None
        if relay not in pair and is_used and all(can_dial(end, relay, board) for end in pair):
            yield relay


def is_connected(pair: Pair, board: Board) -> bool:
    return is_direct(pair, board) or any(True for _ in relays(pair, board))


def apart(board: Board) -> list[Pair]:
    """The pairs on which jobs wait or run and that need a relay, by id."""
    return [pair for pair in board.pairs_in_line() if not is_direct(pair, board)]


def holds(job: Job, board: Board) -> bool:
    """Whether the way that the bytes of a running transfer go is still there."""
    source, destination = job.transfer.source.endpoint, job.transfer.destination.endpoint
    match job.route:
        case "relay":
            return job.relay in relays(pair_of(job), board)
        case "push":
            return can_dial(source, destination, board)
        case "pull":
            return can_dial(destination, source, board)
        case _:
            return source == destination


def lost(job: Job) -> str:
    """The endpoint that a running transfer does not reach any more."""
    ends = job.transfer
    pulled = ends.source if job.route == "pull" else ends.destination
    return job.relay or pulled.endpoint


class Places:
    """Room on relays as jobs take it, while others are admitted anew: those of `pairs`, of which
    `going` keep what they have.
    """

    def __init__(self, pairs: Iterable[Pair], going: Iterable[Job], board: Board) -> None:
        self._board = board
        self._anew = frozenset(pairs)
        self._keeping = {job.id for job in going if holds(job, board)}
        self._taken: dict[str, int] = {}

    def take(self, job: Job) -> Route | None:
        """The route of a job: the one it keeps, or a new one; None if there is none left."""
        if job.status is Status.RUNNING and job.id in self._keeping:
            return Route(job.route, job.relay)
        direct = _direct(job, self._board)
        if direct is not None:
            return direct
        relay = self._free(pair_of(job))
        if relay is None:
            return None
        self._taken[relay] += 1
        return Route("relay", relay)

    def _free(self, pair: Pair) -> str | None:
        free = [one for one in relays(pair, self._board) if self._carries(one) < self._room(one)]
        return min(free, key=lambda one: (self._carries(one), one), default=None)

    def _room(self, relay: str) -> int:
        return max(1, self._board.endpoints[relay].relays // CONNECTIONS_EACH)

    def _carries(self, relay: str) -> int:
        if relay not in self._taken:
            stay = [one for one in self._board.relayed(relay) if self._stays(one)]
            self._taken[relay] = len(stay)
        return self._taken[relay]

    def _stays(self, job: Job) -> bool:
        return job.id in self._keeping or pair_of(job) not in self._anew


def _direct(job: Job, board: Board) -> Route | None:
    source, destination = job.transfer.source.endpoint, job.transfer.destination.endpoint
    if source == destination:
        return Route("local")
    pull, push = verdict(destination, source, board), verdict(source, destination, board)
    for sure in ("reaches", "may"):
        if pull == sure:
            return Route("pull")
        if push == sure:
            return Route("push")
    return None


def full(job: Job, chosen: Iterable[Job], board: Board) -> str | None:
    """The relay that a waiting job would go by, but that has no room beside those `chosen`."""
    pair = pair_of(job)
    if is_direct(pair, board):
        return None
    going = [one for one in chosen if one.status is Status.RUNNING]
    places = Places(apart(board), going, board)
    for one in chosen:
        places.take(one)
    return next(relays(pair, board), None) if places.take(job) is None else None


class Gap(Struct, frozen=True):
    """`since` then nobody there has come or gone; `detail` says why neither dials the other."""

    since: datetime | None
    detail: str


def gap(job: Job, board: Board) -> Gap | None:
    """Between the ends of a job that are there, if no way leads from one to the other."""
    ends = [
        board.endpoints[one.endpoint] for one in (job.transfer.source, job.transfer.destination)
    ]
    keeps = job.status is Status.RUNNING and holds(job, board)
    away = job.status is Status.INIT or not all(end.online for end in ends)
    if keeps or away or is_connected(pair_of(job), board):
        return None
    since = max((end.since for end in ends if end.since), default=None)
    source, destination = ends
    why = ", ".join(_told(source, destination))
    return Gap(since, f"no way from {source.name} to {destination.name}: {why}")


def _told(one: Endpoint, other: Endpoint) -> Iterator[str]:
    """`hq does not listen`, `hq cannot dial oslo at …`."""
    for dialled, dialler in ((one, other), (other, one)):
        if dialled.url:
            yield f"{dialler.name} cannot dial {dialled.name} at {dialled.url}"
        else:
            yield f"{dialled.name} does not listen"
