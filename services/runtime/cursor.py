"""Reading a stream fast and without a hole: an own cursor, thrown away on any doubt.

nats-py's consumers lose messages when the reader is slow. Here a core subscription gets what own
pull requests ask for from a consumer that acknowledges nothing and is made anew each time; the
place is the reader's. Two pulls are under way at most, and bound what waits here.
The consumer numbers what it delivers: a missing number, a silence, a lost connection or a status
that is not known raises Doubt, and the reader begins again behind what it has.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress

import msgspec
from nats.aio.msg import Msg

from services.runtime import jetstream
from services.runtime.bus import NatsBus
from services.runtime.jetstream import Message
from services.runtime.listening import Listening
from services.runtime.ports import NoAnswer

BATCH_MAX = 500
PULL_BYTES_MAX = 16 << 20
PULL_S = 5
HEARTBEAT_S = 1
SILENCE_S = 2.5
UNUSED_S = 60
S = 1_000_000_000
HEARTBEAT = "100"
ENDED = frozenset({"404", "408"})
FULL = frozenset({"Message Size Exceeds MaxBytes", "Batch Completed"})
PULL = msgspec.json.encode(
    {
        "batch": BATCH_MAX,
        "max_bytes": PULL_BYTES_MAX,
        "expires": PULL_S * S,
        "idle_heartbeat": HEARTBEAT_S * S,
    }
)


class Doubt(Exception):
    """Something may be missing: begin again behind the last message."""


async def read(
    bus: NatsBus, stream: str, start: Mapping[str, object]
) -> AsyncGenerator[list[Message], None]:
    """Batches (1 to `BATCH_MAX` messages) from `start`, a consumer's deliver policy, on.

    Raises Doubt, NoAnswer, or Refusal when there is no such stream. Close it when done.
    """
    cursor = _Cursor(bus, stream)
    try:
        await cursor.start(start)
        while True:
            yield await cursor.batch()
    finally:
        await cursor.stop()


class _Cursor:
    def __init__(self, bus: NatsBus, stream: str) -> None:
        self._bus = bus
        self._stream = stream
        self._name = f"cursor-{secrets.token_hex(8)}"
        self._inbox = bus.new_inbox()
        self._buffer: deque[Message] = deque()
        self._came = asyncio.Event()
        self._heard_at = 0.0
        self._delivered = 0
        self._credit = 0
        self._doubt = ""
        self._listening: Listening | None = None

    async def start(self, start: Mapping[str, object]) -> None:
        self._listening = await self._bus.listen(self._inbox, self._on, lost=self._on_lost)
        config = {
            "name": self._name,
            "ack_policy": "none",
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": UNUSED_S * S,
            **start,
        }
        body = {"stream_name": self._stream, "config": config, "action": "create"}
        await jetstream.manage(self._bus, f"CONSUMER.CREATE.{self._stream}.{self._name}", body)

    async def stop(self) -> None:
        if self._listening is not None:
            await self._bus.unlisten(self._listening)
        with suppress(NoAnswer):  # The server would forget it by itself after UNUSED_S.
            await self._bus.tell(f"$JS.API.CONSUMER.DELETE.{self._stream}.{self._name}", b"")

    async def batch(self) -> list[Message]:
        loop = asyncio.get_running_loop()
        while not self._buffer:
            self._came.clear()
            if self._doubt:
                raise Doubt(self._doubt)
            await self._pull(loop.time())
            try:
                async with asyncio.timeout_at(self._heard_at + SILENCE_S):
                    await self._came.wait()
            except TimeoutError as error:
                raise Doubt("silence") from error
        batch = [self._buffer.popleft() for _ in range(min(BATCH_MAX, len(self._buffer)))]
        await self._pull(loop.time())
        return batch

    async def _pull(self, now: float) -> None:
        """Keep between one and two batches under way or waiting here."""
        if self._credit + len(self._buffer) > BATCH_MAX:
            return
        if self._credit == 0:
            self._heard_at = now
        self._credit += BATCH_MAX
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._name}"
        await self._bus.tell(subject, PULL, reply=self._inbox)

    async def _on(self, message: Msg) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        if message.reply.startswith("$JS.ACK."):
            self._on_message(message)
        else:
            self._on_status(message.headers or {})
        self._came.set()

    def _on_message(self, message: Msg) -> None:
        sequence, delivered = _numbers(message.reply)
        if delivered != self._delivered + 1:
            self._doubted("gap")
        if self._doubt:
            return
        self._delivered = delivered
        self._credit -= 1
        self._buffer.append(Message(sequence, message.subject, message.headers or {}, message.data))

    def _on_status(self, headers: Mapping[str, str]) -> None:
        status, description = headers.get("Status", ""), headers.get("Description", "")
        if status in ENDED or description in FULL:
            self._credit -= int(headers.get("Nats-Pending-Messages", 0))
        elif status != HEARTBEAT:
            self._doubted(f"{status} {description}")

    def _on_lost(self) -> None:
        self._doubted("lost")

    def _doubted(self, why: str) -> None:
        self._doubt = self._doubt or why
        self._came.set()


def _numbers(reply: str) -> tuple[int, int]:
    """Sequence in the stream and among the delivered, from either form of the ack subject."""
    parts = reply.split(".")
    at = 5 if len(parts) == 9 else 7
    return int(parts[at]), int(parts[at + 1])
