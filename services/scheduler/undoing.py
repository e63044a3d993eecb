"""Taking back what a command did: new events that make it as it was. Pure.

Where somebody changed the same thing since, nothing is taken back: who undoes would undo theirs.
What a command led to by itself is not undone, it follows from how things are again.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from events import jobs, places, queues, ranges, tasks
from events.job import Job
from events.jobs import FINISHED, Status
from projections.board import Board
from services.scheduler import hands, queueing, setting
from services.scheduler.commands import (
    Actor,
    GiveBack,
    HandOnTasks,
    HoldBack,
    PauseQueue,
    PutBack,
    PutOn,
    Rejected,
    ResumeQueue,
    Set,
    SetBack,
    TakeOff,
    Undo,
    Why,
)
from services.scheduler.finding import visible

Event = jobs.Event | tasks.Event | queues.Event | setting.Event
OfJob = PutBack | PutOn | TakeOff | GiveBack


def decide(command: Undo, actor: Actor, board: Board) -> Sequence[Event] | Rejected:
    """They are of different things, so the board of before serves all of them."""
    events: list[Event] = []
    stood = _Places(board)
    for step in command.steps:
        match step:
            case SetBack():
                done = _set_back(step, actor, board)
            case HoldBack():
                done = _hold_back(step, actor, board)
            case PutBack() | PutOn() | TakeOff() | GiveBack():
                job = visible(step.job, actor, board)
                done = job if isinstance(job, Rejected) else _of_job(step, job, stood, actor, board)
        if isinstance(done, Rejected):
            return done
        events += done
    return events


def _of_job(
    step: OfJob, job: Job, stood: _Places, actor: Actor, board: Board
) -> Sequence[Event] | Rejected:
    match step:
        case PutBack(queue=queue):
            if job.status in FINISHED:
                return _changed(job, f"is {job.status}: it stands in no queue any more")
            if (job.queue, job.place) != step.moved_to:
                return _changed(job, "was moved again since")
            if queue not in board.queues:
                return _changed(job, "cannot go back: its queue was deleted since")
            return [jobs.Moved(job.id, queue, stood.of(job, queue, step.place))]
        case PutOn():
            if job.status is not Status.PAUSED or job.since != step.since:
                return _changed(job, f"is {job.status} by something that was done since")
            if job.listed and not hands.runnable(board.tables[job.id]):
                return _changed(job, "has only tasks on hold left since")
            return [jobs.Resumed(job.id, stood.of(job, job.queue, job.place))]
        case TakeOff():
            in_line = job.status in (Status.INIT, Status.WAITING, Status.RUNNING)
            if not in_line or job.place != step.place:
                what = "was moved" if in_line else f"is {job.status}"
                return _changed(job, f"{what} by something that was done since")
            return [jobs.Paused(job.id)]
        case GiveBack():
            return _give_back(step, job, stood, actor, board)


def _give_back(
    step: GiveBack, job: Job, stood: _Places, actor: Actor, board: Board
) -> Sequence[Event] | Rejected:
    table, now = board.tables[job.id], tasks.Status[step.now.upper()]
    others = ranges.write(
        n for n in ranges.read(step.numbers) if n >= len(table) or table.status(n) is not now
    )
    if others:
        return _changed(job, f"has tasks that were changed again since: {others[:80]}")
    hand = HandOnTasks(job=job.id, action=step.action, tasks=step.numbers)
    events = hands.decide(hand, actor, board)
    if isinstance(events, Rejected):
        return events
    return [_in_its_place(event, job, stood, board) for event in events]


def _in_its_place(event: Event, job: Job, stood: _Places, board: Board) -> Event:
    """A job that left the line for it comes back to where it was, not to the bottom."""
    if isinstance(event, jobs.Resumed | jobs.Retried) and job.queue in board.queues:
        return replace(event, place=stood.of(job, job.queue, job.place))
    return event


class _Places:
    """Where jobs stood. Who has got such a place since comes behind the one that stood there."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._given: set[tuple[str, str]] = set()

    def of(self, job: Job, queue: str, place: str) -> str:
        line = self._board.line(queue)
        at = line.bisect_left((place, ""))
        others = {one[0] for one in line[at : at + 2] if one[1] != job.id}
        above = line[at - 1][0] if at else None
        while place in others or (queue, place) in self._given:
            place = places.between(above, place)[0]
        self._given.add((queue, place))
        return place


def _set_back(step: SetBack, actor: Actor, board: Board) -> Sequence[Event] | Rejected:
    holder = setting.find(step.level, step.which, actor, board)
    if isinstance(holder, Rejected):
        return holder
    for name, value in step.now.items():
        if holder.held.get(name) != value:
            detail = f"{name} of the {step.level} was set again since: look, then set it"
            return Rejected(Why.CONFLICT, detail, "command")
    return setting.decide(Set(step.level, step.which, step.values, step.unset), actor, board)


def _hold_back(step: HoldBack, actor: Actor, board: Board) -> Sequence[Event] | Rejected:
    queue = board.queues.get(step.queue)
    if queue is None or queue.paused is step.paused or queue.since != step.since:
        what = f"queue {queue.code} was held or let go on again" if queue else "it was deleted"
        return Rejected(Why.CONFLICT, f"{what} since: look, then decide", "command")
    command = PauseQueue(queue.id) if step.paused else ResumeQueue(queue.id)
    return queueing.decide(command, actor, board)


def _changed(job: Job, what: str) -> Rejected:
    return Rejected(Why.CONFLICT, f"{job.name} ({job.id}) {what}", "command")
