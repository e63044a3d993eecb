"""How fast each running transfer may go: the limits that bear on it, shared fairly. Pure.

A transfer has a limit of its own (of its job, else its queue, else the workspace); all transfers
of a pair, and all in which an endpoint takes part, have one together. What is limited together is
shared max-min fair: the tightest limit is divided evenly among those that it binds, what they
leave of other limits goes to the others, and so on; so nobody could have more but from somebody
who has less. Who does not use its share says so in `needs`, and the others have the rest.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from msgspec import Struct

from events.job import Job
from events.jobs import Status
from events.settings import Value, find
from events.speed_limit import InForce, in_force
from projections.board import Board, Pair, pair_of

NAME = "transfer_speedlimit"
NO_NEEDS: Mapping[str, int] = MappingProxyType({})


class Limit(Struct, frozen=True):
    """`rate` bytes per second, until the clock says another, for `jobs` (ids) together.

    `level` and `holder` (the id of a queue, a job, an endpoint, two ids of a pair) say whose.
    """

    level: str
    holder: str
    rate: int
    until: datetime | None
    jobs: tuple[str, ...]


class Share(Struct, frozen=True):
    """What a transfer has of the limit that binds it."""

    rate: int
    limit: Limit


class Shares(Struct, frozen=True):
    """By job; one that nothing limits is left out. They hold until a change, or `until`."""

    of: dict[str, Share]
    until: datetime | None


def given(
    asked: Iterable[Job], board: Board, now: datetime, needs: Mapping[str, int] = NO_NEEDS
) -> Shares:
    """The shares of running transfers, and of all that share with them; `needs` say, by job, how
    much at most is of use to some.
    """
    moment = _Moment(board, now, needs)
    limits = [limit for group in _groups(asked, board) for limit in _limits(group, moment)]
    edges = [limit.until for limit in limits if limit.until]
    return Shares(fill([limit for limit in limits if limit.rate]), min(edges, default=None))


class Ceilings:
    """How fast transfers may go at most, whoever runs beside them."""

    def __init__(self, board: Board, now: datetime) -> None:
        self._moment = _Moment(board, now)

    def of(self, job: Job) -> int:
        """In bytes per second; 0 is no limit."""
        bearing = (limit.rate for limit in _limits([job], self._moment) if limit.rate)
        return min(bearing, default=0)


def fill(limits: Sequence[Limit]) -> dict[str, Share]:
    """Max-min fair; whole bytes, so that no sum is above its limit."""
    bearing: dict[str, list[int]] = {}
    for place, limit in enumerate(limits):
        for job in limit.jobs:
            bearing.setdefault(job, []).append(place)
    left = [limit.rate for limit in limits]
    count = [len(limit.jobs) for limit in limits]
    heap = [(left[place] // count[place], place) for place in range(len(limits))]
    heapq.heapify(heap)
    shares: dict[str, Share] = {}
    while heap:
        even, place = heapq.heappop(heap)
        if not count[place]:
            continue
        if even < left[place] // count[place]:  # It was divided by those who have theirs by now.
            heapq.heappush(heap, (left[place] // count[place], place))
            continue
        for job in limits[place].jobs:
            if job not in shares:
                shares[job] = Share(even, limits[place])
                for one in bearing[job]:
                    left[one] -= even
                    count[one] -= 1
    return shares


def sharing(ends: Iterable[str], board: Board) -> list[str]:
    """These endpoints and those whose transfers may share a limit with theirs."""
    found = dict.fromkeys(ends)
    rest = list(found)
    while rest:
        end = rest.pop()
        if NAME in board.endpoints[end].settings:
            new = [one for one in partners(end, board) if one not in found]
            found.update(dict.fromkeys(new))
            rest += new
    return list(found)


def partners(endpoint: str, board: Board) -> Iterable[str]:
    """The ends of the transfers that run at an endpoint."""
    return dict.fromkeys(end for job in _running(endpoint, board) for end in pair_of(job))


def _groups(asked: Iterable[Job], board: Board) -> Iterator[list[Job]]:
    """The running transfers that are tied together by limits of pairs and endpoints."""
    known: set[str] = set()
    for job in asked:
        if job.id not in known:
            group = _tied(job, board)
            known.update(one.id for one in group)
            yield group


def _tied(job: Job, board: Board) -> list[Job]:
    found, rest = {job.id: job}, [job]
    while rest:
        pair = pair_of(rest.pop())
        tied = board.running(pair) if pair in board.pair_settings else []
        for end in pair:
            tied += _running(end, board) if NAME in board.endpoints[end].settings else []
        new = {one.id: one for one in tied if one.id not in found}
        found |= new
        rest += new.values()
    return sorted(found.values(), key=lambda one: one.id)


def _running(endpoint: str, board: Board) -> list[Job]:
    return [job for job in board.active(endpoint) if job.status is Status.RUNNING]


def _limits(group: list[Job], moment: _Moment) -> Iterator[Limit]:
    pairs: dict[Pair, list[str]] = {}
    ends: dict[str, list[str]] = {}
    for job in group:
        pair = pair_of(job)
        pairs.setdefault(pair, []).append(job.id)
        for end in dict.fromkeys(pair):
            ends.setdefault(end, []).append(job.id)
        yield _own(job, moment)
        if job.id in moment.needs:
            yield Limit("need", job.id, moment.needs[job.id], None, (job.id,))
    board = moment.board
    for pair, there in pairs.items():
        yield moment.limit("pair", ":".join(pair), board.pair_settings.get(pair, {}), there)
    for end, there in ends.items():
        yield moment.limit("endpoint", end, board.endpoints[end].settings, there)


def _own(job: Job, moment: _Moment) -> Limit:
    """The nearest of its own: `none` of the job beats what its queue says."""
    queue = moment.board.queues[job.queue]
    if NAME in job.settings:
        return moment.limit("job", job.id, job.settings, [job.id])
    if NAME in queue.settings:
        return moment.limit("queue", queue.id, queue.settings, [job.id])
    return moment.limit("workspace", "", moment.board.settings, [job.id])


class _Moment:
    """What the clock makes of limits: each text is read once."""

    def __init__(self, board: Board, now: datetime, needs: Mapping[str, int] = NO_NEEDS) -> None:
        self.board = board
        self.needs = needs
        self._now = now
        self._zone = str(find("time_zone", [board.settings]))
        self._known: dict[str, InForce] = {}

    def limit(self, level: str, holder: str, held: Mapping[str, Value], jobs: list[str]) -> Limit:
        text = str(find(NAME, [held]))
        if text not in self._known:
            self._known[text] = in_force(text, self._now, self._zone)
        found = self._known[text]
        return Limit(level, holder, found.rate, found.until, tuple(jobs))
