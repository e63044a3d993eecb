"""Compares two schemas of the read side, table by table: by a digest, then row by row."""

from __future__ import annotations

from collections.abc import AsyncIterator

from services.runtime.database import Connection

KEYS = {
    "queues": "id",
    "endpoints": "id",
    "jobs": "id",
    "job_counts": "queue, status, user_name, kind",
    "tasks": "job, number",
    "attempts": "job, number, attempt",
    "runs": "job, run",
    "timings": "job",
    "job_log": "sequence, index",
}
TIMEOUT_S = 600.0
PREFETCH = 1_000


async def first_difference(one: Connection, other: Connection) -> str:
    """The first row that is not the same in both, "" if there is none."""
    for table, key in KEYS.items():
        if await digest(one, table) != await digest(other, table):
            return await _first_row(one, other, table, key)
    return ""


async def digest(connection: Connection, table: str) -> tuple[int, str]:
    """How many rows there are, and a sum over what is in them."""
    query = f"select count(*), sum(hashtextextended(t::text, 0)::numeric)::text from {table} as t"
    row = await connection.fetchrow(query, timeout=TIMEOUT_S)
    assert row is not None
    return row[0], row[1] or ""


async def _first_row(one: Connection, other: Connection, table: str, key: str) -> str:
    async with one.transaction(), other.transaction():
        left, right = _rows(one, table, key), _rows(other, table, key)
        while True:
            mine, theirs = await anext(left, None), await anext(right, None)
            if mine != theirs:
                return f"{table}: {mine or 'no row'} was to be {theirs or 'no row'}"
            assert mine is not None, "the digests differ"


async def _rows(connection: Connection, table: str, key: str) -> AsyncIterator[str]:
    query = f"select t::text as row from {table} as t order by {key}"
    async for record in connection.cursor(query, prefetch=PREFETCH):
        yield record["row"]
