"""`endpoint`: take endpoints out of use, and give them back."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Group, Parameter
from msgspec import Struct

from services.cli import screen, tables
from services.cli.acts import Json
from services.cli.client import Client, connect
from services.cli.connection import HERE, Connection
from services.cli.failures import FAILED, Failure, Unanswered, Usage
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
    """A refusal of one does not keep the others from it."""
    if not endpoints:
        raise Usage("name at least one endpoint, see `haulage endpoints`")
    client, outcomes = connect(connection), list[Outcome]()
    for asked in dict.fromkeys(map(text, endpoints)):
        try:
            outcomes.append(_told(client, asked, verb))
        except Failure as failure:
            outcomes.append(Outcome(asked, refused=str(failure)))
            screen.complain(f"{asked}: {failure}")
            if isinstance(failure, Unanswered):
                break
        else:
            if not json and (now := outcomes[-1].endpoint) is not None:
                screen.draw(tables.endpoint_line(now))
    if json:
        screen.emit_all(outcomes)
    return FAILED if any(one.refused for one in outcomes) else 0


def _told(client: Client, asked: str, verb: str) -> Outcome:
    done = client.post(Done, "endpoints", asked, verb)
    there = client.get(list[Endpoint], "endpoints", query={"at_least": done.sequence})
    now = next((one for one in there if asked in (one.id, one.name)), None)
    return Outcome(asked, done.sequence, now)
