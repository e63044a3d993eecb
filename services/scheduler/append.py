"""Adding to a job: paths below a transfer's source, or frames of a compute job. Pure.

What a job has already is tried again, what is under way goes on. Paths are listed by the source's
agent first, whatever the job is at; a job that ended then waits at the bottom of its queue.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from events import frames, jobs, names, ranges, tasks
from events.job import Job
from events.parts import Places
from events.patterns import BadPattern, Patterns
from projections.board import Board
from projections.task_table import BOOTING, DONE, EXECUTING, FAILED, QUEUED, Stretch
from projections.uris import DIGEST_BYTES, digest
from services.scheduler import policy
from services.scheduler.commands import Append, Rejected, Why

Event = jobs.Event | tasks.Event
URIS_MAX = 1_000
URI_BYTES_MAX = 4_096
PENDING_BYTES_MAX = 200_000


def decide(
    command: Append, job: Job, board: Board, place: str | None
) -> Sequence[Event] | Rejected:
    """`place` is where a job that ended goes to wait, None for one that did not end."""
    return (_frames if job.computes else _paths)(command, job, board, place)


# Transfers.


def _paths(
    command: Append, job: Job, board: Board, place: str | None
) -> Sequence[Event] | Rejected:
    if command.frames is not None or not command.uris:
        detail = "a transfer takes paths below its source: name at least one, and no frames"
        return Rejected(Why.INVALID, detail, "paths")
    uris = []
    for path in command.uris[: URIS_MAX + 1]:
        uri = path.rstrip("/")
        fault = _fault(uri)
        if fault:
            return Rejected(Why.INVALID, f"the path {path[:URI_BYTES_MAX]!r} {fault}", "paths")
        uris.append(uri)
    refusal = _out_of_place(uris, job, board)
    if refusal is not None:
        return refusal
    new = tuple(uri for uri in dict.fromkeys(uris) if uri not in {*job.adding, *job.later})
    pending = (*job.adding, *job.later, *new)
    if len(pending) > URIS_MAX or sum(len(uri.encode()) for uri in pending) > PENDING_BYTES_MAX:
        return _too_many(job, pending)
    if not new:
        return [jobs.Retried(job.id, place)] if place else []
    return [jobs.Appended(job.id, new, place)]


def _out_of_place(uris: Sequence[str], job: Job, board: Board) -> Rejected | None:
    """Paths that its listing cannot, or would not, find below its source."""
    if _is_one_file(job, board):
        detail = (
            f"the source of {job.name} is one file, nothing is below it: submit another job for "
            "other files, or one whose source is their folder"
        )
        return Rejected(Why.CONFLICT, detail, "paths")
    strange = _of_no_part(uris, job)
    if strange is not None:
        detail = f"the path {strange!r} is in none of its sources: begin with the last name of one"
        return Rejected(Why.INVALID, detail, "paths")
    left_out = _excluded(uris, job, board)
    if left_out is not None:
        detail = f"the path {left_out!r} is left out by transfer_exclude of the job, or above it"
        return Rejected(Why.CONFLICT, detail, "paths")
    return None


def _fault(uri: str) -> str:
    """What is wrong with a path and what to do; "" if nothing is."""
    if not uri or uri.startswith("/"):
        return "is not below the source: write it as it is in there, without a slash in front"
    if {"", ".", ".."} & set(uri.split("/")):
        return "has a part that is empty, `.` or `..`: leave that out"
    if "\0" in uri:
        return "holds a NUL character: no file has one in its name"
    try:
        length = len(names.to_bytes(uri))
    except names.BadEscape as error:
        return f"is not an escaped name: {error}"
    return f"has {length} bytes: at most {URI_BYTES_MAX}" if length > URI_BYTES_MAX else ""


def _of_no_part(uris: Sequence[str], job: Job) -> str | None:
    """The first that would arrive where no source of the job does."""
    if not job.transfer.parts:
        return None
    places = Places(job.transfer.parts)
    return next((uri for uri in uris if places.path(uri) is None), None)


def _excluded(uris: Sequence[str], job: Job, board: Board) -> str | None:
    """The first that its listing would leave out, whatever it is. Patterns that are too large
    together fail the listing itself."""
    try:
        exclude = Patterns(str(policy.of_job("transfer_exclude", job, board)))
    except BadPattern:
        return None

    def is_out(uri: str) -> bool:
        above = (uri[:at] for at, character in enumerate(uri) if character == "/")
        return exclude.match(uri, folder=False) or any(
            exclude.match(folder, folder=True) for folder in above
        )

    return next(filter(is_out, uris), None) if exclude else None


def _is_one_file(job: Job, board: Board) -> bool:
    """A folder's first task is itself, which has no name."""
    if job.transfer.parts:
        return False
    known = board.tables[job.id].digests
    return job.listed and len(known) == DIGEST_BYTES and known != digest("")


def _too_many(job: Job, pending: Sequence[str]) -> Rejected:
    size_bytes = sum(len(uri.encode()) for uri in pending)
    detail = (
        f"{len(pending)} paths of {size_bytes} bytes would have to be listed for {job.name}: at "
        f"most {URIS_MAX} and {PENDING_BYTES_MAX} at a time. Name their folder, or append the "
        "rest when these are listed"
    )
    return Rejected(Why.INVALID, detail, "paths")


# Compute jobs.


def _frames(
    command: Append, job: Job, board: Board, place: str | None
) -> Sequence[Event] | Rejected:
    if command.frames is None or command.uris:
        detail = "a compute job takes frames, such as 1001-1010: name some, and no paths"
        return Rejected(Why.INVALID, detail, "frames")
    table = board.tables[job.id]
    if any(not stretch.frames for stretch in table.stretches):
        detail = f"{job.name} runs its command once and has no frames: retry it, or submit another"
        return Rejected(Why.CONFLICT, detail, "frames")
    try:
        wanted = frames.read(command.frames)
    except frames.BadFrames as error:
        return Rejected(Why.INVALID, f"frames: {error}", "frames")
    numbers = dict(_numbers(table.stretches))
    new = [frame for frame in wanted if frame not in numbers]
    if len(table) + len(new) > frames.FRAMES_MAX:
        detail = f"{job.name} would have {len(table) + len(new):,} frames: at most "
        return Rejected(Why.INVALID, f"{detail}{frames.FRAMES_MAX:,} in one job", "frames")
    kept = {QUEUED, EXECUTING, BOOTING} | ({FAILED} if place else set())
    known = sorted(numbers[frame] for frame in wanted if frame in numbers)
    again = ranges.write(n for n in known if int(table.status(n)) not in kept)
    events: list[Event] = []
    if again:
        events.append(tasks.Queued(job.id, again, table.size_of(again, [DONE])))
    if new:
        events.append(tasks.Ranged(job.id, len(table), frames.write(new), len(new)))
    return [*events, jobs.Retried(job.id, place)] if place else events


def _numbers(stretches: Sequence[Stretch]) -> Iterator[tuple[int, int]]:
    """Each frame with the number of its task."""
    for stretch in stretches:
        yield from (
            (f, n) for n, f in enumerate(chain(*frames.spans(stretch.frames)), stretch.first)
        )
