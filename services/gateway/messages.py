"""What the event stream says, message by message, and who gets to read which. Pure.

A message is made and encoded once, whoever reads it. A batch holds what changed in a stretch of
the log; for each view (what a client asked for and may see) its text is joined once and kept.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from services.gateway.resources import Endpoint, Job, Progress, Queue
from services.scheduler.commands import Estimate, Limited, Reason

EVERYBODYS = ("queue", "endpoint")
NEAR_S = 20.0
NEAR_SHARE = 1 / 8

_encoder = msgspec.json.Encoder()


class View(Struct, frozen=True):
    """`rows` and `events` are asked for; only of `job`; only what `user` may see. None: all."""

    rows: bool = True
    events: bool = True
    job: str | None = None
    user: str | None = None


class Message(Struct, frozen=True):
    """`text` is the message on the wire, `text_of_user` what the job's own user gets to read.

    `owner` is the user of the job it is about. `sequence` is 0 for what is no part of the log:
    ticks, and rows whose position, reason or counts moved without an event of their own; `about`
    and `standing` say of what, and how it stands there.
    """

    kind: str
    text: bytes
    job: str | None = None
    owner: str | None = None
    sequence: int = 0
    text_of_user: bytes | None = None
    about: str = ""
    standing: object = None


class Stood(Struct, frozen=True):
    """How a job stood in line when it was told; `at` (seconds since 1970) is when that was."""

    status: str
    position: int | None
    reason: Reason | None
    estimate: Estimate | None
    limit: Limited | None
    at: float

    def is_as(self, told: object) -> bool:
        """Whether who was told that needs to hear nothing: an estimate may be a little off."""
        if not isinstance(told, Stood):
            return False
        same = (self.status, self.position, self.reason, self.limit) == (
            told.status,
            told.position,
            told.reason,
            told.limit,
        )
        return same and self._is_near(told)

    def _is_near(self, told: Stood) -> bool:
        """A running job's own pace is told by its ticks, to all who see its row."""
        start, before = self._start_s(), told._start_s()
        if start is None or before is None:
            return start is before
        return abs(start - before) <= max(NEAR_S, (start - self.at) * NEAR_SHARE)

    def _start_s(self) -> float | None:
        start_at = self.estimate.start_at if self.estimate else None
        return start_at.timestamp() if start_at else None


class Told(Struct, frozen=True, rename={"kind": "type"}):
    """A CloudEvents object as `events.codec.Envelope`, from a row of the job log."""

    specversion: str
    id: str
    source: str
    kind: str
    subject: str
    time: datetime
    sequence: str
    actor: str
    cause: str
    data: msgspec.Raw


Resource: TypeAlias = Job | Queue | Endpoint | Progress | Told


def written(kind: str, resource: Resource) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), _encoder.encode(resource))


def position(sequence: int) -> bytes:
    """What a client sends back as `Last-Event-ID`: it has everything up to here."""
    return b'event: position\nid: %d\ndata: {"sequence":%d}\n\n' % (sequence, sequence)


RESET = b"event: reset\ndata: {}\n\n"
HEARTBEAT = b": \n\n"


def of_job(job: Job, masked: Job, *, sequence: int, at: float) -> Message:
    """`at`: now, in seconds since 1970."""
    own = written("job", masked) if masked is not job else None
    return Message(
        kind="job",
        text=written("job", job),
        job=job.id,
        owner=job.user,
        sequence=sequence,
        text_of_user=own,
        about=job.id,
        standing=Stood(job.status, job.position, job.reason, job.estimate, job.limit, at),
    )


def of_queue(queue: Queue, *, sequence: int) -> Message:
    text = written("queue", queue)
    return Message("queue", text, sequence=sequence, about=queue.id, standing=text)


def of_endpoint(endpoint: Endpoint, *, sequence: int) -> Message:
    text = written("endpoint", endpoint)
    return Message("endpoint", text, sequence=sequence, about=endpoint.id, standing=text)


def of_progress(tick: Progress, owner: str) -> Message:
    return Message("progress", written("progress", tick), tick.id, owner)


def of_event(workspace: str, row: Mapping[str, Any]) -> Message:
    told = Told(
        specversion="1.0",
        id=f"{row['sequence']}.{row['index']}",
        source=f"haulage/{workspace}",
        kind=row["type"],
        subject=row["subject"],
        time=row["at"],
        sequence=f"{row['sequence']:020d}.{row['index']:06d}",
        actor=row["actor"],
        cause=row["cause"],
        data=msgspec.Raw(row["data"].encode()),
    )
    return Message("event", written("event", told), row["job"], row["user_name"], row["sequence"])


def concerns(message: Message, view: View) -> bool:
    wanted = view.events if message.kind == "event" else view.rows
    if not wanted or (view.job is not None and message.job != view.job):
        return False
    if view.user is None or message.owner == view.user:
        return True
    return message.owner is None and message.kind in EVERYBODYS


class Batch:
    """What changed behind `after` up to `sequence`; both 0 when no position is told by it."""

    def __init__(self, messages: list[Message], *, after: int = 0, sequence: int = 0) -> None:
        self.messages = messages
        self.after = after
        self.sequence = sequence
        self._texts: dict[View, bytes] = {}

    def text(self, view: View) -> bytes:
        """All of it that concerns a view, its end position last; empty if nothing does."""
        known = self._texts.get(view)
        if known is None:
            known = self._texts[view] = self._joined(view, 0)
        return known

    def text_behind(self, view: View, position: int) -> bytes:
        """For one who has everything up to a position inside this batch."""
        return self._joined(view, position) if position > self.after else self.text(view)

    def _joined(self, view: View, behind: int) -> bytes:
        parts = [
            _for_view(message, view)
            for message in self.messages
            if concerns(message, view) and (message.sequence == 0 or message.sequence > behind)
        ]
        if parts and self.sequence:
            parts.append(position(self.sequence))
        return b"".join(parts)


def _for_view(message: Message, view: View) -> bytes:
    if view.user is None or message.text_of_user is None:
        return message.text
    return message.text_of_user
