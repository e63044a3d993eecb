"""Which transfers may run now. Pure.

On each pair of endpoints the jobs are walked in the order of all jobs; one that cannot run holds
up nobody; one may run if fewer than its queue's `transfer_concurrent` are admitted before it. An
endpoint with a limit of its own shares it among its pairs in the same order, so no pair starves.
By its queue's `queue_interrupt_policy` a running transfer is interrupted by any job above it
(order), only by one of a higher priority (priority), or by none (never).
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable, Iterator

from events.job import Job
from projections.board import Board, Pair, Rank, pair_of
from services.scheduler import obstacles, policy, routing

UNLIMITED = 1_000_000_000


def room(endpoint: str, board: Board) -> int:
    """How many transfers an endpoint takes part in at a time."""
    limit = int(policy.of_endpoint("endpoint_transfers", board.endpoints[endpoint], board))
    return limit or UNLIMITED


def together(pair: Pair, board: Board) -> list[Pair]:
    """The pairs that share limited endpoints with this one, directly or through others, or
    relays: all that need one are planned at once.
    """
    found, rest = {pair: None}, [pair]
    while rest:
        one = rest.pop()
        sharing = [] if routing.is_direct(one, board) else routing.apart(board)
        for endpoint in one:
            if room(endpoint, board) < UNLIMITED:
                sharing += board.pairs_of(endpoint)
        new = [other for other in sharing if other not in found]
        found.update(dict.fromkeys(new))
        rest += new
    return sorted(found)


def admitted(pairs: Iterable[Pair], board: Board) -> list[Job]:
    """The jobs that may run on these pairs now, in order; pairs that belong together at once."""
    pairs = list(pairs)
    runs = [job for pair in pairs for job in running(pair, board)]
    going = {job.id for job in runs if obstacles.can_run(job, board)}
    while True:
        chosen = _choose(pairs, going, board)
        stopped = [board.jobs[job] for job in sorted(going - {job.id for job in chosen})]
        if not any(_minded_by_waiting(job, board) or job.relay for job in stopped):
            return chosen
        going -= {job.id for job in stopped}  # Whom one that stops kept out may have its room now.


def _choose(pairs: list[Pair], going: set[str], board: Board) -> list[Job]:
    """One walk in order; `going` are the jobs that run and would rather not be interrupted."""
    seats = _Seats(board, pairs, [board.jobs[job] for job in sorted(going)])
    walks = {pair: _walk(pair, seats, board) for pair in pairs}
    heap = [first for pair in walks if (first := _next(pair, walks, board))]
    heapq.heapify(heap)
    chosen: list[Job] = []
    while heap:
        _, pair, job_id = heapq.heappop(heap)
        job = board.jobs[job_id]
        if seats.has_one_for(job, runs=job_id in going):
            chosen.append(job)
            seats.take(job)
        if following := _next(pair, walks, board):
            heapq.heappush(heap, following)
    return chosen


class _Seats:
    """Who holds which pair and which end of it, as the walk goes on."""

    def __init__(self, board: Board, pairs: list[Pair], going: list[Job]) -> None:
        self._board = board
        self._places = routing.Places(pairs, going, board)
        self._held: dict[Pair | str, list[int]] = {}
        self._behind: dict[Pair, dict[str, Job]] = {}
        self._kept: dict[Pair | str, dict[str, Job]] = {}
        self._refused: set[tuple[Pair, str]] = set()
        for job in going:
            self._behind.setdefault(pair_of(job), {})[job.id] = job
            if _minded_by_waiting(job, board):
                for key in _keys(job):
                    self._kept.setdefault(key, {})[job.id] = job

    def taken(self, key: Pair | str) -> int:
        return len(self._held.get(key, ()))

    def behind(self, pair: Pair, queue: str) -> list[Job]:
        """The jobs that run and that the walk has not come to, in order."""
        running_jobs = self._behind.get(pair, {}).values()
        found = [job for job in running_jobs if job.queue == queue]
        return sorted(found, key=self._board.rank)

    def wanted(self, pair: Pair) -> Container[str]:
        """The queues whose jobs on the pair need a look: those that allow more than the pair has,
        none if an end is full; and those of jobs that run and that the walk has not come to.
        """
        behind = self._behind.get(pair)
        if self._full(pair):
            allowing = frozenset[str]()
        else:
            allowing = policy.queues_allowing(self.taken(pair) + 1, self._board)
        return allowing.union(job.queue for job in behind.values()) if behind else allowing

    def closed(self, pair: Pair, queue: str) -> bool:
        """Whether no waiting job of the queue can have a seat any more: one was refused, and
        seats are only taken from there on; or the pair or an end of it is full.
        """
        taken = self.taken(pair)
        refused = (pair, queue) in self._refused or taken >= limit(queue, self._board)
        return refused or self._full(pair)

    def _full(self, pair: Pair) -> bool:
        one, other = pair
        return self._no_room(one) or self._no_room(other)

    def _no_room(self, end: str) -> bool:
        taken = self._held.get(end)
        return taken is not None and len(taken) >= room(end, self._board)

    def has_one_for(self, job: Job, *, runs: bool) -> bool:
        """A running job minds only those ahead that may interrupt it; a waiting one minds all
        ahead, and those behind that it may not interrupt.
        """
        pair = pair_of(job)
        self._behind.get(pair, {}).pop(job.id, None)
        for key in _keys(job):
            self._kept.get(key, {}).pop(job.id, None)
        limits: list[tuple[Pair | str, int]] = [(pair, limit(job.queue, self._board))]
        limits += [(end, room(end, self._board)) for end in dict.fromkeys(pair)]
        found = all(self._minded(job, key, runs=runs) < limit for key, limit in limits)
        found = found and self._places.take(job) is not None
        if not found and not runs:
            self._refused.add((pair, job.queue))
        return found

    def _minded(self, job: Job, key: Pair | str, *, runs: bool) -> int:
        ahead = self._held.get(key, [])
        priority = self._board.queues[job.queue].priority
        if not runs:
            kept = self._kept.get(key, {}).values()
            return len(ahead) + sum(_keeps_out(one, priority, self._board) for one in kept)
        match policy.of_queue("queue_interrupt_policy", job.queue, self._board):
            case "never":
                return 0
            case "priority":
                return sum(one > priority for one in ahead)
            case _:
                return len(ahead)

    def take(self, job: Job) -> None:
        priority = self._board.queues[job.queue].priority
        for key in _keys(job):
            self._held.setdefault(key, []).append(priority)


def _keys(job: Job) -> list[Pair | str]:
    """What a transfer takes a seat of: its pair and each end."""
    pair = pair_of(job)
    return [pair, *dict.fromkeys(pair)]


def minds(job: Job, one: Job, board: Board) -> bool:
    """Whether a waiting job counts `one`, which runs, against itself."""
    above = board.rank(one) < board.rank(job)
    return above or _keeps_out(one, board.queues[job.queue].priority, board)


def _minded_by_waiting(running_job: Job, board: Board) -> bool:
    """Whether a running job may keep out some that stand above it."""
    return policy.of_queue("queue_interrupt_policy", running_job.queue, board) != "order"


def _keeps_out(running_job: Job, priority: int, board: Board) -> bool:
    """Whether a running job is not interrupted by a waiting one of this priority above it."""
    match policy.of_queue("queue_interrupt_policy", running_job.queue, board):
        case "never":
            return True
        case "priority":
            return board.queues[running_job.queue].priority >= priority
        case _:
            return False


def _next(
    pair: Pair, walks: dict[Pair, Iterator[Job]], board: Board
) -> tuple[Rank, Pair, str] | None:
    job = next(walks[pair], None)
    return (board.rank(job), pair, job.id) if job is not None else None


def _walk(pair: Pair, seats: _Seats, board: Board) -> Iterator[Job]:
    """The jobs of a pair that can run, in order, without a look at those that cannot.

    Queue by queue: as soon as no waiting job of one can have a seat, only those that run are left
    to look at. `obstacles.found` says of one job what keeps it apart: a held queue, an end or a
    volume away.
    """
    legs = board.legs(pair).items()
    ranked = [of_leg for leg, of_leg in legs if obstacles.is_open(leg, board)]
    wanted = seats.wanted(pair) if ranked else ()
    for queue in board.in_order():
        if not wanted:
            return
        lines = [one.line(queue) for one in ranked if queue in one] if queue in wanted else []
        if not lines or board.queues[queue].paused:
            continue
        for _, job in heapq.merge(*lines):
            if seats.closed(pair, queue):
                break
            yield board.jobs[job]
        yield from seats.behind(pair, queue)
        wanted = seats.wanted(pair)


def running(pair: Pair, board: Board) -> list[Job]:
    return board.running(pair)


def limit(queue: str, board: Board) -> int:
    """How many jobs of a pair may run before one of this queue is kept waiting."""
    return int(policy.of_queue("transfer_concurrent", queue, board))
