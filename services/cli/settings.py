"""`settings`: see which hold where, and from where; change them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import msgspec
from cyclopts import App, Group, Parameter

from events.settings import Value
from services.cli import screen, tables
from services.cli.client import Client, connect
from services.cli.connection import HERE, Connection
from services.cli.failures import Failure, Usage
from services.cli.naming import find_job, text
from services.gateway.bodies import SettingsChange
from services.gateway.resources import Done, Setting

app = App(
    name="settings",
    help="See and change settings.",
    group_commands=Group("Commands", sort_key=0),
)


@Parameter(name="*")
@dataclass(frozen=True)
class Of:
    """Whose settings; those of the workspace if nothing is said."""

    queue: str | None = None
    """Those of a queue, by its code."""

    job: str | None = None
    """Those of a job, by its id or the beginning of it."""

    endpoint: str | None = None
    """Those of an endpoint, by its name."""

    pair: str | None = None
    """Those of two endpoints together, by their names: hq:stockholm."""


WORKSPACE = Of()


@app.default
def every(*, of: Of = WORKSPACE, json: bool = False, connection: Connection = HERE) -> None:
    """See and change settings. The nearest wins: of the job, the queue or endpoint, the workspace.

    Parameters
    ----------
    json
        Print JSON.
    """
    get(of=of, json=json, connection=connection)


@app.command
def get(*names: str, of: Of = WORKSPACE, json: bool = False, connection: Connection = HERE) -> None:
    """Show settings, and where each value comes from.

    Parameters
    ----------
    names
        Only these.
    json
        Print JSON.
    """
    only_one(of)
    client = connect(connection)
    _show(client, _place(client, of), [text(name) for name in names], json)


@app.command(name="set")
def change(
    *pairs: str, of: Of = WORKSPACE, json: bool = False, connection: Connection = HERE
) -> None:
    """Change settings; they are effective at once, for what runs too.

    Parameters
    ----------
    pairs
        NAME=VALUE, one or more.
    json
        Print JSON.
    """
    if not pairs:
        raise Usage("name at least one setting, see `haulage settings`")
    _change(of, SettingsChange(set=values(pairs)), json, connection)


@app.command
def unset(
    *names: str, of: Of = WORKSPACE, json: bool = False, connection: Connection = HERE
) -> None:
    """Take values away, so that the next level's hold again.

    Parameters
    ----------
    names
        Which settings.
    json
        Print JSON.
    """
    if not names:
        raise Usage("name at least one setting, see `haulage settings`")
    _change(of, SettingsChange(unset=[text(name) for name in names]), json, connection)


def _change(of: Of, change: SettingsChange, json: bool, connection: Connection) -> None:
    only_one(of)
    client = connect(connection)
    place = _place(client, of)
    client.patch(Done, *place, body=change)
    _show(client, place, [*change.set, *change.unset], json)


def _show(client: Client, place: tuple[str, ...], names: list[str], json: bool) -> None:
    """All of them when none is named."""
    found = {one.name: one for one in client.get(list[Setting], *place)}
    unknown = next((name for name in names if name not in found), None)
    if unknown is not None:
        raise Failure(f"there is no setting {unknown!r} here: there are {', '.join(found)}")
    rows = [found[name] for name in dict.fromkeys(names or found)]
    if json:
        screen.emit_all(rows)
    else:
        screen.draw(tables.settings(rows))


def only_one(of: Of) -> None:
    given = {"--queue": of.queue, "--job": of.job, "--endpoint": of.endpoint, "--pair": of.pair}
    named = [option for option, which in given.items() if which is not None]
    if len(named) > 1:
        raise Usage(f"{' and '.join(named)} contradict each other: give one of them")


def _place(client: Client, of: Of) -> tuple[str, ...]:
    """Where the API has them."""
    if of.queue is not None:
        return "queues", text(of.queue), "settings"
    if of.endpoint is not None:
        return "endpoints", text(of.endpoint), "settings"
    if of.pair is not None:
        one, colon, other = text(of.pair).partition(":")
        if not one or not colon or not other:
            raise Usage(f"--pair {of.pair!r}: name two endpoints, as hq:stockholm")
        return "pairs", one, other, "settings"
    if of.job is not None:
        return "jobs", find_job(client, of.job).id, "settings"
    return ("settings",)


def values(pairs: Collection[str]) -> dict[str, Value]:
    """Of NAME=VALUE as typed. Raises Usage."""
    read = dict(map(_pair, pairs))
    if len(read) < len(pairs):
        raise Usage("write NAME=VALUE, each name once, see `haulage settings`")
    return read


def _pair(given: str) -> tuple[str, Value]:
    name, equals, written = text(given).partition("=")
    if not name or not equals:
        raise Usage(f"{given!r}: write it as NAME=VALUE")
    return name, _value(written)


def _value(written: str) -> Value:
    """A number or a truth where it is written as one, else words."""
    try:
        return msgspec.json.decode(written, type=bool | int | float)
    except msgspec.MsgspecError:
        return written
