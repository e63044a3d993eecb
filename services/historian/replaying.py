"""What each event of a stretch changed, of the job, queue or endpoint that it is about. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import asdict

from events import endpoints, jobs, pairs, queues, tasks, workspace
from events.codec import Event, Recorded
from events.settings import Value
from projections import job_log
from projections.past import Past
from services.historian.commands import FieldChange, Step

UNSAID = {"sequence", "index", "version", "search"}
"""What every event changes says nothing."""
_encoder = msgspec.json.Encoder()


def steps(commit: Iterable[Recorded], past: Past, job: str | None) -> Iterator[Step]:
    """Moves the past by a commit; of a job only what is about it is told."""
    for recorded in commit:
        before = _state(recorded.event, past)
        past.apply([recorded])
        line = job_log.line(recorded)
        if job in (None, line.job):
            yield Step(
                sequence=line.sequence,
                index=line.index,
                job=line.job,
                subject=line.subject,
                at=line.at,
                actor=line.actor,
                cause=line.cause,
                type=job_log.kind(line.event),
                data=Raw(job_log.encode(line.event)),
                changes=list(_changes(before, _state(recorded.event, past))),
            )


State = dict[str, object]


def _state(event: Event, past: Past) -> State:
    rows, board = past.rows, past.board
    if isinstance(event, jobs.Event | tasks.Event):
        known = board.jobs.get(event.job)
        return _fields(rows.jobs.get(event.job), known.settings if known else {})
    if isinstance(event, queues.Event):
        queue = board.queues.get(event.queue)
        return _fields(rows.queues.get(event.queue), queue.settings if queue else {})
    if isinstance(event, endpoints.Event):
        endpoint = board.endpoints.get(event.endpoint)
        return _fields(rows.endpoints.get(event.endpoint), endpoint.settings if endpoint else {})
    if isinstance(event, pairs.Event):
        return _fields(None, board.pair_settings.get((event.one, event.other), {}))
    assert isinstance(event, workspace.Event)
    return _fields(None, board.settings)


def _fields(row: Struct | None, settings: dict[str, Value]) -> State:
    known = asdict(row) if row is not None else {}
    return {**known, **{f"settings.{name}": value for name, value in settings.items()}}


def _changes(before: State, after: State) -> Iterator[FieldChange]:
    for name in dict.fromkeys([*before, *after]):
        was, now = before.get(name), after.get(name)
        if was != now and name not in UNSAID:
            yield FieldChange(name, Raw(_encoder.encode(was)), Raw(_encoder.encode(now)))
