"""`replay`: a stretch of the log gone through again, for a diagnosis. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from services.cli import pages, screen, tables
from services.cli.client import Client, Query, connect
from services.cli.connection import HERE, Connection
from services.cli.failures import FAILED, Usage
from services.cli.naming import find_job
from services.gateway.replay_routes import Checked, Decision, ReplayPage, ReplayStep

VALUE_MAX = 120
STEPS = 200


def replay(
    *,
    begins: Annotated[str | None, Parameter(name="--from")] = None,
    ends: Annotated[str, Parameter(name="--to")] = "now",
    job: str | None = None,
    check: bool = False,
    json: bool = False,
    connection: Connection = HERE,
) -> int:
    """Go through a stretch of the log again and show what each event changed.

    Parameters
    ----------
    begins
        The first commit: a sequence number, a time (2030-01-31T14:05), or how long ago (3h). Of a
        job its submission if left out; with --check the whole log.
    ends
        The last one.
    job
        Only what is about this job: its id or the beginning of it.
    check
        Let the scheduler of this version decide it again; show the first decision that differs,
        and why jobs wait by either. The status is 1 if one does.
    json
        Print JSON; one object an event a line, without --check.
    """
    client = connect(connection)
    if check:
        if job is not None:
            raise Usage("--check is of a stretch of the whole log: leave out --job")
        return _check(client, {"from": begins or "1", "to": ends}, json)
    found = find_job(client, job) if job is not None else None
    if begins is None and found is None:
        raise Usage("say from when: --from, as a sequence number, a time or how long ago")
    if begins is None and found is not None:
        submitted = next(pages.log(client, ("jobs", found.id, "log"), {"limit": 1}))
        begins = str(submitted.sequence)
    query: Query = {"from": begins, "to": ends, "job": found.id if found else None}
    for step in _steps(client, query):
        if json:
            screen.emit_line(step)
        else:
            _say(step, whole=found is None)
    return 0


def _steps(client: Client, query: Query) -> Iterator[ReplayStep]:
    begins: int | None = None
    while True:
        asked = {**query, "limit": STEPS} | ({} if begins is None else {"from": begins})
        page = client.get(ReplayPage, "replay", query=asked)
        yield from page.steps
        if page.next is None:
            return
        begins = page.next


def _say(step: ReplayStep, *, whole: bool) -> None:
    line = screen.plain(f"{step.line.sequence:>8}  ", "dim")
    screen.draw(line.append_text(tables.log_line(step.line, whole=whole)))
    for change in step.changes:
        made = screen.plain(f"{'':10}{change.field}: ", "cyan")
        was, now = _value(change.before), _value(change.after)
        screen.draw(made.append_text(screen.plain(f"{was} → {now}")))


def _value(value: Any) -> str:
    said = value if isinstance(value, str) and value else msgspec.json.encode(value).decode()
    return said if len(said) <= VALUE_MAX else f"{said[:VALUE_MAX]}…"


def _check(client: Client, query: Query, json: bool) -> int:
    events = decisions = 0
    while True:
        found = client.get(Checked, "replay", "check", query=query)
        events, decisions = events + found.events, decisions + found.decisions
        if not found.same or found.next is None:
            break
        screen.note(f"commit {found.sequence:,}, {decisions:,} decisions the same")
        query = {**query, "from": found.next}
    total = msgspec.structs.replace(found, events=events, decisions=decisions)
    if json:
        screen.emit(total)
    else:
        _say_checked(total)
    return 0 if total.same else FAILED


def _say_checked(found: Checked) -> None:
    said = f"{found.events:,} events, {found.decisions:,} decisions of the scheduler"
    if found.same:
        screen.say(f"{said}: all the same")
        return
    screen.say(f"{said} were the same; in commit {found.sequence:,} one differs")
    for title, side in (("recorded", found.recorded), ("decided now", found.decided)):
        screen.say("")
        screen.say(f"{title}:")
        _say_side(side)


def _say_side(side: Decision | None) -> None:
    if side is None or side.step is None:
        screen.say("          nothing")
    else:
        _say(side.step, whole=True)
    for job, reasons in (side.reasons if side else {}).items():
        for reason in reasons:
            screen.draw(screen.plain(f"{'':10}{job} waits: {reason.text}"))
