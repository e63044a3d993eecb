"""How far the read side is, as announced: who waits for a position is woken when it is there."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from services.gateway.problems import Refusal, later
from services.gateway.rows import Rows

PATIENCE_S = 5.0
LOOK_S = 0.5


class Clock:
    def __init__(self, rows: Rows) -> None:
        self.sequence = 0
        self._rows = rows
        self._moved = asyncio.Event()

    def move(self, sequence: int) -> None:
        """The read side is at `sequence` now."""
        if sequence > self.sequence:
            self.sequence = sequence
            self._moved.set()
            self._moved = asyncio.Event()

    async def reach(self, sequence: int) -> None:
        """Return once the read side is at `sequence`. Raises Refusal (503) if it does not come."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                return await self._reached(sequence)
        raise later(
            f"the read side is at {self.sequence} and has not come to {sequence} "
            f"within {PATIENCE_S:g} s: ask again in a moment"
        )

    async def passes(self, sequence: int, within_s: float) -> None:
        """Return once the read side is behind `sequence`, or after so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._reached(sequence + 1)

    async def nearest(self, sequence: int) -> int:
        """A position that the read side does not come to is of another log: begin where it ends."""
        with suppress(Refusal):
            await self.reach(sequence)
        return min(sequence, self.sequence)

    async def _reached(self, sequence: int) -> None:
        """An announcement may be lost, so this also looks by itself now and then."""
        while self.sequence < sequence:
            moved = self._moved
            self.move(await self._rows.sequence())
            if self.sequence < sequence:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await moved.wait()
