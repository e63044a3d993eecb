"""Changes of files on endpoints: handed to the scheduler, and their outcome waited for.

The outcome is an event, whoever still waits for it here. What was refused or has failed, and what
nobody can know, is a problem; what takes longer than CHANGE_S is told to be under way.
"""

from __future__ import annotations

import time
from http import HTTPStatus

import msgspec
from litestar import Response

from events.endpoints import Act, FilesChanged
from projections.file_words import deleted
from services.gateway import parties
from services.gateway.command_routes import fresh_id, named, obeyed
from services.gateway.context import Asked, Gateway
from services.gateway.endpoint_files import STATUS_OF
from services.gateway.file_resources import FilesChange
from services.gateway.problems import Refusal, invalid, rejected
from services.gateway.rows import WORKSPACE, Picture
from services.scheduler.commands import ChangeFiles, PartyNamed, Rejected

CHANGE_S = 8.0


async def change(
    request: Asked,
    gateway: Gateway,
    key: str | None,
    act: Act,
    where: str,
    *,
    to: str | None = None,
    whole: bool = False,
) -> Response[FilesChange]:
    """Raises Refusal."""
    at, target = _place(where, "where"), None if to is None else _place(to, "to")
    if target is not None and (target.endpoint, target.volume) != (at.endpoint, at.volume):
        raise invalid("to", "to: this is another volume: submit a transfer there, then delete here")
    named_by = named(request, key)
    path, new = at.path or "", (target.path or "") if target else ""
    command = ChangeFiles(fresh_id(), act, at.endpoint, at.volume, path, new, whole)
    done = await obeyed(request, gateway, command, named_by)
    ended = await _end(gateway, done.sequence, named_by)
    if ended is None:
        return Response(FilesChange(done.sequence, "underway"), status_code=HTTPStatus.ACCEPTED)
    if ended.outcome != "done":
        raise _problem(ended)
    counts = (ended.files, ended.folders, ended.links, ended.size)
    return Response(FilesChange(done.sequence, "done", *counts))


def _place(text: str, field: str) -> PartyNamed:
    read = parties.read(text, field)
    if isinstance(read, Rejected):
        raise rejected(read)
    return read


async def _end(gateway: Gateway, sequence: int, command_id: str) -> FilesChanged | None:
    """What became of the change that was stored there and so; None while it goes on."""
    ends_s = time.monotonic() + CHANGE_S

    async def question(picture: Picture) -> str | None:
        found = await picture.value(WORKSPACE["files_changed"], sequence, command_id)
        return None if found is None else str(found)

    seen = sequence - 1
    while (left_s := ends_s - time.monotonic()) > 0:
        await gateway.clock.passes(seen, left_s)
        seen = gateway.clock.sequence
        if (found := await gateway.rows.read(question)) is not None:
            return msgspec.json.decode(found, type=FilesChanged)
    return None


def _problem(ended: FilesChanged) -> Refusal:
    if ended.outcome == "unknown":
        detail = f"whether it was done is not known: {ended.message}; look before you repeat it"
        return Refusal(HTTPStatus.BAD_GATEWAY, detail)
    detail = f"{ended.message}{deleted(ended, '; deleted before that: ')}"
    if ended.outcome == "refused":
        return Refusal(HTTPStatus.CONFLICT, detail)
    assert ended.error_class is not None, "what failed has a class"
    return Refusal(STATUS_OF.get(ended.error_class, HTTPStatus.BAD_GATEWAY), detail)
