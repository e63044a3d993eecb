"""PostgreSQL for the read side: a pool, and the named queries of a `.sql` file.

Knows no table. A query file is SQL in sections, each headed by a line `-- name: words_of_query`;
what stands before the first heading is comment.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

CONNECT_S = 5.0
COMMAND_S = 60.0

Pool: TypeAlias = asyncpg.Pool
Connection: TypeAlias = asyncpg.Connection | PoolConnectionProxy

_LOST = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.TransactionRollbackError,
)
_HEADING = re.compile(r"^-- name: *([a-z][a-z0-9_]*) *$", re.MULTILINE)


async def open_database(
    url: str, *, name: str, size: int = 4, schema: str = "haulage", **settings: str
) -> asyncpg.Pool:
    """A pool of at most `size` connections whose search path is `schema`, shown as `name`; further
    `settings` are the server's own.

    Raises OSError or asyncpg.PostgresError when the server does not answer.
    """
    pool = await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        timeout=CONNECT_S,
        command_timeout=COMMAND_S,
        server_settings={
            "application_name": name,
            "search_path": schema,
            "timezone": "UTC",
            **settings,
        },
    )
    assert pool is not None
    return pool


async def answers(url: str) -> bool:
    """Does this server take a connection and a query now?"""
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_S, command_timeout=CONNECT_S)
    except (OSError, asyncpg.PostgresError):
        return False
    try:
        return bool(await connection.fetchval("select true"))
    except (OSError, asyncpg.PostgresError):
        return False
    finally:
        await connection.close(timeout=CONNECT_S)


def is_passing(error: BaseException) -> bool:
    """Whether the same work may succeed on another connection, later: the server is away, starting,
    full or was told to stop. Data that it will never take is not.
    """
    return isinstance(error, _LOST) and not isinstance(
        error, asyncpg.exceptions.DataError | ValueError
    )


def load_queries(path: Path) -> dict[str, str]:
    """The queries of a file by name. A name given twice is an error."""
    _, *parts = _HEADING.split(path.read_text())
    names, bodies = parts[0::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{path.name}: a query's name is given twice")
    return {name: body.strip() for name, body in zip(names, bodies, strict=True)}
