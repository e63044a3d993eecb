"""What the API takes and shows of undoing."""

from __future__ import annotations

from msgspec import Struct

from services.historian.commands import Commanded as Commanded


class Undo(Struct, frozen=True, forbid_unknown_fields=True):
    """`command` as in `Commanded`; with `dry_run` it is only said what would be done."""

    command: str
    dry_run: bool = False


class Undone(Struct, frozen=True):
    """What was undone, and what that does, in words (at most 50), the scheduler's part included:
    as it looked just before. Stored at `sequence`, null for a dry run.
    """

    of: Commanded
    does: list[str]
    sequence: int | None
    jobs: list[str]
