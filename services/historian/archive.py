"""Instants kept in PostgreSQL: derived, so what is lost or of another version is made again."""

from __future__ import annotations

import asyncio
import zlib
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from projections import past
from services.runtime.database import Pool, load_queries

SQL = load_queries(Path(__file__).with_name("sql") / "archive.sql")
LEVEL = 1
TIMEOUT_S = 60.0


class Kept(Struct, frozen=True):
    """An instant as bytes, and the chain value of its commit."""

    sequence: int
    chain: str
    body: bytes


class Archive:
    """Of the log whose first commit carries `epoch`."""

    def __init__(self, pool: Pool, epoch: str) -> None:
        self._pool = pool
        self._which = (epoch, past.FORM)

    async def install(self) -> None:
        await self._pool.execute(SQL["install"])
        await self._pool.execute(SQL["forget_others"], *self._which)

    async def is_there(self) -> bool:
        """Whether anything was ever kept here, by whichever version."""
        return bool(await self._pool.fetchval("select to_regclass('history.instants') is not null"))

    async def newest(self) -> int:
        """The sequence of the newest; 0 for none."""
        return await self._pool.fetchval(SQL["newest"], *self._which) or 0

    async def sequences(self) -> set[int]:
        """Of which commits instants are kept."""
        return {row["sequence"] for row in await self._pool.fetch(SQL["all"], *self._which)}

    async def nearest(self, sequence: int) -> Kept | None:
        """The newest that is not behind `sequence`."""
        query = SQL["nearest"]
        row = await self._pool.fetchrow(query, *self._which, sequence, timeout=TIMEOUT_S)
        if row is None:
            return None
        body = await asyncio.to_thread(zlib.decompress, row["body"])
        return Kept(row["sequence"], row["chain"], body)

    async def around(self, time: datetime) -> tuple[int | None, int | None]:
        """Kept instants before and behind a time: narrows the search for its commit."""
        row = await self._pool.fetchrow(SQL["around"], *self._which, time)
        assert row is not None, "an aggregate has a row"
        return row["low"], row["high"]

    async def keep(self, kept: Kept, at: datetime) -> None:
        epoch, form = self._which
        body = await asyncio.to_thread(zlib.compress, kept.body, LEVEL)
        values = (epoch, kept.sequence, at, kept.chain, form, body)
        await self._pool.execute(SQL["keep"], *values, timeout=TIMEOUT_S)
