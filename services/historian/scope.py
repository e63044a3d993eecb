"""Which jobs a change can touch: those are run forward, the others would only take time. Pure.

What is changed of one transfer is felt on its pair, on the pairs that share limits or relays with
it, and by jobs that wait for one another. All else may be felt anywhere. Of very many the first are
looked at, in the order of all: who stands behind keeps nobody up who stands before.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from events.job import Job
from events.jobs import Status
from projections.board import Board, Pair, pair_of
from services.scheduler import admit, shares

JOBS_MAX = 5_000


class Scope(Struct, frozen=True):
    """`left_out` more would have to be looked at."""

    jobs: list[str]
    left_out: int


def of(named: Iterable[str], board: Board, *, everywhere: bool, jobs_max: int = JOBS_MAX) -> Scope:
    """What a change of these jobs touches, or one that is felt `everywhere`."""
    known = [board.jobs[job] for job in named if job in board.jobs]
    going = [job for queue in board.in_order() for job in board.unfinished(queue)]
    near = going if everywhere else _near(known, going, board)
    near = sorted(near, key=lambda job: job.status is not Status.RUNNING)
    kept = near[:jobs_max]
    ids = dict.fromkeys(job.id for job in (*known, *kept))
    return Scope(list(ids), len(near) - len(kept))


def _near(known: list[Job], going: list[Job], board: Board) -> list[Job]:
    """Lanes are shared by all that computes, so then it is everything."""
    by_pair: dict[Pair, list[Job]] = {}
    for job in going:
        if not job.computes:
            by_pair.setdefault(pair_of(job), []).append(job)
    rest, found = list(known), set[Pair]()
    while rest:
        job = rest.pop()
        if job.computes:
            return going
        for pair in _tied(pair_of(job), board):
            if pair not in found:
                found.add(pair)
                there = by_pair.get(pair, [])
                rest += there[:1]
                rest += [other for one in there for other in _linked(one, board)]
        rest += [one for one in _linked(job, board) if one.computes or pair_of(one) not in found]
    return [job for job in going if not job.computes and pair_of(job) in found]


def _tied(pair: Pair, board: Board) -> list[Pair]:
    """The pairs that share seats, relays or a speed limit with this one, itself included."""
    limited = [end for end in pair if shares.NAME in board.endpoints[end].settings]
    return [*admit.together(pair, board), *(one for end in limited for one in board.pairs_of(end))]


def _linked(job: Job, board: Board) -> list[Job]:
    """Who waits for it, and whom it waits for."""
    return [*board.dependents(job.id), *(board.jobs[one] for one in job.depends_on)]
