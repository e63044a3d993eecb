"""What mends itself: retries by cause, waiting for room, and what is no retry at all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from events.jobs import ErrorClass
from events.settings import Level
from services.agent.commands import List, Receive
from services.scheduler import explain, plan
from services.scheduler.commands import Reason, Retry, RunFailed, Set
from tests.services.spec import OSLO, STOCKHOLM, History, beat, given, job_id, transfer

A, B = job_id("a"), job_id("b")
NETWORK, VOLUME, SPACE = ErrorClass.NETWORK, ErrorClass.VOLUME, ErrorClass.SPACE


def fails(history: History, error_class: ErrorClass) -> float | None:
    """Job a's run fails as a whole: how long until it is tried again, waited for."""
    job = history.job("a")
    assert job.status == "running"
    history.report(RunFailed(A, job.run, error_class, "it broke"))
    retry_at = history.job("a").retry_at
    if retry_at is None:
        return None
    delay_s = (retry_at - history.now).total_seconds()
    history.passes(delay_s)
    return delay_s


def why(history: History, letter: str = "a") -> Reason:
    return explain.reasons([history.job(letter)], history.board)[job_id(letter)][0]


# Retries, by cause.


def test_each_cause_has_its_own_retries_and_its_own_delays() -> None:
    history = given(transfer("a"))
    causes = [NETWORK, NETWORK, VOLUME, NETWORK, VOLUME]
    assert [fails(history, cause) for cause in causes] == [15, 30, 15, 60, 30]
    job = history.job("a")
    assert (job.failures, job.causes) == (5, {"network": 3, "volume": 2})
    assert fails(history, NETWORK) is None
    history.when(Retry(A)).then("job.retried", "job.started")
    assert (history.job("a").causes, fails(history, NETWORK)) == ({}, 15)


def test_a_job_that_shall_not_be_retried_is_not() -> None:
    history = given(transfer("a"))
    history.ask(Set("job", A, {"job_max_retries": 0}))
    assert fails(history, SPACE) is None


def test_a_task_that_cannot_be_retried_does_not_keep_the_others_from_it() -> None:
    history = given(transfer("a"))
    history.failed("a", 0, ErrorClass.PERMISSION)
    history.failed("a", 1, NETWORK)
    history.done("a", "2", 100)
    history.ended("a")
    assert history.job("a").causes == {"network": 1}
    history.passes(15)
    assert list(history.board.tables[A].queued_after(-1)) == [1]
    history.done("a", "1", 100)
    history.ended("a")
    job = history.job("a")
    assert (job.status, job.cause, job.retry_at) == ("failed", ErrorClass.PERMISSION, None)


# Room.


def test_no_space_is_waited_for_however_long_it_takes() -> None:
    history = given(transfer("a"), transfer("b", destination="oslo:incoming"))
    delays = [fails(history, SPACE) for _ in range(12)]
    assert delays == [15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]
    assert fails(history, NETWORK) == 15, "what it waited for used up no other retry"
    history.finished("a")
    assert history.job("a").status == "done"


def test_a_job_without_space_says_where_and_what_would_help() -> None:
    history = given(transfer("a"))
    history.failed("a", 0, SPACE)
    history.done("a", "1-2", 200)
    history.ended("a")
    reason = why(history)
    assert (reason.code, reason.holder and reason.holder.id) == (
        "no_space",
        f"{STOCKHOLM}/incoming",
    )
    assert "volume incoming of stockholm" in reason.text
    assert "more room on volume incoming of stockholm" in reason.release
    assert f"{history.now + timedelta(seconds=15):%H:%M:%S}" in reason.text


# Stalls.


@pytest.mark.parametrize(
    ("level", "which"), [("workspace", ""), ("queue", "medium"), ("job", A), ("job", B)]
)
def test_the_time_after_which_a_run_stalls_is_told_to_its_agent_at_once(
    level: Level, which: str
) -> None:
    history = given(transfer("a"))
    history.ask(transfer("b", "oslo:projects/x", "hq:incoming"))
    assert stall_s(history) == {"a": 300, "b": 300}
    changed = history.when(Set(level, which, {"stall_s": 20})).events
    stalls = {"a": 20, "b": 20} if level != "job" else {"a": 300, "b": 300, job_name(which): 20}
    assert stall_s(history) == stalls
    told = plan.ordered_anew(changed, history.board)
    assert set(told) >= {{"a": STOCKHOLM, "b": OSLO}[job] for job in stalls if stalls[job] == 20}


def stall_s(history: History) -> dict[str, int]:
    """Of the duties that there are, by job."""
    duties = [
        one
        for end in (STOCKHOLM, OSLO)
        for one in plan.duties(end, history.board, history.now).duties
    ]
    return {job_name(one.job): one.stall_s for one in duties if isinstance(one, List | Receive)}


def job_name(job: str) -> str:
    return "a" if job == A else "b"


# What is a retry, and what is not.


def test_a_network_error_between_two_that_are_online_is_a_retry() -> None:
    history = given(transfer("a"))
    assert fails(history, NETWORK) == 15
    assert history.job("a").failures == 1


def test_an_interruption_is_not_a_retry() -> None:
    history = given(transfer("a"), transfer("b", "oslo:projects/x", "stockholm:incoming"))
    history.silent(STOCKHOLM)
    history.take(beat(STOCKHOLM, volumes=[]))
    history.take(beat(STOCKHOLM))
    history.take(beat(OSLO, leaving=True))
    history.take(beat(OSLO, session="2"))
    assert history.running() == ["a", "b"]
    assert [history.job(one).failures for one in "ab"] == [0, 0]
