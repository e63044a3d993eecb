"""The terminal: text and JSON on stdout, one line of trouble on stderr. Holds no words of its own.

Whatever came from outside goes through `plain`, so that a file name cannot steer the terminal.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from events.names import shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

WIDE = 10_000  # Nobody looks at a pipe: cut nothing off.
STYLES = {
    "init": "cyan",
    "waiting": "yellow",
    "running": "bold blue",
    "paused": "magenta",
    "failed": "bold red",
    "aborted": "dim",
    "done": "green",
    "online": "green",
    "offline": "red",
    "queued": "yellow",
    "booting": "cyan",
    "executing": "bold blue",
    "onhold": "magenta",
    "excluded": "dim",
}


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def complain(line: str) -> None:
    sys.stderr.write(f"haulage: {shown(line)}\n")


def note(line: str) -> None:
    """What a person should know but a script that reads stdout should not get."""
    sys.stderr.write(f"{line}\n")


def emit(value: object) -> None:
    say(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def emit_line(value: object) -> None:
    say(msgspec.json.encode(value).decode())


def emit_all(values: Iterable[object]) -> None:
    """A JSON array, written while it is read: it may be long."""
    opened = False
    for value in values:
        sys.stdout.write(",\n " if opened else "[\n ")
        sys.stdout.write(msgspec.json.encode(value).decode())
        opened = True
    say("\n]" if opened else "[]")


@cache
def console() -> Console:
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE
    return Console(highlight=False, markup=False, emoji=False, width=width)


def draw(what: Table | Text) -> None:
    """On a terminal as it is; elsewhere without the blanks that fill a table's last column."""
    if console().is_terminal:
        console().print(what)
        return
    with console().capture() as drawn:
        console().print(what)
    say("\n".join(line.rstrip() for line in drawn.get().splitlines()))


def table(*columns: str, right: Iterable[str] = ()) -> Table:
    """An empty table without lines; columns in `right` hold numbers."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", no_wrap=True)
    return made


def plain(text: str, style: str = "") -> Text:
    """Text from outside, made harmless."""
    from rich.text import Text

    return Text(shown(text), style=style)


def cut(text: str, style: str = "") -> Text:
    """As `plain`, for the column that gives way when the terminal is narrow."""
    from rich.text import Text

    return Text(shown(text), style=style, no_wrap=True, overflow="ellipsis")


def status(word: str) -> Text:
    return plain(word, STYLES.get(word, ""))


def facts(rows: Iterable[tuple[str, Any]]) -> None:
    """Names and values, one a line; empty values are left out."""
    made = table("", "")
    made.show_header = False
    made.columns[1].no_wrap = False
    made.columns[1].overflow = "fold"
    for name, value in rows:
        if value:
            made.add_row(plain(name, "dim"), value if not isinstance(value, str) else plain(value))
    draw(made)
