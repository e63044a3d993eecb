"""Where the next page of a list begins, as text that a client carries but need not understand.

A cursor holds the sort key of the last row given (keyset paging), so that a page costs the same
anywhere in the list and rows that come or go meanwhile neither repeat nor hide others. It holds
nothing that its reader may not know. Pure.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Annotated, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct

from events.queues import PRIORITY_MAX

PATH_MAX = 4 * 4_096  # Of its bytes, each is four characters at most.
CURSOR_MAX = 2 * PATH_MAX
INT_MAX = 2**31 - 1
BIGINT_MAX = 2**63 - 1

Id: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9a-f]{1,24}$")]


class BadCursor(ValueError):
    """The text is no cursor of this list."""


class InLine(Struct, frozen=True, array_like=True, tag="a", forbid_unknown_fields=True):
    """After this job of this queue, in the one order of active jobs."""

    priority: Annotated[int, Meta(ge=0, le=PRIORITY_MAX)]
    queue: Id
    place: Annotated[str, Meta(pattern=r"^[!-~]{1,255}$")]
    job: Id


class Ended(Struct, frozen=True, array_like=True, tag="f", forbid_unknown_fields=True):
    """After (before in time) this finished job."""

    at: Annotated[datetime, Meta(tz=True)]
    job: Id


class Numbered(Struct, frozen=True, array_like=True, tag="t", forbid_unknown_fields=True):
    """After this task."""

    number: Annotated[int, Meta(ge=0, le=INT_MAX)]


class Logged(Struct, frozen=True, array_like=True, tag="l", forbid_unknown_fields=True):
    """Behind this event."""

    sequence: Annotated[int, Meta(ge=0, le=BIGINT_MAX)]
    index: Annotated[int, Meta(ge=0, le=INT_MAX)]


class Walked(Struct, frozen=True, array_like=True, tag="w", forbid_unknown_fields=True):
    """After this path, on an agent's walk that may still be open."""

    walk: Annotated[str, Meta(max_length=100)]
    after: Annotated[str, Meta(max_length=PATH_MAX)] | None


AnyCursor: TypeAlias = InLine | Ended | Numbered | Logged | Walked
Cursor = TypeVar("Cursor", InLine, Ended, Numbered, Logged, Walked)


def write(cursor: AnyCursor) -> str:
    return urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def read(kind: type[Cursor], text: str) -> Cursor:
    """Raises BadCursor."""
    try:
        if len(text) > CURSOR_MAX:
            raise BadCursor
        content = urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
        cursor = msgspec.json.decode(content, type=kind)
    except (ValueError, msgspec.MsgspecError) as error:
        detail = "this is no cursor of this list: give the `next` of a page, or none to begin"
        raise BadCursor(detail) from error
    return cursor
