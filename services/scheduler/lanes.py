"""Which compute jobs get the free lanes, bucket by bucket. Pure.

Jobs are walked in the order of all jobs. By its queue's `queue_interrupt_policy_compute` a running
job is served in that order like any other (order), before those of its priority that wait
(priority), or before all (never), until its tasks run out; a bucket that runs always finishes.
A job whose needs no free lane meets is not looked at and holds up nobody. An endpoint that a job
avoids serves it only while no other could.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from msgspec import Struct

from events import jobs, placeholders, tasks
from events.job import Job
from events.jobs import Status
from projections.board import Board
from projections.lanes import Need
from projections.ranked import Ranked
from services.scheduler import ending, filters, obstacles, policy

BUCKETS_PER_PLAN_MAX = 2_000
BUCKET_TASKS_MAX = 10_000
"""What one event about each task of a bucket can hold; a `task_bucketsize` of 0 is up to this."""

Place = tuple[float, int, str, str, str]


# Who could serve.


def matching(need: Need, board: Board) -> list[str]:
    """The endpoints with lanes that are what its filters ask for, by id."""
    return [
        one
        for one in board.lanes.machines()
        if (machine := board.endpoints[one].machine) and filters.fit(need.filters, machine)
    ]


def serving(need: Need, board: Board) -> tuple[str, ...]:
    """Those of them whose volume is open and that are not avoided; if all are, they serve."""
    known = board.lanes.serving.get(need)
    if known is None:
        able = [one for one in matching(need, board) if _is_open(need.volume, one, board)]
        known = tuple(one for one in able if one not in need.avoids) or tuple(able)
        board.lanes.serving[need] = known
    return known


def _is_open(volume: str, endpoint: str, board: Board) -> bool:
    return not volume or volume in obstacles.volumes_open(endpoint, board)


def free(need: Need, board: Board) -> dict[str, int]:
    """The free lanes that meet a need."""
    ends, vacant = serving(need, board), board.lanes.vacant
    if len(vacant) < len(ends):
        return {one: lanes for one, lanes in vacant.items() if one in ends}
    return {one: vacant[one] for one in ends if one in vacant}


# In which order.


def place(job: Job, board: Board) -> Place:
    """Where a job stands among those that ask for lanes: the lowest is served first."""
    first, second = _protection(job.queue, runs=job.status is Status.RUNNING, board=board)
    return (first, second, job.queue, job.place, job.id)


def _protection(queue: str, *, runs: bool, board: Board) -> tuple[float, int]:
    priority = -board.queues[queue].priority
    choice = policy.of_queue("queue_interrupt_policy_compute", queue, board)
    if not runs or choice == "order":
        return (priority, 1)
    return (float("-inf"), 0) if choice == "never" else (priority, 0)


def in_order(need: Need, board: Board) -> Iterator[tuple[Place, Job]]:
    """The hungry jobs of a need whose queues are not paused, as they are served."""
    group = board.lanes.hungry.get(need)
    if group is None:
        return
    blocks = [
        (_protection(queue, runs=runs, board=board), queue, ranked)
        for runs, ranked in ((True, group.running), (False, group.waiting))
        for queue in ranked
        if not board.queues[queue].paused
    ]
    walks = [_walk(protection, queue, ranked, board) for protection, queue, ranked in blocks]
    yield from heapq.merge(*walks, key=lambda one: one[0])


def _walk(
    protection: tuple[float, int], queue: str, ranked: Ranked, board: Board
) -> Iterator[tuple[Place, Job]]:
    return (
        ((*protection, queue, where, job), board.jobs[job]) for where, job in ranked.line(queue)
    )


# Who gets what.


class Bucket(Struct, frozen=True):
    """Tasks of a job that go to a lane of an endpoint."""

    job: Job
    endpoint: str
    numbers: str


class _Lanes:
    """The free lanes as they are handed out: the endpoint with most of them left comes first."""

    def __init__(self, board: Board) -> None:
        self._left = dict(board.lanes.vacant)
        self._heaps: dict[Need, list[tuple[int, str]]] = {}
        self._board = board

    def best(self, need: Need) -> str | None:
        heap = self._heaps.get(need)
        if heap is None:
            found = free(need, self._board)
            heap = [(-self._left[one], one) for one in found if self._left[one]]
            heapq.heapify(heap)
            self._heaps[need] = heap
        while heap:
            said, endpoint = heap[0]
            if -said == (left := self._left[endpoint]):
                return endpoint
            heapq.heappop(heap)
            if left:
                heapq.heappush(heap, (-left, endpoint))
        return None

    def take(self, endpoint: str) -> None:
        self._left[endpoint] -= 1


def buckets(board: Board) -> Iterator[Bucket]:
    """What is to be handed out now, in order. It ends when no free lane fits anyone."""
    left = _Lanes(board)
    walks = {
        need: in_order(need, board)
        for need in board.lanes.hungry
        if board.lanes.vacant and left.best(need)
    }
    heap = [(*first, need) for need, walk in walks.items() if (first := next(walk, None))]
    heapq.heapify(heap)
    while heap:
        _, job, need = heap[0]
        yield from _buckets_of(job, need, left, board)
        following = next(walks[need], None) if left.best(need) else None
        if following is None:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (*following, need))


def _buckets_of(job: Job, need: Need, left: _Lanes, board: Board) -> Iterator[Bucket]:
    table, after, size = board.tables[job.id], -1, bucket_size(job, board)
    while endpoint := left.best(need):
        numbers, after = table.next_queued(after, size)
        if not numbers:
            return
        left.take(endpoint)
        yield Bucket(job, endpoint, numbers)


def bucket_size(job: Job, board: Board) -> int:
    """A command that knows only of one frame gets one at a time."""
    if _names_one_frame(job.compute.command):
        return 1
    size = int(policy.of_job("task_bucketsize", job, board))
    return min(size or BUCKET_TASKS_MAX, BUCKET_TASKS_MAX)


@lru_cache(maxsize=4096)
def _names_one_frame(command: str) -> bool:
    named = placeholders.named(placeholders.words(command))
    return "frame" in named and not named & {"last", "frames"}


def ends(board: Board) -> Iterator[jobs.Event]:
    """The ends of jobs that have nothing left to run; before a plan, for others may wait for it."""
    for spent in board.lanes.spent:
        yield ending.ended(board.jobs[spent], board, board.at)


def plan(board: Board) -> Iterator[jobs.Event | tasks.Event]:
    """Buckets to free lanes, with the starts of their jobs; who runs without a lane goes back."""
    runs: dict[str, int] = {}
    given: list[Bucket] = []
    for one in islice(buckets(board), BUCKETS_PER_PLAN_MAX):
        job = one.job
        if job.id not in runs and job.status is Status.WAITING:
            yield jobs.Started(job.id, job.run + 1, one.endpoint)
        runs[job.id] = runs.get(job.id, job.run) + 1
        yield tasks.Dispatched(job.id, runs[job.id], one.endpoint, one.numbers)
        given.append(one)
    for stopped in board.lanes.laneless:
        if stopped not in runs:
            yield _stopped(board.jobs[stopped], given, board)


def _stopped(job: Job, given: list[Bucket], board: Board) -> jobs.Event:
    """A running job that got no lane after its last bucket: another took it, or there is none."""
    if board.queues[job.queue].paused:
        return jobs.Interrupted(job.id, job.run, "queue_paused", job.queue)
    standing = board.lanes.standing(job.id)
    ends = serving(standing.need, board) if standing else ()
    taker = next((one.job for one in given if one.endpoint in ends), None)
    if taker is not None:
        return jobs.GaveWay(job.id, job.run, taker.id)
    return jobs.Interrupted(job.id, job.run, "no_free_lane" if ends else "no_matching_lane", "")
