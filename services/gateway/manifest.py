"""The manifest of a transfer, read and sent part by part: a job may have a million tasks.

Nothing is held from one part to the next but the number of the last task, so the parts are of one
manifest only as long as nothing happens to the job. When something does, or the read side goes
away, the answer is broken off without its end, and whoever reads it knows that it is not whole.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus

from msgspec import Struct

from projections import manifest
from projections.manifest import Form, ManifestHeader, ManifestLine
from services.gateway import showing
from services.gateway.attachment import Attachment
from services.gateway.jobs import find
from services.gateway.problems import Refusal, absent
from services.gateway.rows import SQL, Picture, Row, Rows
from services.runtime.database import load_queries

QUERIES = load_queries(SQL / "manifest.sql")
LINES_MAX = 2_000
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


def attachment(rows: Rows, first: Part, form: Form) -> Attachment:
    """The answer, after the first part is there."""
    job = first.job["id"]
    contents, name = _contents(rows, first, form), f"{job}.{ENDINGS[form]}"
    return Attachment(contents, name, MEDIA_TYPES[form], "manifest.broken_off", job=job)


async def _contents(rows: Rows, part: Part, form: Form) -> AsyncIterator[bytes]:
    """Raises Refusal."""
    yield manifest.opening(form, _header(part.job)) + manifest.written(form, part.lines)
    while part.more:
        part = await _following(rows, part)
        yield manifest.written(form, part.lines)


async def _following(rows: Rows, part: Part) -> Part:
    async def question(picture: Picture) -> Part:
        return await _part(picture, part.job["id"], part.after)

    following = await rows.read(question)
    if _position(following.job) != _position(part.job):
        detail = "something happened to the job while its manifest was read"
        raise Refusal(HTTPStatus.CONFLICT, detail)
    return following


def _position(job: Row) -> tuple[int, int]:
    return job["sequence"], job["index"]
