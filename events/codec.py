"""How events are stored and told: CloudEvents 1.0 JSON, a commit as its batch form.

A commit is one message: a JSON array of events that were decided together and are stored together.
Commits are chained: `chain(previous, payload)` is SHA-256 over the chain value before and the
payload, and travels beside the commit, so a hole or a changed byte shows at the next commit.
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from events import endpoints, jobs, pairs, queues, retired, tasks, workspace

Event = jobs.Event | tasks.Event | queues.Event | endpoints.Event | pairs.Event | workspace.Event
SCHEDULER = "scheduler"
CHAIN_START = "0" * 64


class Recorded(Struct, frozen=True):
    """One event with all that was recorded about it.

    `sequence` is its commit's position in the log, `index` its position in the commit; `actor` who
    decided (a user's name, `endpoint/<id>`, or `scheduler`), `cause` the id of the command.
    """

    sequence: int
    index: int
    at: datetime
    actor: str
    cause: str
    event: Event


class Envelope(Struct, frozen=True, rename={"kind": "type"}):
    """The CloudEvents object. `sequence` sorts as text, as the extension of that name asks."""

    specversion: str
    id: str
    source: str
    kind: str
    subject: str
    time: datetime
    sequence: str
    actor: str
    cause: str
    data: Event


class _StoredEnvelope(Struct, frozen=True, rename={"kind": "type"}):
    id: str
    source: str
    kind: str
    time: datetime
    actor: str
    cause: str
    data: retired.Stored


class Corrupt(Exception):
    """A stored commit is not what this version can read: stop, do not skip."""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[_StoredEnvelope])


def envelope(workspace_name: str, recorded: Recorded) -> Envelope:
    return Envelope(
        specversion="1.0",
        id=f"{recorded.sequence}.{recorded.index}",
        source=f"haulage/{workspace_name}",
        kind=tag(recorded.event),
        subject=subject(recorded.event),
        time=recorded.at,
        sequence=f"{recorded.sequence:020d}.{recorded.index:06d}",
        actor=recorded.actor,
        cause=recorded.cause,
        data=recorded.event,
    )


def encode(workspace_name: str, commit: Sequence[Recorded]) -> bytes:
    return join([encode_one(workspace_name, recorded) for recorded in commit])


def join(encoded: Sequence[bytes]) -> bytes:
    """Events that were encoded one by one, as a commit."""
    return b"[" + b",".join(encoded) + b"]"


def encode_one(workspace_name: str, recorded: Recorded) -> bytes:
    return _encoder.encode(envelope(workspace_name, recorded))


def decode(payload: bytes) -> list[Recorded]:
    """Read a stored commit. Raises Corrupt for a shape or type that this version does not know."""
    try:
        stored = _decoder.decode(payload)
        return [_recorded(one) for one in stored]
    except (msgspec.MsgspecError, ValueError) as error:
        raise Corrupt(str(error)) from error


class _Timed(Struct, frozen=True):
    time: datetime


_times = msgspec.json.Decoder(list[_Timed])


def moment(payload: bytes) -> datetime:
    """When a commit was stored. Raises Corrupt."""
    try:
        return _times.decode(payload)[0].time
    except (msgspec.MsgspecError, IndexError) as error:
        raise Corrupt(str(error)) from error


def _recorded(stored: _StoredEnvelope) -> Recorded:
    sequence, _, index = stored.id.partition(".")
    event = retired.upcast(stored.data)
    return Recorded(int(sequence), int(index), stored.time, stored.actor, stored.cause, event)


def tag(event: Event) -> str:
    """The stored name of an event: `job.paused`."""
    return str(event.__struct_config__.tag)


def subject(event: Event) -> str:
    """What the event is about: `job/<id>`, `queue/<id>`, `endpoint/<id>`, `pair/<id>/<id>` or
    `workspace`.
    """
    match event:
        case workspace.Opened() | workspace.SchedulerStarted() | workspace.SettingsChanged():
            return "workspace"
        case (
            queues.Created()
            | queues.Changed()
            | queues.Paused()
            | queues.Resumed()
            | queues.SettingsChanged()
            | queues.Deleted()
        ):
            return f"queue/{event.queue}"
        case endpoints.Enrolled() | endpoints.CameOnline():
            return f"endpoint/{event.endpoint}"
        case endpoints.VolumesChanged() | endpoints.WentOffline() | endpoints.SettingsChanged():
            return f"endpoint/{event.endpoint}"
        case endpoints.BackedOff() | endpoints.Readmitted() | endpoints.ReachChanged():
            return f"endpoint/{event.endpoint}"
        case endpoints.VolumeFilled() | endpoints.VolumeFreed():
            return f"endpoint/{event.endpoint}"
        case endpoints.FilesChanging() | endpoints.FilesChanged():
            return f"endpoint/{event.endpoint}"
        case endpoints.Disabled() | endpoints.Enabled():
            return f"endpoint/{event.endpoint}"
        case pairs.SettingsChanged(one=one, other=other):
            return f"pair/{one}/{other}"
        case about_a_job:
            return f"job/{about_a_job.job}"


def chain(previous: str, payload: bytes) -> str:
    return hashlib.sha256(previous.encode() + payload).hexdigest()
