"""What one setting is: its name, the levels that can carry it, its kind and its default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

Value = bool | int | float | str
Level = Literal["workspace", "queue", "job", "endpoint", "pair"]


class Setting(Struct, frozen=True):
    """One setting: a choice of words, a whole number (of `unit`) within bounds, or a text.

    `written` tells people how a text is written; `fault` reads one: what is wrong with it, or "".
    At a level of `apart` it is another thing than at the workspace, whose value is none of it.
    A text that `adds_up` holds together with those of the levels above instead of in their place.
    `of_transfers` is the default for a transfer, where that is another.
    """

    name: str
    levels: tuple[Level, ...]
    default: Value
    meaning: str
    choices: tuple[str, ...] = ()
    low: int = 0
    high: int = 0
    unit: str = ""
    written: str = ""
    fault: Callable[[str], str] | None = None
    apart: tuple[Level, ...] = ()
    adds_up: bool = False
    of_transfers: Value | None = None

    @property
    def is_number(self) -> bool:
        return not self.choices and self.fault is None

    def default_of(self, *, computes: bool) -> Value:
        return self.default if computes or self.of_transfers is None else self.of_transfers

    def stored(self, value: Value) -> Value:
        """A text may be typed as what looks like a number."""
        is_text = self.fault is not None and not isinstance(value, bool)
        return str(value) if is_text else value

    def problem(self, value: Value) -> str | None:
        """Why the value cannot be: what is allowed instead."""
        if self.choices:
            return None if value in self.choices else f"one of {', '.join(self.choices)}"
        if self.fault is not None:
            wrong = self.fault(value) if isinstance(value, str) else "it is not a text"
            return f"{self.written} ({wrong})" if wrong else None
        number = isinstance(value, int) and not isinstance(value, bool)
        if number and self.low <= int(value) <= self.high:
            return None
        return f"a whole number from {self.low} to {self.high}"


OF_JOBS: tuple[Level, ...] = ("workspace", "queue", "job")
OF_QUEUES: tuple[Level, ...] = ("workspace", "queue")
OF_ENDPOINTS: tuple[Level, ...] = ("workspace", "endpoint")
