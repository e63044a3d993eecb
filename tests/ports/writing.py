"""Commits for the tests of the log, chained as a scheduler chains them."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from events import codec
from services.runtime.ports import Log, Stored

WITHIN_S = 30.0


class Writer:
    """Appends one commit after the other and keeps what it wrote."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.written: list[Stored] = []
        self.chain = codec.CHAIN_START

    async def write(self, payload: bytes) -> None:
        chain = codec.chain(self.chain, payload)
        sequence = await self.log.append(payload, chain=chain, after=len(self.written))
        self.written.append(Stored(sequence, chain, payload))
        self.chain = chain


async def read(
    log: Log, until: int, *, after: int = 0, chain: str = codec.CHAIN_START
) -> list[Stored]:
    """What a follower is given up to the commit at `until`."""
    read: list[Stored] = []
    async with asyncio.timeout(WITHIN_S), aclosing(log.follow(after, chain)) as batches:
        async for batch in batches:
            assert 1 <= len(batch) <= 500
            read += batch
            if read[-1].sequence >= until:
                break
    return read
