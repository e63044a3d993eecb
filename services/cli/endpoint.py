"""`endpoint`: take endpoints out of use, and give them back."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Group, Parameter
from msgspec import Struct

from services.cli import outcomes, screen, tables
from services.cli.acts import Json
from services.cli.client import Client, connect
from services.cli.connection import HERE, Connection
from services.cli.failures import Usage
from services.cli.naming import text
from services.gateway.resources import Done, Endpoint

app = App(
    name="endpoint",
    help="Take endpoints out of use, and give them back.",
    group_commands=Group("Commands", sort_key=0),
)

Names = Annotated[str, Parameter(help="Their names.")]


class Outcome(Struct, frozen=True):
    """What became of the endpoint named `asked`: as it is now, or why nothing was done."""

    asked: str
    sequence: int | None = None
    endpoint: Endpoint | None = None
    refused: str | None = None


@app.command
def disable(*endpoints: Names, json: Json = False, connection: Connection = HERE) -> int:
    """Use endpoints no more; their transfers stop and keep what they have, commands finish."""
    return _each(endpoints, "disable", json, connection)


@app.command
def enable(*endpoints: Names, json: Json = False, connection: Connection = HERE) -> int:
    """Use disabled endpoints again."""
    return _each(endpoints, "enable", json, connection)


def _each(
    endpoints: tuple[str, ...],
    verb: Literal["disable", "enable"],
    json: bool,
    connection: Connection,
) -> int:
    if not endpoints:
        raise Usage("name at least one endpoint, see `haulage endpoints`")
    client = connect(connection)
    return outcomes.each(
        map(text, endpoints), lambda one: _told(client, one, verb), _refused, _say, json
    )


def _refused(endpoint: str, why: str) -> Outcome:
    return Outcome(endpoint, refused=why)


def _say(outcome: Outcome) -> None:
    if outcome.endpoint is not None:
        screen.draw(tables.endpoint_line(outcome.endpoint))


def _told(client: Client, asked: str, verb: str) -> Outcome:
    done = client.post(Done, "endpoints", asked, verb)
    there = client.get(list[Endpoint], "endpoints", query={"at_least": done.sequence})
    now = next((one for one in there if asked in (one.id, one.name)), None)
    return Outcome(asked, done.sequence, now)
