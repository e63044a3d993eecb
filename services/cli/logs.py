"""Lines of a log, of whatever it is: all, the newest, as they come, as text, JSON or CSV."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain, islice

import msgspec
from msgspec import Struct

from services.cli import pages, screen, tables
from services.cli.client import Client, Query
from services.cli.failures import Failure, Usage
from services.cli.following import follow, patiently, position
from services.cli.naming import find_job, text
from services.cli.stream import Event, Lost, Message
from services.gateway.log_resources import LogLine
from services.gateway.resources import Endpoint, Queue

RECENT = 50
LINES = 100


class Of(Struct, frozen=True):
    """Where its lines are, and as what to export it; of all events only some are news of it."""

    path: tuple[str, ...]
    export: Query
    job: str | None = None
    subject: str | None = None
    since: int | None = None


class Told(Struct, frozen=True):
    limit: int | None = None
    causes: bool = False
    follow: bool = False
    csv: bool = False
    json: bool = False


def filters(
    kind: str | None,
    actor: str | None,
    task: int | None,
    wanted: str | None,
    since: str | None,
    until: str | None,
    cause: str | None,
) -> Query:
    return {
        "kind": kind,
        "actor": actor and text(actor),
        "task": task,
        "text": wanted and text(wanted),
        "from": since,
        "to": until,
        "cause": cause,
    }


def of(
    client: Client,
    job: str | None,
    queue: str | None,
    endpoint: str | None,
    user: str | None,
    *,
    following: bool,
) -> Of:
    """One of them, or everything."""
    if job is not None:
        found = find_job(client, job)
        path = ("jobs", found.id, "log")
        return Of(path, {"job": found.id}, job=found.id, since=found.sequence)
    if queue is not None:
        return of_queue(client, queue, following)
    if endpoint is not None:
        return _of_endpoint(client, text(endpoint), following)
    if user is not None:
        return Of(("users", text(user), "log"), {"user": text(user)})
    return Of(("log",), {})


def of_queue(client: Client, queue: str, following: bool) -> Of:
    """Followed by its id, whatever it is called meanwhile."""
    if not following:
        return Of(("queues", text(queue), "log"), {"queue": text(queue)})
    since = position(client)
    found = client.get(Queue, "queues", text(queue))
    path, subject = ("queues", found.id, "log"), f"queue/{found.id}"
    return Of(path, {"queue": found.id}, subject=subject, since=since)


def _of_endpoint(client: Client, name: str, following: bool) -> Of:
    if not following:
        return Of(("endpoints", name, "log"), {"endpoint": name})
    since = position(client)
    found = next((one for one in client.get(list[Endpoint], "endpoints") if one.name == name), None)
    if found is None:
        raise Failure(f"there is no endpoint {name!r}: see `haulage endpoints`")
    return Of(("endpoints", found.id, "log"), {"endpoint": found.id}, since=since)


def tell(client: Client, of: Of, filters: Query, told: Told) -> None:
    """Print the lines; followed, for ever."""
    if told.csv and (told.json or told.follow or told.limit):
        raise Usage("--csv prints all of a log: leave out --json, --follow and --limit")
    if told.csv:
        _pour(client, {**of.export, **filters, "format": "csv"})
        return
    lines = _lines(client, of, filters, told)
    if told.json and not told.follow:
        screen.emit_all(lines)
        return
    for line in lines:
        if told.json:
            screen.emit_line(line)
        else:
            screen.draw(tables.log_line(line, whole=of.job is None, cause=told.causes))


def _lines(client: Client, of: Of, filters: Query, told: Told) -> Iterable[LogLine]:
    is_all = of.path == ("log",) and not any(value is not None for value in filters.values())
    if told.follow:
        since = position(client) if of.since is None else of.since
        if is_all or told.limit:
            filters = {**filters, "from": str(max(0, since - (told.limit or RECENT)))}
        query: Query = {"only": "events", "job": of.job}
        return _endless(client, of, filters, follow(client, query, since))
    limit = told.limit or (LINES if is_all and not told.json else None)
    if limit is None:
        return pages.log(client, of.path, filters)
    newest = pages.log(client, of.path, {**filters, "order": "newest"})
    return reversed(list(islice(newest, limit)))


def _endless(
    client: Client, of: Of, filters: Query, stream: Iterator[Message | None]
) -> Iterator[LogLine]:
    """The stream says when to look; the lines come from the log itself, each one once."""
    seen, cursor = (0, 0), None
    for message in chain([None], stream):
        if message is not None and not _is_news(message, seen[0], of.subject):
            continue
        lines, cursor = patiently(partial(pages.log_from, client, of.path, cursor, filters))
        for line in lines:
            if (line.sequence, line.index + 1) > seen:
                seen = (line.sequence, line.index + 1)
                yield line


def _is_news(message: Message, seen: int, subject: str | None) -> bool:
    if message.event != "event":
        return False
    event = msgspec.json.decode(message.data, type=Event)
    return event.commit > seen and subject in (None, event.subject)


def _pour(client: Client, query: Query) -> None:
    try:
        with client.content("log", "export", query=query) as pieces:
            sys.stdout.buffer.writelines(pieces)
            sys.stdout.buffer.flush()
    except Lost as lost:
        raise Failure(f"the log broke off ({lost}): ask for it again") from None
