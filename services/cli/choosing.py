"""The options of a new transfer that are settings of it, under shorter names."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from cyclopts import Parameter

from events.rules import Comparison, Existing, Mode, Resume
from events.settings import Value
from services.cli.failures import Usage
from services.cli.naming import text
from services.cli.settings import values


@Parameter(name="*")
@dataclass(frozen=True)
class Choosing:
    """What of the source goes, and how; as `haulage settings` say if nothing is said."""

    include: tuple[str, ...] = ()
    """Only what these patterns name: '*.exr', 'sh010/', re('…'); once or several times."""

    exclude: tuple[str, ...] = ()
    """What these patterns name stays, and of a folder all that is in it."""

    symlinks: Literal["keep", "follow", "skip"] | None = None
    """Symbolic links arrive as links, as what they lead to in their volume, or not at all."""

    hardlinks: bool = False
    """Names of one file arrive as names of one file, and its bytes once."""

    attributes: str | None = None
    """What they keep of the source: owner, group, permissions, between them commas, or none."""

    xattrs: bool = False
    """Extended attributes (user.*) of files and folders come as well."""

    stable: int | None = None
    """Files are waited for until they were left alone for so many seconds; others go first."""

    mode: Mode | None = None
    """copy, or onewaysync: also delete what the source does not have."""

    comparison: Comparison | None = None
    """What counts as already there: size+modified, size, modified, or hash."""

    ignore_existing: Existing | None = None
    """Leave what was there before as it is: files, folders with all in them, or both."""

    resume: Resume | None = None
    """Whether what has come of an interrupted file is kept: enable or disable."""


NOTHING = Choosing()


def settings(choosing: Choosing, pairs: Collection[str]) -> dict[str, Value]:
    """Of both, each setting once. Raises Usage."""
    own, named = dict(_named(choosing)), values(pairs)
    twice = next((name for name in own if name in named), None)
    if twice is not None:
        raise Usage(f"{twice} is given by --set and by an option of its own: give it once")
    return own | named


def _named(choosing: Choosing) -> Iterator[tuple[str, Value]]:
    if choosing.include:
        yield "transfer_include", ", ".join(map(text, choosing.include))
    if choosing.exclude:
        yield "transfer_exclude", ", ".join(map(text, choosing.exclude))
    for name in ("symlinks", "mode", "comparison", "ignore_existing", "resume"):
        if (value := getattr(choosing, name)) is not None:
            yield f"transfer_{name}", value
    if choosing.hardlinks:
        yield "transfer_hardlinks", "on"
    if choosing.attributes is not None:
        yield "transfer_attributes", text(choosing.attributes)
    if choosing.xattrs:
        yield "transfer_xattrs", "on"
    if choosing.stable is not None:
        yield "transfer_stable_s", choosing.stable
