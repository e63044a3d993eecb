"""The bare log's limit: appends of one fenced writer, each flushed to disk before the next.

Nothing that stores one commit after another can do more of them.
"""

from __future__ import annotations

import time
from statistics import mean

from events import codec
from services.runtime.bus import NatsBus
from services.runtime.nats_log import NatsLog
from services.runtime.ports import Log
from tests.bench.load import SECONDS

NAME = "bare log, appends of one writer"
WORKSPACE = "bare"
LOOKED_AT = 20


async def appends(bus: NatsBus, size: int) -> float:
    """Appends a second of `size` bytes to a stream that is declared and otherwise unused."""
    log, chain = NatsLog(bus, WORKSPACE), codec.CHAIN_START
    after, count, payload = await head(log), 0, b"x" * size
    began = now = time.monotonic()
    while now < began + SECONDS:
        chain = codec.chain(chain, payload)
        after = await log.append(payload, chain=chain, after=after)
        count, now = count + 1, time.monotonic()
    return count / (now - began)


async def commit_bytes(log: Log, after: int) -> int:
    """The mean size of the first commits behind `after`."""
    there = range(after + 1, min(await head(log), after + LOOKED_AT) + 1)
    return int(mean([len((await log.get(sequence)).payload) for sequence in there]))


async def head(log: Log) -> int:
    last = await log.last()
    return last.sequence if last else 0
