"""What the other files here ask of JetStream's API: store, read one message, manage streams.

A refusal of the server is a `Refusal` with its number; no answer is NoAnswer. Reads are asked again
for `PATIENCE_S`, so that a server's restart is not everybody's; nothing else is.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct
from nats.aio.msg import Msg

from services.runtime.bus import NatsBus
from services.runtime.ports import NoAnswer

ANSWER_S = 5.0
PATIENCE_S = 10.0
PAUSE_S = 0.1
SEQUENCE = "Nats-Sequence"
SUBJECT = "Nats-Subject"
STREAM_MISSING = 10059
NAME_IN_USE = 10058
MESSAGE_MISSING = 10037
NO_ROOM = (10023, 10028, 10047)  # Of the server, of the account, of the server's disk.


class Refusal(Exception):
    def __init__(self, number: int, description: str) -> None:
        super().__init__(f"{description} ({number})")
        self.number = number


class Message(Struct, frozen=True):
    """A message as it lies in a stream."""

    sequence: int
    subject: str
    headers: Mapping[str, str]
    payload: bytes


class _Error(Struct, frozen=True):
    code: int
    err_code: int = 0
    description: str = ""


class _Stored(Struct, frozen=True):
    seq: int = 0
    error: _Error | None = None


class _Kept(Struct, frozen=True):
    seq: int
    subject: str
    hdrs: str = ""
    data: str = ""


class _Read(Struct, frozen=True):
    message: _Kept | None = None
    error: _Error | None = None


class _State(Struct, frozen=True):
    first_seq: int
    last_seq: int
    messages: int
    bytes: int = 0


class _Info(Struct, frozen=True):
    state: _State | None = None
    error: _Error | None = None


_stored = msgspec.json.Decoder(_Stored)
_read = msgspec.json.Decoder(_Read)


async def store(bus: NatsBus, subject: str, payload: bytes, headers: Mapping[str, str]) -> int:
    """Store a message and return its sequence once it is durable.

    Raises Refusal: it is not stored; NoAnswer: it may have been.
    """
    answer = await bus.ask(subject, payload, headers=headers, timeout_s=ANSWER_S)
    stored = _stored.decode(answer.data)
    _refuse(stored.error)
    return stored.seq


async def manage(bus: NatsBus, verb: str, body: Mapping[str, object]) -> dict[str, Any]:
    """`manage(bus, "STREAM.INFO.LOG-main", {})`. Raises Refusal, NoAnswer."""
    request = msgspec.json.encode(body) if body else b""
    answer = await bus.ask(f"$JS.API.{verb}", request, timeout_s=ANSWER_S)
    decoded: dict[str, Any] = msgspec.json.decode(answer.data)
    if "error" in decoded:
        _refuse(msgspec.convert(decoded["error"], _Error))
    return decoded


async def read_from_leader(bus: NatsBus, stream: str, **which: object) -> Message | None:
    """`seq=` or `last_by_subj=`; None where there is none; never stale. Raises as `manage`."""
    request = msgspec.json.encode(which)
    answer = await _ask_again(bus, f"$JS.API.STREAM.MSG.GET.{stream}", request)
    read = _read.decode(answer.data)
    if read.error is not None and read.error.err_code == MESSAGE_MISSING:
        return None
    _refuse(read.error)
    if read.message is None:
        raise NoAnswer(f"{stream}: an answer without a message")
    kept = read.message
    headers = _headers(base64.b64decode(kept.hdrs))
    return Message(kept.seq, kept.subject, headers, base64.b64decode(kept.data))


async def read(bus: NatsBus, stream: str, **which: object) -> Message | None:
    """As `read_from_leader`, in a third of the time, but what is newest may be missing."""
    request = msgspec.json.encode(which)
    answer = await _ask_again(bus, f"$JS.API.DIRECT.GET.{stream}", request)
    headers = answer.headers or {}
    status = headers.get("Status")
    if status == "404":
        return None
    if status is not None:
        raise NoAnswer(f"{stream}: {status} {headers.get('Description', '')}")
    return Message(int(headers[SEQUENCE]), headers[SUBJECT], headers, answer.data)


class State(Struct, frozen=True):
    """`last` is the sequence of the newest message that ever was in the stream."""

    first: int
    last: int
    messages: int
    size_bytes: int = 0


async def state(bus: NatsBus, stream: str) -> State:
    """Raises Refusal, NoAnswer."""
    answer = await _ask_again(bus, f"$JS.API.STREAM.INFO.{stream}", b"")
    info = msgspec.json.decode(answer.data, type=_Info)
    _refuse(info.error)
    if info.state is None:
        raise NoAnswer(f"{stream}: an answer without a state")
    found = info.state
    return State(found.first_seq, found.last_seq, found.messages, found.bytes)


async def _ask_again(bus: NatsBus, subject: str, request: bytes) -> Msg:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await bus.ask(subject, request, timeout_s=ANSWER_S)
        except NoAnswer:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(PAUSE_S)


def _refuse(error: _Error | None) -> None:
    if error is not None:
        if error.code == 503:
            raise NoAnswer(error.description)
        raise Refusal(error.err_code, error.description)


def _headers(raw: bytes) -> dict[str, str]:
    """`NATS/1.0`, then `Name: value` lines."""
    lines = raw.decode("utf-8", "replace").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines if line)
    return {name: value.strip() for name, _, value in pairs}
