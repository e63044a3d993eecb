"""Fill the log of a whole Haulage with a crowd of jobs, as if they had been submitted long ago.

The scheduler is stopped meanwhile (SIGSTOP); when it goes on it finds that somebody else wrote,
steps down, reads what is there and leads again, as it is made to.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime

from events import codec
from services.gateway.resources import JobPage
from services.runtime.bus import NatsBus, open_bus
from services.runtime.nats_log import NatsLog
from services.supervisor.directory import load_connect, load_secrets
from tests.bench import crowd
from tests.bench.client import Client
from tests.bench.crowd import Crowd
from tests.live.machine import Machine

READY_S = 120.0


@asynccontextmanager
async def backend(machine: Machine) -> AsyncIterator[NatsBus]:
    """A connection with a service's rights."""
    connect, secret = load_connect(machine.data), load_secrets(machine.data).backend_password
    bus = await open_bus(connect.nats_url.replace("://", f"://backend:{secret}@"), name="bench")
    try:
        yield bus
    finally:
        await bus.close()


@contextmanager
def stopped(machine: Machine, name: str) -> Iterator[None]:
    """One of its processes, by SIGSTOP."""
    pid = machine.child(name)
    assert pid is not None, f"there is no {name}"
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def fill(machine: Machine, bus: NatsBus, crowded: Crowd) -> None:
    """The crowd is stored, the scheduler leads again, and the rows have all of it."""
    with stopped(machine, "scheduler"):
        await write(bus, [crowd.scenery(crowded)])
        await write(bus, crowd.submitted(crowded))
    await led(machine, bus)
    await seen(machine, bus)


async def write(bus: NatsBus, commits: Iterable[list[codec.Event]]) -> int:
    """Behind the end of the log; how many commits there are then."""
    log = NatsLog(bus, "main")
    last = await log.last()
    sequence, chain = (last.sequence, last.chain) if last else (0, codec.CHAIN_START)
    for events in commits:
        payload = codec.encode("main", crowd.recorded(events, sequence + 1, datetime.now(UTC)))
        chain = codec.chain(chain, payload)
        sequence = await log.append(payload, chain=chain, after=sequence)
    return sequence


async def led(machine: Machine, bus: NatsBus) -> None:
    """A new leader stores that it leads before all else, so that the log is longer."""
    log = NatsLog(bus, "main")
    last = await log.last()
    began = time.monotonic()
    while True:
        now = await log.last()
        if last is not None and now is not None and now.sequence > last.sequence:
            return
        assert time.monotonic() < began + READY_S, machine.log[-2_000:]
        await asyncio.sleep(0.1)


async def seen(machine: Machine, bus: NatsBus) -> None:
    """The rows are as new as the log."""
    last = await NatsLog(bus, "main").last()
    assert last is not None
    began = time.monotonic()
    async with Client(machine) as client:
        while (await client.read("/api/jobs?limit=1", JobPage)).sequence < last.sequence:
            assert time.monotonic() < began + READY_S, machine.log[-2_000:]
            await asyncio.sleep(0.2)
