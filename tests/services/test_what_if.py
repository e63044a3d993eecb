"""What is foreseen is what happens, if the change is really made and rates hold; and what a what-if
says of what it cannot know.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st
from msgspec.structs import replace

from events.jobs import ErrorClass
from events.settings import Value
from projections import snapshot
from services.historian import scope, what_if
from services.historian.commands import Change, Instant, Offline, WhatIf, WhatIfFound, When
from services.scheduler.commands import (
    Abort,
    BucketEnded,
    ChangeQueue,
    HandOnTasks,
    Move,
    Pause,
    PauseQueue,
    Rejected,
    Set,
)
from services.scheduler.estimate import LISTED
from services.scheduler.prices import UNMEASURED
from tests.services.reality import MB, WAYS, Reality, comes_back, leaves, measured
from tests.services.spec import ANN, BOB, HQ, NAMES, OSLO, History, compute, job_id, transfer
from tests.services.spec import given as spec_given

LETTERS = "abcdefg"
A, B, C, D = map(job_id, "abcd")
CLOSE = timedelta(seconds=0.05)
SAME = timedelta(seconds=what_if.SAME_S) + CLOSE


class Planned(NamedTuple):
    """A job of a story: which way, in which queue, how many files of so many MB."""

    way: int
    queue: str
    files: int
    size: int


def asks(history: History, *changes: Change, limit: int = 100, **more: object) -> WhatIf:
    return WhatIf(When(), actor=ANN, changes=list(changes), now=history.now, limit=limit, **more)  # type: ignore[arg-type]


def foreseen(history: History, asked: WhatIf, **more: int) -> WhatIfFound | Rejected:
    board = history.board
    touched = what_if.touched(asked.changes, board)
    saved = snapshot.part(board, touched.jobs)
    at = Instant(board.sequence, board.at, board.sequence)
    return what_if.answer(asked, saved, asked.now, at, **more)


def found(history: History, *changes: Change, **more: int) -> WhatIfFound:
    told = foreseen(history, asks(history, *changes), **more)
    assert isinstance(told, WhatIfFound), told
    return told


def begun(planned: list[Planned], seconds: float) -> Reality:
    """These jobs, some time after they were submitted."""
    history = measured()
    reality = Reality(history)
    for number, (letter, one) in enumerate(zip(LETTERS, planned, strict=False)):
        history.ask(transfer(letter, *WAYS[one.way], one.queue))
        history.listed(letter, one.files, one.size * MB + number * 70_001)
    reality.runs_for(seconds)
    reality.rates_hold()
    return reality


def after(planned: list[Planned], seconds: float, change: Change | None) -> Reality:
    """What really happens then."""
    reality = begun(planned, seconds)
    history = reality.history
    if isinstance(change, Offline):
        end = next(one for one, name in NAMES.items() if name == change.endpoint)
        start, _, over = change.when.partition("/")
        reality.scripts = [
            (datetime.fromisoformat(start), leaves(end)),
            (datetime.fromisoformat(over), comes_back(end)),
        ]
    elif change is not None:
        history.ask(change)
    reality.runs_out()
    return reality


jobs_of_a_story = st.builds(
    Planned,
    st.integers(0, len(WAYS) - 1),
    st.sampled_from(["high", "medium", "low"]),
    st.integers(1, 4),
    st.integers(20, 300),
)
POLICIES: list[dict[str, Value]] = [
    {"transfer_concurrent": 2},
    {"transfer_concurrent": 3},
    {"queue_interrupt_policy": "never"},
    {"queue_interrupt_policy": "priority"},
]


@st.composite
def changes(draw: st.DrawFn, planned: list[Planned], now: datetime) -> Change:
    nth = draw(st.integers(0, len(planned) - 1))
    one, last = job_id(LETTERS[nth]), planned[nth].files - 1
    queue = draw(st.sampled_from(["high", "medium", "low"]))
    start = now + timedelta(seconds=draw(st.integers(0, 60)) + 0.123457)
    over = start + timedelta(seconds=draw(st.integers(1, 90)) + 0.5)
    endpoint = draw(st.sampled_from(["hq", "stockholm", "oslo"]))
    made: list[Change] = [
        Move([one], queue=queue),
        Move([one], to="top"),
        Pause(one),
        Abort(one),
        PauseQueue(queue),
        ChangeQueue("low", priority=1000),
        HandOnTasks(job=one, action="exclude", tasks=str(last)),
        Set("queue", queue, draw(st.sampled_from(POLICIES))),
        Set("endpoint", endpoint, {"endpoint_transfers": 1}),
        Set("queue", queue, {"transfer_speedlimit": "2"}),
        Offline(endpoint, f"{start.isoformat()}/{over.isoformat()}"),
    ]
    return draw(st.sampled_from(made))


def close(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) < CLOSE


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@for_all(
    st.lists(jobs_of_a_story, min_size=2, max_size=len(LETTERS)), st.integers(1, 80), st.data()
)
def test_what_is_foreseen_is_what_happens_when_the_change_is_made_and_rates_hold(
    planned: list[Planned], seconds: int, data: st.DataObject
) -> None:
    now = begun(planned, seconds)
    change = data.draw(changes(planned, now.history.now))
    told = foreseen(now.history, asks(now.history, change, heard=now.heard()))
    if isinstance(told, Rejected):
        assert isinstance(change, Offline) or now.history.ask(change) == told
        return
    before, with_it = after(planned, seconds, None), after(planned, seconds, change)
    rows = {row.name: row for row in told.jobs}
    for letter in LETTERS[: len(planned)]:
        was, became = (one.course(letter, len(now.history.log)) for one in (before, with_it))
        if letter in rows:
            row = rows[letter]
            assert close(row.before.end_at, was[1]), (letter, row, was)
            assert close(row.after.end_at, became[1]), (letter, row, became)
            assert close(row.after.start_at, became[0]), (letter, row, became)
        else:
            differ = [
                abs(one - other) for one, other in zip(was, became, strict=True) if one and other
            ]
            assert [one is None for one in was] == [one is None for one in became]
            assert all(one < SAME for one in differ), (letter, was, became)
    assert not told.unknown


def minutes(history: History, told: WhatIfFound) -> dict[str, tuple[float | None, float | None]]:
    """In how many minutes each job that differs ends, without the change and with it."""

    def in_minutes(at: datetime | None) -> float | None:
        return None if at is None else round((at - history.now).total_seconds() / 60, 1)

    ends = ((row.name, row.before.end_at, row.after.end_at) for row in told.jobs)
    return {name: (in_minutes(before), in_minutes(then)) for name, before, then in ends}


def line(*sizes: int) -> History:
    """Jobs of so many minutes each, one behind the other, all of them on one way at 10 MB/s."""
    history = measured()
    for letter, size in zip(LETTERS, sizes, strict=False):
        history.ask(transfer(letter, *WAYS[0]))
        history.listed(letter, 1, size * 600 * MB)
    return history


def test_who_gains_and_who_loses_by_a_move_is_said() -> None:
    history = line(10, 10, 30)
    told = found(history, Move([C], to="top"))
    assert minutes(history, told) == {"c": (50, 30), "a": (10, 40), "b": (20, 50)}
    assert [row.name for row in told.jobs] == ["c", "a", "b"], "what was named comes first"
    assert (told.sooner.jobs, told.later.jobs) == (1, 2)
    assert close(told.last_before, told.last_after)
    assert told.total == 3
    assert told.jobs[0].basis == "measured on 1 finished transfer from hq to stockholm"


def test_nothing_is_changed_by_asking() -> None:
    history = line(10, 10)
    before = snapshot.save(history.board)
    found(history, Move([B], to="top"), Offline("hq", "1h"))
    assert snapshot.save(history.board) == before


def test_what_changes_nothing_differs_in_nothing() -> None:
    told = found(line(10, 10), Move([B], to="bottom"))
    assert (told.jobs, told.total, told.notes) == ([], 0, [])


def test_a_speed_limit_is_shared_as_it_will_be() -> None:
    """Of 6 MB/s each of two has 3, until the first is through."""
    history = line(10)
    history.ask(transfer("b", *WAYS[1]))
    history.listed("b", 1, 600 * MB)
    told = found(history, Set("endpoint", "hq", {"transfer_speedlimit": "6"}))
    assert minutes(history, told) == {"a": (10, 18.3), "b": (2, 3.3)}


def test_a_limit_by_the_clock_changes_with_the_clock() -> None:
    history = line(10)
    assert history.now.minute == 2
    told = found(history, Set("queue", "medium", {"transfer_speedlimit": "12:00-12:05 1, else 5"}))
    ((name, (before, then)),) = minutes(history, told).items()
    assert (name, before, then) == ("a", 10, round(160 / 60 + (6000 - 160) / 5 / 60, 1))


def test_an_absent_endpoint_comes_back_and_its_transfers_go_on() -> None:
    history = line(10, 10)
    assert minutes(history, found(history, Offline("stockholm", "5m"))) == {
        "a": (10, 15),
        "b": (20, 25),
    }
    told = found(history, Offline("stockholm", "12:10-12:20"))
    assert minutes(history, told) == {"a": (10, 20), "b": (20, 30)}
    for_good = found(history, Offline("stockholm"))
    assert minutes(history, for_good) == {"a": (10, None), "b": (20, None)}
    assert for_good.later.jobs == 2
    why = for_good.jobs[0].after.why
    assert why is not None
    assert why.text == "stockholm is offline"


def test_what_failed_is_tried_again_when_its_time_comes_and_takes_its_time() -> None:
    history = measured()
    history.ask(transfer("a", *WAYS[0]))
    history.listed("a", 2, 3_000 * MB)
    history.failed("a", 0, ErrorClass.NETWORK)
    told = found(history, Offline("stockholm", "1m"))
    ((before, then),) = minutes(history, told).values()
    assert before is not None
    assert 10.2 <= before <= 10.3, "five minutes, 15 seconds of back-off, five minutes"
    assert then == before + 1


def test_more_at_a_time_than_were_measured_is_noted() -> None:
    history = line(10, 10)
    told = found(history, Set("queue", "medium", {"transfer_concurrent": 2}))
    assert minutes(history, told) == {"b": (20, 10)}
    (note,) = told.notes
    assert "up to 2 transfers at a time between hq and stockholm, without the change 1" in note


def test_what_was_never_measured_is_not_guessed() -> None:
    history = spec_given(transfer("a"), transfer("b"))
    told = found(history, Move([B], to="top"))
    assert [(one.name, one.why) for one in told.unknown] == [("a", UNMEASURED), ("b", UNMEASURED)]
    rows = {row.name: row for row in told.jobs}
    assert rows["b"].after.end_at is None
    assert rows["b"].before.why is not None
    assert rows["b"].before.why.text == "behind a on hq–stockholm"


def test_what_is_being_listed_never_gets_through_and_is_named() -> None:
    history = line(10)
    history.ask(transfer("b", *WAYS[0]))
    told = found(history, Pause(A))
    assert [(one.name, one.why) for one in told.unknown] == [("b", LISTED)]
    assert minutes(history, told) == {"a": (10, None)}


def test_a_job_that_computes_takes_what_its_own_tasks_took() -> None:
    history = History()
    history.allows(HQ, 1)
    history.ask(compute("a", "1-5"))
    history.ask(compute("b", "1-3"))
    history.passes(60)
    history.report(BucketEnded(A, 1, 0, took_ms=60_000))
    lanes = Set("endpoint", "hq", {"client_compute_lanes": 2})
    assert minutes(history, found(history, lanes)) == {"a": (4, 2), "b": (None, None)}
    told = found(history, Move([B], queue="high"))
    assert minutes(history, told) == {"a": (4, None), "b": (None, None)}
    assert [(one.name, one.why) for one in told.unknown] == [("b", UNMEASURED)]


def test_what_is_refused_is_refused_in_the_words_of_the_command() -> None:
    history = line(10)
    refused: list[tuple[Change, str]] = [
        (Move([A], queue="lo"), "there is no queue 'lo': there are high, low, medium"),
        (Set("queue", "medium", {"transfer_concurrent": 99}), "transfer_concurrent cannot be 99"),
        (Offline("berlin"), "there is no endpoint 'berlin': there are hq, oslo, stockholm"),
        (Offline("hq", "tonight"), "'tonight' is no time to be away: write 22:00-06:00"),
        (Offline("hq", "25:00-26:00"), "is no time to be away"),
        (Offline("hq", "2020-01-01T00:00Z/2020-01-02T00:00Z"), "is over before it begins"),
    ]
    for change, detail in refused:
        told = foreseen(history, asks(history, change))
        assert isinstance(told, Rejected)
        assert detail in told.detail
    second = foreseen(history, asks(history, Pause(A), Offline("berlin")))
    assert isinstance(second, Rejected)
    assert second.detail.startswith("change 2: there is no endpoint")
    history.silent(OSLO)
    gone = foreseen(history, asks(history, Offline("oslo", "2h")))
    assert isinstance(gone, Rejected)
    assert "oslo is offline already" in gone.detail


def test_too_much_is_cut_and_said() -> None:
    history = line(10, 10, 10, 10)
    told = found(history, Move([D], to="top"), cost_max=2)
    assert "what comes after 2030-01-01 12:22 UTC is left out" in told.notes[0]
    assert minutes(history, told)["d"] == (None, 10)


def test_only_what_a_change_can_touch_is_looked_at() -> None:
    history = line(10, 10)
    history.ask(transfer("d", *WAYS[1]))
    history.ask(transfer("e", *WAYS[2], depends_on="a"))
    board = history.board
    seen = {board.jobs[job].name for job in what_if.touched([Move([C], to="top")], board).jobs}
    assert seen == set(), "there is no such job"
    seen = {board.jobs[job].name for job in what_if.touched([Pause(B)], board).jobs}
    assert seen == {"a", "b", "e", "d"}, "d shares the pair of e, which waits for a"
    history.ask(Abort(job_id("e")))
    seen = {board.jobs[job].name for job in what_if.touched([Pause(B)], board).jobs}
    assert seen >= {"a", "b"}
    few = scope.of([B], board, everywhere=True, jobs_max=1)
    assert (few.left_out, {board.jobs[job].name for job in few.jobs}) == (2, {"a", "b"})
    told = found(history, Pause(B), left_out=1)
    assert told.notes == ["of the jobs that this may touch the last 1 in their order are left out"]


def test_a_user_is_told_of_their_own_jobs() -> None:
    history = line(10)
    history.ask(transfer("b", *WAYS[0]), by=BOB)
    history.listed("b", 1, 600 * MB)
    asked = WhatIf(When(), "bob", actor=BOB, changes=[Move([B], to="top")], now=history.now)
    told = foreseen(history, asked)
    assert isinstance(told, WhatIfFound)
    assert minutes(history, told) == {"b": (11, 1)}
    others = replace(asked, changes=[Pause(A)])
    assert isinstance(foreseen(history, others), Rejected)
