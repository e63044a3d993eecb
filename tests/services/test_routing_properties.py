"""What holds of routes after any history: who listens, who reaches whom, and relays come and go.

`test_each_planted_bug_is_caught` proves the net.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from events.job import Job
from events.jobs import Started, Status
from projections.board import Board, Pair, pair_of
from projections.snapshot import load, save
from services.scheduler import explain, routing
from services.scheduler.commands import Abort, Pause, Resume, Set
from tests.services.spec import HQ, OSLO, STOCKHOLM, job_id
from tests.services.test_routing import NAMES, OTHER, VIA, Studio, studio

LETTERS = "abcdef"
ENDS = {HQ: "hq", STOCKHOLM: "stockholm", OSLO: "oslo"}
Step = Callable[[Studio], object]

letters = st.sampled_from(LETTERS)
ends, relays = st.sampled_from(list(ENDS)), st.sampled_from([VIA, OTHER])


def submits(letter: str, source: str, destination: str) -> Step:
    def step(history: Studio) -> object:
        known = job_id(letter) in history.board.jobs
        if not known:
            history.submits(letter, ENDS[source], ENDS[destination])
        return None

    return step


def starts(endpoint: str, listens: bool, connections: int) -> Step:
    return lambda history: history.beats(endpoint, anew=True, listens=listens, relays=connections)


def finds(one: str, other: str, reached: bool) -> Step:
    def step(history: Studio) -> object:
        if one == other or not {one, other} <= history.board.endpoints.keys():
            return None
        if history.board.endpoints[one].online:
            history.finds(one, **{NAMES[other]: reached})
        return None

    return step


def falls_silent(endpoint: str, after_s: int) -> Step:
    def step(history: Studio) -> object:
        history.passes(after_s)
        if endpoint in history.board.endpoints:
            history.silent(endpoint)
        return None

    return step


def ends_well(letter: str) -> Step:
    def step(history: Studio) -> object:
        job = history.board.jobs.get(job_id(letter))
        if job and job.status is Status.RUNNING:
            history.finished(letter)
        return None

    return step


def hand(kind: type[Pause] | type[Resume] | type[Abort], letter: str) -> Step:
    return lambda history: history.when(kind(job_id(letter)))


anybody = st.sampled_from([*ENDS, VIA, OTHER])
steps = st.one_of(
    st.builds(submits, letters, ends, ends),
    st.builds(submits, letters, ends, ends),
    st.builds(starts, ends, st.booleans(), st.sampled_from([0, 0, 0, 8])),
    st.builds(starts, relays, st.just(True), st.sampled_from([8, 16, 0])),
    st.builds(finds, anybody, anybody, st.booleans()),
    st.builds(falls_silent, anybody, st.sampled_from([1, 601])),
    st.builds(ends_well, letters),
    st.builds(hand, st.sampled_from([Pause, Resume, Abort]), letters),
    st.builds(lambda seconds: lambda history: history.passes(seconds), st.integers(0, 4000)),
)


def check(history: Studio) -> None:
    board = history.board
    carried: Counter[str] = Counter()
    for job in board.jobs.values():
        if job.status is Status.RUNNING:
            assert _leads(job, board), "a run goes on where no way leads"
            carried[job.relay] += 1
        told = [reason.code for reason in explain.reasons([job], board)[job.id]]
        assert ("no_route" in told) == _is_apart(job, board)
        if "relay_full" in told:
            assert any(_relays(pair_of(job), board))
    del carried[""]
    for relay, count in carried.items():
        assert count <= max(1, board.endpoints[relay].relays // 8), "a relay carries too much"
        assert len(board.relayed(relay)) == count
    assert save(history.folded_again()) == save(board) == save(load(save(board)))


# The rules said once more, without the code under test.


def _can(one: str, other: str, board: Board) -> bool:
    there, tried = board.endpoints[other], board.endpoints[one].reach.get(other)
    refuted = tried is not None and tried.url == there.url and not tried.reached
    return bool(there.url) and not refuted


def _relays(pair: Pair, board: Board) -> list[str]:
    return [
        one.id
        for one in board.endpoints.values()
        if one.online and one.relays and one.id not in pair and one.unused_until() is None
        if all(_can(end, one.id, board) for end in pair)
    ]


def _leads(job: Job, board: Board) -> bool:
    source, destination = job.transfer.source.endpoint, job.transfer.destination.endpoint
    match job.route:
        case "pull":
            return _can(destination, source, board)
        case "push":
            return _can(source, destination, board)
        case "relay":
            return job.relay in _relays(pair_of(job), board)
        case _:
            return source == destination


def _is_apart(job: Job, board: Board) -> bool:
    """It waits, its ends are there, and neither can dial the other or a relay with it."""
    one, other = pair = pair_of(job)
    there = all(board.endpoints[end].online for end in pair)
    direct = one == other or _can(one, other, board) or _can(other, one, board)
    waits = job.status is Status.WAITING
    return waits and there and not direct and not _relays(pair, board)


def _check_starts(history: Studio, since: int, before: Board) -> None:
    """At the moment of its start each had a way, and the one that it was told."""
    for commit in history.log[since:]:
        for recorded in commit:
            before.apply(recorded)
            if isinstance(recorded.event, Started):
                assert _leads(before.jobs[recorded.event.job], before)


def _run(story: list[Step]) -> None:
    history = studio(HQ, STOCKHOLM)
    history.ask(Set("workspace", "", {"transfer_concurrent": 3}))
    follower = history.folded_again()
    for step in story:
        before = len(history.log)
        step(history)
        _check_starts(history, before, follower)
        check(history)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, max_size=40))
def test_every_history_keeps_the_rules_of_routes(story: list[Step]) -> None:
    _run(story)


@contextmanager
def who_cannot_be_dialled_is_dialled() -> Iterator[None]:
    with patch.object(routing, "is_direct", lambda pair, board: True):
        yield


@contextmanager
def a_lost_way_is_kept() -> Iterator[None]:
    with patch.object(routing, "holds", lambda job, board: True):
        yield


@contextmanager
def a_full_relay_takes_another() -> Iterator[None]:
    with patch.object(routing.Places, "_room", lambda places, relay: 99):
        yield


@contextmanager
def a_verdict_on_an_old_address_holds() -> Iterator[None]:
    def bug(one: str, other: str, board: Board) -> str:
        tried = board.endpoints[one].reach.get(other)
        return "may" if tried is None or tried.reached else "cannot"

    with patch.object(routing, "verdict", bug):
        yield


BUGS = [
    who_cannot_be_dialled_is_dialled,
    a_lost_way_is_kept,
    a_full_relay_takes_another,
    a_verdict_on_an_old_address_holds,
]
BEGINNING = [
    starts(VIA, True, 8),
    submits("a", HQ, STOCKHOLM),
    submits("b", HQ, STOCKHOLM),
    starts(STOCKHOLM, True, 0),
    finds(OSLO, STOCKHOLM, False),
]
"""Where the bugs are met soon."""


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_each_planted_bug_is_caught(bug: Callable[[], AbstractContextManager[None]]) -> None:
    hunt = settings(
        max_examples=500, deadline=None, database=None, derandomize=True, phases=[Phase.generate]
    )(given(st.lists(steps, min_size=10, max_size=40))(lambda story: _run([*BEGINNING, *story])))
    with bug(), pytest.raises((AssertionError, IndexError)):
        hunt()
