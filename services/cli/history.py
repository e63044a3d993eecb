"""`log` and `events`: what has happened and what happens. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Annotated

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number
from msgspec import Struct

from projections import job_log
from projections import words as log_words
from projections.job_log import Line
from services.cli import output, pages, screen, tables, words
from services.cli.client import Client, Query, connect
from services.cli.connection import HERE, Connection
from services.cli.failures import Failure, Usage
from services.cli.following import follow as follow_stream
from services.cli.following import patiently
from services.cli.naming import find_job, text
from services.cli.output import Wanted
from services.cli.stream import Message
from services.gateway.resources import Endpoint, JobPage, LogLine, Queue

RECENT = 50
NAMING = ("endpoint.enrolled", "queue.created", "queue.changed")

Follow = Annotated[bool, Parameter(alias="-f")]


class Event(Struct, frozen=True, rename={"kind": "type"}):
    """A CloudEvents object, as far as a line of text needs it; of a type known here or not."""

    kind: str
    subject: str
    time: datetime
    sequence: str
    actor: str
    data: msgspec.Raw

    @property
    def commit(self) -> int:
        return int(self.sequence.partition(".")[0])


def log(
    job: str | None = None,
    /,
    *,
    endpoint: str | None = None,
    task: Annotated[int | None, Parameter(validator=Number(gte=0))] = None,
    attempt: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    tail: Annotated[int | None, Parameter(validator=Number(gte=0))] = None,
    follow: Follow = False,
    json: bool = False,
    connection: Connection = HERE,
) -> int:
    """Show what has happened to a job: when, who, what; or what the command of a task wrote.

    Of an endpoint: when it came and went, and what people changed of the files on it.

    Parameters
    ----------
    job
        Its id or the beginning of it.
    endpoint
        Its name: show what has happened to this endpoint instead.
    task
        A task's number: show its process log instead, which is what its command wrote.
    attempt
        With --task: which try of it; the last if left out.
    tail
        With --task: only the last so many lines.
    follow
        Go on showing what happens, until Ctrl-C; with --task until its command has ended.
    json
        Print JSON; one object a line with --follow or --task.
    """
    if task is None and (attempt is not None or tail is not None):
        raise Usage("--attempt and --tail go with --task")
    if (job is None) == (endpoint is None) or (endpoint is not None and task is not None):
        raise Usage("name one job, or an endpoint with --endpoint")
    client = connect(connection)
    if job is None:
        return _of_endpoint(client, text(endpoint or ""), follow=follow, json=json)
    found = find_job(client, job)
    if task is not None:
        return output.tell(client, found.id, task, Wanted(attempt, tail, follow, json))
    path = ("jobs", found.id, "log")
    if follow:
        tell(client, path, json, since=found.sequence, of_job=found.id)
    else:
        tell(client, path, json)
    return 0


def _of_endpoint(client: Client, name: str, *, follow: bool, json: bool) -> int:
    if not follow:
        tell(client, ("endpoints", name, "log"), json)
        return 0
    since = position(client)
    found = next((one for one in client.get(list[Endpoint], "endpoints") if one.name == name), None)
    if found is None:
        raise Failure(f"there is no endpoint {name!r}: see `haulage endpoints`")
    path = ("endpoints", found.id, "log")
    tell(client, path, json, since=since, subject=f"endpoint/{found.id}")
    return 0


def tell(
    client: Client,
    path: tuple[str, ...],
    json: bool,
    *,
    since: int | None = None,
    of_job: str | None = None,
    subject: str | None = None,
) -> None:
    """The lines at `path`; with `since`, then for ever those that events behind it announce.

    Of all events only those of a job or with a subject are looked at.
    """
    if json and since is None:
        screen.emit_all(pages.log(client, path))
        return
    lines = pages.log(client, path)
    if since is not None:
        query: Query = {"only": "events", "job": of_job}
        lines = _endless(client, path, follow_stream(client, query, since), subject)
    for line in lines:
        if json:
            screen.emit_line(line)
        else:
            screen.draw(tables.log_line(line))


def _endless(
    client: Client, path: tuple[str, ...], stream: Iterator[Message | None], subject: str | None
) -> Iterator[LogLine]:
    """The stream says when to look; the lines come from the log itself, each one once."""
    seen, cursor = (0, 0), None
    for message in chain([None], stream):
        if message is not None and not _is_news(message, seen[0], subject):
            continue
        lines, cursor = patiently(partial(pages.log_from, client, path, cursor))
        for line in lines:
            if (line.sequence, line.index + 1) > seen:
                seen = (line.sequence, line.index + 1)
                yield line


def _is_news(message: Message, seen: int, subject: str | None) -> bool:
    if message.event != "event":
        return False
    event = msgspec.json.decode(message.data, type=Event)
    return event.commit > seen and subject in (None, event.subject)


def events(
    *,
    follow: Follow = False,
    since: int | None = None,
    json: bool = False,
    connection: Connection = HERE,
) -> None:
    """Show events of the whole workspace: the latest, or as they happen.

    Parameters
    ----------
    follow
        Go on showing what happens, until Ctrl-C.
    since
        Begin behind this sequence number.
    json
        Print CloudEvents objects, one a line.
    """
    client, told = connect(connection), _Telling(json)
    newest = position(client)
    after = max(0, newest - RECENT) if since is None else since
    if after >= newest and not follow:
        return
    for message in follow_stream(client, {"only": "events"}, after):
        if message is None:
            patiently(lambda: position(client))
        elif message.event == "event":
            told.show(client, message)
        elif message.event == "position" and int(message.id) >= newest and not follow:
            return


def position(client: Client) -> int:
    """How far the read side has come."""
    return client.get(JobPage, "jobs", query={"limit": 1}).sequence


class _Telling:
    """Events as lines, with the words that the log has for them; ids of jobs stay ids."""

    def __init__(self, json: bool) -> None:
        self._json = json
        self._names: dict[str, str] = {}

    def show(self, client: Client, message: Message) -> None:
        if self._json:
            screen.say(message.data.decode("utf-8", "replace"))
            return
        event = msgspec.json.decode(message.data, type=Event)
        if not self._names or event.kind in NAMING:
            self._names = _names(client)
        made = screen.plain(f"{event.commit:>8}  ", "dim")
        made.append_text(screen.plain(words.moment(event.time), "dim"))
        made.append_text(screen.plain(f"  {log_words.who(event.actor, self._names)}  ", "cyan"))
        made.append_text(screen.plain(f"{event.kind}  {event.subject}  "))
        made.append_text(screen.plain(_in_words(event, self._names)))
        screen.draw(made)


def _names(client: Client) -> dict[str, str]:
    named = {one.id: one.name for one in client.get(list[Endpoint], "endpoints")}
    return named | {one.id: one.code for one in client.get(list[Queue], "queues")}


def _in_words(event: Event, names: dict[str, str]) -> str:
    """Nothing for an event that this version does not know."""
    try:
        said = job_log.decode(event.data)
    except msgspec.MsgspecError:
        return ""
    line = Line(event.commit, 0, None, event.subject, event.time, event.actor, "", said)
    return log_words.text(line, names)
