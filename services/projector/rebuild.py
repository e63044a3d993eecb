"""Makes the read side anew from the log, beside the one in use, compares the two, and swaps.

The live projector goes on meanwhile; it waits only for the last moment, in which the new schema
takes the old one's name, and then goes on from the new checkpoint. What is no fold of the log
(progress, room and throughput) is carried over.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import aclosing

from msgspec import Struct

from services.projector import batches, compare
from services.projector.store import QUERIES, Checkpoint, checkpoint, install, write
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
EVENTS_MAX = 5_000
# Nobody misses the rows beside until they take the name, and what does that is as lasting as all
# that was written before it.
BESIDE_SETTINGS = {"synchronous_commit": "off"}
TIMEOUT_S = 600.0
SAY_EVERY_S = 1.0


class Refused(Exception):
    """Another rebuild is at it."""


class Folded(Struct, frozen=True):
    """How far it is: the commit folded, the last one there is, and events so far."""

    sequence: int
    last: int
    events: int
    seconds: float

    @property
    def events_per_second(self) -> float:
        return self.events / self.seconds if self.seconds else 0.0


class Report(Struct, frozen=True):
    """`difference` is the first row that was another, "" if none, None if nothing was compared."""

    folded: Folded
    difference: str | None


Told = Callable[[Folded], None]


async def main(settings: Settings) -> None:
    """`haulage rebuild`: says how it goes on stdout."""
    report = await rebuild(settings, _say)
    _say(report.folded)
    match report.difference:
        case None:
            print("there were no rows to compare with")
        case "":
            print("the rows were the same as those in use")
        case difference:
            print(f"the rows in use were others and are replaced; the first: {difference}")


def _say(folded: Folded) -> None:
    rate = f"{folded.events_per_second:,.0f} events/s"
    print(f"commit {folded.sequence:,} of {folded.last:,}, {folded.events:,} events, {rate}")


async def rebuild(
    settings: Settings, told: Told = lambda folded: None, *, compared: bool = True
) -> Report:
    """Raises Refused; Broken or Corrupt when the log cannot be read."""
    bus = await open_bus(settings.nats_url, name="rebuild")
    try:
        log = NatsLog(bus, settings.workspace)
        live = await open_database(settings.database_url, name="rebuild", size=3, schema=LIVE)
        beside = await open_beside(settings.database_url)
        try:
            return await rebuild_beside(log, live, beside, told, compared=compared)
        finally:
            live.terminate()
            beside.terminate()
    finally:
        await bus.close()


async def open_beside(url: str) -> Pool:
    return await open_database(url, name="rebuild", size=2, schema=NEXT, **BESIDE_SETTINGS)


async def rebuild_beside(
    log: Log, live: Pool, beside: Pool, told: Told = lambda folded: None, *, compared: bool = True
) -> Report:
    await install(live, LIVE)
    async with live.acquire() as turn:
        if not await turn.fetchval(QUERIES["try_rebuild"]):
            raise Refused("another rebuild of this database is running")
        await turn.execute(f"drop schema if exists {NEXT} cascade", timeout=TIMEOUT_S)
        await install(beside, NEXT)
        async with beside.acquire() as connection:
            fold = _Fold(log, connection, told)
            difference = await _compare(fold, live) if compared else None
            await fold.up_to(await _last(log))
            await _swap(fold, live)
        await turn.execute(f"drop schema if exists {OLD} cascade", timeout=TIMEOUT_S)
    logger.info("rebuild.done", sequence=fold.folded.sequence, events=fold.folded.events)
    return Report(fold.folded, difference)


class _Fold:
    """The fold of the log into the schema beside, as far as it got."""

    def __init__(self, log: Log, connection: Connection, told: Told) -> None:
        self.log = log
        self.connection = connection
        self.folded = Folded(0, 0, 0, 0.0)
        self._told = told
        self._began = self._said = time.monotonic()

    async def up_to(self, last: int) -> None:
        """Fold until commit `last` is in, and not one further."""
        at = await checkpoint(self.connection)
        after, pile = at.sequence, batches.Pile(events_max=EVENTS_MAX)
        if after >= last:
            return
        async with aclosing(self.log.follow(after, at.chain)) as commits:
            async for stored in commits:
                for one in stored:
                    is_full = pile.add(one.sequence, one.chain, one.payload)
                    if is_full or one.sequence == last:
                        after = await self._write(pile, after, last)
                    if after == last:
                        return

    async def _write(self, pile: batches.Pile, after: int, last: int) -> int:
        batch = pile.take()
        assert batch is not None, "a commit was added"
        await write(self.connection, batch, after=after, announced=batch.sequence)
        self._count(batch.sequence, last, len(batch.events))
        return batch.sequence

    def _count(self, sequence: int, last: int, events: int) -> None:
        now = time.monotonic()
        events += self.folded.events
        self.folded = Folded(sequence, last, events, now - self._began)
        if now - self._said >= SAY_EVERY_S:
            self._said = now
            self._told(self.folded)


async def _last(log: Log) -> int:
    last = await log.last()
    return last.sequence if last else 0


async def _compare(fold: _Fold, live: Pool) -> str | None:
    """The first row that is another in the rows in use, both as of the same commit."""
    async with live.acquire() as connection:
        await fold.up_to(min((await checkpoint(connection)).sequence, await _last(fold.log)))
        snapshot = connection.transaction(isolation="repeatable_read", readonly=True)
        async with snapshot:
            at = await checkpoint(connection)
            if not 0 < at.sequence <= await _last(fold.log):
                return None
            await fold.up_to(at.sequence)
            return await compare.first_difference(connection, fold.connection)


async def _swap(fold: _Fold, live: Pool) -> None:
    """While nobody writes: fold what the live rows have more, carry over, take the name."""
    async with live.acquire() as connection, connection.transaction():
        await connection.execute(QUERIES["take_turn"])
        at = await checkpoint(connection)
        await fold.up_to(min(at.sequence, await _last(fold.log)))
        for table in CARRIED:
            names = await connection.fetchval(QUERIES["columns_of_both"], LIVE, NEXT, table)
            if names is None:
                continue  # There is no such table yet in the one in use.
            carry = f"insert into {NEXT}.{table} ({names}) select {names} from {LIVE}.{table}"
            await connection.execute(carry, timeout=TIMEOUT_S)
        await _keep_announced(connection, at)
        await connection.execute(f"drop schema if exists {OLD} cascade")
        await connection.execute(f"alter schema {LIVE} rename to {OLD}")
        await connection.execute(f"alter schema {NEXT} rename to {LIVE}")


async def _keep_announced(connection: Connection, at: Checkpoint) -> None:
    """The live projector announces what it has not: all that is newer than its own rows."""
    if at.sequence:
        statement = f"update {NEXT}.checkpoint set announced = least(announced, $1)"
        await connection.execute(statement, at.announced)
