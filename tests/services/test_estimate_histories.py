"""Estimates after any history: random hands, reports, losses and clocks in any order."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from events.jobs import Status
from services.scheduler import estimate, obstacles
from services.scheduler.commands import Estimate, Heard
from tests.services.spec import History
from tests.services.test_scheduler_properties import Step, steps
from tests.services.test_scheduler_properties import _told as told


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@for_all(st.lists(steps, min_size=5, max_size=40), st.integers(0, 1_000))
def test_whatever_happened_estimates_are_in_order_and_never_past(
    story: list[Step], pace: int
) -> None:
    for history in told(story):
        _check(history, pace)


def _check(history: History, pace: int) -> None:
    board, now = history.board, history.now
    jobs = list(board.jobs.values())
    heard = {job.id: Heard(job.run, job.size // 2, float(pace)) for job in jobs}
    for ticks in ({}, heard):
        found = estimate.estimates(jobs, board, now, ticks)
        assert found == estimate.estimates(jobs, board, now, ticks)
        for job in jobs:
            runs = job.status is Status.RUNNING
            may = (
                job.status is Status.WAITING and not job.computes and obstacles.can_run(job, board)
            )
            assert (job.id in found) == (runs or may), job
        for one in found.values():
            _check_one(one, now)


def _check_one(one: Estimate, now: object) -> None:
    start = [one.start_earliest, one.start_at, one.start_latest]
    end = [one.end_earliest, one.end_at, one.end_latest]
    for times in (start, end):
        known = [at for at in times if at is not None]
        assert len(known) in (0, 3), "all or nothing"
        assert known == sorted(known)
        assert all(at >= now for at in known)  # type: ignore[operator]
    assert one.basis
    assert one.end_at is not None or one.start_at is None
