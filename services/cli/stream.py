"""Server-sent events as values: lines in, messages out. Pure; opens nothing.

After https://html.spec.whatwg.org/multipage/server-sent-events.html, without `retry`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec
from msgspec import Struct

MESSAGE_BYTES_MAX = 16 * 1024 * 1024


class Message(Struct, frozen=True):
    """`id` is the last one seen on the stream, not only of this message."""

    event: str
    data: bytes
    id: str


class Event(Struct, frozen=True, rename={"kind": "type"}):
    """A CloudEvents object, as far as a line of text needs it; of a type known here or not."""

    kind: str
    subject: str
    time: datetime
    sequence: str
    actor: str
    data: msgspec.Raw

    @property
    def commit(self) -> int:
        return int(self.sequence.partition(".")[0])


class Lost(Exception):
    """The stream broke off or makes no sense; it may be opened again from the last position."""


def messages(lines: Iterable[bytes], last_id: str = "") -> Iterator[Message | None]:
    """Yield each message that has data; None for a comment: the stream is alive. Raises Lost."""
    event, length = "", 0
    data: list[bytes] = []
    for raw in lines:
        line = raw.rstrip(b"\r\n")
        if not line:
            if data:
                yield Message(event or "message", b"\n".join(data), last_id)
            event, data, length = "", [], 0
            continue
        if line.startswith(b":"):
            yield None
            continue
        name, value = _field(line)
        match name:
            case b"event":
                event = value.decode("utf-8", "replace")
            case b"data":
                data.append(value)
                length += len(value)
            case b"id":
                last_id = value.decode("utf-8", "replace")
        if length > MESSAGE_BYTES_MAX:
            raise Lost(f"a message of more than {MESSAGE_BYTES_MAX} bytes")


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name, value.removeprefix(b" ")
