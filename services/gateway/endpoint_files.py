"""What lies on the volumes of an endpoint, as its agent tells it. Nothing is changed here.

Refused are: an endpoint or a volume that there is not, one that is offline, and what the agent
refuses; a path never leads out of its volume.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from events import patterns
from events.endpoints import Volume
from events.jobs import ErrorClass
from events.tasks import Entry
from events.work import Party
from projections.manifest import moment
from services.agent.commands import (
    Amount,
    Browse,
    Call,
    CallFailed,
    Choice,
    Found,
    Looked,
    Lookup,
    Page,
    Stat,
    Told,
)
from services.gateway import cursors, parties
from services.gateway.asking import Asking
from services.gateway.cursors import BadCursor, Walked
from services.gateway.file_resources import File, FileAmount, FilePage
from services.gateway.problems import Refusal, absent, invalid, later, rejected
from services.gateway.rows import WORKSPACE, Picture, Row, Rows
from services.runtime.ports import NoAnswer
from services.scheduler.commands import Rejected

Kind = TypeVar("Kind", Found, Page, Looked)

CALL_S = 5.0
MEASURE_S = 5.0
STATUS_OF = {
    ErrorClass.MISSING: HTTPStatus.NOT_FOUND,
    ErrorClass.PERMISSION: HTTPStatus.FORBIDDEN,
    ErrorClass.VOLUME: HTTPStatus.SERVICE_UNAVAILABLE,
}


async def place(rows: Rows, where: str, field: str = "where") -> Party:
    """The place that a person wrote as `endpoint:volume/path`, where somebody answers now.

    Raises Refusal.
    """
    named = parties.read(where, field)
    if isinstance(named, Rejected):
        raise rejected(named)

    async def question(picture: Picture) -> Row | None:
        return await picture.one(WORKSPACE["endpoint_named"], named.endpoint)

    found = await rows.read(question)
    if found is None:
        raise absent(f"there is no endpoint {named.endpoint}: see `haulage endpoints`", field)
    volumes = {one.code: one.online for one in decode_volumes(found["volumes"])}
    if named.volume not in volumes:
        known = ", ".join(sorted(volumes)) or "none"
        raise absent(f"{named.endpoint} has no volume {named.volume}: it has {known}", field)
    if not found["online"] or not volumes[named.volume]:
        what = named.endpoint if not found["online"] else f"volume {named.volume}"
        raise later(f"{what} is offline: nobody can look there now", seconds=5)
    return Party(found["id"], named.volume, named.path or "")


def decode_volumes(text: str) -> list[Volume]:
    return msgspec.json.decode(text, type=list[Volume])


async def stat(asking: Asking, at: Party) -> File:
    """Raises Refusal, as all that follows."""
    found = await there(asking, at)
    if found is None:
        raise absent(
            f"there is nothing at {at.volume}/{at.path}: see what is in the volume", "where"
        )
    return found


async def there(asking: Asking, at: Party) -> File | None:
    """None for nothing."""
    found = await find(asking, at)
    if found is None:
        return None
    name = at.path.rstrip("/").rpartition("/")[2] or "."
    return _file(Entry(name, found.kind, found.size, found.mode, found.mtime_ns))


class Wanted(Struct, frozen=True):
    """What of it: patterns as in `events.patterns`, `depth` levels (0: all), pages of `limit`."""

    include: str = ""
    exclude: str = ""
    depth: int = 0
    limit: int = 0
    cursor: str | None = None


async def page(asking: Asking, at: Party, wanted: Wanted) -> FilePage:
    call = replace(_browse(at, wanted), depth=wanted.depth, limit=wanted.limit)
    found = await browse(asking, at, call)
    files = [_file(entry) for entry in found.entries if entry.uri]
    return FilePage(files, found.amount.unread, _next(found))


async def amount(asking: Asking, at: Party, wanted: Wanted) -> FileAmount:
    """Page after page for MEASURE_S."""
    ends_s = time.monotonic() + MEASURE_S
    call = replace(_browse(at, wanted), measured=True)
    total = dict.fromkeys(Amount.__struct_fields__, 0)
    while True:
        found = await browse(asking, at, call)
        total = {name: sum_ + getattr(found.amount, name) for name, sum_ in total.items()}
        if not found.walk or time.monotonic() > ends_s:
            return FileAmount(**total, next=_next(found))
        call = replace(call, walk=found.walk, after=found.after)


def _browse(at: Party, wanted: Wanted) -> Browse:
    for name in ("include", "exclude"):
        if fault := patterns.fault(getattr(wanted, name)):
            raise invalid(name, f"{name}: {fault}")
    call = Browse(at.volume, at.path, Choice(wanted.include, wanted.exclude))
    if wanted.cursor is None:
        return call
    try:
        walked = cursors.read(Walked, wanted.cursor)
    except BadCursor as error:
        raise invalid("cursor", f"cursor: {error}") from error
    return replace(call, walk=walked.walk, after=walked.after)


def _next(found: Page) -> str | None:
    return cursors.write(Walked(found.walk, found.after)) if found.walk else None


async def find(asking: Asking, at: Party) -> Found | None:
    """What is there; None for nothing."""
    found = await _asked(asking, at, Stat(at.volume, at.path))
    if isinstance(found, CallFailed) and found.error_class is ErrorClass.MISSING:
        return None
    return _of(Found, found)


async def look_up(asking: Asking, at: Party, uris: list[str]) -> list[Entry | None]:
    return _of(Looked, await _asked(asking, at, Lookup(at.volume, at.path, uris))).entries


async def browse(asking: Asking, at: Party, call: Browse) -> Page:
    return _of(Page, await _asked(asking, at, call))


async def _asked(asking: Asking, at: Party, call: Call) -> Told:
    try:
        return await asking.call(at.endpoint, call, within_s=CALL_S)
    except NoAnswer as error:
        raise later("the endpoint does not answer now: ask again in a moment") from error


def _of(kind: type[Kind], told: Told) -> Kind:
    if isinstance(told, CallFailed):
        raise refused(told.error_class, told.message)
    if not isinstance(told, kind):
        raise Refusal(HTTPStatus.BAD_GATEWAY, "the agent answered something else: update it")
    return told


def refused(error_class: ErrorClass, message: str) -> Refusal:
    status = STATUS_OF.get(error_class, HTTPStatus.BAD_GATEWAY)
    return Refusal(status, message, "where")


def _file(entry: Entry) -> File:
    mode, modified_at = f"{entry.mode:04o}", moment(entry.mtime_ns)
    return File(entry.uri, entry.kind, entry.size, mode, modified_at, entry.target)
