"""The API's questions for a diagnosis: what changed, event by event; is it decided so again?"""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, TypeAlias

import msgspec
from litestar import get
from litestar.params import QueryParameter
from msgspec import Struct

from projections import job_log, words
from services.gateway import as_of, jobs, showing
from services.gateway.context import Asked, Ours, Reads, user_of
from services.gateway.log_resources import LogLine
from services.gateway.problems import Refusal, rejected
from services.gateway.read_routes import CODE_MAX, Limit
from services.gateway.rows import Picture
from services.historian import commands as past
from services.scheduler.commands import Reason, Rejected

From: TypeAlias = Annotated[
    str,
    QueryParameter(
        name="from",
        max_length=64,
        description="The first commit, as `as_of` is written; of a time the first behind it.",
    ),
]
To: TypeAlias = Annotated[
    str, QueryParameter(name="to", max_length=64, description="The last commit, as `from`.")
]
OfJob: TypeAlias = Annotated[
    str | None,
    QueryParameter(name="job", max_length=CODE_MAX, description="Only what is about this job."),
]


class Change(Struct, frozen=True):
    """A field of the job, queue or endpoint, before the event and after it."""

    field: str
    before: Any
    after: Any


class ReplayStep(Struct, frozen=True):
    line: LogLine
    changes: list[Change]


class ReplayPage(Struct, frozen=True):
    """`next` is the commit to go on from, null at the end."""

    steps: list[ReplayStep]
    next: int | None


class Decision(Struct, frozen=True):
    """What was decided (null: nothing), and why the jobs of either decision wait after it."""

    step: ReplayStep | None
    reasons: dict[str, list[Reason]]


class Checked(Struct, frozen=True):
    """`events` were gone through up to `sequence`, `decisions` of the scheduler were the same.

    `same` is false at the first that is not: what is `recorded`, and what this version decided.
    `next` is the commit to go on from, null at the end.
    """

    same: bool
    sequence: int
    events: int
    decisions: int
    next: int | None
    recorded: Decision | None
    decided: Decision | None


@get("/replay", summary="Say what changed, event by event")
async def replay(
    request: Asked,
    gateway: Ours,
    rows: Reads,
    begins: From,
    ends: To = "now",
    job: OfJob = None,
    limit: Limit = 100,
) -> ReplayPage:
    """A page holds whole commits, so it may be longer than `limit`."""
    user, named = user_of(request), job
    if named is None:
        _not_for(user)
        whole = None
    else:

        async def question(picture: Picture) -> str:
            assert named is not None
            return await jobs.find(picture, named, user)

        whole = await rows.read(question)
    asked = past.Replay(_when(begins, "from"), user, _when(ends, "to"), whole, limit)
    found = await gateway.historian.ask(asked, past.ReplayFound)
    return ReplayPage([_step(one, found.names) for one in found.steps], found.next)


@get("/replay/check", summary="Decide again what was decided")
async def check(request: Asked, gateway: Ours, begins: From, ends: To = "now") -> Checked:
    """As much as takes some seconds; go on from `next`."""
    _not_for(user_of(request))
    asked = past.CheckAgain(_when(begins, "from"), None, _when(ends, "to"))
    found = await gateway.historian.ask(asked, past.CheckFound)
    return Checked(
        same=found.recorded is None and found.decided is None,
        sequence=found.at,
        events=found.events,
        decisions=found.decisions,
        next=found.next,
        recorded=_decision(found.recorded, found.names),
        decided=_decision(found.decided, found.names),
    )


def _not_for(user: str | None) -> None:
    if user is not None:
        detail = "a replay of everything is for employees and administrators: name a job of yours"
        raise Refusal(HTTPStatus.FORBIDDEN, detail, "job")


def _when(written: str, field: str) -> past.When:
    found = as_of.read(written, datetime.now(UTC), field)
    if isinstance(found, Rejected):
        raise rejected(found)
    return found


def _decision(side: past.Side | None, names: dict[str, str]) -> Decision | None:
    if side is None:
        return None
    return Decision(_step(side.step, names) if side.step else None, side.reasons)


def _step(step: past.Step, names: dict[str, str]) -> ReplayStep:
    event = job_log.decode(bytes(step.data))
    said = job_log.Line(
        *(step.sequence, step.index, step.job, step.subject, step.at, step.actor, step.cause),
        event,
    )
    line = LogLine(
        sequence=step.sequence,
        index=step.index,
        at=step.at,
        actor=step.actor,
        cause=step.cause,
        type=step.type,
        text=words.text(said, names),
        data=msgspec.json.decode(step.data, type=dict[str, object]),
        who=words.who(step.actor, names),
        subject=step.subject,
        about=showing.about(step.subject, names),
    )
    changes = [
        Change(one.field, _value(one.before, names), _value(one.after, names))
        for one in step.changes
    ]
    return ReplayStep(line, changes)


def _value(told: msgspec.Raw, names: dict[str, str]) -> Any:
    """Ids are told by name."""
    value = msgspec.json.decode(told)
    return names.get(value, value) if isinstance(value, str) else value


READS = [replay, check]
