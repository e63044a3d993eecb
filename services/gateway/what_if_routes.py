"""The API's question what would be. The historian runs the scheduler forward; nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from litestar import post
from litestar.params import JSONBody
from msgspec.structs import replace

from services.gateway import past, showing
from services.gateway.command_routes import whole_ids
from services.gateway.context import Asked, Gateway, Ours, user_of
from services.gateway.past import AsOf
from services.gateway.problems import invalid
from services.gateway.read_routes import Limit
from services.gateway.what_if_resources import (
    Change,
    Changes,
    Course,
    IfAborted,
    IfHeld,
    IfMoved,
    IfOffline,
    IfPaused,
    IfQueueChanged,
    IfQueueDeleted,
    IfQueuePaused,
    IfQueueResumed,
    IfResumed,
    IfRetried,
    IfSet,
    WhatIf,
)
from services.historian import commands as historian
from services.scheduler.commands import (
    JOBS_PER_COMMAND_MAX,
    Abort,
    ChangeQueue,
    DeleteQueue,
    HandOnTasks,
    Move,
    Pause,
    PauseQueue,
    Resume,
    ResumeQueue,
    Retry,
    Set,
)

CHANGES_MAX = 20


@post("/what-if", summary="Say what would become of all jobs", status_code=200)
async def what_if(
    request: Asked,
    gateway: Ours,
    data: JSONBody[Changes],
    limit: Limit = 100,
    as_of: AsOf = None,
) -> WhatIf:
    """From now on, or as of then, with the rates that were measured. Nothing is stored."""
    if not 1 <= len(data.changes) <= CHANGES_MAX:
        raise invalid("changes", f"changes: try 1 to {CHANGES_MAX} changes at a time")
    user = user_of(request)
    asked = historian.WhatIf(
        past.when(as_of or past.NOW),
        user,
        actor=request.user,
        changes=[await _meant(request, gateway, change) for change in data.changes],
        now=datetime.now(UTC),
        heard=gateway.asking.heard() if as_of is None else {},
        limit=limit,
    )
    found = await gateway.historian.ask(asked, historian.WhatIfFound)
    return _shown(found, user)


async def _meant(request: Asked, gateway: Gateway, change: Change) -> historian.Change:
    """The command, with whole ids. Raises Refusal."""

    async def whole(job: str) -> str:
        return (await whole_ids(request, gateway, [job]))[0]

    match change:
        case IfMoved():
            return await _moved(request, gateway, change)
        case IfPaused(job=job):
            return Pause(await whole(job))
        case IfResumed(job=job):
            return Resume(await whole(job))
        case IfRetried(job=job):
            return Retry(await whole(job))
        case IfAborted(job=job):
            return Abort(await whole(job))
        case IfHeld(job=job, action=action, tasks=tasks):
            return HandOnTasks(job=await whole(job), action=action, tasks=tasks)
        case IfSet(level=level, which=which, set=values, unset=unset):
            named = await whole(which) if level == "job" else which
            return Set(level, named, values, unset)
        case IfQueueChanged(queue=queue, priority=priority):
            return ChangeQueue(queue, priority=priority)
        case IfQueuePaused(queue=queue):
            return PauseQueue(queue)
        case IfQueueResumed(queue=queue):
            return ResumeQueue(queue)
        case IfQueueDeleted(queue=queue):
            return DeleteQueue(queue)
        case IfOffline(endpoint=endpoint, when=when):
            return historian.Offline(endpoint, when)


async def _moved(request: Asked, gateway: Gateway, change: IfMoved) -> Move:
    if not 1 <= len(change.jobs) <= JOBS_PER_COMMAND_MAX:
        raise invalid("jobs", f"jobs: name 1 to {JOBS_PER_COMMAND_MAX} jobs")
    beside = [job for job in (change.before, change.after) if job is not None]
    found = await whole_ids(request, gateway, [*change.jobs, *beside])
    jobs, beside = found[: len(change.jobs)], found[len(change.jobs) :]
    return Move(
        jobs=jobs,
        queue=change.queue,
        before=beside[0] if change.before is not None else None,
        after=beside[-1] if change.after is not None else None,
        to=change.to,
    )


def _shown(found: historian.WhatIfFound, user: str | None) -> WhatIf:
    jobs = [
        replace(
            one,
            before=_course(one.before, user, found.owners),
            after=_course(one.after, user, found.owners),
        )
        for one in found.jobs
    ]
    return WhatIf(
        found.instant.sequence,
        found.now,
        jobs,
        found.total,
        found.sooner,
        found.later,
        found.last_before,
        found.last_after,
        found.unknown,
        found.unknown_total,
        found.notes,
    )


def _course(course: Course, user: str | None, owners: Mapping[str, str]) -> Course:
    """A job of someone else that holds this one has no name."""
    if user is None or course.why is None:
        return course
    return replace(course, why=showing.unnamed_reason(course.why, user, owners))
