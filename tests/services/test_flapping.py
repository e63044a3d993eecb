"""Endpoints and volumes that keep dropping out are left alone for a while, longer each time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.scheduler import explain
from services.scheduler.commands import Reason, Set
from tests.services.spec import HQ, OSLO, STOCKHOLM, History, beat, compute, given, job_id, transfer

A = job_id("a")
MINUTE = 60
Drop = Callable[[History], None]


def goes_silent(history: History) -> None:
    history.silent(STOCKHOLM)
    history.take(beat(STOCKHOLM))


def starts_again_without_a_goodbye(history: History) -> None:
    session = int(history.board.endpoints[STOCKHOLM].session)
    history.take(beat(STOCKHOLM, str(session + 1)))


def loses_its_volume(history: History) -> None:
    projects, incoming = history.board.endpoints[STOCKHOLM].volumes
    assert incoming.code == "incoming"
    history.take(beat(STOCKHOLM, volumes=[projects]))
    history.take(beat(STOCKHOLM))


def is_stopped_in_order(history: History) -> None:
    session = history.board.endpoints[STOCKHOLM].session
    history.take(beat(STOCKHOLM, session, leaving=True))
    history.take(beat(STOCKHOLM, session + "0"))


def waits_s(history: History) -> float:
    """How long until job a runs again, waited for; 0 when it runs at once."""
    if history.job("a").status == "running":
        return 0
    due = history.board.next_due()
    assert due is not None
    delay_s = (due - history.now).total_seconds()
    history.passes(delay_s - 1)
    assert history.job("a").status == "waiting"
    history.passes(1)
    assert (history.job("a").status, history.job("a").failures) == ("running", 0)
    return delay_s


def why(history: History) -> Reason:
    return explain.reasons([history.job("a")], history.board)[A][0]


@pytest.mark.parametrize(
    "drops_out", [goes_silent, starts_again_without_a_goodbye, loses_its_volume]
)
def test_who_keeps_dropping_out_waits_longer_each_time_and_at_most_an_hour(drops_out: Drop) -> None:
    history = given(transfer("a"))
    delays = []
    for _ in range(11):
        history.passes(MINUTE)
        drops_out(history)
        delays.append(waits_s(history))
    assert delays == [0, 15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_the_first_delay_is_the_workspaces_own() -> None:
    history = given(transfer("a"))
    history.ask(Set("workspace", "", {"job_autoretry_delay_s": 40}))
    goes_silent(history)
    goes_silent(history)
    assert waits_s(history) == 40


@pytest.mark.parametrize("drops_out", [goes_silent, loses_its_volume])
def test_who_was_there_for_ten_minutes_is_trusted_again(drops_out: Drop) -> None:
    history = given(transfer("a"))
    for wait_s in (0, 15, 30):
        drops_out(history)
        assert waits_s(history) == wait_s
    history.passes(10 * MINUTE)
    drops_out(history)
    assert waits_s(history) == 0
    history.passes(9 * MINUTE)
    drops_out(history)
    assert waits_s(history) == 15


def test_who_drops_out_while_left_alone_waits_for_longer() -> None:
    history = given(transfer("a"))
    for _ in range(3):
        goes_silent(history)
    assert waits_s(history) == 30


def test_an_agent_that_is_stopped_in_order_begins_anew() -> None:
    history = given(transfer("a"))
    for _ in range(5):
        is_stopped_in_order(history)
        assert waits_s(history) == 0
    goes_silent(history)
    goes_silent(history)
    assert history.running() == []
    is_stopped_in_order(history)
    assert (history.running(), history.board.next_due()) == (["a"], None)


def test_only_what_needs_it_waits_for_a_volume_that_keeps_dropping_out() -> None:
    history = given(transfer("a"), transfer("b", "oslo:projects/x", "stockholm:projects"))
    loses_its_volume(history)
    loses_its_volume(history)
    assert history.running() == ["b"]
    reason = why(history)
    assert (reason.code, reason.holder and reason.holder.id) == (
        "volume_backing_off",
        f"{STOCKHOLM}/incoming",
    )
    assert reason.text == (
        "volume incoming of stockholm dropped out 2 times in a row, not used until 12:00:15 UTC"
    )


def test_nothing_is_listed_or_sent_by_who_keeps_dropping_out() -> None:
    history = given(transfer("a", "stockholm:projects/x", "hq:incoming"))
    goes_silent(history)
    goes_silent(history)
    history.ask(transfer("b", "stockholm:projects/y", "oslo:incoming"))
    assert history.statuses() == {"a": "waiting", "b": "init"}
    reason = why(history)
    assert (reason.code, reason.holder and reason.holder.name) == (
        "endpoint_backing_off",
        "stockholm",
    )
    history.passes(15)
    assert (history.running(), history.job("b").listing) == (["a"], True)
    assert history.board.next_due() is None


def test_a_drop_of_one_endpoint_is_not_counted_against_another() -> None:
    history = given(transfer("a"))
    for endpoint in (HQ, OSLO, STOCKHOLM):
        history.silent(endpoint)
        history.take(beat(endpoint))
    assert history.running() == ["a"]


def test_no_lane_of_who_keeps_dropping_out_is_used() -> None:
    history = History()
    history.allows(STOCKHOLM)
    history.ask(compute("a"))
    for _ in range(2):
        history.passes(MINUTE)
        history.silent(STOCKHOLM)
        history.allows(STOCKHOLM)
    assert why(history).code == "endpoint_backing_off"
    assert waits_s(history) == 15
