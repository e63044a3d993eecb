"""What a job's settings say about what is at its destination already, and what follows. Pure.

The receiver, the sender and a preview judge by the same functions.
"""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

Comparison = Literal["size+modified", "size", "modified", "hash"]
Mode = Literal["copy", "onewaysync"]
COMPARISONS: tuple[Comparison, ...] = get_args(Comparison)
Existing = Literal["none", "file", "directory", "both"]
EXISTING: tuple[Existing, ...] = get_args(Existing)
Resume = Literal["enable", "disable"]


class Rules(Struct, frozen=True, omit_defaults=True):
    """The settings of `events.settings` that the agents of a transfer go by."""

    mode: Mode = "copy"
    comparison: Comparison = "size+modified"
    ignore_existing: Existing = "none"
    resume: Resume = "enable"

    @property
    def removes(self) -> bool:
        return self.mode == "onewaysync"

    @property
    def resumes(self) -> bool:
        return self.resume == "enable"

    @property
    def ignores_files(self) -> bool:
        return self.ignore_existing in ("file", "both")

    @property
    def ignores_folders(self) -> bool:
        return self.ignore_existing in ("directory", "both")


class State(Struct, frozen=True):
    """A file as it is compared: its size in bytes, and its time of change since 1970."""

    size: int
    mtime_ns: int


def alike(one: State, other: State, comparison: Comparison) -> bool:
    """Whether these may be the same file. By `hash` their content has the last word."""
    match comparison:
        case "size+modified":
            return one == other
        case "size" | "hash":
            return one.size == other.size
        case "modified":
            return one.mtime_ns == other.mtime_ns
