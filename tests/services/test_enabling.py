"""Endpoints that a person takes out of use: what stops, what goes on, what others are told."""

from __future__ import annotations

import pytest

from events import tasks
from services.scheduler import explain
from services.scheduler.commands import (
    Actor,
    DisableEndpoint,
    EnableEndpoint,
    Rejected,
    Role,
    Why,
)
from tests.services.spec import (
    BOB,
    HQ,
    NOON,
    OSLO,
    STOCKHOLM,
    History,
    beat,
    compute,
    job_id,
    transfer,
)
from tests.services.test_routing import VIA, studio

A = job_id("a")
CARL = Actor("carl", Role.EMPLOYEE)


def first_reason(history: History, letter: str) -> tuple[str, str, str | None, str]:
    one = explain.reasons([history.job(letter)], history.board)[job_id(letter)][0]
    return one.code, one.text, one.since, one.release


def given(*letters: str) -> History:
    history = History()
    for letter in letters:
        history.ask(transfer(letter))
        history.listed(letter)
    return history


def test_its_transfers_stop_and_say_by_whom_and_since_when_until_it_is_enabled() -> None:
    history = given("a")
    history.when(DisableEndpoint("stockholm"), by=CARL).then("endpoint.disabled", "job.interrupted")
    assert first_reason(history, "a") == (
        "endpoint_disabled",
        "stockholm is disabled by carl",
        NOON.isoformat().replace("+00:00", "Z"),
        "stockholm is enabled",
    )
    history.when(DisableEndpoint(STOCKHOLM)).then_nothing()
    history.when(EnableEndpoint("stockholm")).then("endpoint.enabled", "job.started")
    history.when(EnableEndpoint("stockholm")).then_nothing()


def test_others_pass_and_a_listing_waits_for_it() -> None:
    history = given("a")
    history.ask(transfer("b", destination="oslo:incoming"))
    history.listed("b")
    assert history.running() == ["a", "b"]
    history.ask(DisableEndpoint("stockholm"))
    assert history.running() == ["b"]
    history.ask(DisableEndpoint("hq"))
    history.ask(transfer("c"))
    assert history.running() == []
    assert not history.job("c").listing
    assert first_reason(history, "c")[1] == "hq is disabled by ann"


def test_it_stays_disabled_while_it_comes_and_goes() -> None:
    history = given("a")
    history.ask(DisableEndpoint("stockholm"))
    history.silent(STOCKHOLM)
    codes = [one.code for one in explain.reasons([history.job("a")], history.board)[A]]
    assert codes[:2] == ["endpoint_disabled", "endpoint_offline"]
    history.take(beat(STOCKHOLM, "2"))
    assert first_reason(history, "a")[0] == "endpoint_disabled"
    assert history.running() == []


def test_commands_in_its_lanes_finish_and_no_more_are_given() -> None:
    history = History()
    history.allows(OSLO)
    history.ask(compute("a", "1-2"))
    history.when(DisableEndpoint("oslo")).then("endpoint.disabled")
    assert history.board.lanes.count(OSLO) == 1
    history.ask(compute("b"))
    assert first_reason(history, "b")[:2] == ("endpoint_disabled", "oslo is disabled by ann")
    history.ask(EnableEndpoint("oslo"))
    assert [one for one in history.events() if isinstance(one, tasks.Released)] == []


def test_a_relay_that_is_disabled_joins_nobody() -> None:
    history = studio(HQ, STOCKHOLM)
    history.beats(VIA, relays=8)
    history.submits("a")
    assert history.route("a") == "running relay via"
    history.when(DisableEndpoint("via")).then("endpoint.disabled", "job.interrupted")
    assert history.why("a").code == "no_route"


@pytest.mark.parametrize("command", [DisableEndpoint("hq"), EnableEndpoint("hq")])
def test_it_is_for_who_manages_jobs(command: DisableEndpoint | EnableEndpoint) -> None:
    answer = History().ask(command, by=BOB)
    assert isinstance(answer, Rejected)
    assert (answer.why, answer.detail[:31]) == (Why.FORBIDDEN, "this is for an admin or an empl")


def test_an_endpoint_that_is_not_there_is_named() -> None:
    answer = History().ask(DisableEndpoint("attic"))
    assert isinstance(answer, Rejected)
    assert answer.detail == "there is no endpoint 'attic': there are hq, oslo, stockholm"
