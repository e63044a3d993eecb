"""What a limit means for a person: who limits, until when, and what it does to estimates."""

from __future__ import annotations

import pytest

from events import speed_limit
from projections.pace import Measured
from services.scheduler import estimate
from services.scheduler.commands import Holder, Limited, Set
from services.scheduler.limited import limited
from tests.services.spec import HQ, NOON, OSLO, STOCKHOLM, History, job_id, transfer
from tests.services.spec import given as spec_given

SPEED = "transfer_speedlimit"
MB = 1_000_000
A, B = job_id("a"), job_id("b")
TEN = NOON.replace(hour=22)


def told(history: History) -> dict[str, Limited]:
    every = history.board.jobs.values()
    found = limited(every, history.board, history.now)
    return {history.board.jobs[job].name: one for job, one in found.items()}


def test_who_limits_a_transfer_is_said_and_until_when() -> None:
    history = spec_given(transfer("a"), transfer("b", "oslo:projects/x", "hq:incoming/b"))
    history.ask(transfer("c"))
    assert told(history) == {}
    history.ask(Set("endpoint", "hq", {SPEED: "22:00-06:00 full, else 20"}))
    hq = Holder("endpoint", HQ, "hq")
    shared = "10 MB/s by endpoint hq, which gives 20 MB/s to 2 transfers"
    assert told(history) == {name: Limited(10 * MB, shared, hq, TEN) for name in "ab"}
    history.ask(Set("job", A, {SPEED: "500 kB/s"}))
    assert told(history)["a"] == Limited(500_000, "500 kB/s by job", Holder("job", A, ""))
    history.ask(Set("pair", "hq:oslo", {SPEED: "2.5"}))
    pair = Holder("pair", f"{HQ}:{OSLO}", "hq–oslo")
    assert told(history)["b"] == Limited(2_500_000, "2.5 MB/s by pair hq–oslo", pair)
    history.ask(Set("queue", "medium", {SPEED: "1 Mbit/s"}))
    assert told(history)["b"].text == "125 kB/s by queue medium"
    history.ask(Set("workspace", "", {SPEED: "1"}))
    history.ask(Set("queue", "medium", unset=[SPEED]))
    assert told(history)["b"] == Limited(MB, "1 MB/s by workspace", Holder("workspace", "", ""))


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (7, "7 bytes/s"),
        (10_000, "10 kB/s"),
        (333_333, "333 kB/s"),
        (999_600, "1000 kB/s"),
        (6_666_666, "6.67 MB/s"),
        (10**12, "1000 GB/s"),
    ],
)
def test_a_rate_is_said_in_three_digits(rate: int, words: str) -> None:
    assert speed_limit.shown(rate) == words


def earliest_ends(history: History) -> dict[str, float]:
    """In seconds from now."""
    jobs = [history.job(letter) for letter in "ab"]
    found = estimate.estimates(jobs, history.board, history.now)
    ends = {job.name: found[job.id].end_earliest for job in jobs}
    return {name: (end - history.now).total_seconds() for name, end in ends.items() if end}


def test_estimates_heed_the_limits_of_those_that_run_and_of_those_that_come_next() -> None:
    history = spec_given()
    history.board.pace.ways[f"{HQ} {STOCKHOLM}"] = [Measured(100 * MB, 1, 1.0)] * 20
    for letter in "ab":
        history.ask(transfer(letter))
        history.listed(letter, 1, 100 * MB)
    assert max(earliest_ends(history).values()) < 3
    history.ask(Set("pair", "hq:stockholm", {SPEED: 2}))
    assert earliest_ends(history) == {"a": 50.0, "b": 100.0}
    history.ask(Set("job", B, {SPEED: 1}))
    assert earliest_ends(history) == {"a": 50.0, "b": 150.0}
