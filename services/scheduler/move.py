"""Where a move goes, and the events that get there. Pure.

Jobs moved together keep their order among themselves. A move that changes nothing adds nothing.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from events import jobs, places
from events.job import Job
from projections.board import Board, in_line
from services.scheduler import queueing
from services.scheduler.commands import JOBS_PER_COMMAND_MAX, Move, Rejected, Why


class Target(Struct, frozen=True):
    """A spot in a queue: its top, its bottom, or beside the job `beside`."""

    queue: str
    side: Literal["top", "bottom", "before", "after"]
    beside: str = ""


def target(command: Move, board: Board) -> Target | Rejected:
    """Where to. The command makes sense, and the neighbour, if one is named, stands in line."""
    queue = board.queue_by_code(command.queue) if command.queue else None
    if command.queue and queue is None:
        return queueing.unknown(command.queue, board)
    neighbour = command.before or command.after
    if neighbour is None:
        return Target(queue.id if queue else "", command.to or "bottom")
    stands_in = board.jobs[neighbour].queue
    if queue is not None and queue.id != stands_in:
        detail = (
            f"{neighbour} stands in queue {board.queues[stands_in].code}, not in {queue.code}: "
            "leave the queue out or name a job of that queue"
        )
        return Rejected(Why.INVALID, detail, "queue")
    return Target(stands_in, "before" if command.before else "after", neighbour)


def contradiction(command: Move, chosen: dict[str, Job]) -> Rejected | None:
    given = [
        name
        for name, value in (
            ("before", command.before),
            ("after", command.after),
            ("to", command.to),
        )
        if value is not None
    ]
    if not chosen or len(chosen) > JOBS_PER_COMMAND_MAX:
        detail = f"name 1 to {JOBS_PER_COMMAND_MAX} jobs to move"
        return Rejected(Why.INVALID, detail, "jobs")
    if len(given) > 1:
        detail = f"{' and '.join(given)} contradict each other: give one of them"
        return Rejected(Why.INVALID, detail, given[1])
    if not given and command.queue is None:
        detail = "say where to: a queue, before, after, or to top or bottom"
        return Rejected(Why.INVALID, detail, "to")
    if (command.before or command.after) in chosen:
        return Rejected(Why.INVALID, "a job cannot be moved beside itself", given[0])
    return None


def moved(chosen: dict[str, Job], to: Target, board: Board) -> list[jobs.Event]:
    """The events of the move; without a queue in the target each job stays in its own."""
    ordered = sorted(chosen.values(), key=board.rank)
    queues = [to.queue] if to.queue else list(dict.fromkeys(job.queue for job in ordered))
    events: list[jobs.Event] = []
    for queue in queues:
        group = [job for job in ordered if to.queue or job.queue == queue]
        events += _moved_within(group, Target(queue, to.side, to.beside), board)
    return events


def _moved_within(group: list[Job], to: Target, board: Board) -> list[jobs.Event]:
    above, below = _gap({job.id for job in group}, to, board)
    if _already_there(group, above, to, board):
        return []
    new_places = places.between(above, below, len(group))
    if max(map(len, new_places)) > places.LENGTH_MAX:
        return _spread(group, to, board)
    return [
        jobs.Moved(job.id, to.queue, place) for job, place in zip(group, new_places, strict=True)
    ]


def _spread(group: list[Job], to: Target, board: Board) -> list[jobs.Event]:
    """Short places anew, for as many neighbours as need be: one gap was halved too often."""
    line, at, moving = board.line(to.queue), _spot(to, board), {job.id for job in group}
    reach = 4
    while True:
        reach *= 2
        first, last = max(0, at - reach), min(len(line), at + reach)
        before = [job for _, job in line[first:at] if job not in moving]
        after = [job for _, job in line[at:last] if job not in moving]
        ordered = [*before, *(job.id for job in group), *after]
        above = line[first - 1][0] if first else None
        below = line[last][0] if last < len(line) else None
        new_places = places.between(above, below, len(ordered))
        if max(map(len, new_places)) <= places.LENGTH_MAX or (above, below) == (None, None):
            pairs = zip(ordered, new_places, strict=True)
            return [jobs.Moved(job, to.queue, place) for job, place in pairs]


def _gap(moving: set[str], to: Target, board: Board) -> tuple[str | None, str | None]:
    """The places above and below the spot, as if the moving jobs were not there."""
    line = board.line(to.queue)
    at = _spot(to, board)
    up, down = at - 1, at
    while up >= 0 and line[up][1] in moving:
        up -= 1
    while down < len(line) and line[down][1] in moving:
        down += 1
    return (line[up][0] if up >= 0 else None, line[down][0] if down < len(line) else None)


def _spot(to: Target, board: Board) -> int:
    line = board.line(to.queue)
    match to.side:
        case "top":
            return 0
        case "bottom":
            return len(line)
        case "before" | "after":
            at = int(line.index((board.jobs[to.beside].place, to.beside)))
            return at if to.side == "before" else at + 1


def _already_there(group: list[Job], above: str | None, to: Target, board: Board) -> bool:
    if any(job.queue != to.queue for job in group):
        return False
    standing = [job for job in group if in_line(job)]
    if not standing:
        return True
    line = board.line(to.queue)
    first = int(line.index((standing[0].place, standing[0].id)))
    there = [job_id for _, job_id in line[first : first + len(standing)]]
    follows = (line[first - 1][0] if first else None) == above
    return follows and there == [job.id for job in standing]
