"""What the row of a job holds, and what a task event did to its counts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from events.jobs import Status


class Row(Struct, frozen=True):
    """The columns of `jobs`; sql/schema.sql says what they mean."""

    id: str
    kind: str
    name: str
    user_name: str
    queue: str
    place: str
    source_endpoint: str
    source_volume: str
    source_path: str
    destination_endpoint: str
    destination_volume: str
    destination_path: str
    search: str
    created_at: datetime
    since: datetime
    sequence: int
    index: int
    status: str = Status.INIT.value
    listed: bool = False
    run: int = 0
    executor: str | None = None
    size: int = 0
    bytes_done: int = 0
    tasks_total: int = 0
    tasks_done: int = 0
    tasks_failed: int = 0
    skipped: int = 0
    tries: int = 0
    failures: int = 0
    error_class: str | None = None
    error_message: str | None = None
    run_started_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    retry_at: datetime | None = None
    version: int = 0
    tasks_onhold: int = 0
    tasks_excluded: int = 0
    compute: dict[str, Any] | None = None
    depends_on: tuple[str, ...] = ()
    adding: bool = False
    causes: dict[str, int] = {}
    lanes: dict[str, str] = {}
    archived: bool = False
    opened: bool = False
    route: str | None = None
    relay: str | None = None
    removed: int = 0
    size_removed: int = 0


class Tally(Struct, frozen=True):
    """How many more (or fewer) tasks there are after an event, and by status; `size` in bytes,
    without what is excluded.
    """

    tasks: int = 0
    size: int = 0
    done: int = 0
    failed: int = 0
    onhold: int = 0
    excluded: int = 0


NOTHING = Tally()


def searchable(*texts: str) -> str:
    """How text is compared by the search: the column holds it so, and so must what is sought."""
    return "\n".join(texts).casefold()
