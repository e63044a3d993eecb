"""Reads of the past: the same resources as of today, from what the historian opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, TypeAlias, TypeVar, get_args

import msgspec
from litestar.params import QueryParameter
from msgspec.structs import asdict

from events import subjects
from events.settings import Level
from projections import endpoint_rows, job_rows
from services.gateway import as_of, cursors, showing
from services.gateway.cursors import Ended, InLine, Numbered
from services.gateway.history import TaskStatus
from services.gateway.jobs import Wanted, cursor
from services.gateway.problems import later, rejected
from services.gateway.resources import (
    Cause,
    Endpoint,
    Instant,
    Job,
    JobPage,
    Queue,
    Reach,
    Setting,
    Span,
    TaskPage,
    Wait,
    Why,
)
from services.historian import commands as past
from services.runtime.ports import Bus, NoAnswer
from services.scheduler.commands import Actor, Reason, Rejected

ANSWER_S = 20.0
NOW = "now"
UNSAID = {"percent": None, "said": None}
"""What commands said of themselves is not kept."""
AsOf: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="as_of",
        max_length=64,
        description="Answer as it was: after the commit with this sequence number, at this time "
        "(RFC 3339; without a zone in UTC), or so long ago (`3h ago`).",
    ),
]
_answer: msgspec.json.Decoder[past.Answer] = msgspec.json.Decoder(past.Answer)
Found = TypeVar("Found", bound=past.Found)


class Historian:
    """Who is asked about the past of a workspace."""

    def __init__(self, bus: Bus, workspace: str) -> None:
        self._bus = bus
        self._subject = subjects.past(workspace)

    async def ask(self, asked: past.Asked, kind: type[Found]) -> Found:
        """Raises Refusal."""
        try:
            payload = msgspec.json.encode(asked)
            answer = await self._bus.request(self._subject, payload, timeout_s=ANSWER_S)
        except NoAnswer as error:
            raise later("the past cannot be opened now: ask again in a moment") from error
        found = _answer.decode(answer)
        if isinstance(found, Rejected):
            raise rejected(found)
        assert isinstance(found, kind), found
        return found


def when(text: str) -> past.When:
    """Raises Refusal."""
    read = as_of.read(text, datetime.now(UTC))
    if isinstance(read, Rejected):
        raise rejected(read)
    return read


async def instant(historian: Historian, text: str) -> Instant:
    found = await historian.ask(past.Moment(when(text)), past.Instant)
    return Instant(found.sequence, found.at, found.newest)


async def page(historian: Historian, text: str, wanted: Wanted) -> JobPage:
    """Raises Refusal."""
    asked = past.Jobs(
        when=when(text),
        user=wanted.user,
        finished=wanted.finished,
        queue=wanted.queue,
        status=wanted.status,
        search=wanted.search,
        limit=wanted.limit,
    )
    if wanted.finished:
        end = cursor(Ended, wanted.cursor)
        asked = msgspec.structs.replace(asked, after_end=(end.at, end.job) if end else None)
    else:
        line = cursor(InLine, wanted.cursor)
        after = (line.priority, line.queue, line.place, line.job) if line else None
        asked = msgspec.structs.replace(asked, after_line=after)
    found = await historian.ask(asked, past.JobsFound)
    following = cursors.write(_cursor(found, wanted.finished)) if found.more else None
    return JobPage(_shown(found, wanted.user), found.total, following, found.instant.sequence)


def _cursor(found: past.JobsFound, finished: bool) -> InLine | Ended:
    last = found.rows[-1]
    if finished:
        assert last.finished_at is not None, "it is over"
        return Ended(last.finished_at, last.id)
    return InLine(found.priorities[last.queue], last.queue, last.place, last.id)


async def these(historian: Historian, text: str, ids: list[str], user: str | None) -> JobPage:
    found = await historian.ask(past.These(when(text), user, ids), past.JobsFound)
    return JobPage(_shown(found, user), found.total, None, found.instant.sequence)


async def one(historian: Historian, text: str, job: str, user: str | None) -> Job:
    found = await historian.ask(past.One(when(text), user, job), past.JobsFound)
    return _shown(found, user)[0]


async def why(historian: Historian, text: str, job: str, user: str | None) -> Why:
    found = await historian.ask(past.One(when(text), user, job), past.JobsFound)
    row = found.rows[0]
    reasons = [_told(reason, user, found) for reason in found.reasons.get(row.id, [])]
    position, estimate = found.positions.get(row.id), found.estimates.get(row.id)
    return Why(row.id, row.status, position, reasons, found.instant.sequence, estimate)


def _told(reason: Reason, user: str | None, found: past.JobsFound) -> Reason:
    return reason if user is None else showing.unnamed_reason(reason, user, found.owners)


def _shown(found: past.JobsFound, user: str | None) -> list[Job]:
    shown = [
        showing.job(
            job_row(row, found.names),
            position=found.positions.get(row.id),
            reason=next(iter(found.reasons.get(row.id, [])), None),
            estimate=found.estimates.get(row.id),
            limit=found.limits.get(row.id),
            awaited=found.awaited.get(row.id, 0),
            now=found.instant.at,
        )
        for row in found.rows
    ]
    return [showing.unnamed(job, found.owners) for job in shown] if user is not None else shown


def job_row(row: job_rows.Row, names: Mapping[str, str]) -> dict[str, object]:
    """As sql/jobs.sql's `rows` gives it. No tick is kept of then: it moved by whole tasks."""
    return {
        **asdict(row),
        "queue_id": row.queue,
        "queue": names.get(row.queue),
        "source_name": names.get(row.source_endpoint),
        "destination_name": names.get(row.destination_endpoint),
        "relay": row.relay and names.get(row.relay, row.relay),
        "bytes_per_second": 0.0,
        "causes": msgspec.json.encode(row.causes),
        "compute": row.compute and msgspec.json.encode(row.compute),
        "depends_on": msgspec.json.encode(row.depends_on),
        "partial": None,
        "lane_names": msgspec.json.encode(sorted(names[end] for end in row.lanes.values())),
    }


