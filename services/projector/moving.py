"""Progress of running jobs: the newest tick of each, four times a second, in a small transaction.

Ticks come from agents and nobody decides from them: one that cannot be read or is about another
job than its subject is left out, and those of a run that is over or that another endpoint executes
are left out by the query that writes them.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import aclosing

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from events import ranges
from projections.throughput import LEVELS
from services.agent.commands import GAUGE, Tick
from services.projector import columns, gauges
from services.projector.announce import announce_moving
from services.projector.commands import Moving
from services.projector.rows import ACQUIRE_S, Pause, Ports
from services.projector.store import QUERIES
from services.projector.thinning import keep_thinning
from services.runtime.database import is_passing
from services.runtime.log import logger
from services.runtime.ports import Ticked, Ticks

PERIOD_S = 0.25
JOBS_MAX = 10_000
RUN_MAX = 2**31 - 1
STATUS_MAX = 500
NUMBERS_MAX = 10_000
_decoder = msgspec.json.Decoder(Tick)


class Saying(Struct, frozen=True):
    """What the command of a bucket, so many tasks, says of itself: 0 to 100 percent, in words."""

    job: str
    run: int
    tasks: int
    percent: float
    status: str


Newest = dict[tuple[str, str], Moving]  # By endpoint and job: none hides the tick of another.
Said = dict[tuple[str, str, int], Saying]


class Told(Struct, frozen=True):
    """What agents told since it was written last, the newest of each."""

    moving: Newest
    said: Said
    rooms: gauges.Rooms

    def take(self) -> Told:
        """Hand it out, and begin anew."""
        taken = Told(dict(self.moving), dict(self.said), dict(self.rooms))
        for kept in (self.moving, self.said, self.rooms):
            kept.clear()
        return taken


async def keep_progress(ports: Ports, ticks: Ticks) -> None:
    """Runs until cancelled."""
    told = Told({}, {}, {})
    async with asyncio.TaskGroup() as group:
        group.create_task(_collect(ticks, told), name="progress.collect")
        group.create_task(_write(ports, told), name="progress.write")
        group.create_task(keep_thinning(ports), name="progress.thin")


def read(ticked: Ticked) -> Moving | Saying | None:
    """A tick within what the table holds; None for what is no tick of its subject's job."""
    try:
        tick = _decoder.decode(ticked.payload)
    except msgspec.MsgspecError:
        return None
    if tick.job != ticked.job or not 0 <= tick.run <= RUN_MAX:
        return None
    if tick.numbers:
        return _saying(tick)
    rate = tick.bytes_per_second if math.isfinite(tick.bytes_per_second) else 0.0
    done, tasks_done, moved = (
        max(0, columns.number(count)) for count in (tick.bytes_done, tick.tasks_done, tick.moved)
    )
    job = columns.text(tick.job)
    return Moving(job, tick.run, done, max(0.0, rate), tasks_done, moved=moved)


def _saying(tick: Tick) -> Saying | None:
    percent = tick.percent or 0.0
    if not 0.0 <= percent <= 100.0 or len(tick.numbers) > NUMBERS_MAX:
        return None
    try:
        count = ranges.count(tick.numbers)
    except ranges.BadRanges:
        return None
    status = columns.text(tick.status[:STATUS_MAX])
    return Saying(columns.text(tick.job), tick.run, count, percent, status)


async def _collect(ticks: Ticks, told: Told) -> None:
    async with aclosing(ticks.follow()) as batches:
        async for batch in batches:
            for ticked in batch:
                if ticked.job == GAUGE:
                    gauges.keep(ticked, told.rooms)
                else:
                    _keep(ticked, told.moving, told.said)


def _keep(ticked: Ticked, newest: Newest, said: Said) -> None:
    key = columns.text(ticked.endpoint), columns.text(ticked.job)
    match read(ticked):
        case Moving() as tick if key in newest or len(newest) < JOBS_MAX:
            newest[key] = tick
        case Saying() as saying if (*key, saying.run) in said or len(said) < JOBS_MAX:
            said[*key, saying.run] = saying
        case _:
            pass


async def _write(ports: Ports, told: Told) -> None:
    pause = Pause()
    while True:
        await asyncio.sleep(PERIOD_S)
        taken = told.take()
        try:
            if taken.moving:
                await write_ticks(ports, taken.moving)
            if taken.said:
                await write_said(ports, taken.said)
            if taken.rooms:
                await gauges.write(ports, taken.rooms)
            pause.reset()
        except Exception as error:
            if not is_passing(error):
                raise
            logger.warning("database.lost", error=str(error), kind=type(error).__name__)
            await pause.sleep()


async def write_ticks(ports: Ports, moving: Newest) -> None:
    """Store and announce those that belong to a run which is on, from who executes it."""
    ordered = sorted(moving.items(), key=lambda item: item[1].job)
    told = [(endpoint, *astuple(tick)) for (endpoint, _), tick in ordered]
    *parameters, _partial, moved = zip(*told, strict=True)
    async with ports.pool.acquire(timeout=ACQUIRE_S) as connection, connection.transaction():
        await connection.execute(QUERIES["take_turn"])
        rows = await connection.fetch(QUERIES["save_progress"], *parameters)
        await connection.execute(
            QUERIES["save_throughput"], *parameters[:3], moved, LEVELS[0].step_s
        )
        at = await connection.fetchrow(QUERIES["checkpoint"])
    if rows and at is not None:
        stored = [Moving(*row) for row in rows]
        await announce_moving(ports.bus, ports.workspace, at["sequence"], stored)


async def write_said(ports: Ports, said: Said) -> None:
    """As `write_ticks`, of commands in their lanes."""
    ordered = sorted(said.items(), key=lambda item: (item[1].job, item[1].run))
    told = [(endpoint, *astuple(saying)) for (endpoint, *_), saying in ordered]
    parameters = list(zip(*told, strict=True))
    async with ports.pool.acquire(timeout=ACQUIRE_S) as connection, connection.transaction():
        await connection.execute(QUERIES["take_turn"])
        rows = await connection.fetch(QUERIES["save_command_progress"], *parameters)
        at = await connection.fetchrow(QUERIES["checkpoint"])
    if rows and at is not None:
        moving = [
            Moving(row["job"], row["run"], 0, 0.0, row["tasks_done"], row["partial"])
            for row in rows
        ]
        await announce_moving(ports.bus, ports.workspace, at["sequence"], moving)
