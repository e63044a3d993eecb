"""The projector process: rows, progress and feed, each a task of its own over the same log.

Any number may run; they take turns at the rows and the feed takes each event once.
"""

from __future__ import annotations

import asyncio

from services.projector import rebuild
from services.projector.feed import keep_feed
from services.projector.moving import keep_progress
from services.projector.rows import Pause, Ports, keep_rows
from services.projector.store import install
from services.runtime.bus import open_bus
from services.runtime.database import Pool, is_passing, open_database
from services.runtime.log import logger
from services.runtime.nats_feed import NatsFeed
from services.runtime.nats_log import NatsLog
from services.runtime.nats_ticks import NatsTicks
from services.runtime.settings import Settings
from services.runtime.streams import declare

SCHEMA = "haulage"
POOL_SIZE = 3
CLOSE_S = 5.0


async def main(settings: Settings) -> None:
    """Serve until cancelled; a batch in hand is then either written or not, never half."""
    bus = await open_bus(settings.nats_url, name="projector")
    try:
        await declare(bus, settings.workspace)
        pool = await _prepared(settings)
        log = NatsLog(bus, settings.workspace)
        ports = Ports(settings.workspace, log, bus, pool)
        feed, ticks = NatsFeed(bus, settings.workspace), NatsTicks(bus, settings.workspace)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(keep_rows(ports), name="projector.rows")
                group.create_task(keep_progress(ports, ticks), name="projector.progress")
                group.create_task(keep_feed(log, feed, settings.workspace), name="projector.feed")
        finally:
            await _closed(pool)
    finally:
        await bus.close()


async def _prepared(settings: Settings) -> Pool:
    """The database, as soon as it answers, with tables as this version wants them."""
    pause = Pause()
    while True:
        try:
            return await _open(settings)
        except Exception as error:
            if not is_passing(error):
                raise
            logger.warning("database.lost", error=str(error), kind=type(error).__name__)
            await pause.sleep()


async def _open(settings: Settings) -> Pool:
    pool = await open_database(settings.database_url, name="projector", size=POOL_SIZE)
    try:
        if not await install(pool, SCHEMA):
            logger.warning("rows.of_another_version")
            await rebuild.rebuild(settings, compared=False)
    except BaseException:
        pool.terminate()
        raise
    return pool


async def _closed(pool: Pool) -> None:
    try:
        async with asyncio.timeout(CLOSE_S):
            await pool.close()
    except TimeoutError:
        pool.terminate()
