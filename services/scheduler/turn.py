"""One turn: what was asked meanwhile, decided together, and all that follows. Pure.

`take` decides one input on the board, applies its events and what follows from them, and keeps
what was recorded; the shell stores the turn as one commit and only then gives the answers out.
A turn whose commit is refused is lost together with its board.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from events import codec, queues, tasks, workspace
from events.codec import SCHEDULER, Recorded
from projections.board import Board
from services.scheduler import decide, executing, hands, lanes, plan, reports
from services.scheduler.commands import Accepted, Answer, Beat, Rejected, Report, Request
from services.scheduler.touched import Touched, touch


class Silent(Struct, frozen=True):
    """An endpoint gave no beat for the grace time."""

    endpoint: str


class Roomier(Struct, frozen=True):
    """There is more room for these jobs than when they found none."""

    jobs: list[str]


class Clock(Struct, frozen=True):
    """Time passed: look at what is due."""


Input = Request | Report | Beat | Silent | Roomier | Clock


class Turn:
    """A commit in the making on `board`, at `now` (never before the commit before it)."""

    def __init__(self, board: Board, now: datetime) -> None:
        self.board = board
        self.now = max(now, board.at)
        self.sequence = board.sequence + 1
        self.recorded: list[Recorded] = []
        self.encoded: list[bytes] = []
        self.size_bytes = 0
        self.stopped: dict[str, None] = {}
        """The endpoints on which it stops a bucket."""

    def take(self, said: Input) -> Answer:
        """Decide one input. The answer holds once the turn is stored."""
        known = self._answered_before(said)
        if known is not None:
            return known
        events = self._decide(said)
        if isinstance(events, Rejected):
            return events
        actor, cause = _who(said)
        before = len(self.recorded)
        self.follow(events, actor, cause, lanes=isinstance(said, Clock))
        mine = self.recorded[before : before + len(events)]
        named = dict.fromkeys(getattr(one.event, "job", "") for one in mine)
        return Accepted(self.board.sequence, [job for job in named if job])

    def follow(
        self, events: Sequence[codec.Event], actor: str, cause: str, *, lanes: bool
    ) -> Sequence[Recorded]:
        """Take what was decided already; what follows from it. `lanes`: look at these anyway."""
        before = len(self.recorded)
        self._record(events, actor, cause)
        self._follow_hands(before, cause)
        self._end_jobs(cause)
        touched = self._touched(before)
        touched.lanes |= lanes
        self._record(list(plan.plan(touched, self.board)), SCHEDULER, cause)
        return self.recorded[before + len(events) :]

    def _answered_before(self, said: Input) -> Accepted | None:
        match said:
            case Request(id=asked):
                recent = self.board.recent.get(asked)
            case Report(id=asked):
                recent = self.board.reported.get(asked)
            case Beat() | Silent() | Roomier() | Clock():
                return None
        return Accepted(recent.sequence, list(recent.jobs)) if recent else None

    def _decide(self, said: Input) -> Sequence[codec.Event] | Rejected:
        match said:
            case Request(actor=actor, command=command):
                return decide.decide(command, actor, self.board)
            case Report():
                return reports.report(said, self.board, self.now)
            case Beat():
                return reports.beat(said, self.board, self.now)
            case Silent(endpoint=endpoint):
                return reports.silent(endpoint, self.board)
            case Roomier(jobs=named):
                return list(plan.again([self.board.jobs[job] for job in named], self.board))
            case Clock():
                return list(plan.due(self.board, self.now))

    def _record(self, events: Iterable[codec.Event], actor: str, cause: str) -> None:
        for event in events:
            index = len(self.recorded)
            recorded = Recorded(self.sequence, index, self.now, actor, cause, event)
            self.stopped.update(dict.fromkeys(executing.stopped_on(event, self.board)))
            self.board.apply(recorded)
            self.recorded.append(recorded)
            self.encoded.append(codec.encode_one(self.board.workspace, recorded))
            self.size_bytes += len(self.encoded[-1])

    def _follow_hands(self, since: int, cause: str) -> None:
        """What hands on tasks make of their jobs."""
        recorded = self.recorded[since:]
        touched = dict.fromkeys(
            one.event.job for one in recorded if isinstance(one.event, tasks.ByHand)
        )
        for job in touched:
            self._record(list(hands.follows(job, self.board, self.now)), SCHEDULER, cause)

    def _end_jobs(self, cause: str) -> None:
        """An end may let another go on that has nothing left to run either."""
        while ends := list(lanes.ends(self.board)):
            self._record(ends, SCHEDULER, cause)

    def _touched(self, since: int) -> Touched:
        touched = Touched.nothing()
        for recorded in self.recorded[since:]:
            touch(touched, recorded.event, self.board)
        return touched

    def payload(self) -> bytes:
        """The turn as the commit that is stored."""
        return codec.join(self.encoded)

    def open(self, name: str, ids: Sequence[str]) -> None:
        """The first commit of a workspace: its name, its epoch, its three queues."""
        epoch, high, medium, low = ids
        supplied = [
            queues.Created(high, "high", 999, "runs before all others"),
            queues.Created(medium, "medium", 500, "the default", default=True),
            queues.Created(low, "low", 1, "runs when nothing else does"),
        ]
        self.given([workspace.Opened(name, epoch), *supplied])

    def given(self, events: Sequence[codec.Event]) -> None:
        """What the scheduler decided, and from which nothing follows."""
        self._record(events, SCHEDULER, "")

    def start_scheduler(self, scheduler: str, host: str, version: str) -> None:
        """Say who leads from here on; then plan everything, for nobody watched meanwhile."""
        self._record([workspace.SchedulerStarted(scheduler, host, version)], SCHEDULER, "")
        self._end_jobs("")
        everywhere = Touched.nothing()
        for endpoint in self.board.endpoints:
            everywhere.sources[endpoint] = None
            everywhere.pairs.update(dict.fromkeys(self.board.pairs_of(endpoint)))
        everywhere.lanes = True
        self._record(list(plan.plan(everywhere, self.board)), SCHEDULER, "")


def _who(said: Input) -> tuple[str, str]:
    """The actor and the cause that the events of an input carry."""
    match said:
        case Request(id=cause, actor=actor):
            return actor.name, cause
        case Report(id=cause, endpoint=endpoint):
            return f"endpoint/{endpoint}", cause
        case Beat(endpoint=endpoint):
            return f"endpoint/{endpoint}", ""
        case Silent() | Roomier() | Clock():
            return SCHEDULER, ""
