"""The scheduler of this version run again over what was stored: does it decide the same? Pure.

What people said and agents reported is in the log as the events that came of it: these are taken as
they are. What the scheduler made of them, and what it did when time passed, is decided anew on the
same board and held against what is recorded. The first decision that differs ends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from msgspec import Struct

from events import codec, endpoints, queues, workspace
from events.codec import SCHEDULER, Recorded
from projections.board import Board
from services.scheduler import plan, reports
from services.scheduler.turn import Turn


class Difference(Struct, frozen=True):
    """In the commit at `sequence`, at `index`: what is `recorded`, and what is `decided` now.

    None where nothing is.
    """

    sequence: int
    index: int
    recorded: Recorded | None
    decided: Recorded | None


class Check:
    """`look` at commit after commit; `decisions` counts those of the scheduler that were equal."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.decisions = 0
        self._commit: Sequence[Recorded] = ()
        self._at = 0

    def look(self, commit: Sequence[Recorded]) -> Difference | None:
        """Moves the board by the commit, as long as nothing differs."""
        self._commit, self._at = commit, 0
        turn = Turn(self.board, commit[0].at)
        while self._at < len(commit):
            began = self._at
            decided = self._next(turn)
            if (differs := self._held(decided)) is not None:
                return differs
            if self._at == began:
                return self._differs(None)
        return self._held(self._late(turn))

    def _left(self) -> Sequence[Recorded]:
        return self._commit[self._at :]

    def _held(self, decided: Sequence[Recorded]) -> Difference | None:
        """Whether what comes next in the commit is what was decided."""
        for one in decided:
            found = next(iter(self._left()), None)
            if found != one:
                return self._differs(one)
            self._at += 1
            self.decisions += 1
        return None

    def _differs(self, decided: Recorded | None) -> Difference:
        recorded = next(iter(self._left()), None)
        return Difference(self._commit[0].sequence, self._at, recorded, decided)

    # What comes next.

    def _next(self, turn: Turn) -> Sequence[Recorded]:
        """Take what was given; what is decided of it."""
        first = self._left()[0]
        if first.actor != SCHEDULER:
            given = list(takewhile(lambda one: _said(one) == _said(first), self._left()))
            return self._follow(turn, [one.event for one in given], *_said(first))
        if first.cause:
            return []  # Nothing that was taken leads to it.
        match first.event:
            case workspace.Opened():
                made = (workspace.Opened, queues.Created)
                given = list(takewhile(lambda one: isinstance(one.event, made), self._left()))
                self._at += len(given)
                turn.given([one.event for one in given])
                return []
            case workspace.SchedulerStarted(scheduler=scheduler, host=host, version=version):
                before = len(turn.recorded)
                turn.start_scheduler(scheduler, host, version)
                return turn.recorded[before:]
            case endpoints.WentOffline(endpoint=endpoint):
                return self._own(turn, list(reports.silent(endpoint, self.board)))
        return self._by_the_clock(turn)

    def _by_the_clock(self, turn: Turn) -> Sequence[Recorded]:
        due = list(plan.due(self.board, turn.now))
        if due and self._begins_with(due):
            return self._own(turn, due, lanes=True)
        roomier = self._roomier()
        if roomier:
            return self._own(turn, roomier)
        return self._own(turn, due, lanes=True)

    def _roomier(self) -> Sequence[codec.Event]:
        """Jobs that were tried again before their time, for there was more room."""
        events = [one.event for one in takewhile(lambda one: _said(one)[1] == "", self._left())]
        named = dict.fromkeys(getattr(event, "job", "") for event in events)
        there = [self.board.jobs[job] for job in named if job in self.board.jobs]
        for count in range(len(there), 0, -1):
            again = list(plan.again(there[:count], self.board))
            if self._begins_with(again):
                return again
        return []

    def _begins_with(self, events: Sequence[codec.Event]) -> bool:
        return [one.event for one in self._left()[: len(events)]] == list(events)

    def _late(self, turn: Turn) -> Sequence[Recorded]:
        """What time alone would have led to at the end of the turn."""
        starts = (workspace.Opened, workspace.SchedulerStarted)
        if any(isinstance(one.event, starts) for one in self._commit):
            return []
        return self._own(turn, list(plan.due(self.board, turn.now)), lanes=True)

    # How it is taken.

    def _follow(
        self, turn: Turn, events: Sequence[codec.Event], actor: str, cause: str
    ) -> Sequence[Recorded]:
        self._at += len(events)
        return turn.follow(events, actor, cause, lanes=False)

    def _own(
        self, turn: Turn, events: Sequence[codec.Event], *, lanes: bool = False
    ) -> Sequence[Recorded]:
        """What the scheduler decides of itself is held against the log too."""
        before = len(turn.recorded)
        turn.follow(events, SCHEDULER, "", lanes=lanes)
        return turn.recorded[before:]


def _said(recorded: Recorded) -> tuple[str, str]:
    return recorded.actor, recorded.cause
