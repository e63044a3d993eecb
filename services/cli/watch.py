"""`--wait`: watching one job to its end, whatever happens to the services meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import msgspec

from services.cli import screen, tables, words
from services.cli.client import Client
from services.cli.display import display
from services.cli.failures import FAILED, INTERRUPTED
from services.cli.following import follow, patiently
from services.cli.naming import find_job
from services.cli.stream import Message
from services.gateway.resources import Job, Progress


def wait_for(client: Client, job: Job, json: bool = False) -> int:
    """Show progress until the job ends; the exit status."""
    try:
        with display(job) as show:
            for now in changes(client, job):
                show(now)
                if ended(now):
                    break
    except KeyboardInterrupt:
        screen.note(
            f"\njob {job.id} goes on without you: `haulage job {job.id}` shows it, "
            f"`haulage abort {job.id}` stops it"
        )
        return INTERRUPTED
    _say_end(now, json)
    return 0 if now.status == "done" else FAILED


def ended(job: Job) -> bool:
    """A job that failed and will be tried again by itself has not ended."""
    return job.status in ("done", "aborted") or (job.status == "failed" and job.retry_at is None)


def changes(client: Client, job: Job) -> Iterator[Job]:
    """The job as it is, then whenever it may have changed. Raises Unanswered, Refused."""
    yield job
    for message in follow(client, {"only": "rows", "job": job.id}, job.sequence):
        changed = _told(job, message) if message else None
        job = changed or patiently(partial(find_job, client, job.id))
        yield job


def _told(job: Job, message: Message) -> Job | None:
    """The job after a message of the stream; None if that makes no sense."""
    try:
        match message.event:
            case "job":
                now = msgspec.json.decode(message.data, type=Job)
                return now if now.id == job.id else job
            case "progress":
                return _advanced(job, msgspec.json.decode(message.data, type=Progress))
    except msgspec.MsgspecError:
        return None
    return job


def _advanced(job: Job, tick: Progress) -> Job:
    if tick.id != job.id:
        return job
    return msgspec.structs.replace(job, **msgspec.structs.asdict(tick))


def _say_end(job: Job, json: bool) -> None:
    if json:
        screen.emit(job)
    elif job.status == "done":
        screen.say(f"{job.id}  done: {_moved(job)}")
    if job.status != "done":
        why = tables.error(job)
        screen.complain(f"job {job.id} {job.status}{f': {why}' if why else ''}")


def _moved(job: Job) -> str:
    moved = words.count(job.tasks_done, "task" if job.compute is None else "frame")
    moved += f", {words.size(job.size)}" if job.compute is None else ""
    if job.started_at is None or job.finished_at is None:
        return moved
    return f"{moved} in {words.took((job.finished_at - job.started_at).total_seconds())}"
