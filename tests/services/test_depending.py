"""Jobs that wait for others: until those are done, and what to do when they never will be."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from events.jobs import ErrorClass
from projections.snapshot import load, save
from services.scheduler import explain
from services.scheduler.commands import (
    DEPENDENCIES_MAX,
    Abort,
    HandOnTasks,
    Move,
    Reason,
    Rejected,
    Retry,
    RunFailed,
    Why,
)
from tests.services.spec import BOB, History, compute, given, job_id, transfer

A, B = job_id("a"), job_id("b")


def pair_of_jobs() -> History:
    """b, on a pair of its own, depends on a, which runs."""
    history = given(transfer("a"))
    history.ask(transfer("b", destination="oslo:incoming", depends_on="a"))
    return history


def why(history: History, letter: str = "b") -> Reason:
    [reason, *_] = explain.reasons([history.job(letter)], history.board)[job_id(letter)]
    return reason


def test_a_job_is_not_even_listed_before_the_one_it_depends_on_is_done() -> None:
    history = pair_of_jobs()
    assert (history.job("b").status, history.job("b").listing) == ("init", False)
    history.finished("a")
    history.listed("b")
    assert history.running() == ["b"]


def test_it_says_for_whom_it_waits_and_what_would_release_it() -> None:
    history = pair_of_jobs()
    reason = why(history)
    assert (reason.code, reason.holder and reason.holder.id) == ("waiting_for_job", A)
    assert (reason.text, reason.release) == ("waits for a, which is running", "a is done")


def test_one_whose_other_was_aborted_waits_for_a_decision() -> None:
    history = pair_of_jobs()
    history.ask(Abort(A))
    assert why(history).release == "retry a, or abort this job"
    history.ask(Retry(A))
    assert why(history).release == "a is done"


def test_one_whose_other_has_nothing_left_to_run_waits_for_its_tasks() -> None:
    history = History()
    history.ask(compute("a", "1-2"))
    history.ask(transfer("b", depends_on="a"))
    history.ask(Abort(A))
    history.ask(HandOnTasks(A, action="hold", tasks="all"))
    assert why(history).release == "retry tasks of a, or abort this job"
    assert isinstance(history.ask(Retry(A)), Rejected), "it would have nothing to do"
    history.ask(HandOnTasks(A, action="retry", tasks="0"))
    assert why(history).release == "a is done"


def test_one_whose_other_failed_waits_for_its_automatic_retry() -> None:
    history = pair_of_jobs()
    history.report(RunFailed(A, history.job("a").run, ErrorClass.NETWORK, "gone"))
    assert why(history).release == "a is done"


def test_it_waits_again_when_the_other_is_not_done_any_more() -> None:
    history = pair_of_jobs()
    history.finished("a")
    history.ask(transfer("c", "oslo:projects/c", "hq:incoming", depends_on="b"))
    history.listed("b")
    history.finished("b")
    history.listed("c")
    history.ask(Move([job_id("c")], queue="low"))
    history.ask(Retry(B))
    assert history.job("c").status == "running", "what is under way goes on"


def test_a_job_that_waits_holds_up_nobody_on_its_pair() -> None:
    history = given(transfer("a", destination="oslo:incoming"), transfer("b"), transfer("d"))
    history.ask(transfer("c", queue="high", depends_on="a"))
    assert history.running() == ["a", "b"]
    history.finished("b")
    assert history.running() == ["a", "d"]


@pytest.mark.parametrize(
    ("others", "words"),
    [([job_id("z")], "no job"), ([A] * (DEPENDENCIES_MAX + 1), "at most 100")],
)
def test_what_cannot_be_waited_for_is_refused(others: list[str], words: str) -> None:
    history = given(transfer("a"))
    history.when(replace(transfer("b"), depends_on=others)).then_rejected(Why.INVALID, words)


def test_nobody_waits_for_a_job_that_they_may_not_see() -> None:
    history = given(transfer("a"))
    history.when(transfer("b", depends_on="a"), by=BOB).then_rejected(Why.INVALID, "no job")


def test_a_snapshot_knows_who_waits() -> None:
    history = pair_of_jobs()
    history.board = load(save(history.board))
    history.finished("a")
    assert history.job("b").listing
