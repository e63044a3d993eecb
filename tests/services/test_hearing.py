"""Who is taken for offline, and when: by silence alone, or sooner when the network failed too."""

from __future__ import annotations

from events.jobs import ErrorClass
from services.scheduler.commands import Report, RunFailed, Set
from services.scheduler.hearing import QUIET_S, Hearing
from tests.services.spec import HQ, OSLO, STOCKHOLM, History, given, job_id, transfer

A = job_id("a")
GRACE_S = 15


def failed(history: History, error_class: ErrorClass, teller: str = STOCKHOLM) -> Report:
    return Report("r", teller, "1", RunFailed(A, history.job("a").run, error_class, "x"))


def listening(history: History, **heard: float) -> Hearing:
    hearing = Hearing()
    for name, at in heard.items():
        endpoint = history.board.endpoint_by_name(name)
        assert endpoint is not None
        hearing.hear([endpoint.id], at)
    return hearing


def test_silence_for_the_time_that_an_endpoint_is_given_makes_it_offline() -> None:
    history = given()
    hearing = listening(history, hq=0, stockholm=10, oslo=0)
    history.ask(Set("endpoint", "oslo", {"client_offline_grace_s": 60}))
    assert hearing.silent(history.board, GRACE_S) == []
    assert hearing.silent(history.board, GRACE_S + 1) == [HQ]
    hearing.hear([HQ], GRACE_S + 1)
    assert hearing.silent(history.board, GRACE_S + 2) == []
    assert hearing.silent(history.board, 100) == [HQ, STOCKHOLM, OSLO]
    hearing.hear(history.board.endpoints, 100)
    assert hearing.silent(history.board, 100 + GRACE_S) == [], "we were deaf, they were not silent"


def test_the_network_failed_between_two_that_are_heard() -> None:
    history = given(transfer("a"))
    hearing = listening(history, hq=0, stockholm=0)
    assert hearing.lost_with(failed(history, ErrorClass.NETWORK), history.board, QUIET_S) == []


def test_a_run_that_ends_because_its_sender_went_away_is_interrupted_and_no_failure() -> None:
    history = given(transfer("a"))
    hearing = listening(history, hq=0, stockholm=12)
    report = failed(history, ErrorClass.NETWORK)
    assert hearing.lost_with(report, history.board, 12.5) == [HQ]
    history.silent(HQ)
    history.take(report)
    job = history.job("a")
    assert (job.status, job.failures, job.retry_at) == ("waiting", 0, None)


def test_other_failures_say_nothing_of_the_other_end() -> None:
    history = given(transfer("a"))
    hearing = listening(history, hq=0, stockholm=12)
    for error_class in ErrorClass:
        lost = hearing.lost_with(failed(history, error_class), history.board, 12.5)
        assert lost == ([HQ] if error_class is ErrorClass.NETWORK else [])
