"""Reading the history of throughput: of a job, of a pair in one direction, of an endpoint."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from projections.throughput import EPOCH, Grid, grid
from services.gateway import as_of
from services.gateway.jobs import find
from services.gateway.problems import absent, invalid
from services.gateway.resources import EndpointThroughput, Throughput
from services.gateway.rows import SQL, Picture, Rows
from services.runtime.database import load_queries

QUERIES = load_queries(SQL / "throughput.sql")
LATELY = timedelta(hours=3)


class Asked(Struct, frozen=True):
    """From when to when (None: as it makes sense for what is asked about), how fine."""

    begins_at: datetime | None
    ends_at: datetime | None
    step_s: int | None

    def grid(self, begins_at: datetime, ends_at: datetime, now: datetime) -> Grid:
        """With these ends where none were asked for. Raises Refusal."""
        begins_at = max(self.begins_at or begins_at, EPOCH)
        ends_at = min(self.ends_at or ends_at, now)
        if begins_at >= ends_at:
            raise invalid("from", "from: it has to be before `to`, and before now")
        return grid(begins_at, ends_at, self.step_s, now)


def asked(begins: str | None, ends: str | None, step_s: int | None) -> Asked:
    """Raises Refusal."""
    return Asked(_time("from", begins), _time("to", ends), step_s)


def _time(field: str, text: str | None) -> datetime | None:
    time = None if text is None else as_of.time(text.strip(), datetime.now(UTC))
    if text is not None and time is None:
        detail = f"{field}: write a time (2030-01-31T14:05:00Z) or how long ago (3h)"
        raise invalid(field, detail)
    return time


async def of_job(rows: Rows, job: str, user: str | None, asked: Asked) -> Throughput:
    """From its first start to its end, if nothing else is asked. Raises Refusal."""
    now = datetime.now(UTC)

    async def question(picture: Picture) -> Throughput:
        found = await find(picture, job, user)
        row = await picture.one(QUERIES["job"], found)
        assert row is not None, "it was found in the same picture"
        begins_at = row["started_at"] or row["created_at"]
        ends_at = max(row["finished_at"] or now, begins_at + timedelta(seconds=1))
        of = asked.grid(min(begins_at, now - timedelta(seconds=1)), ends_at, now)
        return _told(of, await _read(picture, "of_job", of, found))

    return await rows.read(question)


async def of_endpoint(rows: Rows, endpoint: str, asked: Asked) -> EndpointThroughput:
    """Raises Refusal."""
    now = datetime.now(UTC)

    async def question(picture: Picture) -> EndpointThroughput:
        found = await _endpoint(picture, endpoint, "endpoint")
        of = asked.grid(now - LATELY, now, now)
        sent = await _read(picture, "sent", of, found)
        received = await _read(picture, "received", of, found)
        return EndpointThroughput(of.begins_at, of.ends_at, of.step_s, sent, received)

    return await rows.read(question)


async def of_pair(rows: Rows, source: str, destination: str, asked: Asked) -> Throughput:
    """Of the bytes that flowed from one endpoint to the other. Raises Refusal."""
    now = datetime.now(UTC)

    async def question(picture: Picture) -> Throughput:
        sender = await _endpoint(picture, source, "source")
        receiver = await _endpoint(picture, destination, "destination")
        of = asked.grid(now - LATELY, now, now)
        return _told(of, await _read(picture, "of_pair", of, sender, receiver))

    return await rows.read(question)


async def _endpoint(picture: Picture, name: str, field: str) -> str:
    found = await picture.value(QUERIES["endpoint"], name)
    if found is None:
        raise absent(f"there is no endpoint {name[:80]!r}: see the list of endpoints", field)
    return str(found)


async def _read(picture: Picture, query: str, of: Grid, which: str, *more: str) -> list[int]:
    found = await picture.all(QUERIES[query], which, of.begins_at, of.ends_at, of.step_s, *more)
    return of.laid((row["at"], row["bytes"]) for row in found)


def _told(of: Grid, values: list[int]) -> Throughput:
    return Throughput(of.begins_at, of.ends_at, of.step_s, values)
