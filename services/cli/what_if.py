"""`what-if`: what would become of all jobs, before anything is changed. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from services.cli import changes, screen, words
from services.cli.client import connect
from services.cli.connection import HERE, Connection
from services.cli.failures import Usage
from services.gateway.what_if_resources import Changes, Course, Forecast, Sum, WhatIf

if TYPE_CHECKING:
    from rich.table import Table

Typed = Annotated[
    str,
    Parameter(
        help='Commands as you would type them, each in quotes: "move 65a1 --queue high", "pause '
        '65a1", "settings set transfer_concurrent=2 --queue medium", "queue pause low", "offline '
        'stockholm 22:00-06:00" (or 2h; nothing: for good).'
    ),
]


def what_if(
    *typed: Typed,
    as_of: str | None = None,
    limit: int = 100,
    json: bool = False,
    connection: Connection = HERE,
) -> None:
    """Say when each job would start and end if you gave these commands; nothing is changed.

    Parameters
    ----------
    as_of
        From then on: a sequence number, a time (2030-01-31T14:05), or how long ago (3h).
    limit
        At most so many jobs, those with the largest difference.
    json
        Print JSON.
    """
    if not typed:
        raise Usage('say what to try, each in quotes: haulage what-if "move 65a1 --queue high"')
    client = connect(connection)
    body = Changes(changes.read(typed, client))
    query: dict[str, str | int | None] = {"as_of": as_of, "limit": limit}
    found = client.ask(WhatIf, "what-if", query=query, body=body)
    if json:
        screen.emit(found)
        return
    if found.jobs:
        screen.draw(_jobs(found))
        screen.say("")
    for line in _summary(found):
        screen.draw(screen.plain(line))


def _jobs(found: WhatIf) -> Table:
    made = screen.table(
        *("JOB", "NAME", "QUEUE", "STARTS", "ENDS", "THEN STARTS", "THEN ENDS", "CHANGE"),
        right=("CHANGE",),
    )
    short = words.short([one.job for one in found.jobs])
    for one in found.jobs:
        made.add_row(
            screen.plain(short[one.job]),
            screen.plain(one.name),
            screen.plain(one.queue),
            words.clock(one.before.start_at),
            _end(one.before),
            words.clock(one.after.start_at),
            _end(one.after),
            _change(one),
        )
    return made


def _end(course: Course) -> str:
    if course.end_at is not None:
        failed = " failed" if course.status == "failed" else ""
        return f"{words.clock(course.end_at)}{failed}"
    return course.why.text if course.why else course.status


def _change(one: Forecast) -> str:
    if one.later_s is None:
        if (one.before.end_at is None) == (one.after.end_at is None):
            return ""
        return "never ends" if one.after.end_at is None else "ends"
    if abs(one.later_s) < 0.05:
        return "same end"
    return f"{words.took(abs(one.later_s))} {'later' if one.later_s > 0 else 'sooner'}"


def _summary(found: WhatIf) -> list[str]:
    if not found.total:
        lines = ["no job would start or end at another time"]
    else:
        lines = [f"{_said(found.sooner, 'sooner')}; {_said(found.later, 'later or never')}"]
        if len(found.jobs) < found.total:
            lines.append(f"{found.total - len(found.jobs):,} more differ, see --limit")
    last = (words.clock(one) for one in (found.last_before, found.last_after))
    lines.append("the last job ends {}, with the change {}".format(*last))
    if found.unknown:
        what = words.count(found.unknown_total, "job")
        lines.append(f"of {what} nobody knows how long they take, nor of those behind them:")
        lines += [f"  {one.job} {one.name}: {one.why}" for one in found.unknown]
    return [*lines, *(f"note: {note}" for note in found.notes)]


def _said(these: Sum, how: str) -> str:
    verb = "ends" if these.jobs == 1 else "end"
    together = f", {words.took(these.seconds)} together" if these.seconds else ""
    return f"{words.count(these.jobs, 'job')} {verb} {how}{together}"
