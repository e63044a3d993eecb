"""The manifest of a transfer, read and sent part by part: a job may have a million tasks.

Nothing is held from one part to the next but the number of the last task, so the parts are of one
manifest only as long as nothing happens to the job. When something does, or the read side goes
away, the answer is broken off without its end, and whoever reads it knows that it is not whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus

from litestar.types import Receive, Scope, Send
from msgspec import Struct

from projections import manifest
from projections.manifest import Form, ManifestHeader, ManifestLine
from services.gateway import showing
from services.gateway.jobs import find
from services.gateway.problems import Refusal, absent
from services.gateway.rows import SQL, Picture, Row, Rows
from services.gateway.stream import while_read
from services.runtime.database import load_queries
from services.runtime.log import logger

QUERIES = load_queries(SQL / "manifest.sql")
LINES_MAX = 2_000
SEND_S = 60.0
MEDIA_TYPES = {
    "jsonl": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8; header=present",
    "b3sum": "text/plain",
}
ENDINGS = {"jsonl": "jsonl", "csv": "csv", "b3sum": "b3"}


class Part(Struct, frozen=True):
    """The job as it stood, and its next lines behind a task's number."""

    job: Row
    lines: list[ManifestLine]
    after: int
    more: bool


async def first_part(rows: Rows, job: str, user: str | None) -> Part:
    """Raises Refusal: the job is none of the asker's, moves no files, or is still at it."""

    async def question(picture: Picture) -> Part:
        return await _part(picture, await find(picture, job, user), -1)

    part = await rows.read(question)
    if part.job["computes"]:
        raise absent("a compute job moves no files and has no manifest")
    if part.job["status"] in ("init", "running"):
        detail = "the job is under way: its manifest is there when it has ended, or is paused"
        raise Refusal(HTTPStatus.CONFLICT, detail)
    return part


async def _part(picture: Picture, job: str, after: int) -> Part:
    found = await picture.all(QUERIES["done"], job, after, LINES_MAX)
    of_job = await picture.one(QUERIES["job"], job)
    assert of_job is not None, "it was found, and jobs are never deleted"
    last = found[-1]["number"] if found else after
    return Part(of_job, [_line(row) for row in found], last, len(found) == LINES_MAX)


def _line(row: Row) -> ManifestLine:
    began, took_ms = row["started_at"], row["took_ms"]
    return ManifestLine(
        path=row["uri"] or manifest.ROOT,
        kind=row["kind"],
        size=row["size"] if row["kind"] == "file" else None,
        blake3=row["hash"] or None,
        modified_at=manifest.moment(row["mtime_ns"]),
        started_at=began,
        finished_at=None if None in (began, took_ms) else began + timedelta(milliseconds=took_ms),
    )


def _header(job: Row) -> ManifestHeader:
    return ManifestHeader(
        manifest=manifest.VERSION,
        job=job["id"],
        name=job["name"],
        source=showing.party(job, "source"),
        destination=showing.party(job, "destination"),
        status=job["status"],
        user=job["user_name"],
        tries=job["tries"],
        created_at=job["created_at"],
        finished_at=job["finished_at"],
        tasks=job["tasks_done"],
        bytes=job["bytes_done"],
    )


class Changed(Exception):
    """The parts that were sent are not of the job as it is now."""


class Manifest:
    """The answer by itself, after the first part is there."""

    def __init__(self, rows: Rows, first: Part, form: Form) -> None:
        self._rows, self._first, self._form = rows, first, form

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await while_read(receive, self._send(send))

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self._headers()})
        try:
            async for content in self._contents():
                async with asyncio.timeout(SEND_S):
                    await send({"type": "http.response.body", "body": content, "more_body": True})
        except (Refusal, Changed, TimeoutError) as error:
            logger.warning("manifest.broken_off", job=self._first.job["id"], error=str(error))
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _headers(self) -> list[tuple[bytes, bytes]]:
        name = f"{self._first.job['id']}.{ENDINGS[self._form]}"
        said = f'attachment; filename="{name}"'
        kind = MEDIA_TYPES[self._form]
        return [(b"content-type", kind.encode()), (b"content-disposition", said.encode())]

    async def _contents(self) -> AsyncIterator[bytes]:
        """Raises Refusal, Changed."""
        part = self._first
        yield manifest.opening(self._form, _header(part.job)) + self._written(part)
        while part.more:
            part = await self._following(part)
            yield self._written(part)

    def _written(self, part: Part) -> bytes:
        return manifest.written(self._form, part.lines)

    async def _following(self, part: Part) -> Part:
        async def question(picture: Picture) -> Part:
            return await _part(picture, part.job["id"], part.after)

        following = await self._rows.read(question)
        if _position(following.job) != _position(part.job):
            raise Changed("something happened to the job while its manifest was read")
        return following


def _position(job: Row) -> tuple[int, int]:
    return job["sequence"], job["index"]
