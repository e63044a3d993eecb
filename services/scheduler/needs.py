"""What running transfers use of their shares, as beats tell it: what one leaves the others have.

A transfer that for two beats took in clearly less than it was given, by a slow source or because
nothing is there to be sent yet, is given twice what it used until it uses that up: then it has its
whole share at once. Steps of two keep it quiet: who goes on as before changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from events.job import Job
from events.jobs import Status
from projections.board import Board, pair_of
from services.scheduler import shares
from services.scheduler.commands import Beat, Holding
from services.scheduler.shares import Share

USED_UP = 0.75
LEAST_SHARE = 8


class Needs:
    """`of` says, by job, how much one that does not use its share is given at most."""

    def __init__(self) -> None:
        self.of: dict[str, int] = {}
        self._used: dict[str, tuple[int, float]] = {}

    def hear(self, said: Beat, board: Board, now: datetime) -> list[str]:
        """The endpoints whose transfers may have other shares for what a beat says."""
        self._forget(board)
        before = dict(self.of)
        held = dict(_held(said, board))
        given = shares.given(held.values(), board, now, self.of).of
        fair = shares.given(held.values(), board, now).of if given else {}
        for holding in said.holding:
            if holding.job in held:
                self._hear(holding, given, fair)
        changed = before.items() ^ self.of.items()
        ends = {end for job, _ in changed for end in pair_of(board.jobs[job])}
        return shares.sharing(sorted(ends), board)

    def _forget(self, board: Board) -> None:
        for job, (run, _) in list(self._used.items()):
            if not _runs(board.jobs[job], run):
                del self._used[job]
                self.of.pop(job, None)

    def _hear(
        self, holding: Holding, given: Mapping[str, Share], fair: Mapping[str, Share]
    ) -> None:
        job, earlier = holding.job, self._used.pop(holding.job, None)
        self.of.pop(job, None)
        if job not in given:
            return
        self._used[job] = (holding.run, holding.used)
        if earlier is None or earlier[0] != holding.run:
            return
        most = max(holding.used, earlier[1])
        need = _in_steps(max(2 * most, fair[job].rate / LEAST_SHARE))
        if most < USED_UP * given[job].rate and need < fair[job].rate:
            self.of[job] = need


def _held(said: Beat, board: Board) -> Iterator[tuple[str, Job]]:
    """The running transfers that the beat's endpoint receives."""
    for holding in said.holding:
        job = board.jobs.get(holding.job)
        if job is None or not _runs(job, holding.run):
            continue
        if job.transfer.destination.endpoint == said.endpoint:
            yield job.id, job


def _runs(job: Job, run: int) -> bool:
    return not job.computes and job.status is Status.RUNNING and job.run == run


def _in_steps(rate: float) -> int:
    """The next power of two."""
    return 1 << max(0, int(rate) - 1).bit_length()
