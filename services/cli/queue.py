"""`queue`: make, change, hold and delete queues, and read what happened to one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from cyclopts import App, Group, Parameter
from msgspec import Struct

from services.cli import logs, outcomes, screen, tables, words
from services.cli.acts import Json
from services.cli.client import Client, connect
from services.cli.connection import HERE, Connection
from services.cli.failures import Usage
from services.cli.history import Follow
from services.cli.naming import text
from services.gateway.bodies import NewQueue, QueueChange
from services.gateway.resources import Done, Queue, QueueDeleted

app = App(
    name="queue",
    help="Make, change, hold and delete queues.",
    group_commands=Group("Commands", sort_key=0),
)

Codes = Annotated[str, Parameter(help="Their codes.")]
Priority = Annotated[int | None, Parameter(help="0 to 1000; the jobs of the highest run first.")]
Pairs = Annotated[
    list[str] | None,
    Parameter(negative=(), help="K=V, as often as you like: words of your own to keep with it."),
]


class Outcome(Struct, frozen=True):
    """What became of a queue named `asked`: as it is now, or where its jobs went."""

    asked: str
    sequence: int | None = None
    queue: Queue | None = None
    jobs: list[str] | None = None
    to: str | None = None
    refused: str | None = None


@app.command
def create(
    code: str,
    /,
    *,
    priority: int = 500,
    description: str = "",
    default: bool = False,
    compute_default: bool = False,
    metadata: Pairs = None,
    json: bool = False,
    connection: Connection = HERE,
) -> None:
    """Make a queue.

    Parameters
    ----------
    code
        What to call it: letters, digits, dots, underscores and hyphens.
    priority
        0 to 1000; the jobs of the highest run first.
    description
        What it is for.
    default
        From now on, jobs that name no queue go into it.
    compute_default
        From now on, jobs that compute and name no queue go into it.
    json
        Print the queue as JSON.
    """
    client = connect(connection)
    body = NewQueue(
        code=text(code),
        priority=priority,
        description=text(description),
        metadata=_pairs(metadata) or {},
        default=default,
        compute_default=compute_default,
    )
    done = client.post(Done, "queues", body=body)
    _show(_as_of(client, body.code, done.sequence), json)


@app.command(name="set")
def change(
    queue: str,
    /,
    *,
    code: str | None = None,
    priority: Priority = None,
    description: str | None = None,
    default: bool = False,
    compute_default: bool = False,
    metadata: Pairs = None,
    json: bool = False,
    connection: Connection = HERE,
) -> None:
    """Change a queue; what is left out stays.

    Parameters
    ----------
    queue
        Its code.
    code
        Call it so.
    description
        What it is for.
    default
        From now on, jobs that name no queue go into it.
    compute_default
        From now on, jobs that compute and name no queue go into it.
    json
        Print the queue as JSON.
    """
    body = QueueChange(
        code=None if code is None else text(code),
        priority=priority,
        description=None if description is None else text(description),
        metadata=_pairs(metadata),
        default=default or None,
        compute_default=compute_default or None,
    )
    if body == QueueChange():
        raise Usage("say what to change, see `haulage queue set --help`")
    client = connect(connection)
    done = client.patch(Done, "queues", text(queue), body=body)
    _show(_as_of(client, body.code or text(queue), done.sequence), json)


@app.command
def pause(*queues: Codes, json: Json = False, connection: Connection = HERE) -> int:
    """Hold all jobs of queues; those that run stop and keep what they have moved."""
    return _each(queues, lambda client, queue: _held(client, queue, "pause"), json, connection)


@app.command
def resume(*queues: Codes, json: Json = False, connection: Connection = HERE) -> int:
    """Let the jobs of held queues go on."""
    return _each(queues, lambda client, queue: _held(client, queue, "resume"), json, connection)


@app.command
def delete(*queues: Codes, json: Json = False, connection: Connection = HERE) -> int:
    """Delete queues; their unfinished jobs go to the bottom of the default queue."""
    return _each(queues, _deleted, json, connection)


@app.command
def log(
    queue: str,
    /,
    *,
    follow: Follow = False,
    json: bool = False,
    connection: Connection = HERE,
) -> None:
    """Show what has happened to a queue, also to one that was deleted.

    Parameters
    ----------
    queue
        Its code.
    follow
        Go on showing what happens, until Ctrl-C.
    json
        Print JSON; one object a line with --follow.
    """
    client = connect(connection)
    of = logs.of_queue(client, queue, follow)
    logs.tell(client, of, {}, logs.Told(follow=follow, json=json))


def _each(
    queues: tuple[str, ...],
    act: Callable[[Client, str], Outcome],
    json: bool,
    connection: Connection,
) -> int:
    if not queues:
        raise Usage("name at least one queue by its code, see `haulage queues`")
    client = connect(connection)
    return outcomes.each(map(text, queues), lambda one: act(client, one), _refused, _say, json)


def _refused(queue: str, why: str) -> Outcome:
    return Outcome(queue, refused=why)


def _held(client: Client, queue: str, act: str) -> Outcome:
    done = client.post(Done, "queues", queue, act)
    return Outcome(queue, done.sequence, _as_of(client, queue, done.sequence))


def _deleted(client: Client, queue: str) -> Outcome:
    done = client.delete(QueueDeleted, "queues", queue)
    return Outcome(queue, done.sequence, jobs=done.jobs, to=done.to)


def _say(outcome: Outcome) -> None:
    if outcome.queue is not None:
        screen.draw(tables.queue_line(outcome.queue))
        return
    jobs = words.count(len(outcome.jobs or ()), "job")
    screen.say(f"{outcome.asked}  deleted, {jobs} went to {outcome.to or 'the default queue'}")


def _as_of(client: Client, queue: str, sequence: int) -> Queue:
    return client.get(Queue, "queues", queue, query={"at_least": sequence})


def _show(queue: Queue, json: bool) -> None:
    if json:
        screen.emit(queue)
    else:
        screen.draw(tables.queue_line(queue))


def _pairs(given: list[str] | None) -> dict[str, str] | None:
    """None when nothing was said of them."""
    if given is None:
        return None
    pairs = [text(one).partition("=") for one in given]
    for key, equals, _ in pairs:
        if not key or not equals:
            raise Usage(f"--metadata {key!r}: write it as K=V")
    return {key: value for key, _, value in pairs}
