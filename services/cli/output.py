"""`log --task`: the process log of a task, as it is and as it comes. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from msgspec import Struct

from events.names import shown
from services.cli import screen
from services.cli.client import Client, Query
from services.cli.following import patiently
from services.gateway.log_resources import OutputLine, TaskOutput

WAIT_S = 8
LINES_MAX = 10_000


class Wanted(Struct, frozen=True):
    """Which try (None: the last), only so many of its last lines, live or not, as JSON or text."""

    attempt: int | None
    tail: int | None
    follow: bool
    json: bool


def tell(client: Client, job: str, task: int, wanted: Wanted) -> int:
    """Print the lines; the exit status."""
    for page in _pages(client, ("jobs", job, "tasks", str(task), "log"), wanted):
        for line in page.lines:
            if wanted.json:
                screen.emit_line(line)
            else:
                _print(line)
    if not wanted.json and page.after < 0:
        screen.note(_nothing(page))
    return 0


def _pages(client: Client, path: tuple[str, ...], wanted: Wanted) -> Iterator[TaskOutput]:
    """At least one. A try that is followed stays the same, however often it is tried again."""
    query: Query = {"attempt": wanted.attempt, "tail": wanted.tail, "limit": LINES_MAX}
    while True:
        page = patiently(partial(client.get, TaskOutput, *path, query=query))
        yield page
        if not page.more and (page.over or not wanted.follow):
            return
        tail = wanted.tail if page.after < 0 else None
        query |= {"attempt": page.attempt, "tail": tail, "after": page.after}
        query["wait"] = WAIT_S if wanted.follow else None


def _print(line: OutputLine) -> None:
    if line.dropped:
        screen.note(f"[{line.dropped} lines were dropped here]")
    screen.say(shown(line.text.expandtabs()))


def _nothing(page: TaskOutput) -> str:
    if page.attempt is None:
        return f"task {page.task} was not tried: it is {page.outcome}"
    return f"task {page.task} wrote nothing in try {page.attempt}, which is {page.outcome}"
