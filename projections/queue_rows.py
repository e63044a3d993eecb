"""A queue's row. How many jobs it holds is counted in `job_counts`."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from events import queues
from events.codec import Recorded
from projections.seen import seen


class Row(Struct, frozen=True):
    """The columns of `queues`. A deleted queue keeps its row: the log still speaks of it."""

    id: str
    code: str
    priority: int
    description: str
    is_default: bool
    sequence: int
    index: int
    status: str = "waiting"
    is_compute_default: bool = False
    metadata: dict[str, str] = {}


def project(row: Row | None, recorded: Recorded) -> Row:
    """Move a queue's row by one event about it."""
    event = recorded.event
    assert isinstance(event, queues.Event), "events of other things do not reach a queue's row"
    if row is not None and seen(row, recorded):
        return row
    if isinstance(event, queues.Created):
        return Row(
            id=event.queue,
            code=event.code,
            priority=event.priority,
            description=event.description,
            is_default=event.default,
            sequence=recorded.sequence,
            index=recorded.index,
        )
    assert row is not None, "a queue is created before anything else happens to it"
    return replace(_moved(row, event), sequence=recorded.sequence, index=recorded.index)


def _moved(row: Row, event: queues.Event) -> Row:
    match event:
        case queues.Changed():
            return _changed(row, event)
        case queues.Paused():
            return replace(row, status="paused")
        case queues.Resumed():
            return replace(row, status="waiting")
        case queues.Deleted():
            return replace(row, status="deleted")
        case queues.SettingsChanged() | queues.Created():
            return row


def _changed(row: Row, event: queues.Changed) -> Row:
    given = {
        "code": event.code,
        "priority": event.priority,
        "description": event.description,
        "metadata": event.metadata,
        "is_default": event.default,
        "is_compute_default": event.compute_default,
    }
    return replace(row, **{name: value for name, value in given.items() if value is not None})
