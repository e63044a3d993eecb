"""Room on volumes: the facts that beats make of it, and who is tried again when there is more."""

from __future__ import annotations

import pytest

from events import codec, endpoints
from events.jobs import ErrorClass
from projections.snapshot import load, save
from services.agent.commands import Room
from services.scheduler.commands import Beat, RunFailed, Set
from tests.services.spec import (
    HQ,
    SECOND,
    STOCKHOLM,
    VOLUMES,
    History,
    beat,
    given,
    job_id,
    transfer,
)

A = job_id("a")
MB, GB = 1_000_000, 1_000_000_000
TOTAL = 100 * GB


def free(free_bytes: int, volume: str = "incoming", total: int = TOTAL) -> Beat:
    """A beat of stockholm."""
    return beat(STOCKHOLM, rooms=[Room(volume, free_bytes, total)])


def stored(history: History, said: Beat) -> list[str]:
    before = len(history.log)
    history.take(said)
    return [codec.tag(one.event) for commit in history.log[before:] for one in commit]


def test_a_volume_that_fills_up_interrupts_what_goes_there_and_nothing_else() -> None:
    history = given(
        transfer("a"),
        transfer("b", "oslo:projects/b", "stockholm:projects/b"),
        transfer("c", "stockholm:incoming/c", "oslo:incoming/c", queue="low"),
    )
    history.ask(Set("workspace", "", {"transfer_concurrent": 2}))
    history.ask(transfer("d"))  # Is being listed.
    assert history.running() == ["a", "b", "c"]
    assert stored(history, free(GB)) == []
    assert stored(history, free(99 * MB)) == ["endpoint.volume_filled", "job.interrupted"]
    assert stored(history, free(0)) == [], "it is told once"
    assert history.statuses() == {"a": "waiting", "b": "running", "c": "running", "d": "init"}
    full = load(save(history.board)).endpoints[STOCKHOLM].full
    assert full == {"incoming": history.now}
    assert stored(history, free(124 * MB)) == [], "a few bytes are no room"
    assert stored(history, free(125 * MB)) == ["endpoint.volume_freed", "job.started"]


def test_a_volume_that_goes_as_another_fills_up_interrupts_a_job_once() -> None:
    history = given(transfer("a", "stockholm:projects/a", "stockholm:incoming/a"))
    volumes = [endpoints.Volume("projects", online=False), VOLUMES[1]]
    said = beat(STOCKHOLM, volumes=volumes, rooms=[Room("incoming", 0, TOTAL)])
    tags = ["endpoint.volumes_changed", "endpoint.volume_filled", "job.interrupted"]
    assert stored(history, said) == tags


def test_a_volume_that_is_full_when_its_agent_comes_is_not_begun_with() -> None:
    history = given(transfer("a"))
    history.silent(STOCKHOLM)
    history.take(beat(STOCKHOLM, "2", rooms=[Room("incoming", MB, TOTAL)]))
    assert history.statuses() == {"a": "waiting"}


def test_another_reserve_is_judged_by_with_the_next_beat() -> None:
    history = given(transfer("a"))
    history.ask(Set("endpoint", "stockholm", {"transfer_reserved_space": 2_000}))
    assert "endpoint.volume_filled" in stored(history, free(GB))
    history.ask(Set("endpoint", "stockholm", {"transfer_reserved_space": 0}))
    assert stored(history, free(0)) == ["endpoint.volume_freed", "job.started"]
    assert stored(history, free(0)) == [], "where nothing is reserved no volume is full"


def test_what_is_said_of_volumes_that_are_not_there_is_nothing() -> None:
    history = given(transfer("a"))
    assert stored(history, free(0, "attic")) == []


# One file that finds no room.


def tried_again(history: History, free_bytes: int) -> bool:
    """Upon a beat that says so."""
    history.take(free(free_bytes))
    return history.job("a").status == "running"


def fails_for_space(history: History) -> None:
    job = history.job("a")
    history.report(RunFailed(job.id, job.run, ErrorClass.SPACE, "no room"))


@pytest.fixture
def history() -> History:
    return given(transfer("a"))


def test_a_job_that_found_no_room_is_tried_again_when_there_is_more(history: History) -> None:
    fails_for_space(history)
    assert not tried_again(history, 50 * GB)
    history.now = history.job("a").retry_at or history.now
    assert not tried_again(history, 50 * GB + 255 * MB), "not clearly more"
    assert not tried_again(history, 40 * GB)
    assert tried_again(history, 40 * GB + 256 * MB), "than when there was least"
    fails_for_space(history)
    history.now = history.job("a").retry_at or history.now
    assert not tried_again(history, 50 * GB), "it is looked at anew after each failure"


def test_room_that_comes_and_goes_is_not_chased(history: History) -> None:
    fails_for_space(history)
    history.now += SECOND
    assert not tried_again(history, 0)
    assert not tried_again(history, GB), "an eighth of its 15 s is not over"
    history.now += SECOND
    assert tried_again(history, GB), "it still is more"


def test_other_failures_and_volumes_do_not_wait_for_room(history: History) -> None:
    job = history.job("a")
    history.report(RunFailed(job.id, job.run, ErrorClass.NETWORK, "cut"))
    history.now += 10 * SECOND
    assert not tried_again(history, GB)
    assert not tried_again(history, 2 * GB)
    assert list(history.board.short_of_room(STOCKHOLM, "incoming")) == []
    history.passes(10)
    fails_for_space(history)
    assert [one.id for one in history.board.short_of_room(STOCKHOLM, "incoming")] == [A]
    assert list(history.board.short_of_room(HQ, "projects")) == []
    history.passes(60)
    assert list(history.board.short_of_room(STOCKHOLM, "incoming")) == []
