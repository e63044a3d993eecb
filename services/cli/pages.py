"""Lists of the API, page by page and bounded: a person gets a screen or two, a script all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Annotated, TypeVar

from cyclopts import Parameter
from cyclopts.validators import Number

from services.cli import screen, words
from services.cli.client import Client, Query
from services.gateway.log_resources import LogLine, LogPage
from services.gateway.resources import Attempt, AttemptPage, Instant, Job, JobPage, Task, TaskPage

ROWS = 100
PAGE = 200
LINES: Query = {"limit": PAGE, "order": "oldest"}

Limit = Annotated[int | None, Parameter(validator=Number(gte=1))]

Page = TypeVar("Page", JobPage, TaskPage, AttemptPage, LogPage)
Row = TypeVar("Row")


def jobs(client: Client, query: Query, wanted: int | None) -> tuple[Iterator[Job], int]:
    """The rows, read as they are taken, and how many there are in all."""
    pages = _read(client, JobPage, ("jobs",), {**query, "limit": _size(wanted)})
    first = next(pages)
    rows = _rows(lambda page: page.jobs, chain([first], pages))
    return islice(rows, wanted), first.total


def tasks(client: Client, job: str, query: Query, wanted: int | None) -> tuple[Iterator[Task], int]:
    path = ("jobs", job, "tasks")
    pages = _read(client, TaskPage, path, {**query, "limit": _size(wanted)})
    first = next(pages)
    rows = _rows(lambda page: page.tasks, chain([first], pages))
    return islice(rows, wanted), first.total


def attempts(client: Client, job: str, number: int) -> Iterator[Attempt]:
    path = ("jobs", job, "tasks", str(number), "attempts")
    return _rows(lambda page: page.attempts, _read(client, AttemptPage, path, {"limit": PAGE}))


def log(client: Client, path: tuple[str, ...], query: Query) -> Iterator[LogLine]:
    return _rows(lambda page: page.lines, _read(client, LogPage, path, {**LINES, **query}))


def log_from(
    client: Client, path: tuple[str, ...], cursor: str | None, query: Query
) -> tuple[list[LogLine], str | None]:
    """The lines from a cursor on, and that of the last page, to read on from."""
    lines: list[LogLine] = []
    while True:
        page = client.get(LogPage, *path, query={**LINES, **query, "cursor": cursor})
        lines += page.lines
        if page.next is None:
            return lines, cursor
        cursor = page.next


def _read(client: Client, shape: type[Page], path: tuple[str, ...], query: Query) -> Iterator[Page]:
    """Pages, each asked for when it is wanted."""
    cursor: str | None = None
    while True:
        page = client.get(shape, *path, query={**query, "cursor": cursor})
        yield page
        cursor = page.next
        if cursor is None:
            return


def _size(wanted: int | None) -> int:
    return PAGE if wanted is None else min(PAGE, wanted)


def _rows(of: Callable[[Page], list[Row]], pages: Iterable[Page]) -> Iterator[Row]:
    for page in pages:
        yield from of(page)


def instant(client: Client, as_of: str | None) -> str | None:
    """One commit for all that is asked: how long ago it was would move on between the pages."""
    if as_of is None or as_of.isdecimal():
        return as_of
    return str(client.get(Instant, "instant", query={"as_of": as_of}).sequence)


def wanted(limit: int | None, json: bool) -> int | None:
    return limit or (None if json else ROWS)


def say_more(shown: int, total: int, noun: str) -> None:
    if shown < total:
        screen.say(f"{shown:,} of {words.count(total, noun)}; --limit shows more")
