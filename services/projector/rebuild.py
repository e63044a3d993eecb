"""Makes the read side anew from the log, beside the one in use, compares the two, and swaps.

The live projector goes on meanwhile; it waits only for the last moment, in which the new tables
take the place of the old, and then goes on from the new checkpoint. What is no fold of the log
(progress, room and throughput) is carried over. Of some parts only these are compared and swapped.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from services.projector import compare
from services.projector.fold import Fold, Folded, Refused, Told, last_of
from services.projector.store import QUERIES, Checkpoint, checkpoint, install
from services.runtime.bus import open_bus
from services.runtime.database import Connection, Pool, open_database
from services.runtime.log import logger
from services.runtime.nats_log import NatsLog
from services.runtime.ports import Log
from services.runtime.settings import Settings

LIVE, NEXT, OLD = "haulage", "haulage_next", "haulage_old"
CARRIED = (
    "progress",
    "command_progress",
    "rooms",
    "throughput",
    "pair_throughput",
    "counted",
)
# Nobody misses the rows beside until they take the name, and what does that is as lasting as all
# that was written before it.
BESIDE_SETTINGS = {"synchronous_commit": "off"}
TIMEOUT_S = 600.0


class Report(Struct, frozen=True):
    """`difference` is the first row that was another, "" if none, None if nothing was compared."""

    folded: Folded
    difference: str | None


def _silent(_: Folded) -> None:
    """Nobody is told."""


async def rebuild(
    settings: Settings, told: Told = _silent, *, compared: bool = True, parts: Sequence[str] = ()
) -> Report:
    """All of it, or some of `compare.PARTS`.

    Raises Refused; Broken or Corrupt when the log cannot be read.
    """
    bus = await open_bus(settings.nats_url, name="rebuild")
    try:
        log = NatsLog(bus, settings.workspace)
        live = await open_database(settings.database_url, name="rebuild", size=3, schema=LIVE)
        beside = await open_beside(settings.database_url)
        try:
            return await rebuild_beside(log, live, beside, told, compared=compared, parts=parts)
        finally:
            live.terminate()
            beside.terminate()
    finally:
        await bus.close()


async def open_beside(url: str, schema: str = NEXT) -> Pool:
    return await open_database(url, name="rebuild", size=2, schema=schema, **BESIDE_SETTINGS)


async def rebuild_beside(
    log: Log,
    live: Pool,
    beside: Pool,
    told: Told = _silent,
    *,
    compared: bool = True,
    parts: Sequence[str] = (),
) -> Report:
    is_current = await install(live, LIVE)
    if parts and not is_current:
        raise Refused("the tables in use are of another version: rebuild all of them")
    tables = compare.tables_of(parts)
    async with live.acquire() as turn:
        if not await turn.fetchval(QUERIES["try_rebuild"]):
            raise Refused("another rebuild of this database is running")
        await turn.execute(f"drop schema if exists {NEXT} cascade", timeout=TIMEOUT_S)
        await install(beside, NEXT)
        async with beside.acquire() as connection:
            fold = Fold(log, connection, told)
            difference = await _compare(fold, live, tables) if compared else None
            if not parts:
                await fold.up_to(await last_of(log))
            await _swap(fold, live, tables if parts else ())
        for left in (OLD, NEXT):
            await turn.execute(f"drop schema if exists {left} cascade", timeout=TIMEOUT_S)
    logger.info("rebuild.done", sequence=fold.folded.sequence, events=fold.folded.events)
    return Report(fold.folded, difference)


async def _compare(fold: Fold, live: Pool, tables: Sequence[str]) -> str | None:
    """The first row that is another in the rows in use, both as of the same commit."""
    async with live.acquire() as connection:
        await fold.up_to(min((await checkpoint(connection)).sequence, await last_of(fold.log)))
        snapshot = connection.transaction(isolation="repeatable_read", readonly=True)
        async with snapshot:
            at = await checkpoint(connection)
            if not 0 < at.sequence <= await last_of(fold.log):
                return None
            await fold.up_to(at.sequence)
            async for compared in compare.compared(connection, fold.connection, tables):
                if compared.difference:
                    return compared.difference
            return ""


async def _swap(fold: Fold, live: Pool, tables: Sequence[str]) -> None:
    """While nobody writes: fold what the live rows have more, and put the new in their place."""
    async with live.acquire() as connection, connection.transaction():
        await connection.execute(QUERIES["take_turn"])
        at = await checkpoint(connection)
        if tables:
            if at.sequence > await last_of(fold.log):
                raise Refused("the rows in use are of another log: rebuild all of them")
            await fold.up_to(at.sequence)
            await _swap_tables(connection, tables)
            return
        await fold.up_to(min(at.sequence, await last_of(fold.log)))
        await _carry_over(connection)
        await _keep_announced(connection, at)
        await connection.execute(f"drop schema if exists {OLD} cascade")
        await connection.execute(f"alter schema {LIVE} rename to {OLD}")
        await connection.execute(f"alter schema {NEXT} rename to {LIVE}")


async def _swap_tables(connection: Connection, tables: Sequence[str]) -> None:
    for table in tables:
        await connection.execute(f"drop table {LIVE}.{table}", timeout=TIMEOUT_S)
        await connection.execute(f"alter table {NEXT}.{table} set schema {LIVE}")


async def _carry_over(connection: Connection) -> None:
    for table in CARRIED:
        names = await connection.fetchval(QUERIES["columns_of_both"], LIVE, NEXT, table)
        if names is None:
            continue  # There is no such table yet in the one in use.
        carry = f"insert into {NEXT}.{table} ({names}) select {names} from {LIVE}.{table}"
        await connection.execute(carry, timeout=TIMEOUT_S)


async def _keep_announced(connection: Connection, at: Checkpoint) -> None:
    """The live projector announces what it has not: all that is newer than its own rows."""
    if at.sequence:
        statement = f"update {NEXT}.checkpoint set announced = least(announced, $1)"
        await connection.execute(statement, at.announced)
