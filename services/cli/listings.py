"""`jobs`, `queues`, `endpoints`: what there is, as a table or as JSON. Changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from services.cli import pages, screen, tables
from services.cli.client import Query, connect
from services.cli.connection import HERE, Connection
from services.cli.failures import Usage
from services.gateway.resources import Endpoint, Queue

JobStatus = Literal["init", "waiting", "running", "paused", "failed", "aborted", "done"]
FINISHED = ("aborted", "done")


def jobs(
    *,
    finished: bool = False,
    queue: str | None = None,
    status: JobStatus | None = None,
    search: str | None = None,
    limit: pages.Limit = None,
    as_of: str | None = None,
    json: bool = False,
    connection: Connection = HERE,
) -> None:
    """List jobs: the active ones, in the order in which they run.

    Parameters
    ----------
    finished
        List the done and the aborted ones instead.
    queue
        Only jobs of this queue.
    status
        Only jobs with this status.
    search
        Only jobs with this text in their name, paths, user or id.
    limit
        At most so many; without it 100 in the table and all as JSON.
    as_of
        As it was then: a sequence number, a time (2030-01-31T14:05), or how long ago (3h).
    json
        Print JSON.
    """
    if finished and status and status not in FINISHED:
        raise Usage(f"a job that is {status} is not finished: leave out --finished")
    state = "finished" if finished or status in FINISHED else "active"
    query: Query = {"state": state, "queue": queue, "status": status, "search": search}
    client = connect(connection)
    query |= {"as_of": pages.instant(client, as_of)}
    rows, total = pages.jobs(client, query, pages.wanted(limit, json))
    if json:
        screen.emit_all(rows)
    elif total:
        found = list(rows)
        screen.draw(tables.jobs(found, datetime.now(UTC)))
        pages.say_more(len(found), total, "job")
    else:
        screen.say(f"no {state} jobs")


def queues(*, as_of: str | None = None, json: bool = False, connection: Connection = HERE) -> None:
    """List the queues, highest priority first.

    Parameters
    ----------
    as_of
        As it was then: a sequence number, a time (2030-01-31T14:05), or how long ago (3h).
    json
        Print JSON.
    """
    rows = connect(connection).get(list[Queue], "queues", query={"as_of": as_of})
    if json:
        screen.emit_all(rows)
    else:
        screen.draw(tables.queues(rows))


def endpoints(
    *, as_of: str | None = None, json: bool = False, connection: Connection = HERE
) -> None:
    """List the endpoints and their volumes.

    Parameters
    ----------
    as_of
        As it was then: a sequence number, a time (2030-01-31T14:05), or how long ago (3h).
    json
        Print JSON.
    """
    rows = connect(connection).get(list[Endpoint], "endpoints", query={"as_of": as_of})
    if json:
        screen.emit_all(rows)
    elif rows:
        screen.draw(tables.endpoints(rows))
    else:
        screen.say("no endpoints: add one with `haulage agent --name NAME --volume CODE=PATH`")
