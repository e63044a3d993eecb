"""`log` and `events`: what has happened and what happens. Changes nothing."""

from __future__ import annotations

from typing import Annotated

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number

from projections import job_log
from projections import words as log_words
from projections.job_log import Line
from services.cli import logs, output, pages, screen, words
from services.cli.client import Client, connect
from services.cli.connection import HERE, Connection
from services.cli.failures import Usage
from services.cli.following import follow as follow_stream
from services.cli.following import patiently, position
from services.cli.naming import find_job
from services.cli.output import Wanted
from services.cli.stream import Event, Message
from services.gateway.resources import Endpoint, Queue

RECENT = 50
NAMING = ("endpoint.enrolled", "queue.created", "queue.changed")

Follow = Annotated[bool, Parameter(alias="-f")]


def log(
    job: str | None = None,
    /,
    *,
    queue: str | None = None,
    endpoint: str | None = None,
    user: str | None = None,
    kind: str | None = None,
    actor: str | None = None,
    of_task: Annotated[int | None, Parameter(validator=Number(gte=0))] = None,
    text: str | None = None,
    since: str | None = None,
    until: str | None = None,
    cause: str | None = None,
    causes: bool = False,
    limit: pages.Limit = None,
    task: Annotated[int | None, Parameter(validator=Number(gte=0))] = None,
    attempt: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    tail: Annotated[int | None, Parameter(validator=Number(gte=0))] = None,
    follow: Follow = False,
    csv: bool = False,
    json: bool = False,
    connection: Connection = HERE,
) -> int:
    """Show what has happened: when, who, what, why; or what the command of a task wrote.

    Of a job; without one of a queue, an endpoint or somebody; without these of everything.

    Parameters
    ----------
    job
        Its id or the beginning of it.
    queue
        What happened to this queue, also to one that was deleted.
    endpoint
        What happened to this endpoint, and what people changed of the files on it.
    user
        What this person did.
    kind
        Only events of these kinds, with commas between: job.paused,queue,task.failed.
    actor
        Only what this person, this endpoint or the scheduler did.
    of_task
        Only what happened to the task with this number.
    text
        Only lines with this text in them.
    since
        From then on: a sequence number, a time (2030-01-31T14:05), or how long ago (3h).
    until
        Up to then.
    cause
        All that one command caused; --causes shows what they are called by.
    causes
        Show the id of the command that each line came from.
    limit
        Only the newest lines, so many; of everything 100 if nothing else is chosen.
    task
        A task's number: show its process log instead, which is what its command wrote.
    attempt
        With --task: which try of it; the last if left out.
    tail
        With --task: only the last so many lines.
    follow
        Go on showing what happens, until Ctrl-C; with --task until its command has ended.
    csv
        Print CSV, all of it.
    json
        Print JSON; one object a line with --follow or --task.
    """
    if task is None and (attempt is not None or tail is not None):
        raise Usage("--attempt and --tail go with --task")
    if len([one for one in (job, queue, endpoint, user) if one is not None]) > 1:
        raise Usage("name one of a job, --queue, --endpoint and --user, or none for everything")
    client = connect(connection)
    if task is not None:
        found = find_job(client, _named(job))
        return output.tell(client, found.id, task, Wanted(attempt, tail, follow, json))
    filters = logs.filters(kind, actor, of_task, text, since, until, cause)
    of = logs.of(client, job, queue, endpoint, user, following=follow)
    logs.tell(client, of, filters, logs.Told(limit, causes, follow, csv, json))
    return 0


def _named(job: str | None) -> str:
    if job is None:
        raise Usage("--task goes with a job: haulage log JOB --task N")
    return job


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
