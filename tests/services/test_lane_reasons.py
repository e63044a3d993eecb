"""Why a compute job waits: who could serve it, who is served first, and what would release it."""

from __future__ import annotations

import pytest

from events.endpoints import Volume
from events.jobs import ErrorClass
from services.scheduler import explain
from services.scheduler.commands import Holder, Move, PauseQueue, Reason, Set
from tests.services.spec import HQ, OSLO, History, beat, compute, job_id

A, B = job_id("a"), job_id("b")


def why(history: History, letter: str) -> list[Reason]:
    return explain.reasons([history.job(letter)], history.board)[job_id(letter)]


def told(history: History, letter: str) -> list[str]:
    return [f"{one.code}: {one.text}" for one in why(history, letter)]


def farm() -> History:
    history = History()
    history.allows(HQ)
    return history


def test_nobody_allows_commands() -> None:
    history = History()
    history.ask(compute("a"))
    [reason] = why(history, "a")
    assert (reason.code, reason.holder) == (
        "no_compute_endpoint",
        Holder("workspace", "main", "main"),
    )
    assert reason.release == "an agent is started with --compute-user"
    history.allows(HQ)
    assert history.running() == ["a"]


def test_no_machine_is_what_the_filters_ask_for() -> None:
    history = farm()
    history.allows(OSLO, site="oslo")
    history.ask(compute("a", filters=["ram:>1t", "site:oslo"]))
    assert told(history, "a") == [
        "no_matching_lane: no endpoint fits ram:>1t: oslo, the closest, has 32g"
    ]
    [reason] = why(history, "a")
    assert reason.holder == Holder("filter", "ram:>1t", "ram:>1t")
    history.allows(HQ, site="oslo", memory_bytes=48 << 30)
    assert why(history, "a")[0].text.endswith("hq, the closest, has 48g")
    history.allows(HQ, site="oslo", memory_bytes=2 << 40)
    assert history.running() == ["a"]


def test_no_machine_is_all_of_what_the_filters_ask_for() -> None:
    history = farm()
    history.allows(OSLO, site="oslo", cores=64)
    history.allows(HQ, site="hq")
    history.ask(compute("a", filters=["cores:>8", "site:hq"]))
    assert told(history, "a") == [
        "no_matching_lane: no endpoint fits cores:>8 and site:hq: hq, the closest, has 8 cores"
    ]
    assert why(history, "a")[0].holder == Holder("filter", "cores:>8", "cores:>8")


def test_the_one_that_fits_is_offline() -> None:
    history = farm()
    history.allows(OSLO)
    history.silent(OSLO)
    history.ask(compute("a", filters=["hostname:oslo"]))
    assert told(history, "a") == ["endpoint_offline: oslo is offline"]
    history.take(beat(OSLO, "9", machine=history.board.endpoints[OSLO].machine))
    assert history.running() == ["a"]


def test_the_volume_is_offline_where_it_fits() -> None:
    history = farm()
    session = history.board.endpoints[HQ].session
    history.take(beat(HQ, session, volumes=[Volume("projects", online=False), Volume("incoming")]))
    history.ask(compute("a", volume="projects"))
    assert told(history, "a") == ["volume_offline: volume projects of hq is offline"]


def test_the_one_that_fits_has_no_lanes() -> None:
    history = farm()
    history.ask(Set("endpoint", "hq", {"client_compute_lanes": 0}))
    history.ask(compute("a"))
    assert told(history, "a") == ["no_free_lane: hq has no lanes: its client_compute_lanes is 0"]


def test_all_lanes_are_taken_and_another_is_served_first() -> None:
    history = farm()
    history.ask(compute("a", "1"))
    history.ask(compute("b"))
    history.ask(compute("c"))
    assert told(history, "b") == ["no_free_lane: the only lane of hq is taken, by a"]
    assert told(history, "c") == [
        "behind_job: behind b: free lanes go to it first",
        "no_free_lane: the only lane of hq is taken, by a",
    ]
    [behind, taken] = why(history, "c")
    assert [one.holder.id for one in (behind, taken) if one.holder] == [B, A]


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("never", "a needs no more lanes; "),
        ("priority", "or this job is moved to a queue of higher priority than medium; "),
        ("order", "or this job is moved above it; "),
    ],
)
def test_the_way_past_a_running_job_is_the_choice_of_its_queue(choice: str, words: str) -> None:
    history = farm()
    history.ask(Set("queue", "medium", {"queue_interrupt_policy_compute": choice}))
    history.ask(compute("a"))
    history.ask(compute("b"))
    [behind, *_] = why(history, "b")
    assert (behind.code, words in behind.release) == ("behind_job", True)
    if choice != "never":
        history.ask(Move([B], queue="high") if choice == "priority" else Move([B], to="top"))
        history.bucket_ends("a")
        assert history.lanes() == {"hq": "b0"}


def test_jobs_that_ask_for_other_machines_are_not_before_it() -> None:
    history = farm()
    history.allows(OSLO)
    history.ask(compute("a", filters=["hostname:oslo"]))
    history.ask(compute("b", "1", filters=["hostname:hq"]))
    history.ask(compute("c", filters=["hostname:hq"]))
    assert told(history, "c") == ["no_free_lane: the only lane of hq is taken, by b"]


def test_a_paused_queue_is_the_only_reason_that_counts() -> None:
    history = farm()
    history.ask(PauseQueue("medium"))
    history.ask(compute("a"))
    assert told(history, "a") == ["queue_paused: queue medium is paused"]


def test_an_endpoint_that_is_avoided_is_told() -> None:
    history = farm()
    history.allows(OSLO)
    history.ask(compute("a", "1-9"))
    history.bucket_ends("a", ErrorClass.COMMAND, HQ)
    history.bucket_ends("a", ErrorClass.COMMAND, HQ)
    history.ask(compute("b", queue="high"))
    history.bucket_ends("a", endpoint=OSLO)
    assert told(history, "a") == [
        "behind_job: behind b: free lanes go to it first",
        "no_free_lane: the only lane of oslo is taken, by b",
        "avoided: hq is avoided: its commands failed there 2 times in a row",
    ]


def test_a_job_that_waits_for_another_says_so_first() -> None:
    history = History()
    history.ask(compute("a"))
    history.ask(compute("b", depends_on=[A]))
    assert [one.code for one in why(history, "b")] == ["waiting_for_job", "no_compute_endpoint"]
