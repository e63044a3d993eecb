"""A log as a file, read and sent page by page: what is in it does not change, so the pages fit.

When the read side goes away meanwhile, the answer breaks off without its end, and whoever reads it
knows that it is not whole.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec
from litestar.types import Receive, Scope, Send

from services.gateway import cursors, logs
from services.gateway.cursors import Logged
from services.gateway.log_resources import LogLine, LogPage
from services.gateway.logs import Filters, Of, Span
from services.gateway.problems import Refusal
from services.gateway.rows import Rows
from services.gateway.stream import while_read
from services.runtime.log import logger

Form: TypeAlias = Literal["csv", "jsonl"]
LINES = 1_000
SEND_S = 60.0
MEDIA_TYPES = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8; header=present"}
COLUMNS = (
    *("sequence", "index", "at", "who", "type", "about", "text", "because"),
    *("actor", "subject", "cause", "data"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")
_encoder = msgspec.json.Encoder()


def opening(form: Form) -> bytes:
    return _csv([COLUMNS]) if form == "csv" else b""


def written(form: Form, lines: list[LogLine]) -> bytes:
    if form == "jsonl":
        return _encoder.encode_lines(lines)
    return _csv([_cell(getattr(line, name)) for name in COLUMNS] for line in lines)


def _cell(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case dict():
            return _encoder.encode(value).decode()
        case str() if value.startswith(FORMULA):
            return f"'{value}"  # A spreadsheet would take it for a formula.
        case _:
            return value


def _csv(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


class Export:
    """The answer by itself, after its `first` page is there."""

    def __init__(
        self, rows: Rows, of: Of, filters: Filters, user: str | None, first: LogPage, form: Form
    ) -> None:
        self._rows, self._of, self._filters, self._user = rows, of, filters, user
        self._first, self._form = first, form

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await while_read(receive, self._send(send))

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self._headers()})
        try:
            async for content in self._contents():
                async with asyncio.timeout(SEND_S):
                    await send({"type": "http.response.body", "body": content, "more_body": True})
        except (Refusal, TimeoutError) as error:
            logger.warning("log.broken_off", error=str(error))
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _headers(self) -> list[tuple[bytes, bytes]]:
        said = f'attachment; filename="log.{self._form}"'
        kind = MEDIA_TYPES[self._form]
        return [(b"content-type", kind.encode()), (b"content-disposition", said.encode())]

    async def _contents(self) -> AsyncIterator[bytes]:
        """Raises Refusal."""
        page = self._first
        yield opening(self._form) + written(self._form, page.lines)
        while page.next is not None:
            span = Span(cursors.read(Logged, page.next), LINES, user=self._user)
            page = await logs.page(self._rows, self._of, self._filters, span)
            yield written(self._form, page.lines)
