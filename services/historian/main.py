"""The historian process: keeps instants of the log as it grows, and opens any on demand.

It decides nothing and writes no log. What it keeps can be lost: it is made again from the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from functools import partial

import msgspec

from events import subjects
from projections import snapshot
from projections.past import Past
from services.historian import again, answers, commanded, what_if
from services.historian.archive import Archive
from services.historian.commands import (
    Answer,
    Asked,
    CheckAgain,
    Commands,
    Instant,
    Replay,
    Tasks,
    Undoing,
    Wait,
    WaitFound,
    WhatIf,
    WhatIfFound,
    When,
)
from services.historian.instants import Instants, epoch_of, load, packed
from services.historian.tasks import tasks
from services.historian.waiting import Waiting
from services.runtime.bus import open_bus
from services.runtime.database import Pool, is_passing, open_database
from services.runtime.log import logger
from services.runtime.nats_log import NatsLog
from services.runtime.ports import Bus, Log, NoAnswer
from services.runtime.settings import Settings
from services.runtime.streams import declare
from services.scheduler.commands import Rejected, Why

POOL_SIZE = 2
NICE = 5
LOOK_EACH_S = 5.0
AGAIN_S = 1.0
KEEP_EVENTS = 10_000
"""Events between two instants that are kept; of a large board more, for it takes room."""
JOBS_AN_EVENT = 4
LOOK_BYTES = 2 << 20
"""So much more log is worth a look whether another instant is to be kept."""
ASKED_MAX = 16
CLOSE_S = 5.0


async def main(settings: Settings) -> None:
    """Serve until cancelled, behind those who have something to do now."""
    os.nice(NICE)
    bus = await open_bus(settings.nats_url, name="historian")
    try:
        await declare(bus, settings.workspace)
        log = NatsLog(bus, settings.workspace)
        pool = await _opened(settings)
        try:
            archive = Archive(pool, await _epoch(log))
            await archive.install()
            await serve(bus, settings.workspace, Historian(log, archive, pool))
        finally:
            await _closed(pool)
    finally:
        await bus.close()


async def _opened(settings: Settings) -> Pool:
    while True:
        try:
            return await open_database(settings.database_url, name="historian", size=POOL_SIZE)
        except Exception as error:
            if not is_passing(error):
                raise
            logger.warning("database.lost", error=str(error), kind=type(error).__name__)
            await asyncio.sleep(AGAIN_S)


async def _epoch(log: Log) -> str:
    """Waits for the first commit: before it there is no history."""
    while True:
        with contextlib.suppress(LookupError, NoAnswer):
            return epoch_of((await log.get(1)).payload)
        await asyncio.sleep(AGAIN_S)


async def serve(bus: Bus, workspace: str, historian: Historian) -> None:
    serving = await bus.serve(subjects.past(workspace), historian.on_ask, queue="historian")
    try:
        while True:
            await historian.keep_up()
            await asyncio.sleep(LOOK_EACH_S)
    finally:
        await serving.stop()


async def _closed(pool: Pool) -> None:
    try:
        async with asyncio.timeout(CLOSE_S):
            await pool.close()
    except TimeoutError:
        pool.terminate()


class Historian:
    def __init__(
        self,
        log: Log,
        archive: Archive,
        pool: Pool,
        *,
        keep_events: int = KEEP_EVENTS,
        look_bytes: int = LOOK_BYTES,
        first: int = 1,
    ) -> None:
        """`first`: as in `Instants`."""
        self._log = log
        self._archive = archive
        self._pool = pool
        self.instants = Instants(log, archive, first)
        self._keep_events = keep_events
        self._look_bytes = look_bytes
        self._kept_at_bytes = -look_bytes
        self._places = asyncio.Semaphore(ASKED_MAX)
        self._running = asyncio.Lock()

    async def on_ask(self, _subject: str, payload: bytes) -> bytes | None:
        """None when the log or the database does not answer: the asker asks again."""
        try:
            asked = msgspec.json.decode(payload, type=Asked)
        except msgspec.MsgspecError as error:
            detail = f"the message cannot be read: {error}"
            return msgspec.json.encode(Rejected(Why.INVALID, detail))
        async with self._places:
            try:
                return msgspec.json.encode(await self._answer(asked))
            except Exception as error:
                if not isinstance(error, NoAnswer) and not is_passing(error):
                    raise
                logger.warning("past.unanswered", error=str(error), kind=type(error).__name__)
                return None

    async def _answer(self, asked: Asked) -> Answer:
        newest = await self.instants.newest()
        if isinstance(asked, Replay):
            return await again.replay(asked, self.instants, newest)
        if isinstance(asked, CheckAgain):
            return await again.check(asked, self.instants, newest)
        opened = await self.instants.open(asked.when)
        if isinstance(opened, Rejected):
            return opened
        if isinstance(asked, Tasks):
            return await tasks(asked, opened, newest, self._log, self._pool)
        if isinstance(asked, Wait):
            return await self._wait(asked, opened, newest)
        if isinstance(asked, Commands):
            return await commanded.lately(asked, opened, self._log)
        if isinstance(asked, Undoing):
            return await commanded.undoing(asked, self.instants, self._log)
        if isinstance(asked, WhatIf):
            return await self._what_if(asked, opened, newest)
        return answers.answer(asked, opened, newest)

    async def _wait(self, asked: Wait, past: Past, newest: int) -> WaitFound | Rejected:
        """Every commit from the one that brought the job on is looked at."""
        at = Instant(past.sequence, past.board.at, newest)
        row = answers.find(asked.job, asked.user, past)
        if isinstance(row, Rejected):
            return row
        going = await self.instants.apart(When(time=row.created_at))
        if isinstance(going, Rejected) and self.instants.first > 1:
            going = await self.instants.apart(When(sequence=self.instants.first))
        if isinstance(going, Rejected):
            return going
        waiting, board = Waiting(row.id), going.past.board
        waiting.look([], board)
        async with contextlib.aclosing(self.instants.move(going, at.sequence)) as commits:
            async for commit in commits:
                waiting.look(commit, board)
        owners = answers.owners_of([[s.reason for s in waiting.spans if s.reason]], going.past)
        return WaitFound(at, row, waiting.spans, owners)

    async def _what_if(self, asked: WhatIf, past: Past, newest: int) -> WhatIfFound | Rejected:
        """Run beside, one at a time; what is opened stays as it is."""
        at, when = Instant(past.sequence, past.board.at, newest), asked.when
        now = asked.now if when == When() else when.time or at.at
        touched = what_if.touched(asked.changes, past.board)
        saved, now = snapshot.part(past.board, touched.jobs), max(now, at.at)
        run = partial(what_if.answer, asked, saved, now, at, left_out=touched.left_out)
        async with self._running:
            return await asyncio.to_thread(run)

    async def keep_up(self) -> None:
        """Keep instants as far as the log goes, and let go of what nobody looks at."""
        self.instants.close_unused()
        try:
            grown_to = await self._log.size_bytes()
            if grown_to - self._kept_at_bytes >= self._look_bytes:
                await self._keep()
                self._kept_at_bytes = grown_to
        except Exception as error:
            if not isinstance(error, NoAnswer) and not is_passing(error):
                raise
            logger.warning("past.unkept", error=str(error), kind=type(error).__name__)

    async def _keep(self) -> None:
        """Every so many events, from the newest that is kept on."""
        newest, events = await self.instants.newest(), 0
        going = load(await self._archive.nearest(newest))
        async with contextlib.aclosing(self.instants.move(going, newest)) as commits:
            async for commit in commits:
                events += len(commit)
                if events >= max(self._keep_events, len(going.past.board.jobs) // JOBS_AN_EVENT):
                    await self._archive.keep(packed(going), going.past.board.at)
                    logger.info("instant.kept", sequence=going.past.sequence, events=events)
                    events = 0
