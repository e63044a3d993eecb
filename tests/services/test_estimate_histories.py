"""Estimates after any history: random hands, reports, losses and clocks in any order."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from events.jobs import Status
from services.scheduler import estimate, explain, obstacles
from services.scheduler.commands import Estimate, Heard
from tests.services.spec import HQ, OSLO, History, compute
from tests.services.test_lane_properties import Step as StepOfLanes
from tests.services.test_lane_properties import Watched
from tests.services.test_lane_properties import steps as steps_of_lanes
from tests.services.test_scheduler_properties import Step, steps
from tests.services.test_scheduler_properties import _told as told

ITS_TURN = {"behind_job", "no_free_lane", "avoided"}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@for_all(st.lists(steps, min_size=5, max_size=40), st.integers(0, 1_000))
def test_whatever_happened_estimates_are_in_order_and_never_past(
    story: list[Step], pace: int
) -> None:
    for history in told(story):
        _check(history, pace)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@for_all(st.lists(steps_of_lanes, min_size=5, max_size=30))
def test_whatever_happened_to_lanes_estimates_are_in_order_and_never_past(
    story: list[StepOfLanes],
) -> None:
    history = Watched()
    history.allows(HQ, 2, site="a")
    history.allows(OSLO, 1, site="b")
    for letter in "ab":
        history.when(compute(letter, "1-6"))
    for step in story:
        step(history)
        history.now += timedelta(seconds=7)
        _check(history, 0)


def _check(history: History, pace: int) -> None:
    board, now = history.board, history.now
    jobs = list(board.jobs.values())
    heard = {job.id: Heard(job.run, job.size // 2, float(pace)) for job in jobs}
    for ticks in ({}, heard):
        found = estimate.estimates(jobs, board, now, ticks)
        assert found == estimate.estimates(jobs, board, now, ticks)
        for job in jobs:
            runs = job.status is Status.RUNNING
            may = job.status is Status.WAITING and obstacles.can_run(job, board)
            if job.computes:
                why = {one.code for one in explain.reasons([job], board)[job.id]}
                may = may and why <= ITS_TURN
            assert (job.id in found) == (runs or may), job
            assert not may or job.computes or _ends_as_it_starts(found[job.id])
        for one in found.values():
            _check_one(one, now)


def _ends_as_it_starts(one: Estimate) -> bool:
    """Of a transfer both are known or none; of a compute job its end may not be."""
    return (one.start_at is None) == (one.end_at is None)


def _check_one(one: Estimate, now: object) -> None:
    start = [one.start_earliest, one.start_at, one.start_latest]
    end = [one.end_earliest, one.end_at, one.end_latest]
    for times in (start, end):
        known = [at for at in times if at is not None]
        assert len(known) in (0, 3), "all or nothing"
        assert known == sorted(known)
        assert all(at >= now for at in known)  # type: ignore[operator]
    assert one.basis
