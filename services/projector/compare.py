"""Compares two schemas of the read side, table by table: by a digest, then row by row."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence

from msgspec import Struct

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
PARTS = {
    "queues": ("queues",),
    "endpoints": ("endpoints",),
    "jobs": ("jobs", "job_counts"),
    "tasks": ("tasks", "attempts", "runs", "timings"),
    "log": ("job_log",),
}
"""What can be asked for by name: the tables of a part are made of one another."""
TIMEOUT_S = 600.0
PREFETCH = 1_000


class Compared(Struct, frozen=True):
    """A table: so many `rows`, a hash of all that is in them, and the first that is another."""

    table: str
    rows: int
    digest: str
    difference: str


def tables_of(parts: Sequence[str]) -> tuple[str, ...]:
    """Of no parts, all."""
    named = {table for part in parts or PARTS for table in PARTS[part]}
    return tuple(table for table in KEYS if table in named)


async def compared(
    one: Connection, other: Connection, tables: Sequence[str]
) -> AsyncIterator[Compared]:
    """Each table of `one` held against that of `other`, which is as it was to be."""
    for table in tables:
        rows, digest = await _digest(one, table)
        difference = ""
        if (rows, digest) != await _digest(other, table):
            difference = await _first_row(one, other, table, KEYS[table])
        yield Compared(table, rows, hashlib.sha256(digest.encode()).hexdigest()[:16], difference)


async def _digest(connection: Connection, table: str) -> tuple[int, str]:
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
