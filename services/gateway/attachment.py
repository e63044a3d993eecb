"""A file that is sent while it is read, part by part: an ASGI answer by itself.

When the reading is refused, or nobody takes the parts, the answer breaks off without its end, and
whoever reads it knows that it is not whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from litestar.types import Receive, Scope, Send

from services.gateway.problems import Refusal
from services.gateway.stream import while_read
from services.runtime.log import logger

SEND_S = 60.0


class Attachment:
    """`contents` may raise Refusal; `broken_off` is what a log line calls that, with `about`."""

    def __init__(
        self,
        contents: AsyncIterator[bytes],
        name: str,
        media_type: str,
        broken_off: str,
        **about: str,
    ) -> None:
        said = f'attachment; filename="{name}"'
        self._headers = [
            (b"content-type", media_type.encode()),
            (b"content-disposition", said.encode()),
        ]
        self._contents, self._broken_off, self._about = contents, broken_off, about

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await while_read(receive, self._send(send))

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        try:
            async for content in self._contents:
                async with asyncio.timeout(SEND_S):
                    await send({"type": "http.response.body", "body": content, "more_body": True})
        except (Refusal, TimeoutError) as error:
            logger.warning(self._broken_off, **self._about, error=str(error))
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})
