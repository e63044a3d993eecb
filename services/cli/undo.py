"""`undo`: take back what you commanded. A new command, not an erasure: the log keeps both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from services.cli import screen, words
from services.cli.client import Client, connect
from services.cli.connection import HERE, Connection
from services.cli.failures import Failure, Usage
from services.cli.naming import text
from services.gateway.undo_resources import Commanded, Undo, Undone

if TYPE_CHECKING:
    from rich.table import Table


def undo(
    command: str | None = None,
    /,
    *,
    list_: Annotated[bool, Parameter(name="--list")] = False,
    dry_run: bool = False,
    json: bool = False,
    connection: Connection = HERE,
) -> None:
    """Take back your last command that was not undone yet, or the one that you name.

    What can be: move, pause, resume, tasks held or excluded, settings, queues paused or resumed.
    It is refused where somebody changed the same thing since.

    Parameters
    ----------
    command
        Its id, as --list shows it, or the beginning of it.
    list_
        Only show what you commanded lately.
    dry_run
        Only say what would be done.
    json
        Print JSON.
    """
    if list_ and (command is not None or dry_run):
        raise Usage("--list shows commands and goes with nothing else")
    client = connect(connection)
    if list_:
        found = client.get(list[Commanded], "undo")
        if json:
            screen.emit_all(found)
        else:
            screen.draw(_commands(found))
        return
    chosen = _chosen(client, command)
    done = client.post(Undone, "undo", body=Undo(chosen, dry_run))
    if json:
        screen.emit(done)
        return
    for line in _said(done):
        screen.draw(screen.plain(line))


def _chosen(client: Client, command: str | None) -> str:
    """The id in full. Raises Failure."""
    found = client.get(list[Commanded], "undo")
    if command is None:
        newest = next((one for one in found if not one.undone), None)
        if newest is None:
            raise Failure("you gave no command lately that is not undone: see --list")
        return newest.command
    named = text(command)
    begins = [one.command for one in found if _name(one).startswith(named)]
    return begins[0] if len(begins) == 1 else named


def _commands(found: list[Commanded]) -> Table:
    made = screen.table("COMMAND", "WHEN", "UNDO", "WHAT")
    for one in found:
        can = "undone" if one.undone else "yes" if one.can else "no"
        made.add_row(screen.plain(_name(one)[:12]), words.clock(one.at), can, screen.cut(one.text))
    return made


def _name(one: Commanded) -> str:
    """What a person types of its id: without their own name before it."""
    return one.command.rpartition(":")[2]


def _said(done: Undone) -> list[str]:
    what = "would undo" if done.sequence is None else f"{done.sequence}  undid"
    return [f"{what} {done.of.text}", *(f"  {line}" for line in done.does)]
