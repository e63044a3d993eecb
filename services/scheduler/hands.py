"""Tasks by hand: which tasks a hand changes, and what becomes of their job then. Pure.

A hand says only what it changes: the same hand again finds nothing to do. A task that is under way
is stopped, and only it (of a compute job the bucket that it is in). Afterwards the job follows, by
an event of the scheduler's own (`follows`).

- What runs or waits, and has nothing left to run, ends as a run does: done, failed, or paused when
  tasks on hold are all that is left.
- A finished or failed job of which a task is retried goes to the bottom of its queue, and so does
  a paused one that had nothing left to run. A paused job that has is a person's: it stays paused.
- An aborted job stays aborted whatever else is done to its tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from events import jobs, ranges, tasks
from events.job import Job
from events.jobs import Status
from events.ranges import BadRanges
from projections.board import Board
from projections.task_table import (
    BOOTING,
    DONE,
    EXCLUDED,
    EXECUTING,
    FAILED,
    ONHOLD,
    QUEUED,
    TaskTable,
)
from services.scheduler import ending
from services.scheduler.commands import Actor, HandOnTasks, Rejected, Why
from services.scheduler.finding import bottom, changed, visible

Event = jobs.Event | tasks.Event
TO_RUN = (QUEUED, BOOTING, EXECUTING)
_HOLDS = {
    "retry": (QUEUED, BOOTING),
    "hold": (ONHOLD,),
    "fail": (FAILED,),
    "done": (DONE,),
    "exclude": (EXCLUDED,),
}
"""What is so already; one that has a lane and has not begun will be tried anyway."""


def decide(command: HandOnTasks, actor: Actor, board: Board) -> Sequence[Event] | Rejected:
    job = visible(command.job, actor, board)
    if isinstance(job, Rejected):
        return job
    if command.seen not in (None, job.version):
        return changed(job)
    table = board.tables[job.id]
    if not (job.listed or job.opened or job.adding):
        detail = f"{job.name} ({job.id}) is not listed yet: its tasks are known after that"
        return Rejected(Why.CONFLICT, detail, "job")
    chosen = _chosen(command.tasks, table)
    if isinstance(chosen, Rejected):
        return chosen
    already = _HOLDS[command.action]
    given = ranges.write(n for n in chosen if int(table.status(n)) not in already)
    if not given:
        return []
    had_work = runnable(table) or job.opened
    stopped, given = _stopped(command, job, given, table)
    event = _event(command, job, given, table) if given else None
    events = [*stopped, *([event] if event else [])]
    return [*events, *_again(job, board)] if _revived(command, job, had_work=had_work) else events


def _chosen(text: str, table: TaskTable) -> Iterable[int] | Rejected:
    """The numbers that a person's words name: `all`, a status, or ranges like `0-99,120`."""
    words = [status.name.lower() for status in tasks.Status]
    text = text.strip()
    if text == "all":
        return range(len(table))
    if text in words:
        wanted = tasks.Status[text.upper()]
        return (n for n in range(len(table)) if table.status(n) is wanted)
    try:
        spans = ranges.spans(text)
    except BadRanges as error:
        return Rejected(Why.INVALID, f"{error}, or all, or one of {', '.join(words)}", "tasks")
    if not spans:
        detail = f"name tasks: for example 0-99,120, or all, or one of {', '.join(words)}"
        return Rejected(Why.INVALID, detail, "tasks")
    highest = max(last for _, last in spans)
    if highest >= len(table):
        there = f"they are 0 to {len(table) - 1}" if len(table) else "it has none"
        return Rejected(Why.INVALID, f"there is no task {highest}: {there}", "tasks")
    return sorted({n for first, last in spans for n in range(first, last + 1)})


def _stopped(
    command: HandOnTasks, job: Job, given: str, table: TaskTable
) -> tuple[list[tasks.Event], str]:
    """Buckets that hold one of these tasks leave their lanes; what is left to do by the hand.

    A bucket's release queues its tasks, so a retry has nothing more to say of those.
    """
    wanted = set(ranges.read(given)) if table.buckets else set()
    stopped: list[tasks.Event] = []
    for run, bucket in sorted(table.buckets.items()):
        numbers = set(ranges.read(bucket.numbers))
        if numbers & wanted:
            left = {n for n in numbers if int(table.status(n)) in (BOOTING, EXECUTING)}
            stopped.append(tasks.Released(job.id, run, ranges.write(left), "by_hand"))
            if command.action == "retry":
                wanted -= left
    return stopped, ranges.write(wanted) if stopped else given


def _event(command: HandOnTasks, job: Job, given: str, table: TaskTable) -> tasks.ByHand:
    not_done = [status for status in map(int, tasks.Status) if status != DONE]
    size = table.size_of(given, not_done if command.action == "done" else [DONE])
    match command.action:
        case "retry":
            return tasks.Queued(job.id, given, size)
        case "hold":
            return tasks.Held(job.id, given, size)
        case "fail":
            return tasks.MarkedFailed(job.id, given, size)
        case "done":
            return tasks.MarkedDone(job.id, given, size)
        case "exclude":
            return tasks.Excluded(job.id, given, size)


def _revived(command: HandOnTasks, job: Job, *, had_work: bool) -> bool:
    if command.action != "retry":
        return False
    match job.status:
        case Status.FAILED | Status.ABORTED | Status.DONE:
            return True
        case Status.PAUSED:
            return not had_work
        case Status.INIT | Status.WAITING | Status.RUNNING:
            return False


def _again(job: Job, board: Board) -> Iterator[jobs.Event]:
    queue = job.queue if job.queue in board.queues else board.default_queue().id
    place = bottom(board, queue)
    if queue != job.queue:
        yield jobs.Moved(job.id, queue, place)
    yield (
        jobs.Resumed(job.id, place) if job.status is Status.PAUSED else jobs.Retried(job.id, place)
    )


def runnable(table: TaskTable) -> bool:
    """Whether a task waits to be run, or runs."""
    return any(status in table.statuses for status in TO_RUN)


def follows(job_id: str, board: Board, now: datetime) -> Iterator[jobs.Event]:
    """What becomes of a job after a hand on its tasks: nothing, or its end."""
    job, table = board.jobs[job_id], board.tables[job_id]
    if not job.listed or runnable(table) or job.status is Status.ABORTED:
        return
    end = ending.ended(job, board, now)
    match end, job.status:
        case (
            (jobs.Done(), Status.DONE)
            | (jobs.Paused(), Status.PAUSED)
            | (jobs.Failed(), Status.FAILED)
        ):
            return
        case _:
            yield end
