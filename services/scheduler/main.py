"""The scheduler process: follows the log until nobody leads, then leads until someone else does."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Iterator

from events import codec, subjects
from projections import snapshot
from projections.board import Board
from services.runtime.bus import open_bus
from services.runtime.log import logger
from services.runtime.nats_log import NatsLog
from services.runtime.ports import Conflict, NoAnswer, Stored
from services.runtime.settings import Settings
from services.runtime.snapshots import NatsSnapshots
from services.runtime.streams import declare
from services.scheduler.leader import Leader, Ports

LEADER_PROBE_S = 0.5
LEADER_ANSWER_S = 2.0


async def main(settings: Settings) -> None:
    """Serve until cancelled; a leader keeps a snapshot then. Closes the ports."""
    bus = await open_bus(settings.nats_url, name="scheduler")
    try:
        await declare(bus, settings.workspace)
        log = NatsLog(bus, settings.workspace)
        snapshots = NatsSnapshots(bus, settings.workspace)
        await serve(Ports(settings.workspace, bus, log, snapshots))
    finally:
        await bus.close()


async def serve(ports: Ports) -> None:
    while True:
        follower = Follower(ports)
        await follower.follow()
        _keep_for_good()
        leader = Leader(ports, follower.board, follower.chain, follower.replayed)
        with contextlib.suppress(Conflict):
            await leader.lead()
        logger.warning("scheduler.stepped_down", sequence=leader.board.sequence)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """What is read at the start stays: no look for garbage in it meanwhile."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _keep_for_good() -> None:
    """The board is no garbage: looking through it for some would stop the leader for a while."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


class Follower:
    """Keeps a board up to date; `replayed` events came after the snapshot that it began with."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self.board = Board()
        self.chain = codec.CHAIN_START
        self.replayed = 0

    async def follow(self) -> None:
        """Until nobody leads; then the board is at the end of the log."""
        with _uncollected():
            await self._begin()
            with self.board.in_bulk():
                await self.catch_up()
        said = False
        while True:
            await self.catch_up()
            if not await _someone_leads(self.ports):
                return await self.catch_up()
            if not said:
                logger.info("scheduler.stands_by", sequence=self.board.sequence)
                said = True
            await asyncio.sleep(LEADER_PROBE_S)

    async def _begin(self) -> None:
        """From the newest snapshot that this version can read, else from the log's start."""
        kept = await self.ports.snapshots.newest()
        if kept is None:
            return
        try:
            self.board, self.chain = snapshot.load(kept.board), kept.chain
        except snapshot.OtherForm:
            logger.info("scheduler.snapshot_of_other_form", sequence=kept.sequence)

    async def catch_up(self) -> None:
        """Apply everything stored so far."""
        last = await self.ports.log.last()
        if last is None or last.sequence <= self.board.sequence:
            return
        following = self.ports.log.follow(self.board.sequence, self.chain)
        async with contextlib.aclosing(following) as commits:
            async for batch in commits:
                for stored in batch:
                    self._apply(stored)
                if self.board.sequence >= last.sequence:
                    return
                await asyncio.sleep(0)

    def _apply(self, stored: Stored) -> None:
        for recorded in codec.decode(stored.payload):
            self.board.apply(recorded)
            self.replayed += 1
        self.chain = stored.chain


async def _someone_leads(ports: Ports) -> bool:
    """A leader answers within LEADER_ANSWER_S; a stopped process holds the lead no longer."""
    try:
        await ports.bus.request(subjects.leader(ports.workspace), b"", timeout_s=LEADER_ANSWER_S)
    except NoAnswer:
        return False
    return True
