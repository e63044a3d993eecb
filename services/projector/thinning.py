"""Throughput's history gets coarser as it ages, a little at a time, and is forgotten after as many
days as finished jobs are kept in the lists (`finished_keep_days` of the workspace).
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from events.settings import SETTINGS
from projections.throughput import LEVELS, floored
from services.projector.rows import ACQUIRE_S, Pause, Ports
from services.projector.store import QUERIES
from services.runtime.database import Connection, is_passing
from services.runtime.log import logger

PERIOD_S = 60.0
ROWS_MAX = 5_000
THINNED, FORGOTTEN = ("thin_jobs", "thin_pairs"), ("forget_jobs", "forget_pairs")
TURNS_MAX = 50  # 250,000 rows a minute: far more than may come.


async def keep_thinning(ports: Ports) -> None:
    """Runs until cancelled."""
    pause = Pause()
    while True:
        try:
            await thin(ports, datetime.now(UTC))
            pause.reset()
        except Exception as error:
            if not is_passing(error):
                raise
            logger.warning("database.lost", error=str(error), kind=type(error).__name__)
            await pause.sleep()
        else:
            await asyncio.sleep(PERIOD_S)


async def thin(ports: Ports, now: datetime, *, rows_max: int = ROWS_MAX) -> None:
    """Turn after turn, each a small transaction, until nothing is too old for how fine it is."""
    for _ in range(TURNS_MAX):
        async with ports.pool.acquire(timeout=ACQUIRE_S) as connection, connection.transaction():
            await connection.execute(QUERIES["take_turn"])
            if await _turn(connection, now, rows_max) < rows_max:
                return


async def _turn(connection: Connection, now: datetime, rows_max: int) -> int:
    """The most rows that one of its statements found."""
    found = []
    for fine, coarse in pairwise(LEVELS):
        which = (fine.step_s, coarse.step_s, floored(now - fine.age, coarse.step_s), rows_max)
        found += [await connection.fetchval(QUERIES[query], *which) for query in THINNED]
    days = await connection.fetchval(QUERIES["keep_days"])
    days = int(SETTINGS["finished_keep_days"].default if days is None else days)
    if days:  # 0: nothing is ever forgotten.
        old = (LEVELS[-1].step_s, now - timedelta(days=days), rows_max)
        found += [await connection.fetchval(QUERIES[query], *old) for query in FORGOTTEN]
    await connection.execute(QUERIES["forget_counted"])
    return max(map(int, found))
