"""What a command names, found on the board, and the refusal of what is not there. Pure."""

from __future__ import annotations

from events import places
from events.job import Job
from projections.board import Board
from services.scheduler.commands import Actor, Rejected, Role, Why


def visible(job_id: str, actor: Actor, board: Board) -> Job | Rejected:
    """The job, if it exists and the actor may know of it: a user sees only their own."""
    job = board.jobs.get(job_id)
    if job is None or (actor.role is Role.USER and job.user != actor.name):
        detail = f"there is no job {job_id}: see the list of jobs"
        return Rejected(Why.ABSENT, detail, "job")
    return job


def changed(job: Job) -> Rejected:
    detail = f"{job.name} ({job.id}) is not as you saw it any more: look again, then decide"
    return Rejected(Why.CHANGED, detail, "job")


def bottom(board: Board, queue: str) -> str:
    line = board.line(queue)
    return places.between(line[-1][0] if line else None, None)[0]


def there_is_no(noun: str, name: str, known: set[str], field: str) -> Rejected:
    there_are = f"there are {', '.join(sorted(known))}" if known else "there is none yet"
    return Rejected(Why.INVALID, f"there is no {noun} {name!r}: {there_are}", field)


def leaves(field: str, volume: str, path: str) -> Rejected | None:
    if ".." in path.split("/") or path.startswith("/"):
        detail = f"the path {path} leaves the volume: write it below {volume}, without `..`"
        return Rejected(Why.INVALID, detail, field)
    return None
