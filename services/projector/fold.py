"""The whole log folded into tables of their own, beside those in use: what both a rebuild and a
verification begin with. How far it is, is told once a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import aclosing

from msgspec import Struct

from services.projector import batches
from services.projector.store import checkpoint, write
from services.runtime.database import Connection
from services.runtime.ports import Log

EVENTS_MAX = 5_000
SAY_EVERY_S = 1.0


class Refused(Exception):
    """Another rebuild is at it, or the tables in use cannot be mended in part."""


class Folded(Struct, frozen=True):
    """How far it is: the commit folded, the last one there is, and events so far."""

    sequence: int
    last: int
    events: int
    seconds: float

    @property
    def events_per_second(self) -> float:
        return self.events / self.seconds if self.seconds else 0.0


Told = Callable[[Folded], None]


class Fold:
    """The fold of the log into the schema of a connection, as far as it got."""

    def __init__(self, log: Log, connection: Connection, told: Told) -> None:
        self.log = log
        self.connection = connection
        self.folded = Folded(0, 0, 0, 0.0)
        self._told = told
        self._began = self._said = time.monotonic()

    async def up_to(self, last: int) -> None:
        """Fold until commit `last` is in, and not one further. Raises Broken, Corrupt."""
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


async def last_of(log: Log) -> int:
    last = await log.last()
    return last.sequence if last else 0
