"""What the API takes and shows of what would be: changes that are tried, and what comes of them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from events.settings import Level, Value
from services.historian.commands import Course as Course
from services.historian.commands import Forecast as Forecast
from services.historian.commands import Sum as Sum
from services.historian.commands import Unknown as Unknown


class Tried(Struct, frozen=True, forbid_unknown_fields=True, tag_field="do"):
    """Base of what can be tried: `do` says what."""


class IfMoved(Tried, frozen=True, tag="move"):
    """As `MoveJobs`."""

    jobs: list[str]
    queue: str | None = None
    before: str | None = None
    after: str | None = None
    to: Literal["top", "bottom"] | None = None


class IfPaused(Tried, frozen=True, tag="pause"):
    job: str


class IfResumed(Tried, frozen=True, tag="resume"):
    job: str


class IfRetried(Tried, frozen=True, tag="retry"):
    job: str


class IfAborted(Tried, frozen=True, tag="abort"):
    job: str


class IfHeld(Tried, frozen=True, tag="tasks"):
    """As `OfTasks`, with what is done to the tasks."""

    job: str
    action: Literal["retry", "hold", "fail", "done", "exclude"]
    tasks: str


class IfSet(Tried, frozen=True, tag="settings"):
    """`which` is the code or id of a queue, an id of a job, an endpoint, or two (`hq:stockholm`);
    of the workspace "".
    """

    level: Level
    which: str = ""
    set: dict[str, Value] = {}
    unset: list[str] = []


class IfQueueChanged(Tried, frozen=True, tag="queue"):
    queue: str
    priority: int


class IfQueuePaused(Tried, frozen=True, tag="queue_pause"):
    queue: str


class IfQueueResumed(Tried, frozen=True, tag="queue_resume"):
    queue: str


class IfQueueDeleted(Tried, frozen=True, tag="queue_delete"):
    queue: str


class IfOffline(Tried, frozen=True, tag="offline"):
    """The endpoint is stopped in order `when`: `22:00-06:00` (the next such time by the clock of
    the workspace's `time_zone`), `2h` (from now on), two times with a slash between, or "" (from
    now on and for good).
    """

    endpoint: str
    when: str = ""


Change = (
    IfMoved
    | IfPaused
    | IfResumed
    | IfRetried
    | IfAborted
    | IfHeld
    | IfSet
    | IfQueueChanged
    | IfQueuePaused
    | IfQueueResumed
    | IfQueueDeleted
    | IfOffline
)


class Changes(Struct, frozen=True, forbid_unknown_fields=True):
    """What is tried, in this order. Jobs are named by ids or the beginnings of them."""

    changes: list[Change]


class WhatIf(Struct, frozen=True):
    """What would be, by the board after the commit at `sequence`, run forward from `now` on with
    the rates that were measured until then. Nothing was stored.

    `jobs` are those that differ by half a second or more: those that were named first, then the
    largest difference first; `total` counts them all. `sooner` and `later` are who gains and who
    loses. `last_before` and `last_after` are when the last job is through. `unknown` (cut, of
    `unknown_total`) are jobs that nobody knows the length of: they never get through, and whoever
    stands behind them waits. `notes` say what else limits the answer.
    """

    sequence: int
    now: datetime
    jobs: list[Forecast]
    total: int
    sooner: Sum
    later: Sum
    last_before: datetime | None
    last_after: datetime | None
    unknown: list[Unknown]
    unknown_total: int
    notes: list[str]
