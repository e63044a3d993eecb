"""A person's program: asks a gateway over connections that it keeps open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import msgspec

from services.gateway.resources import Done, Event
from tests.live.machine import Machine

ANSWER_S = 20.0
T = TypeVar("T")


class Client:
    """One token, as many connections as requests are on their way."""

    def __init__(self, machine: Machine, silence_s: float = ANSWER_S) -> None:
        api = machine.api
        self._session = aiohttp.ClientSession(
            api.url,
            headers={"Authorization": f"Bearer {api.token}"},
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(sock_read=silence_s),
            read_bufsize=1 << 20,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        await self._session.close()

    async def command(self, path: str, key: str, body: Any = None) -> Done:
        """Answered once it is stored. Raises aiohttp.ClientError."""
        headers = {"Idempotency-Key": key}
        async with self._session.post(path, json=body, headers=headers) as answer:
            content = await answer.read()
            assert answer.ok, content
        return msgspec.json.decode(content, type=Done)

    async def read(self, path: str, kind: type[T]) -> T:
        return msgspec.json.decode(await self.fetch(path), type=kind)

    async def fetch(self, path: str) -> bytes:
        async with self._session.get(path) as answer:
            content = await answer.read()
            assert answer.ok, content
        return content

    async def positions(self) -> AsyncIterator[int]:
        """Up to which commit the page's stream has told everything, again and again."""
        async with self._session.get("/api/events?only=rows") as answer:
            async for line in answer.content:
                if line.startswith(b"id: "):
                    yield int(line.removeprefix(b"id: "))

    async def end_of(self, job: str, since: int) -> str:
        """Wait for the event that ends a run of the job, and be told its type."""
        path = f"/api/events?only=events&since={since}"
        async with self._session.get(path) as answer:
            async for line in answer.content:
                if not line.startswith(b"data: ") or b"specversion" not in line:
                    continue
                event = msgspec.json.decode(line.removeprefix(b"data: "), type=Event)
                if event.subject == f"job/{job}" and event.kind in ENDS:
                    return event.kind
        raise AssertionError(f"the stream ended before job {job}")


ENDS = {"job.done", "job.failed", "job.aborted", "job.interrupted"}
