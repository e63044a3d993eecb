"""`mkdir`, `mv`, `rm`: what a person changes of the files on an endpoint.

Each place is asked for by itself; a refusal of one does not keep the others from it. What takes
long is waited for; whoever stops waiting does not stop it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from uuid import uuid4

from cyclopts import Parameter
from msgspec import Struct

from events.names import shown
from services.cli import outcomes, screen, words
from services.cli.client import connect
from services.cli.connection import HERE, Connection
from services.cli.failures import Usage
from services.cli.naming import path
from services.gateway.bodies import MakeFolder, Rename
from services.gateway.file_resources import FilesChange

Places = Annotated[str, Parameter(help="As endpoint:volume/path.")]
Json = Annotated[bool, Parameter(help="Print JSON.")]
Ask = Callable[[str, str], FilesChange]
"""Asks for the change at a place, under a key."""


class Outcome(Struct, frozen=True):
    """`where` is what was typed, `change` what came of it, or why it was `refused`."""

    where: str
    change: FilesChange | None = None
    refused: str | None = None


def mkdir(
    *where: Places,
    parents: Annotated[bool, Parameter(alias="-p")] = False,
    json: Json = False,
    connection: Connection = HERE,
) -> int:
    """Make folders on an endpoint.

    Parameters
    ----------
    parents
        With the folders above them; those that are there are as good.
    """
    client = connect(connection)

    def ask(place: str, key: str) -> FilesChange:
        return client.post(FilesChange, "files", "mkdir", body=MakeFolder(place, parents), key=key)

    return _each(where, "made", ask, json)


def mv(
    where: Places,
    to: Annotated[str, Parameter(help="Its new place, in the same volume.")],
    /,
    *,
    json: Json = False,
    connection: Connection = HERE,
) -> int:
    """Rename a file or folder on an endpoint. Nothing is ever replaced."""
    client, new = connect(connection), path(to)

    def ask(place: str, key: str) -> FilesChange:
        return client.post(FilesChange, "files", "rename", body=Rename(place, new), key=key)

    return _each((where,), f"renamed to {shown(new)}", ask, json)


def rm(
    *where: Places,
    recursive: Annotated[bool, Parameter(alias="-r")] = False,
    json: Json = False,
    connection: Connection = HERE,
) -> int:
    """Delete files and empty folders on an endpoint. Of a link it is the link that goes.

    Parameters
    ----------
    recursive
        Folders with all that is in them.
    """
    client = connect(connection)

    def ask(place: str, key: str) -> FilesChange:
        query = {"where": place, "recursive": "true" if recursive else "false"}
        return client.delete(FilesChange, "files", query={**query}, key=key)

    return _each(where, "deleted", ask, json)


def _each(where: tuple[str, ...], done: str, ask: Ask, json: bool) -> int:
    if not where:
        raise Usage("name at least one place, as endpoint:volume/path")

    def say(outcome: Outcome) -> None:
        assert outcome.change is not None
        screen.say(f"{shown(outcome.where)}  {done}{_counted(outcome.change)}")

    return outcomes.each(map(path, where), lambda one: _waited(ask, one), _refused, say, json)


def _refused(place: str, why: str) -> Outcome:
    return Outcome(place, refused=why)


def _waited(ask: Ask, place: str) -> Outcome:
    """Asked again under the same key it is the same change: the answer waits for a while."""
    key = uuid4().hex
    try:
        while (change := ask(place, key)).outcome == "underway":
            pass
    except KeyboardInterrupt:
        endpoint = place.partition(":")[0]
        screen.note(f"\nit goes on without you: `haulage log --endpoint {endpoint}` tells its end")
        raise
    return Outcome(place, change)


def _counted(change: FilesChange) -> str:
    kinds = ("file", change.files), ("folder", change.folders), ("link", change.links)
    counts = [words.count(number, noun) for noun, number in kinds if number]
    counts += [words.size(change.size)] if change.size else []
    return f": {', '.join(counts)}" if counts else ""
