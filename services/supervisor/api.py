"""A client of the gateway's API in a page: for the probes and for the demo. One request a
connection, JSON both ways, little patience; never follows a redirect.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

T = TypeVar("T")

PATIENCE_S = 5.0
ANSWER_BYTES_MAX = 16 << 20
SUCCESSES = range(200, 300)


class NoSuccess(Exception):
    """Nobody answered, or with a refusal: `status` is 0 or the answer's, `text` its body."""

    def __init__(self, asked: str, status: int, text: str) -> None:
        super().__init__(f"{asked} was answered by {status or 'nobody'}: {text}")
        self.status = status


class Api(Struct, frozen=True):
    """The gateway at `url` as the person whose token this is; "" asks as nobody."""

    url: str
    token: str = ""

    async def get(self, path: str, kind: type[T]) -> T:
        """Raises NoSuccess."""
        return msgspec.json.decode(await self._ask("GET", path, b"", {}), type=kind)

    async def post(self, path: str, body: Any, kind: type[T], *, key: str) -> T:
        """`key` makes a repeat harmless. Raises NoSuccess."""
        headers = {"Idempotency-Key": key}
        answer = await self._ask("POST", path, msgspec.json.encode(body), headers)
        return msgspec.json.decode(answer, type=kind)

    async def hear(self, path: str, kind: str) -> None:
        """Return once an event stream has told a message of this kind. Raises NoSuccess."""
        sign = f"event: {kind}\n".encode()
        told = await self._ask("GET", path, b"", {}, until=sign)
        if sign not in told:
            raise NoSuccess(f"GET {path}", 0, f"the stream ended without an event: {kind}")

    async def _ask(
        self, method: str, path: str, body: bytes, headers: dict[str, str], until: bytes = b""
    ) -> bytes:
        parts = urlsplit(self.url)
        asked = f"{method} {path}"
        lines = [f"{asked} HTTP/1.0", f"Host: {parts.netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Authorization: Bearer {self.token}"] if self.token else []
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []
        request = "\r\n".join([*lines, "", ""]).encode() + body
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer = await _exchange(parts.hostname or "", parts.port or 80, request, until)
        except (OSError, TimeoutError) as error:
            raise NoSuccess(asked, 0, str(error) or "no answer in time") from error
        status, content = _parts(answer)
        if status not in SUCCESSES:
            raise NoSuccess(asked, status, content.decode(errors="replace"))
        return content


async def _exchange(host: str, port: int, request: bytes, until: bytes) -> bytes:
    """Send, and read until the server closes, or until what is looked for has come."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(request)
        answer = b""
        while len(answer) < ANSWER_BYTES_MAX and (more := await reader.read(65_536)):
            answer += more
            if until and until in answer:
                break
        return answer
    finally:
        writer.close()


def _parts(answer: bytes) -> tuple[int, bytes]:
    """Status and body; status 0 for what is no HTTP."""
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].split(b" ")
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0, body
