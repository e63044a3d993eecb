"""What happens to a queue: an ordered list of jobs with a priority."""

from __future__ import annotations

import re
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from events.base import Base
from events.settings import Value, changed

PRIORITY_MAX = 1000
CHANGEABLE = ("code", "priority", "description", "metadata", "default", "compute_default")
CODE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}", re.ASCII)


class Created(Base, frozen=True, tag="queue.created"):
    queue: str
    code: str
    priority: int
    description: str = ""
    default: bool = False


class Changed(Base, frozen=True, tag="queue.changed"):
    """What is None stays as it was; `metadata` replaces all that was there.

    `default` takes jobs that name no queue, `compute_default` those of them that compute; the
    queue that was it before is told so by an event of its own.
    """

    queue: str
    code: str | None = None
    priority: int | None = None
    description: str | None = None
    metadata: dict[str, str] | None = None
    default: bool | None = None
    compute_default: bool | None = None


class Paused(Base, frozen=True, tag="queue.paused"):
    queue: str


class Resumed(Base, frozen=True, tag="queue.resumed"):
    queue: str


class SettingsChanged(Base, frozen=True, tag="queue.settings_changed"):
    queue: str
    values: dict[str, Value]
    unset: tuple[str, ...] = ()


class Deleted(Base, frozen=True, tag="queue.deleted"):
    """Its unfinished jobs were moved to `to` by the events before this one."""

    queue: str
    to: str


Event = Created | Changed | Paused | Resumed | SettingsChanged | Deleted


class Queue(Struct, frozen=True):
    """A queue as its events left it; `since` is when it was last paused or resumed."""

    id: str
    code: str
    priority: int
    description: str = ""
    default: bool = False
    compute_default: bool = False
    paused: bool = False
    since: datetime | None = None
    metadata: dict[str, str] = {}
    settings: dict[str, Value] = {}


def evolve(queue: Queue | None, event: Event, at: datetime) -> Queue:
    """Move a queue by one event; a deleted one is forgotten by its holder."""
    if isinstance(event, Created):
        return Queue(
            event.queue, event.code, event.priority, event.description, event.default, since=at
        )
    assert queue is not None, "a queue is created before anything else happens to it"
    match event:
        case Changed():
            given = {name: getattr(event, name) for name in CHANGEABLE}
            return replace(queue, **{k: v for k, v in given.items() if v is not None})
        case Paused():
            return replace(queue, paused=True, since=at)
        case Resumed():
            return replace(queue, paused=False, since=at)
        case SettingsChanged(values=values, unset=unset):
            return replace(queue, settings=changed(queue.settings, values, unset))
        case Deleted():
            return queue
