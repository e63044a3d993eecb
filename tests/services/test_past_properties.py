"""As of equals what was: at every commit of any history, an instant that is opened again from an
earlier one that was kept shows what was there then, in rows, places, statuses and reasons.
"""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.msgpack import encode

from projections import past, snapshot
from projections.past import Past
from projections.tables import Tables
from services.scheduler import explain
from services.scheduler.commands import Reason
from services.scheduler.turn import Turn
from tests.services import test_lane_properties, test_scheduler_properties
from tests.services.spec import HQ, OSLO, History, compute, transfer
from tests.services.spec import given as spec_given


class Seen(Struct, frozen=True):
    """What there was to see after a commit."""

    board: bytes
    reasons: dict[str, list[Reason]]
    positions: dict[str, int | None]


class Remembering(History):
    """What is on the board is noted as each commit is stored."""

    seen: list[Seen]

    def _stored(self, turn: Turn) -> None:
        super()._stored(turn)
        if turn.recorded:
            self.__dict__.setdefault("seen", []).append(_seen(self))


def _seen(history: History | Past) -> Seen:
    board = history.board
    positions = {job.id: board.position(job) for job in board.jobs.values()}
    known = list(board.jobs.values())
    return Seen(snapshot.save(board), explain.reasons(known, board), positions)


def _rows(history: History) -> list[past.Rows]:
    """The read side after each commit, folded from the start."""

    def moved(tables: Tables, commit: list) -> Tables:  # type: ignore[type-arg]
        after = Tables()
        after.__dict__.update({name: dict(held) for name, held in tables.__dict__.items()})
        after.tasks = {job: dict(rows) for job, rows in tables.tasks.items()}
        for recorded in commit:
            after.apply(recorded)
        return after

    found = list(accumulate(history.log, moved, initial=Tables()))[1:]
    return [past.Rows(one.jobs, one.queues, one.endpoints) for one in found]


def _check(history: Remembering, kept_at: int) -> None:
    rows, kept = _rows(history), past.save(Past())
    going = Past()
    for number, commit in enumerate(history.log):
        going.apply(commit)
        if number == kept_at % len(history.log):
            kept = past.save(going)
        assert _seen(going) == history.seen[number]
        assert encode(going.rows) == encode(rows[number])
    opened = past.load(kept)
    for commit in history.log[opened.sequence :]:
        opened.apply(commit)
        assert _seen(opened) == history.seen[opened.sequence - 1]
        assert encode(opened.rows) == encode(rows[opened.sequence - 1])
    assert opened.sequence == len(history.log)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(test_scheduler_properties.steps, max_size=25), st.integers(0, 100))
def test_an_instant_of_any_history_of_transfers_is_what_was(
    story: list[test_scheduler_properties.Step], kept_at: int
) -> None:
    history = Remembering()
    for command in (transfer("a"), transfer("b")):
        history.ask(command)
        history.listed(command.name or "")
    for step in story:
        step(history)
    _check(history, kept_at)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(test_lane_properties.steps, max_size=25), st.integers(0, 100))
def test_an_instant_of_any_history_of_computing_is_what_was(
    story: list[test_lane_properties.Step], kept_at: int
) -> None:
    history = Remembering()
    history.allows(HQ, 2, site="a")
    history.allows(OSLO, 1, site="b")
    history.when(compute("a", "1-4"))
    for step in story:
        step(history)
    _check(history, kept_at)


def test_an_instant_of_another_form_is_not_opened() -> None:
    history = spec_given(transfer("a"))
    going = Past()
    for commit in history.log:
        going.apply(commit)
    kept = past.save(going)
    assert past.load(kept).rows == going.rows
    with pytest.raises(snapshot.OtherForm):
        past.load(kept.replace(snapshot.FORM.encode(), b"0" * len(snapshot.FORM)))
