"""The lines of the job log: every event, one line, with its longest lists told in short.

Entries, hashes and times of a thousand tasks at a time are in the tasks' rows, in the feed and in
the log itself; here a line keeps what a person reads. `projections/words.py` says it in words.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from events import codec, endpoints, jobs, pairs, queues, ranges, tasks, workspace
from events.base import Base
from events.codec import Recorded

FAILURES_MAX = 20


class Found(Base, frozen=True, tag="task.found"):
    """`events.tasks.Found` in short: `count` entries of `size` bytes together."""

    job: str
    run: int
    first: int
    count: int
    size: int


class Done(Base, frozen=True, tag="task.done"):
    """`events.tasks.Done` in short."""

    job: str
    run: int
    numbers: str
    size: int


class Failed(Base, frozen=True, tag="task.failed"):
    """`events.tasks.Failed` in short: the first of `count` failures, and the `numbers` of all."""

    job: str
    run: int
    count: int
    failures: list[tasks.Failure]
    numbers: str = ""


OfTasks = tasks.Started | tasks.ByHand | tasks.OfCompute | Found | Done | Failed
Told = jobs.Event | queues.Event | endpoints.Event | pairs.Event | workspace.Event | OfTasks


class Line(Struct, frozen=True):
    """A row of `job_log`; its `type` and `data` are made of `event`."""

    sequence: int
    index: int
    job: str | None
    subject: str
    at: datetime
    actor: str
    cause: str
    event: Told


def line(recorded: Recorded) -> Line:
    return Line(
        sequence=recorded.sequence,
        index=recorded.index,
        job=getattr(recorded.event, "job", None),
        subject=codec.subject(recorded.event),
        at=recorded.at,
        actor=recorded.actor,
        cause=recorded.cause,
        event=in_short(recorded.event),
    )


def in_short(event: codec.Event) -> Told:
    match event:
        case tasks.Found(job=job, run=run, first=first, entries=entries):
            return Found(job, run, first, len(entries), sum(entry.size for entry in entries))
        case tasks.Done(job=job, run=run, numbers=numbers, size=size):
            return Done(job, run, numbers, size)
        case tasks.Failed(job=job, run=run, failures=failures):
            numbers = ranges.write(failure.number for failure in failures)
            return Failed(job, run, len(failures), failures[:FAILURES_MAX], numbers)
        case short_enough:
            return short_enough


def kind(event: Told) -> str:
    """The stored name of the event: `job.paused`."""
    return str(event.__struct_config__.tag)


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Told] = msgspec.json.Decoder(Told)


def encode(event: Told) -> bytes:
    """The column `data`: JSON, with its `type`."""
    return _encoder.encode(event)


def decode(data: str | bytes) -> Told:
    """Read the column `data` back. Raises msgspec.MsgspecError for what `encode` did not write."""
    return _decoder.decode(data)
