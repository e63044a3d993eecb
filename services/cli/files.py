"""`ls`, `du`, `exists`: what lies on the volumes of an endpoint. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from msgspec.structs import replace

from events.names import shown
from services.cli import screen, words
from services.cli.client import Client, Query, connect
from services.cli.connection import HERE, Connection
from services.cli.failures import FAILED, Failure, Usage
from services.cli.naming import path
from services.gateway.file_resources import File, FileAmount, FilePage, FileThere

SIZE_WIDTH = 8
UNSAID = 2

Patterns = tuple[str, ...]


def ls(
    where: str,
    /,
    *,
    recursive: Annotated[bool, Parameter(alias="-r")] = False,
    depth: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    include: Patterns = (),
    exclude: Patterns = (),
    json: bool = False,
    connection: Connection = HERE,
) -> None:
    """List files on an endpoint: size, time of change, name.

    Parameters
    ----------
    where
        A folder or file, as endpoint:volume/path.
    recursive
        With all that is below it.
    depth
        So many levels deep.
    include
        Only what this pattern names ("*.exr", "sh010/**/*.exr"); as often as you like.
    exclude
        Not what this pattern names.
    json
        Print JSON.
    """
    if recursive and depth is not None:
        raise Usage("--recursive goes all the way: leave it or --depth out")
    query = {**_query(where, include, exclude), "depth": 0 if recursive else depth or 1}
    found = _pages(connect(connection), query)
    if json:
        screen.emit_all(file for page in found for file in page.files)
        return
    unread = 0
    for page in found:
        unread += page.unread
        for file in page.files:
            screen.say(_line(file))
    _say_unread(unread)


def du(
    where: str,
    /,
    *,
    include: Patterns = (),
    exclude: Patterns = (),
    json: bool = False,
    connection: Connection = HERE,
) -> None:
    """Say how much lies below a place on an endpoint: bytes, files, folders, links.

    Parameters
    ----------
    where
        A folder or file, as endpoint:volume/path.
    include
        Only what this pattern names, as with `haulage ls`.
    exclude
        Not what this pattern names.
    json
        Print JSON.
    """
    query = _query(where, include, exclude)
    total = reduce(_sum, _amounts(connect(connection), query))
    if json:
        screen.emit(total)
        return
    kinds = ("file", total.files), ("folder", total.folders), ("link", total.links)
    counted = ", ".join(words.count(number, noun) for noun, number in kinds if number)
    screen.say(f"{words.size(total.size)}  {counted or 'nothing'}")
    _say_unread(total.unread)


def exists(where: str, /, *, json: bool = False, connection: Connection = HERE) -> int:
    """Say whether anything is at a place on an endpoint: exit status 0 if so, 1 if not.

    Where nobody can say, it is 2.

    Parameters
    ----------
    where
        A folder or file, as endpoint:volume/path.
    json
        Print JSON.
    """
    try:
        query: Query = {"where": path(where)}
        there = connect(connection).get(FileThere, "files", "exists", query=query)
    except Failure as failure:
        failure.exit_status = UNSAID
        raise
    if json:
        screen.emit(there)
    else:
        screen.say(there.file.kind if there.file is not None else "nothing")
    return 0 if there.exists else FAILED


def _query(where: str, include: tuple[str, ...], exclude: tuple[str, ...]) -> Query:
    patterns = {"include": ",".join(include), "exclude": ",".join(exclude)}
    return {"where": path(where), **{name: text for name, text in patterns.items() if text}}


def _pages(client: Client, query: Query) -> Iterator[FilePage]:
    while True:
        page = client.get(FilePage, "files", query=query)
        yield page
        if page.next is None:
            return
        query |= {"cursor": page.next}


def _amounts(client: Client, query: Query) -> Iterator[FileAmount]:
    while True:
        amount = client.get(FileAmount, "files", "size", query=query)
        yield amount
        if amount.next is None:
            return
        query |= {"cursor": amount.next}


def _sum(one: FileAmount, other: FileAmount) -> FileAmount:
    return replace(
        other,
        files=one.files + other.files,
        folders=one.folders + other.folders,
        links=one.links + other.links,
        size=one.size + other.size,
        unread=one.unread + other.unread,
    )


def _line(file: File) -> str:
    size = words.size(file.size) if file.kind == "file" else ""
    ending = {"folder": "/", "link": f" -> {shown(file.target)}"}.get(file.kind, "")
    return f"{size:>{SIZE_WIDTH}}  {words.moment(file.modified_at)}  {shown(file.path)}{ending}"


def _say_unread(unread: int) -> None:
    if unread:
        screen.note(f"{words.count(unread, 'folder')} could not be read by the agent")
