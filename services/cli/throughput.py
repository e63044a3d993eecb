"""`throughput`: how fast a job, an endpoint or a pair of endpoints moved bytes. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from events.names import shown
from services.cli import screen, words
from services.cli.client import Client, Query, connect
from services.cli.connection import HERE, Connection
from services.cli.failures import Usage
from services.cli.naming import find_job
from services.gateway.resources import EndpointThroughput, Throughput

MARKS_MAX = 60


def throughput(
    job: str | None = None,
    /,
    *,
    endpoint: str | None = None,
    pair: str | None = None,
    since: str | None = None,
    json: bool = False,
    connection: Connection = HERE,
) -> None:
    """Show how fast bytes moved: of a job, through an endpoint, or between two.

    Parameters
    ----------
    job
        Its id or the beginning of it; all of its time, if not told else.
    endpoint
        Instead: what an endpoint sent and received.
    pair
        Instead: what flowed from one endpoint to another, as FROM:TO.
    since
        From then on: how long ago (3h, 2d) or a time; three hours if left out.
    json
        Print JSON.
    """
    if sum(one is not None for one in (job, endpoint, pair)) != 1:
        raise Usage("name a job, or give --endpoint or --pair")
    client, query = connect(connection), Query({"from": since})
    if endpoint is not None:
        told = client.get(EndpointThroughput, "endpoints", endpoint, "throughput", query=query)
        rows = {"sent": told.sent, "received": told.received}
        _show(endpoint, told, rows, json)
        return
    name, flow = _of_job(client, job, query) if job is not None else _of_pair(client, pair, query)
    _show(name, flow, {"moved": flow.bytes}, json)


def _of_job(client: Client, job: str, query: Query) -> tuple[str, Throughput]:
    found = find_job(client, job)
    return found.name, client.get(Throughput, "jobs", found.id, "throughput", query=query)


def _of_pair(client: Client, pair: str | None, query: Query) -> tuple[str, Throughput]:
    source, colon, destination = (pair or "").partition(":")
    if not colon or not source or not destination:
        raise Usage(f"{pair!r} is no pair: write it as FROM:TO, for example hq:stockholm")
    ends: Query = {"source": source, "destination": destination}
    return f"{source} to {destination}", client.get(Throughput, "throughput", query=ends | query)


def _show(
    name: str,
    told: Throughput | EndpointThroughput,
    rows: dict[str, list[int]],
    json: bool,
) -> None:
    if json:
        screen.emit(told)
        return
    together = -(-max(map(len, rows.values())) // MARKS_MAX)
    marks = {what: _joined(values, together) for what, values in rows.items()}
    step_s = told.step_s * together
    most = max(map(max, marks.values()))
    screen.say(shown(f"{name}, {_span(told.begins_at, told.ends_at)}, {words.took(step_s)} a mark"))
    made = screen.table("", "", "MEAN", "MOST", "BYTES", right=("MEAN", "MOST", "BYTES"))
    for what, values in marks.items():
        total, seconds = sum(values), step_s * len(values)
        made.add_row(
            screen.plain(what, "dim"),
            screen.plain(words.spark(values, most), "cyan"),
            words.rate(total / seconds),
            words.rate(max(values) / step_s),
            words.size(total),
        )
    screen.draw(made)


def _joined(values: Sequence[int], together: int) -> list[int]:
    return [sum(values[at : at + together]) for at in range(0, len(values), together)]


def _span(begins_at: datetime, ends_at: datetime) -> str:
    return f"{words.clock(begins_at)} to {words.clock(ends_at)}"
