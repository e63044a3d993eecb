"""What is foreseen is what happens, if the change is really made and rates hold; and what a what-if
says of what it cannot know.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from projections import snapshot
from services.historian import what_if
from services.historian.commands import Change, Instant, Offline, WhatIf, WhatIfFound, When
from services.scheduler.commands import (
    Abort,
    ChangeQueue,
    HandOnTasks,
    Move,
    Pause,
    PauseQueue,
    Rejected,
    Set,
)
from tests.services.reality import MB, WAYS, Reality, comes_back, leaves, measured
from tests.services.spec import ANN, BOB, HQ, NAMES, OSLO, History, compute, job_id, transfer
from tests.services.spec import given as spec_given

LETTERS = "abcdefg"
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
    saved = snapshot.part(board, what_if.named(asked.changes))
    at = Instant(board.sequence, board.at, board.sequence)
    return what_if.answer(asked, saved, asked.now, at, **more)


def found(history: History, *changes: Change, **more: object) -> WhatIfFound:
    told = foreseen(history, asks(history, *changes, **more))
    assert isinstance(told, WhatIfFound), told
    return told


def begun(planned: list[Planned], seconds: float) -> Reality:
    """These jobs, some time after they were submitted."""
    history = measured()
    reality = Reality(history)
    for number, (letter, one) in enumerate(zip(LETTERS, planned, strict=False)):
        history.ask(transfer(letter, *WAYS[one.way].split(" "), queue=one.queue))
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
LIMITS = {"transfer_concurrent": [2, 3], "queue_interrupt_policy": ["never", "priority"]}


@st.composite
def changes(draw: st.DrawFn, planned: list[Planned], now: datetime) -> Change:
    nth = draw(st.integers(0, len(planned) - 1))
    one, last = job_id(LETTERS[nth]), planned[nth].files - 1
    queue = draw(st.sampled_from(["high", "medium", "low"]))
    name = draw(st.sampled_from(sorted(LIMITS)))
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
        Set("queue", queue, {name: draw(st.sampled_from(LIMITS[name]))}),  # type: ignore[list-item]
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


assert Callable, BOB
assert HQ, OSLO
assert compute, spec_given
