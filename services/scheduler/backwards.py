"""The steps of an undo, each with what has to be still so, lest it take back more. Pure values.

Others import these words from `commands`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from events.settings import Level, Value


class Back(Struct, frozen=True, tag_field="step", tag=str.lower):
    """Base of what an undo takes back."""


class PutBack(Back, frozen=True):
    """The job stood at `place` of `queue`, and now does where it was moved to."""

    job: str
    queue: str
    place: str
    moved_to: tuple[str, str]


class PutOn(Back, frozen=True):
    """The job was in line, and is paused since then."""

    job: str
    since: datetime


class TakeOff(Back, frozen=True):
    """The job was paused, and was put at `place` when it was resumed."""

    job: str
    place: str


class GiveBack(Back, frozen=True):
    """The tasks `numbers` are on hold, or excluded (`now`); `action` makes them what they were."""

    job: str
    numbers: str
    now: Literal["onhold", "excluded"]
    action: Literal["retry", "hold", "fail", "done", "exclude"]


class SetBack(Back, frozen=True):
    """As `Set`; the settings have the values `now`, None for those that were taken away."""

    level: Level
    which: str
    values: dict[str, Value]
    unset: list[str]
    now: dict[str, Value | None]


class HoldBack(Back, frozen=True):
    """The queue is to be `paused`, or not, as it was before `since`."""

    queue: str
    paused: bool
    since: datetime


Step = PutBack | PutOn | TakeOff | GiveBack | SetBack | HoldBack
