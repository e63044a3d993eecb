"""What happens to the workspace as a whole."""

from __future__ import annotations

from events.base import Base
from events.settings import Value


class Opened(Base, frozen=True, tag="workspace.opened"):
    """The first event of every log. `epoch` tells this log from one made anew in its place."""

    workspace: str
    epoch: str


class SchedulerStarted(Base, frozen=True, tag="workspace.scheduler_started"):
    """A scheduler took the lead. Storing this is what fences out the one before it."""

    scheduler: str
    host: str
    version: str


class SettingsChanged(Base, frozen=True, tag="workspace.settings_changed"):
    """`values` are held from now on, those in `unset` no more."""

    values: dict[str, Value]
    unset: tuple[str, ...] = ()


Event = Opened | SchedulerStarted | SettingsChanged
