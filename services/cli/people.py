"""`token`: who may ask this Haulage for anything. Works on the data directory, not over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from cyclopts import App, Group

from services.cli import screen
from services.cli.connection import load
from services.cli.failures import Failure
from services.cli.naming import text
from services.runtime import tokens
from services.scheduler.commands import Role

app = App(name="token", help="Let people in.", group_commands=Group("Commands"))

RoleNamed = Literal["admin", "employee", "user"]


@app.command
def add(
    name: str, /, *, role: RoleNamed = "user", json: bool = False, data: Path | None = None
) -> None:
    """Make a token for a person and print it. It is shown this once only.

    Parameters
    ----------
    name
        Who the person is; the name stands in every log.
    role
        What they may do: admin and employee everything, user only with their own jobs.
    json
        Print JSON.
    data
        The data directory (also HAULAGE_DATA).
    """
    try:
        token = tokens.add(_directory(data), text(name), Role(role))
    except ValueError as error:
        raise Failure(str(error)) from None
    if json:
        screen.emit({"name": text(name), "role": role, "token": token})
    else:
        screen.say(token)


@app.command(name="list")
def list_people(*, json: bool = False, data: Path | None = None) -> None:
    """List who has a token. The tokens themselves are not kept.

    Parameters
    ----------
    json
        Print JSON.
    data
        The data directory (also HAULAGE_DATA).
    """
    people = tokens.people(_directory(data))
    if json:
        screen.emit_all({"name": one.name, "role": one.role} for one in people)
        return
    made = screen.table("NAME", "ROLE")
    for one in people:
        made.add_row(screen.plain(one.name), one.role)
    screen.draw(made)


def _directory(data: Path | None) -> Path:
    chosen = data or load().data
    if not (chosen / "tokens.json").exists():
        raise Failure(f"nothing was ever started in {chosen}: run `haulage up` there first")
    return chosen
