"""The API's commands. The scheduler decides each; here it is read, named and handed on.

A command is known for ever by its `Idempotency-Key` (of its actor): sent again, it gets the first
answer again and does nothing twice. A job that is named by its whole id is the scheduler's to find,
because it may be too new for the read side.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeAlias, cast, get_args

from litestar import Response, post
from litestar.params import HeaderParameter, JSONBody, PathParameter

from events.ids import CHANCE_BYTES, is_id, new_id
from services.gateway import jobs, parties, sources, versions
from services.gateway.bodies import AppendMore, MoveJobs, MoveTo, OfTasks, SubmitTransfer
from services.gateway.context import Asked, Gateway, Ours, user_of
from services.gateway.jobs import ID_LENGTH
from services.gateway.problems import Refusal, invalid, rejected
from services.gateway.read_routes import JobId
from services.gateway.resources import Done
from services.gateway.rows import WORKSPACE, Picture
from services.gateway.versions import IfMatch
from services.scheduler.commands import (
    JOBS_PER_COMMAND_MAX,
    NAME_MAX,
    Abort,
    Append,
    HandOnTasks,
    Move,
    PartyNamed,
    Pause,
    PersonsCommand,
    Rejected,
    Request,
    Resume,
    Retry,
    Submit,
)

KEY_MAX = 200
CHECKED_MAX = 10
Action: TypeAlias = Literal["retry", "hold", "fail", "done", "exclude"]
ACTIONS = get_args(Action)
TaskAction: TypeAlias = Annotated[
    str,
    PathParameter(description="retry, hold, fail (set failed), done (set done) or exclude."),
]

Key: TypeAlias = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="1 to 200 visible ASCII characters that name this command: repeat a command "
        "whose answer was lost with the same key, and it is obeyed once.",
    ),
]


@post("/jobs", summary="Submit a transfer")
async def submit(
    request: Asked, gateway: Ours, data: JSONBody[SubmitTransfer], key: Key = None
) -> Response[Done]:
    command, command_id = await submission(request, gateway, data), named(request, key)
    await _check_sources(gateway, command, command_id)
    return submitted_at(await obeyed(request, gateway, command, command_id))


async def submission(request: Asked, gateway: Gateway, data: SubmitTransfer) -> Submit:
    """Raises Refusal."""
    taken = sources.read(data.source)
    if isinstance(taken, Rejected):
        raise rejected(taken)
    return Submit(
        job=fresh_id(),
        source=taken.party,
        destination=_party(parties.read_destination(data.destination)),
        parts=taken.parts,
        name=job_name(data.name),
        queue=data.queue,
        paused=data.paused,
        settings=data.settings,
        depends_on=await whole_ids(request, gateway, data.depends_on, "depends_on"),
    )


def submitted_at(done: Done) -> Response[Done]:
    where = {"location": f"/api/jobs/{done.jobs[0]}"} if done.jobs else {}
    return Response(done, status_code=201, headers=where)


def _party(read: PartyNamed | Rejected) -> PartyNamed:
    if isinstance(read, Rejected):
        raise rejected(read)
    return read


def job_name(name: str | None) -> str | None:
    if name and any(character < " " or character == "\x7f" for character in name):
        raise invalid("name", "name: it holds control characters: leave them out")
    if name and len(name) > NAME_MAX:
        raise invalid("name", f"name: it has {len(name)} characters: at most {NAME_MAX}")
    return name


async def _check_sources(gateway: Gateway, command: Submit, command_id: str) -> None:
    """A source that its agent does not find is refused before anything is stored.

    Of many the first few are asked for, and files of a sequence may still come. Not for a command
    that was handed on before: it may be stored, and the first answer holds.
    """
    if gateway.asking.has_sent(command_id):
        return

    party = command.source

    async def question(picture: Picture) -> str | None:
        online = await picture.value(WORKSPACE["endpoint_online"], party.endpoint)
        return cast("str | None", online)

    endpoint = await gateway.rows.read(question)
    if endpoint is None:
        return
    literal = [one.path for one in command.parts if not one.frames][:CHECKED_MAX]
    for below in literal or ([] if command.parts else [""]):
        path = f"{party.path or ''}{below}"
        if await gateway.asking.is_missing(endpoint, party.volume, path):
            where = f"{party.endpoint}:{party.volume}/{path}"
            raise invalid("source", f"there is nothing at {where}: see what is in the volume")


@post("/jobs/{job:str}/pause", summary="Pause a job", status_code=200)
async def pause(
    request: Asked, gateway: Ours, job: JobId, key: Key = None, if_match: IfMatch = None
) -> Done:
    return await _by_hand(Pause, request, gateway, job, key, if_match)


@post("/jobs/{job:str}/resume", summary="Resume a job", status_code=200)
async def resume(
    request: Asked, gateway: Ours, job: JobId, key: Key = None, if_match: IfMatch = None
) -> Done:
    return await _by_hand(Resume, request, gateway, job, key, if_match)


@post("/jobs/{job:str}/retry", summary="Retry a job", status_code=200)
async def retry(
    request: Asked, gateway: Ours, job: JobId, key: Key = None, if_match: IfMatch = None
) -> Done:
    return await _by_hand(Retry, request, gateway, job, key, if_match)


@post("/jobs/{job:str}/abort", summary="Abort a job", status_code=200)
async def abort(
    request: Asked, gateway: Ours, job: JobId, key: Key = None, if_match: IfMatch = None
) -> Done:
    return await _by_hand(Abort, request, gateway, job, key, if_match)


async def _by_hand(
    kind: type[Pause | Resume | Retry | Abort],
    request: Asked,
    gateway: Gateway,
    job: str,
    key: str | None,
    if_match: str | None,
) -> Done:
    seen = versions.seen(if_match)
    (found,) = await whole_ids(request, gateway, [job])
    return await obeyed(request, gateway, kind(found, seen), named(request, key))


@post("/jobs/{job:str}/append", summary="Add paths or frames to a job", status_code=200)
async def append(
    request: Asked,
    gateway: Ours,
    job: JobId,
    data: JSONBody[AppendMore],
    key: Key = None,
    if_match: IfMatch = None,
) -> Done:
    """A job that ended waits again, at the bottom of its queue."""
    seen = versions.seen(if_match)
    (found,) = await whole_ids(request, gateway, [job])
    more = Append(found, seen, uris=data.paths, frames=data.frames)
    return await obeyed(request, gateway, more, named(request, key))


@post("/jobs/{job:str}/tasks/{action:str}", summary="Change tasks of a job", status_code=200)
async def change_tasks(
    request: Asked,
    gateway: Ours,
    job: JobId,
    action: TaskAction,
    data: JSONBody[OfTasks],
    key: Key = None,
    if_match: IfMatch = None,
) -> Done:
    """A task that is under way stops, and only that; then the job follows."""
    if action not in ACTIONS:
        raise invalid("action", f"action: there is no {action[:20]!r}: {', '.join(ACTIONS)}")
    seen = versions.seen(if_match)
    (found,) = await whole_ids(request, gateway, [job])
    hand = HandOnTasks(job=found, seen=seen, action=cast("Action", action), tasks=data.tasks)
    return await obeyed(request, gateway, hand, named(request, key))


@post("/jobs/{job:str}/move", summary="Move a job", status_code=200)
async def move(
    request: Asked,
    gateway: Ours,
    job: JobId,
    data: JSONBody[MoveTo],
    key: Key = None,
    if_match: IfMatch = None,
) -> Done:
    version = versions.seen(if_match)
    seen = {} if version is None else {job: version}
    whereto = MoveJobs([job], data.queue, data.before, data.after, data.to, seen)
    return await _moved(request, gateway, whereto, key)


@post("/jobs/move", summary="Move several jobs, in their order", status_code=200)
async def move_jobs(
    request: Asked, gateway: Ours, data: JSONBody[MoveJobs], key: Key = None
) -> Done:
    return await _moved(request, gateway, data, key)


async def _moved(request: Asked, gateway: Gateway, data: MoveJobs, key: str | None) -> Done:
    if not 1 <= len(data.jobs) <= JOBS_PER_COMMAND_MAX:
        raise invalid("jobs", f"jobs: name 1 to {JOBS_PER_COMMAND_MAX} jobs")
    if data.to not in (None, "top", "bottom"):
        raise invalid("to", f"to: there is no {data.to[:20]!r}; write one of top, bottom")
    strange = next((job for job in data.seen if job not in data.jobs), None)
    if strange is not None:
        raise invalid("seen", f"seen: {strange[:ID_LENGTH]!r} is none of the jobs to move")
    beside = [job for job in (data.before, data.after) if job is not None]
    found = await whole_ids(request, gateway, [*data.jobs, *beside])
    moved, beside = found[: len(data.jobs)], found[len(data.jobs) :]
    whole = dict(zip(data.jobs, moved, strict=True))
    command = Move(
        jobs=moved,
        queue=data.queue,
        before=beside[0] if data.before is not None else None,
        after=beside[-1] if data.after is not None else None,
        to=cast('Literal["top", "bottom"] | None', data.to),
        seen={whole[job]: version for job, version in data.seen.items()},
    )
    return await obeyed(request, gateway, command, named(request, key))


async def whole_ids(
    request: Asked, gateway: Gateway, written: list[str], field: str = "job"
) -> list[str]:
    """Whole ids of jobs, in the order as written. Raises Refusal, about `field`."""
    beginnings = [job for job in written if not is_id(job)]
    if not beginnings:
        return written
    user = user_of(request)

    async def question(picture: Picture) -> dict[str, str]:
        return {job: await jobs.find(picture, job, user) for job in dict.fromkeys(beginnings)}

    try:
        found = await gateway.rows.read(question)
    except Refusal as refusal:
        if field == "job" or refusal.field != "job":
            raise
        raise invalid(field, refusal.detail) from None
    return [found.get(job, job) for job in written]


def named(request: Asked, key: str | None) -> str:
    """The command's id: the asker's own key, or a new one. Raises Refusal."""
    if key is None:
        return fresh_id()
    if not 1 <= len(key) <= KEY_MAX or not all("!" <= character <= "~" for character in key):
        detail = f"Idempotency-Key: write 1 to {KEY_MAX} visible ASCII characters, no spaces"
        raise invalid("Idempotency-Key", detail)
    return f"{request.user.name}:{key}"


async def obeyed(
    request: Asked, gateway: Gateway, command: PersonsCommand, command_id: str
) -> Done:
    accepted = await gateway.asking.command(Request(command_id, request.user, command))
    return Done(accepted.sequence, accepted.jobs)


def fresh_id() -> str:
    return new_id(datetime.now(UTC), os.urandom(CHANCE_BYTES))
