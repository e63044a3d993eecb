"""The read side as the gateway sees it: PostgreSQL, each question in one unchanging picture of it.

Everything that an answer is made of is read in one transaction that sees one state, and the
checkpoint of that state is known. Writes nothing. A question that a lost connection or a swapped
schema broke is asked once more; then the asker learns that the read side does not answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from services.gateway.problems import later
from services.runtime.database import Connection, Pool, is_passing, load_queries, open_database
from services.runtime.log import logger
from services.runtime.settings import Settings

POOL_SIZE = 6
ACQUIRE_S = 2.0
QUESTION_S = 8.0
TRIES_MAX = 2
NO_TABLES = {"42P01", "3F000"}
SQL = Path(__file__).with_name("sql")
JOBS = load_queries(SQL / "jobs.sql")
QUEUES = load_queries(SQL / "queues.sql")
WORKSPACE = load_queries(SQL / "workspace.sql")

Row = Mapping[str, Any]
T = TypeVar("T")


class Picture:
    """The read side as it stood when the picture was taken; `sequence` is its checkpoint."""

    def __init__(self, connection: Connection, sequence: int) -> None:
        self._connection = connection
        self.sequence = sequence

    async def all(self, query: str, *values: object) -> list[Row]:
        return cast("list[Row]", await self._connection.fetch(query, *values))

    async def one(self, query: str, *values: object) -> Row | None:
        return cast("Row | None", await self._connection.fetchrow(query, *values))

    async def value(self, query: str, *values: object) -> Any:
        return await self._connection.fetchval(query, *values)


class Rows:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(self, question: Callable[[Picture], Awaitable[T]]) -> T:
        """The answer to `question`. Raises Refusal (503) when the read side does not answer."""
        for _ in range(TRIES_MAX):
            try:
                async with asyncio.timeout(QUESTION_S):
                    return await self._asked(question)
            except Exception as error:
                if not is_passing(error) and getattr(error, "sqlstate", "") not in NO_TABLES:
                    raise
                logger.warning("rows.unread", error=str(error), kind=type(error).__name__)
        raise later("the read side does not answer now: ask again in a moment", seconds=2)

    async def _asked(self, question: Callable[[Picture], Awaitable[T]]) -> T:
        async with (
            self._pool.acquire(timeout=ACQUIRE_S) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            sequence = await connection.fetchval(JOBS["checkpoint"])
            return await question(Picture(connection, sequence or 0))

    async def sequence(self) -> int:
        """The checkpoint. Raises Refusal."""

        async def question(picture: Picture) -> int:
            return picture.sequence

        return await self.read(question)


async def open_rows(settings: Settings) -> Pool:
    """Plans are made with the values: a query here has filters that are mostly not given."""
    url = settings.database_url
    custom = f"{url}{'&' if '?' in url else '?'}plan_cache_mode=force_custom_plan"
    return await open_database(custom, name="gateway", size=POOL_SIZE)
