"""What happens to a pair: two endpoints, whichever way the bytes between them flow."""

from __future__ import annotations

from events.base import Base
from events.settings import Value


class SettingsChanged(Base, frozen=True, tag="pair.settings_changed"):
    """`one` is the lesser id of the two, as in every pair."""

    one: str
    other: str
    values: dict[str, Value]
    unset: tuple[str, ...] = ()


Event = SettingsChanged
