"""The question every row fold asks first: has this row seen that event already?"""

from __future__ import annotations

from typing import Protocol

from events.codec import Recorded


class Placed(Protocol):
    """A row that knows the position of the last event that moved it."""

    @property
    def sequence(self) -> int: ...

    @property
    def index(self) -> int: ...


def seen(row: Placed, recorded: Recorded) -> bool:
    return (recorded.sequence, recorded.index) <= (row.sequence, row.index)
