"""What a person asks for, decided: events, `[]` for what already holds, or a refusal.

The life cycle of a job, as far as a person's hand moves it, is the table in `_hand`. What the
scheduler does about it afterwards is in `plan`.
"""

from __future__ import annotations

from collections.abc import Sequence

from events import endpoints, jobs, queues, ranges, tasks
from events.job import Job
from events.jobs import FINISHED, ErrorClass, Status
from projections.board import Board, in_line
from services.scheduler import (
    append,
    changing,
    enabling,
    hands,
    move,
    queueing,
    setting,
    submitting,
    undoing,
)
from services.scheduler.commands import (
    Abort,
    Actor,
    Append,
    ChangeFiles,
    ChangeQueue,
    CreateQueue,
    DeleteQueue,
    DisableEndpoint,
    EnableEndpoint,
    HandOnTasks,
    Move,
    Pause,
    PauseQueue,
    PersonsCommand,
    Rejected,
    Resume,
    ResumeQueue,
    Retry,
    Set,
    Submit,
    SubmitCompute,
    Undo,
    Why,
)
from services.scheduler.finding import bottom, changed, visible

Event = jobs.Event | tasks.Event | queues.Event | endpoints.Event | setting.Event


def decide(command: PersonsCommand, actor: Actor, board: Board) -> Sequence[Event] | Rejected:
    match command:
        case Submit() | SubmitCompute():
            return submitting.decide(command, actor, board)
        case Move():
            return _move(command, actor, board)
        case CreateQueue() | ChangeQueue() | PauseQueue() | ResumeQueue() | DeleteQueue():
            return queueing.decide(command, actor, board)
        case DisableEndpoint() | EnableEndpoint():
            return enabling.decide(command, actor, board)
        case Set():
            return setting.decide(command, actor, board)
        case ChangeFiles():
            return changing.decide(command, actor, board)
        case HandOnTasks():
            return hands.decide(command, actor, board)
        case Undo():
            return undoing.decide(command, actor, board)
        case Pause() | Resume() | Retry() | Abort():
            job = visible(command.job, actor, board)
            return job if isinstance(job, Rejected) else _hand(command, job, board)
        case Append():
            job = visible(command.job, actor, board)
            return job if isinstance(job, Rejected) else _append(command, job, board)


def _hand(
    command: Pause | Resume | Retry | Abort, job: Job, board: Board
) -> Sequence[Event] | Rejected:
    if command.seen not in (None, job.version):
        return changed(job)
    match command, job.status:
        case Pause(), Status.INIT | Status.WAITING | Status.RUNNING:
            return [jobs.Paused(job.id)]
        case Resume(), Status.PAUSED if _has_nothing_to_run(job, board):
            return _conflict(job, "has only tasks on hold left: retry those that are to be run")
        case Resume(), Status.PAUSED:
            return [jobs.Resumed(job.id, bottom(board, job.queue))]
        case Retry(), Status.FAILED | Status.ABORTED | Status.DONE:
            return _retry(job, board)
        case Abort(), Status.INIT | Status.WAITING | Status.RUNNING:
            return [jobs.Aborted(job.id)]
        case Abort(), Status.PAUSED | Status.FAILED:
            return [jobs.Aborted(job.id)]

        case (Pause(), Status.PAUSED) | (Abort(), Status.ABORTED):
            return []
        case Resume() | Retry(), Status.INIT | Status.WAITING | Status.RUNNING:
            return []

        case Pause(), Status.FAILED:
            return _conflict(job, "has failed: retry it or abort it")
        case Pause(), Status.ABORTED | Status.DONE:
            return _conflict(job, f"is {job.status}: there is nothing to pause")
        case Resume(), Status.FAILED | Status.ABORTED | Status.DONE:
            return _conflict(job, f"is {job.status}: retry it to run it again")
        case Retry(), Status.PAUSED:
            return _conflict(job, "is paused: resume it")
        case Abort(), Status.DONE:
            return _conflict(job, "is done: there is nothing to abort")
    raise AssertionError("every command has an arrow from every status")


def _has_nothing_to_run(job: Job, board: Board) -> bool:
    return job.listed and not hands.runnable(board.tables[job.id])


def _conflict(job: Job, what: str) -> Rejected:
    return Rejected(Why.CONFLICT, f"{job.name} ({job.id}) {what}", "job")


def _retry(job: Job, board: Board) -> list[Event] | Rejected:
    """Back to the bottom: a done job from its listing on, others with what failed.

    A compute job has no listing: one that is done runs all that was not left out again.
    """
    relist = job.status is Status.DONE and not job.computes
    queued = [] if relist else requeue_failed(job, board, tuple(ErrorClass))
    if job.computes and job.status is Status.DONE:
        queued = _requeue_settled(job, board)
    if job.computes and not queued and not hands.runnable(board.tables[job.id]):
        return _conflict(job, "has no task left to run: retry those that are to be run")
    place, moved = _back(job, board)
    return [*queued, *moved, jobs.Retried(job.id, place, relist)]


def _back(job: Job, board: Board) -> tuple[str, list[Event]]:
    """The bottom of its queue, or of the default one when its own is gone."""
    queue = job.queue if job.queue in board.queues else board.default_queue().id
    place = bottom(board, queue)
    return place, [] if queue == job.queue else [jobs.Moved(job.id, queue, place)]


def _append(command: Append, job: Job, board: Board) -> Sequence[Event] | Rejected:
    """A job that ended goes on from where it stood, like one that is retried."""
    if command.seen not in (None, job.version):
        return changed(job)
    if job.status not in FINISHED and job.status is not Status.FAILED:
        return append.decide(command, job, board, None)
    place, moved = _back(job, board)
    added = append.decide(command, job, board, place)
    if isinstance(added, Rejected):
        return added
    return [*requeue_failed(job, board, tuple(ErrorClass)), *moved, *added]


def requeue_failed(job: Job, board: Board, classes: tuple[ErrorClass, ...]) -> list[tasks.Queued]:
    numbers = board.tables[job.id].failed(classes)
    return [tasks.Queued(job.id, numbers)] if numbers else []


def _requeue_settled(job: Job, board: Board) -> list[tasks.Queued]:
    table = board.tables[job.id]
    left_out = (tasks.Status.EXCLUDED, tasks.Status.ONHOLD)
    numbers = ranges.write(n for n in range(len(table)) if table.status(n) not in left_out)
    return [tasks.Queued(job.id, numbers)] if numbers else []


def _move(command: Move, actor: Actor, board: Board) -> Sequence[Event] | Rejected:
    chosen: dict[str, Job] = {}
    for job_id in command.jobs:
        job = visible(job_id, actor, board)
        if isinstance(job, Rejected):
            return job
        if job.status in FINISHED:
            return _conflict(job, f"is {job.status}: only unfinished jobs stand in a queue")
        if command.seen.get(job.id, job.version) != job.version:
            return changed(job)
        chosen[job.id] = job
    refusal = move.contradiction(command, chosen)
    if refusal is not None:
        return refusal
    neighbour = command.before or command.after
    if neighbour is not None:
        found = visible(neighbour, actor, board)
        if isinstance(found, Rejected):
            return found
        if not in_line(found):
            return _conflict(found, f"is {found.status}: it has no place in a queue to go to")
    target = move.target(command, board)
    return target if isinstance(target, Rejected) else move.moved(chosen, target, board)
