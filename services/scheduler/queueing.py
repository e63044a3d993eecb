"""What people ask of queues, decided. Pure.

There is always one default queue, so it can be neither deleted nor made none: another is made the
default instead. Whoever manages jobs may hold a queue; making and changing queues is for admins.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from events import jobs, places, queues
from events.queues import CHANGEABLE, CODE, PRIORITY_MAX, Queue
from projections.board import Board
from services.scheduler.commands import (
    JOBS_PER_COMMAND_MAX,
    Actor,
    ChangeQueue,
    CreateQueue,
    DeleteQueue,
    OfQueue,
    PauseQueue,
    Rejected,
    ResumeQueue,
    Role,
    Why,
)

Event = jobs.Event | queues.Event
QUEUES_MAX = 1_000
METADATA_MAX = 100
TEXT_MAX = 2_000


def decide(command: OfQueue, actor: Actor, board: Board) -> Sequence[Event] | Rejected:
    refusal = _forbidden(command, actor)
    if refusal is not None:
        return refusal
    if isinstance(command, CreateQueue):
        return _create(command, board)
    queue = board.queues.get(command.queue) or board.queue_by_code(command.queue)
    if queue is None:
        return unknown(command.queue, board, Why.ABSENT)
    match command:
        case ChangeQueue():
            return _change(command, queue, board)
        case PauseQueue():
            return [] if queue.paused else [queues.Paused(queue.id)]
        case ResumeQueue():
            return [queues.Resumed(queue.id)] if queue.paused else []
        case DeleteQueue():
            return _delete(queue, board)


def unknown(code: str, board: Board, why: Why = Why.INVALID) -> Rejected:
    codes = ", ".join(sorted(one.code for one in board.queues.values()))
    return Rejected(why, f"there is no queue {code!r}: there are {codes}", "queue")


def _forbidden(command: OfQueue, actor: Actor) -> Rejected | None:
    holds = isinstance(command, PauseQueue | ResumeQueue)
    if actor.role is Role.ADMIN or (holds and actor.role is Role.EMPLOYEE):
        return None
    who = "an admin or an employee" if holds else "an admin"
    return Rejected(Why.FORBIDDEN, f"this is for {who}: ask one to do it")


def _create(command: CreateQueue, board: Board) -> Sequence[Event] | Rejected:
    if command.queue in board.queues:
        return []
    refusal = _wrong(command, None, board)
    if refusal is not None:
        return refusal
    if len(board.queues) >= QUEUES_MAX:
        return Rejected(Why.CONFLICT, f"there are {QUEUES_MAX} queues: delete one first")
    created = queues.Created(command.queue, command.code, command.priority, command.description)
    more = ChangeQueue(
        command.queue,
        metadata=command.metadata or None,
        default=command.default or None,
        compute_default=command.compute_default or None,
    )
    fresh = Queue(command.queue, command.code, command.priority, command.description)
    return [created, *_changes(more, fresh, board)]


def _change(command: ChangeQueue, queue: Queue, board: Board) -> Sequence[Event] | Rejected:
    refusal = _wrong(command, queue, board)
    return _changes(command, queue, board) if refusal is None else refusal


def _changes(command: ChangeQueue, queue: Queue, board: Board) -> Sequence[Event]:
    """The change, without what holds already; a default taken over is taken from its holder."""
    asked: dict[str, Any] = {name: getattr(command, name) for name in CHANGEABLE}
    news = {k: v for k, v in asked.items() if v is not None and v != getattr(queue, k)}
    if not news:
        return []
    events: list[Event] = [queues.Changed(queue.id, **news)]
    others = [one for one in board.queues.values() if one.id != queue.id]
    if news.get("default"):
        events += [queues.Changed(one.id, default=False) for one in others if one.default]
    if news.get("compute_default"):
        holders = [one for one in others if one.compute_default]
        events += [queues.Changed(one.id, compute_default=False) for one in holders]
    return events


def _wrong(
    command: CreateQueue | ChangeQueue, known: Queue | None, board: Board
) -> Rejected | None:
    code, priority = command.code, command.priority
    if code is not None and not CODE.fullmatch(code):
        detail = "a code is 1 to 64 letters, digits, underscores, hyphens and, inside, dots"
        return Rejected(Why.INVALID, detail, "code")
    same = board.queue_by_code(code) if code is not None else None
    if same is not None and same != known:
        return Rejected(Why.CONFLICT, f"there is a queue {code!r} already", "code")
    if priority is not None and not 0 <= priority <= PRIORITY_MAX:
        return Rejected(Why.INVALID, f"a priority is 0 to {PRIORITY_MAX}", "priority")
    if len(command.description or "") > TEXT_MAX:
        return Rejected(Why.INVALID, f"at most {TEXT_MAX} characters", "description")
    return _wrong_metadata(command.metadata or {}) or _wrong_default(command, known)


def _wrong_metadata(metadata: dict[str, str]) -> Rejected | None:
    long = any(len(key) > TEXT_MAX or len(value) > TEXT_MAX for key, value in metadata.items())
    if len(metadata) > METADATA_MAX or long:
        detail = f"at most {METADATA_MAX} entries of {TEXT_MAX} characters"
        return Rejected(Why.INVALID, detail, "metadata")
    return None


def _wrong_default(command: CreateQueue | ChangeQueue, known: Queue | None) -> Rejected | None:
    if known is not None and known.default and command.default is False:
        detail = f"{known.code} is the default queue: make another one the default instead"
        return Rejected(Why.CONFLICT, detail, "default")
    return None


def _delete(queue: Queue, board: Board) -> Sequence[Event] | Rejected:
    if queue.default:
        detail = f"{queue.code} is the default queue: make another one the default first"
        return Rejected(Why.CONFLICT, detail, "queue")
    leaving = list(islice(board.unfinished(queue.id), JOBS_PER_COMMAND_MAX + 1))
    if len(leaving) > JOBS_PER_COMMAND_MAX:
        detail = f"{queue.code} holds more than {JOBS_PER_COMMAND_MAX} jobs: move some away first"
        return Rejected(Why.CONFLICT, detail, "queue")
    to = board.default_queue().id
    line = board.line(to)
    new_places = places.between(line[-1][0] if line else None, None, len(leaving))
    moved = [jobs.Moved(job.id, to, place) for job, place in zip(leaving, new_places, strict=True)]
    return [*moved, queues.Deleted(queue.id, to)]
