"""One event stream: what was missed, then what happens, until the client or the gateway goes.

What was missed is read from PostgreSQL part by part; then the stream joins the hub and reads once
more what came meanwhile, so that between the two nothing is lost; what both hold is told once,
because every message of the log has its sequence. It is an ASGI answer by itself: it has to notice
a client that went or that no longer reads.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any

from litestar.types import Receive, Scope, Send

from services.gateway import changes, messages
from services.gateway.asking import Asking
from services.gateway.clock import Clock
from services.gateway.live import Hub, Reader
from services.gateway.messages import HEARTBEAT, RESET, View
from services.gateway.problems import Refusal
from services.gateway.rows import Rows

HEARTBEAT_S = 10.0
SEND_S = 20.0
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class Source:
    """Where a stream reads from, and whether its client may still read."""

    def __init__(
        self,
        hub: Hub,
        rows: Rows,
        asking: Asking,
        clock: Clock,
        workspace: str,
        allowed: Callable[[], bool],
    ) -> None:
        self.hub, self.rows, self.asking, self.clock = hub, rows, asking, clock
        self.workspace = workspace
        self.allowed = allowed


class EventStream:
    """`after` is what the client has; None: it wants nothing from before."""

    def __init__(self, source: Source, view: View, after: int | None) -> None:
        self._source, self._view = source, view
        self._after = after
        self._position = 0
        self._reader: Reader | None = None

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await while_read(receive, self._tell(send))
        finally:
            if self._reader is not None:
                self._source.hub.leave(self._reader)

    async def _tell(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        try:
            async with aclosing(self._texts()) as texts:
                async for text in texts:
                    async with asyncio.timeout(SEND_S):
                        await send({"type": "http.response.body", "body": text, "more_body": True})
        except (TimeoutError, Refusal):
            pass  # The client does not read, or the read side is away: it comes back.
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _texts(self) -> AsyncGenerator[bytes, None]:
        """Raises Refusal."""
        yield HEARTBEAT
        hub, view = self._source.hub, self._view
        if self._after is not None:
            self._position = self._after = await self._source.clock.nearest(self._after)
            if await changes.is_too_much(self._source.rows, self._after, view):
                yield RESET
                self._after = None
            async for text in self._missed():
                yield text
        self._reader = hub.join()
        if self._after is None:
            self._position = self._reader.joined_at
        async for text in self._missed():
            yield text
        yield messages.position(self._position)
        async for text in self._live(self._reader):
            yield text

    async def _missed(self) -> AsyncGenerator[bytes, None]:
        """Everything behind the position, a part at a time. Raises Refusal."""
        view, source, more = self._view, self._source, self._after is not None
        while more:
            change = await changes.read(source.rows, self._position, view)
            batch = await changes.batch(change, source.rows, source.asking, source.workspace)
            if text := batch.text(view):
                yield text
            self._position, more = max(self._position, change.sequence), change.more

    async def _live(self, reader: Reader) -> AsyncGenerator[bytes, None]:
        checked_s = time.monotonic()
        while not reader.ended:
            text = await self._next(reader)
            if text:
                yield text
            if time.monotonic() - checked_s > HEARTBEAT_S:
                if not self._source.allowed():
                    return
                checked_s = time.monotonic()

    async def _next(self, reader: Reader) -> bytes:
        """The next text for this client, or after some silence a sign of life."""
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                batch = await reader.waiting.get()
        except TimeoutError:
            return HEARTBEAT + messages.position(self._position)
        if batch is None or 0 < batch.sequence <= self._position:
            return b""
        text = batch.text_behind(self._view, self._position)
        self._position = max(self._position, batch.sequence)
        return text


async def while_read(receive: Receive, telling: Coroutine[Any, Any, None]) -> None:
    """Until it is told or the client goes. Raises what telling raises."""
    tasks = [
        asyncio.create_task(telling, name="stream.tell"),
        asyncio.create_task(_gone(receive), name="stream.gone"),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if not tasks[0].cancelled():
        tasks[0].result()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
