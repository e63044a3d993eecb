"""Opens the past: the nearest instant that is kept, and a short replay of the log behind it.

The last few that were opened stay open; to a later instant one of them is moved on, which is what a
step forward costs. Everything is read from the log, so what is opened is what was stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator
from datetime import datetime

import msgspec
from msgspec import Struct

from events import codec
from events.codec import Recorded
from projections import past
from projections.past import Past
from services.historian.archive import Archive, Kept
from services.historian.commands import When
from services.runtime.log import logger
from services.runtime.ports import Log
from services.scheduler.commands import Rejected
from services.scheduler.commands import Why as Reason

OPEN_MAX = 3
NEAR = 20_000
"""Commits that an open instant is moved on by, rather than another read."""
CLOSED_AFTER_S = 300.0
BREATH = 50
"""Commits after which others have their turn."""


class Open(Struct):
    """An open instant, the chain value of its commit, and when it was last looked at."""

    past: Past
    chain: str
    used_s: float


class Instants:
    def __init__(self, log: Log, archive: Archive, first: int = 1) -> None:
        """`first` is the earliest that can be opened: of a stretch what is kept from before it."""
        self.first = first
        self._log = log
        self._archive = archive
        self._open: OrderedDict[int, Open] = OrderedDict()
        self._turn = asyncio.Lock()

    async def open(self, when: When) -> Past | Rejected:
        """The instant, for the caller to read until it next awaits. Raises NoAnswer."""
        async with self._turn:
            sequence = await self._sequence(when)
            if isinstance(sequence, Rejected):
                return sequence
            known = self._open.pop(sequence, None) or await self._reach(sequence)
            known.used_s = time.monotonic()
            self._open[sequence] = known
            while len(self._open) > OPEN_MAX:
                self._open.popitem(last=False)
            return known.past

    def close_unused(self) -> None:
        """Give the memory back of what nobody looks at any more."""
        now = time.monotonic()
        for sequence, one in list(self._open.items()):
            if now - one.used_s > CLOSED_AFTER_S:
                del self._open[sequence]

    async def newest(self) -> int:
        last = await self._log.last()
        return last.sequence if last else 0

    # Where it is.

    async def place(self, when: When) -> int | Rejected:
        """The commit that it means. Raises NoAnswer."""
        return await self._sequence(when)

    async def _sequence(self, when: When) -> int | Rejected:
        newest = await self.newest()
        if when.time is not None:
            return await self._at(when.time, newest)
        if when.sequence is None:
            return newest
        if self.first <= when.sequence <= newest:
            return when.sequence
        has = f"the log has the commits {self.first} to {newest}"
        detail = f"{has}: {when.sequence} is none of them"
        return Rejected(Reason.INVALID, detail, "as_of")

    async def _at(self, time: datetime, newest: int) -> int | Rejected:
        """The last commit that was stored by then; the times of commits never go back."""
        low, high = await self._archive.around(time)
        nothing = self.first - 1
        low, high = low or nothing, min(high or newest + 1, newest + 1)
        while high - low > 1:
            middle = (low + high) // 2
            stored = await self._log.get(middle)
            low, high = (middle, high) if codec.moment(stored.payload) <= time else (low, middle)
        if low == nothing and self.first > 1:
            return Rejected(Reason.INVALID, f"nothing is here from before {time}", "as_of")
        if low == 0:
            began = codec.moment((await self._log.get(1)).payload)
            detail = (
                f"the workspace was opened at {began:%Y-%m-%d %H:%M:%S} UTC: nothing was before"
            )
            return Rejected(Reason.INVALID, detail, "as_of")
        return low

    # How it is opened.

    async def _reach(self, sequence: int) -> Open:
        kept = await self._archive.nearest(sequence)
        begin = kept.sequence if kept else 0
        earlier = max((one for one in self._open if one < sequence), default=0)
        is_nearer = earlier >= max(begin, sequence - NEAR, 1)
        known = self._open.pop(earlier) if is_nearer else load(kept)
        began, events = time.monotonic(), 0
        async with contextlib.aclosing(self.move(known, sequence)) as commits:
            async for commit in commits:
                events += len(commit)
        took_ms = round((time.monotonic() - began) * 1000)
        logger.info("instant.opened", sequence=sequence, events=events, ms=took_ms)
        return known

    async def apart(self, when: When) -> Open | Rejected:
        """An instant of the caller's own, to be moved on as they like. Raises NoAnswer."""
        sequence = await self._sequence(when)
        if isinstance(sequence, Rejected):
            return sequence
        going = load(await self._archive.nearest(sequence))
        async with contextlib.aclosing(self.move(going, sequence)) as commits:
            async for _ in commits:
                pass
        return going

    async def before(self, sequence: int) -> Open:
        """What there was before a commit of the log, as `apart`. Raises NoAnswer."""
        if sequence == 1:
            return load(None)
        going = await self.apart(When(sequence=sequence - 1))
        assert not isinstance(going, Rejected), "there is one before it"
        return going

    async def commits(self, known: Open, last: int) -> AsyncGenerator[list[Recorded], None]:
        """Those behind it up to `last`, for the caller to apply."""
        following = self._log.follow(known.past.sequence, known.chain)
        async with contextlib.aclosing(following) as batches:
            async for batch in batches:
                for stored in batch:
                    yield codec.decode(stored.payload)
                    if stored.sequence == last:
                        return
                    if stored.sequence % BREATH == 0:
                        await asyncio.sleep(0)

    async def move(self, known: Open, sequence: int) -> AsyncGenerator[list[Recorded], None]:
        """Commit by commit to a later one of the log; gives each when it was applied."""
        if known.past.sequence >= sequence:
            return
        following = self._log.follow(known.past.sequence, known.chain)
        async with contextlib.aclosing(following) as batches:
            async for batch in batches:
                for stored in batch:
                    commit = codec.decode(stored.payload)
                    known.past.apply(commit)
                    known.chain = stored.chain
                    yield commit
                    if stored.sequence == sequence:
                        return
                    if stored.sequence % BREATH == 0:
                        await asyncio.sleep(0)


def load(kept: Kept | None) -> Open:
    if kept is None:
        return Open(Past(), codec.CHAIN_START, time.monotonic())
    return Open(past.load(kept.body), kept.chain, time.monotonic())


def packed(known: Open) -> Kept:
    return Kept(known.past.sequence, known.chain, past.save(known.past))


def epoch_of(payload: bytes) -> str:
    """What the log's first commit is called by: no two logs have the same."""
    first = codec.decode(payload)[0].event
    return str(msgspec.structs.asdict(first).get("epoch", ""))