async def wait(historian: Historian, text: str, job: str, user: str | None) -> Wait:
    found = await historian.ask(past.Wait(when(text), user, job), past.WaitFound)
    now = datetime.now(UTC) if text == NOW else found.instant.at
    spans = [_span(one, found, user, max(now, found.instant.at)) for one in found.spans]
    return Wait(found.job.id, found.job.status, spans, causes(spans), found.instant.sequence)


def _span(span: past.Span, found: past.WaitFound, user: str | None, now: datetime) -> Span:
    reason = span.reason
    if reason is not None and user is not None:
        reason = showing.unnamed_reason(reason, user, found.owners)
    until = span.until
    seconds = ((until or now) - span.since).total_seconds()
    return Span(span.sequence, span.since, until, round(seconds, 3), span.status, reason)


def causes(spans: list[Span]) -> list[Cause]:
    """What the time went to, the longest first; that a job is over is no time spent."""
    sums: dict[tuple[str, str], float] = {}
    for span in spans:
        if span.until is None and span.status in ("done", "aborted"):
            continue
        code = span.reason.code if span.reason else span.status
        text = span.reason.text if span.reason else span.status
        sums[code, text] = sums.get((code, text), 0.0) + span.seconds
    ordered = sorted(sums.items(), key=lambda one: -one[1])
    return [Cause(code, text, round(seconds, 3)) for (code, text), seconds in ordered]


async def queues(historian: Historian, text: str) -> list[Queue]:
    found = await historian.ask(past.Queues(when(text)), past.QueuesFound)
    return [
        showing.queue(
            {
                **asdict(row),
                "metadata": msgspec.json.encode(row.metadata),
                "jobs_waiting": found.waiting.get(row.id, 0),
                "jobs_running": found.running.get(row.id, 0),
            }
        )
        for row in found.rows
    ]


async def endpoints(historian: Historian, text: str) -> list[Endpoint]:
    found = await historian.ask(past.Endpoints(when(text)), past.EndpointsFound)
    return [
        showing.endpoint(
            {
                **asdict(row),
                "volumes": msgspec.json.encode(row.volumes),
                "full_volumes": msgspec.json.encode(row.full_volumes),
                "rooms": None,
                "reaches": msgspec.json.encode(_reaches(row, found.rows)),
                "jobs_running": found.running.get(row.id, 0),
                "machine": msgspec.json.encode(row.machine),
                "lanes_taken": found.lanes.get(row.id, 0),
            }
        )
        for row in found.rows
    ]


def _reaches(row: endpoint_rows.Row, rows: Iterable[endpoint_rows.Row]) -> list[Reach]:
    """As sql/workspace.sql's `endpoints` gives it."""
    found = {(one.endpoint, one.url): one.reached for one in row.reach}
    known = [(other.name, found.get((other.id, other.url))) for other in rows]
    return [Reach(name, reached) for name, reached in sorted(known) if reached is not None]


async def tasks(
    historian: Historian,
    text: str,
    job: str,
    user: str | None,
    status: TaskStatus | None,
    limit: int,
    after: str | None,
) -> TaskPage:
    behind = cursor(Numbered, after)
    start = behind.number if behind else -1
    asked = past.Tasks(when(text), user, job, status, start, limit)
    found = await historian.ask(asked, past.TasksFound)
    root = found.job.source_path.rstrip("/").rpartition("/")[2] or found.job.source_volume
    root = root or found.job.name
    counts = Counter(found.counts)
    total = counts[status] if status else sum(counts[one] for one in get_args(TaskStatus))
    following = cursors.write(Numbered(found.rows[-1].number)) if found.more else None
    return TaskPage(
        [showing.task(asdict(row) | UNSAID, root) for row in found.rows], total, following
    )


async def settings(
    historian: Historian, text: str, level: Level, which: str, actor: Actor
) -> list[Setting]:
    asked = past.SettingsOf(when(text), level=level, which=which, actor=actor)
    found = await historian.ask(asked, past.SettingsFound)
    return [Setting(**asdict(one)) for one in found.settings]
