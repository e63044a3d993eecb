"""`wait`: where the time of a job went. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.cli import screen, words
from services.cli.client import connect
from services.cli.connection import HERE, Connection
from services.cli.naming import find_job
from services.gateway.resources import Cause, Span, Wait

if TYPE_CHECKING:
    from rich.table import Table


def wait(
    job: str,
    /,
    *,
    as_of: str | None = None,
    json: bool = False,
    connection: Connection = HERE,
) -> None:
    """Say where the time of a job went: how long behind whom, how long running.

    Parameters
    ----------
    job
        Its id or the beginning of it.
    as_of
        Up to then: a sequence number, a time (2030-01-31T14:05), or how long ago (3h).
    json
        Print JSON.
    """
    client = connect(connection)
    found = find_job(client, job, as_of=as_of)
    answer = client.get(Wait, "jobs", found.id, "wait", query={"as_of": as_of})
    if json:
        screen.emit(answer)
        return
    screen.draw(_sums(answer.causes))
    screen.say("")
    screen.draw(_stretches(answer.spans))


def _sums(causes: list[Cause]) -> Table:
    made = screen.table("TOOK", "WHERE IT WENT", right=("TOOK",))
    for cause in causes:
        made.add_row(words.took(cause.seconds), screen.cut(cause.text))
    return made


def _stretches(spans: list[Span]) -> Table:
    made = screen.table("SINCE", "TOOK", "STATUS", "WHY", "SEQUENCE", right=("TOOK", "SEQUENCE"))
    for span in spans:
        is_over = span.until is None and span.status in ("done", "aborted")
        made.add_row(
            words.clock(span.since),
            "" if is_over else words.took(span.seconds),
            screen.status(span.status),
            screen.cut(span.reason.text if span.reason else ""),
            str(span.sequence),
        )
    return made
