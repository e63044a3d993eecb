"""The scheduler run again over its own log decides the same, and another decision is found."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events import jobs
from events.codec import Recorded
from events.jobs import ErrorClass
from projections.board import Board
from services.historian.checking import Check, Difference
from services.scheduler.commands import Abort, HandOnTasks, Move, Pause, PauseQueue, Resume, Retry
from services.scheduler.turn import Turn
from tests.services import test_lane_properties, test_scheduler_properties
from tests.services.spec import ANN, HQ, OSLO, History, beat, compute, job_id, transfer

A, B, C = (job_id(letter) for letter in "abc")


def checked(log: list[list[Recorded]]) -> tuple[Difference | None, Check]:
    check = Check(Board())
    for commit in log:
        differs = check.look(commit)
        if differs is not None:
            return differs, check
    return None, check


def story() -> History:
    """Giving way, failing, trying again by the clock, lanes, an endpoint that goes away."""
    history = History()
    for letter in "ab":
        history.ask(transfer(letter))
        history.listed(letter)
    history.ask(Move([B], queue="high"), by=ANN)
    history.done("b", "0-1", 200)
    history.failed("b", 2, ErrorClass.NETWORK)
    history.ended("b")
    history.passes(20)
    history.allows(HQ, 2)
    history.ask(compute("c", "1-3"))
    history.bucket_ends("c")
    history.ask(HandOnTasks(A, action="exclude", tasks="1"))
    history.ask(PauseQueue("medium"))
    history.ask(Pause(A))
    history.silent(HQ)
    history.ask(Resume(A))
    history.take(beat(HQ, "2"))
    history.ask(Abort(C))
    history.ask(Retry(C))
    history.passes(3600)
    history.passes(20 * 86_400)
    return history


def test_what_was_decided_is_decided_again() -> None:
    history = story()
    differs, check = checked(history.log)
    assert differs is None
    assert check.decisions > 10
    assert check.board.sequence == history.board.sequence
    assert check.board.jobs == history.board.jobs


@pytest.mark.parametrize("kind", [jobs.Started, jobs.GaveWay])
def test_a_decision_that_is_another_is_found(kind: type[jobs.Event]) -> None:
    log = [list(commit) for commit in story().log]
    place = [
        (at, index)
        for at, commit in enumerate(log)
        for index, one in enumerate(commit)
        if isinstance(one.event, kind) and one.actor == "scheduler" and one.cause
    ]
    at, index = place[0]
    was = log[at][index]
    log[at] = log[at][:index]
    differs, _ = checked(log)
    assert differs is not None
    assert (differs.sequence, differs.index) == (was.sequence, index)
    assert (differs.recorded, differs.decided) == (None, was)


def test_a_decision_that_nothing_leads_to_is_found() -> None:
    history = story()
    log = [list(commit) for commit in history.log]
    last = log[-1][-1]
    strange = Recorded(last.sequence + 1, 0, last.at, "scheduler", "", jobs.Paused(A))
    differs, _ = checked([*log, [strange]])
    assert differs == Difference(strange.sequence, 0, strange, None)


def test_what_time_led_to_is_missed_where_it_is_not_recorded() -> None:
    history = History()
    history.ask(transfer("a"))
    history.listed("a")
    history.failed("a", 0, ErrorClass.NETWORK)
    history.done("a", "1-2", 200)
    history.ended("a")
    log = [list(commit) for commit in history.log]
    history.now += timedelta(minutes=5)
    history.ask(transfer("b"))
    differs, _ = checked(history.log)
    assert differs is not None
    assert (differs.recorded, differs.decided is None) == (None, False)
    assert differs.sequence == len(log) + 1


class Unhurried(Check):
    """These histories take one input a turn: what is late there is the next input's."""

    def _late(self, turn: Turn) -> list[Recorded]:
        return []


def _is_decided_again(history: History) -> None:
    check = Unhurried(Board())
    for commit in history.log:
        assert check.look(commit) is None
    assert check.board.jobs == history.board.jobs


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(test_scheduler_properties.steps, max_size=25))
def test_any_history_of_transfers_is_decided_again(
    steps: list[test_scheduler_properties.Step],
) -> None:
    history = History()
    for command in (transfer("a"), transfer("b")):
        history.ask(command)
        history.listed(command.name or "")
    for step in steps:
        step(history)
    _is_decided_again(history)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(test_lane_properties.steps, max_size=25))
def test_any_history_of_computing_is_decided_again(steps: list[test_lane_properties.Step]) -> None:
    history = History()
    history.allows(HQ, 2, site="a")
    history.allows(OSLO, 1, site="b")
    history.when(compute("a", "1-4"))
    for step in steps:
        step(history)
    _is_decided_again(history)
