"""Placeholders in the command of a compute job: `render --frame {frame}`. Pure.

`{frame}` is the frame of the bucket (of several: the first), `{first}` and `{last}` are its ends,
`{frames}` all of them (`1001-1005`). Two braces stand for one: `${{HOME}}` is `${HOME}`. Words are
split first and filled in then, so that no value can become more than one word; no shell is
involved.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping

NAMES = ("frame", "first", "last", "frames")
ALLOWED = ", ".join(f"{{{name}}}" for name in NAMES)
SHOWN_MAX = 80
_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class BadCommand(ValueError):
    """The text is no command; `str()` says why and what to write."""


def words(command: str) -> list[str]:
    """As a shell splits words, placeholders as they are. Raises BadCommand."""
    if "\0" in command:
        raise BadCommand("the command holds a NUL character, which no program takes: leave it out")
    try:
        split = shlex.split(command)
    except ValueError as error:
        reason = f"the command cannot be split into words ({str(error).lower()})"
        raise BadCommand(f"{reason}: close its quotes") from None
    if not split or not split[0].strip():
        raise BadCommand("the command is empty: write what to run")
    return split


def named(split: Iterable[str]) -> frozenset[str]:
    """The placeholders in these words. Raises BadCommand for braces that are none."""
    return frozenset(name for word in split for name in _named(word))


def _named(word: str) -> Iterable[str]:
    for found in _PIECE.finditer(word):
        match found[0]:
            case "{{" | "}}":
                continue
            case "{" | "}" as brace:
                raise BadCommand(f"a single {brace} in {_cut(word)}: write {brace * 2} for one")
        if found[1] not in NAMES:
            raise BadCommand(
                f"there is no placeholder {_cut(found[0])}: there are {ALLOWED}; "
                "write {{ and }} for braces"
            )
        yield found[1]


def filled(word: str, values: Mapping[str, str]) -> str:
    """A word with the values of its placeholders; of braces that are none it makes nothing."""

    def value(found: re.Match[str]) -> str:
        match found[0]:
            case "{{" | "}}":
                return found[0][0]
        return values.get(found[1] or "", found[0])

    return _PIECE.sub(value, word)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"
