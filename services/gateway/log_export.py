"""A log as a file, read and sent page by page: what is in it does not change, so the pages fit."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from services.gateway import cursors, logs
from services.gateway.attachment import Attachment
from services.gateway.cursors import Logged
from services.gateway.log_resources import LogLine, LogPage
from services.gateway.logs import Filters, Of, Span
from services.gateway.rows import Rows

Form: TypeAlias = Literal["csv", "jsonl"]
LINES = 1_000
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


def export(
    rows: Rows, of: Of, filters: Filters, user: str | None, first: LogPage, form: Form
) -> Attachment:
    """The answer, after its `first` page is there."""
    contents = _contents(rows, of, filters, user, first, form)
    return Attachment(contents, f"log.{form}", MEDIA_TYPES[form], "log.broken_off")


async def _contents(
    rows: Rows, of: Of, filters: Filters, user: str | None, page: LogPage, form: Form
) -> AsyncIterator[bytes]:
    """Raises Refusal."""
    yield opening(form) + written(form, page.lines)
    while page.next is not None:
        span = Span(cursors.read(Logged, page.next), LINES, user=user)
        page = await logs.page(rows, of, filters, span)
        yield written(form, page.lines)
