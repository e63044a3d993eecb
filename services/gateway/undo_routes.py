"""The API's way back: what a person commanded lately, and taking one of it back.

What would take it back is found in the log; the scheduler decides it like any command, with the
undone one in its cause.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, TypeAlias

from litestar import get, post
from litestar.params import JSONBody, QueryParameter

from services.gateway.context import Asked, Ours
from services.gateway.past import NOW, when
from services.gateway.undo_resources import Commanded, Undo, Undone
from services.historian import commands as historian
from services.scheduler.commands import Request

LIMIT_MAX = 100
CommandsShown: TypeAlias = Annotated[
    int, QueryParameter(name="limit", ge=1, le=LIMIT_MAX, description="Commands at most.")
]


@get("/undo", summary="List what you commanded lately")
async def list_undo(request: Asked, gateway: Ours, limit: CommandsShown = 20) -> list[Commanded]:
    """The newest first, of the last 500 commands of all people."""
    asked = historian.Commands(when(NOW), actor=request.user, limit=limit)
    return (await gateway.historian.ask(asked, historian.CommandsFound)).commands


@post("/undo", summary="Undo a command", status_code=200)
async def undo(request: Asked, gateway: Ours, data: JSONBody[Undo]) -> Undone:
    """All that it did is taken back, or nothing: 409 where somebody changed the same thing since,
    or where there is no way back.
    """
    now = datetime.now(UTC)
    asked = historian.Undoing(when(NOW), command=data.command, actor=request.user, now=now)
    found = await gateway.historian.ask(asked, historian.UndoFound)
    if data.dry_run:
        return Undone(found.of, found.does, None, [])
    command = Request(historian.UNDO_OF + data.command, request.user, found.undo)
    accepted = await gateway.asking.command(command)
    return Undone(found.of, found.does, accepted.sequence, accepted.jobs)


ROUTES = [list_undo, undo]
