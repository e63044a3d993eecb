"""Keeps the rows up with the log, for ever: batch by batch, from wherever the rows stand.

A database that goes away is waited for, a checkpoint that somebody else moved is read again; in
both cases it goes on from the checkpoint, so that no event is lost or counted twice.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from msgspec import Struct

from services.projector import batches
from services.projector.announce import announce, announce_missed
from services.projector.store import Stale, checkpoint, write
from services.runtime.database import Connection, Pool, is_passing
from services.runtime.log import logger
from services.runtime.ports import Bus, Log

ACQUIRE_S = 10.0
PAUSE_MIN_S = 0.05
PAUSE_MAX_S = 2.0


class Ports(Struct, frozen=True):
    workspace: str
    log: Log
    bus: Bus
    pool: Pool


class Pause:
    """A back-off between tries: longer each time, short again after a success."""

    def __init__(self) -> None:
        self._next_s = PAUSE_MIN_S

    def reset(self) -> None:
        self._next_s = PAUSE_MIN_S

    async def sleep(self) -> None:
        pause_s, self._next_s = self._next_s, min(self._next_s * 2, PAUSE_MAX_S)
        await asyncio.sleep(pause_s)


async def keep_rows(ports: Ports) -> None:
    """Runs until cancelled. Raises Broken or Corrupt when the log cannot be read on."""
    pause = Pause()
    while True:
        try:
            async with ports.pool.acquire(timeout=ACQUIRE_S) as connection:
                await _follow(ports, connection, pause)
        except Stale:
            logger.warning("rows.stale")
            await pause.sleep()
        except Exception as error:
            if not is_passing(error):
                raise
            logger.warning("database.lost", error=str(error), kind=type(error).__name__)
            await pause.sleep()


async def _follow(ports: Ports, connection: Connection, pause: Pause) -> None:
    at = await checkpoint(connection)
    await announce_missed(connection, ports.bus, ports.workspace, at)
    logger.info("rows.following", sequence=at.sequence)
    after = at.sequence
    async with aclosing(ports.log.follow(after, at.chain)) as commits:
        async for stored in commits:
            for batch in batches.cut((one.sequence, one.chain, one.payload) for one in stored):
                changed = await write(connection, batch, after=after, announced=after)
                await announce(ports.bus, ports.workspace, changed)
                after = batch.sequence
                pause.reset()
