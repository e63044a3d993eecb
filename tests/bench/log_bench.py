"""What the scheduler stores a second, beside what the bare log stores, one writer each.

Every commit is flushed to disk before it is answered. The bare log appends commits of the size
that the scheduler wrote, one after another: no single fenced writer can do more.
"""

from __future__ import annotations

import asyncio

import msgspec

from events import subjects
from events.endpoints import Volume
from services.runtime.bus import NatsBus, open_bus
from services.runtime.nats_log import NatsLog
from services.runtime.ports import NoAnswer
from services.runtime.snapshots import NatsSnapshots
from services.runtime.streams import declare
from services.scheduler import main as scheduler
from services.scheduler.commands import (
    Accepted,
    Actor,
    Beat,
    PartyNamed,
    Pause,
    PersonsCommand,
    Rejected,
    Request,
    Resume,
    Role,
    Submit,
)
from services.scheduler.leader import Ports
from tests.bench import bare_log
from tests.bench.load import Act, rate
from tests.bench.results import Row, alone, beside, percentiles
from tests.servers import Nats

COMMAND = "python -m tests.bench log"
ANN = Actor("ann", Role.ADMIN)
ENDPOINT = "e" * 24
CALLERS = 64
JOBS = 512
ROUNDS = 3


async def measure(nats: Nats) -> list[Row]:
    bus = await open_bus(nats.url, name="bench")
    leading: asyncio.Task[None] | None = None
    try:
        await declare(bus, "bench")
        await declare(bus, bare_log.WORKSPACE)
        log = NatsLog(bus, "bench")
        ports = Ports("bench", bus, log, NatsSnapshots(bus, "bench"))
        leading = asyncio.create_task(scheduler.serve(ports))
        caller = await open_bus(nats.url, name="caller")
        try:
            await _prepare(caller)
            return await _rounds(bus, caller, log)
        finally:
            await caller.close()
    finally:
        if leading is not None:
            leading.cancel()
            await asyncio.wait([leading])
        await bus.close()


async def _prepare(bus: NatsBus) -> None:
    """A board with an endpoint and jobs to pause."""
    beat = Beat(ENDPOINT, "hq", "1", "", [Volume("projects"), Volume("incoming")])
    while not await _answers(bus, beat):  # noqa: ASYNC110 - it listens when it leads
        await asyncio.sleep(0.1)
    source, destination = (PartyNamed("hq", one, "x") for one in ("projects", "incoming"))
    submits = [Submit(f"{n:024x}", source, destination) for n in range(JOBS)]
    await asyncio.gather(*(_ask(bus, f"s{n}", one) for n, one in enumerate(submits)))


async def _answers(bus: NatsBus, beat: Beat) -> bool:
    try:
        subject = subjects.from_agent("bench", ENDPOINT, "beat")
        await bus.request(subject, msgspec.json.encode(beat))
    except NoAnswer:
        return False
    return True


async def _ask(bus: NatsBus, key: str, command: PersonsCommand) -> None:
    payload = msgspec.json.encode(Request(key, ANN, command))
    answer = await bus.request(subjects.command("bench"), payload, timeout_s=20)
    said = msgspec.json.decode(answer, type=Accepted | Rejected)
    assert isinstance(said, Accepted), said


async def _rounds(bus: NatsBus, caller: NatsBus, log: NatsLog) -> list[Row]:
    one, together, bare, waits_s = list[float](), list[float](), list[float](), list[float]()
    for number in range(ROUNDS):
        before = await bare_log.head(log)
        one.append(await rate(1, _toggling(caller, f"{number}.one")))
        size = await bare_log.commit_bytes(log, before)
        bare.append(await bare_log.appends(bus, size))
        together.append(await rate(CALLERS, _toggling(caller, f"{number}.all"), waits_s))
    limit = alone(bare_log.NAME, bare, "commits/s", COMMAND)
    everyone = f"scheduler, commands/s of {CALLERS} callers"
    return [
        limit,
        beside("scheduler, commits/s of 1 caller", one, "commits/s", limit, COMMAND),
        beside(everyone, together, "commands/s", limit, COMMAND),
        *percentiles(f"command to durable answer, {CALLERS} callers", waits_s, COMMAND),
    ]


def _toggling(bus: NatsBus, key: str) -> Act:
    """Pauses and resumes; each caller has jobs of its own."""

    async def toggle(caller: int, count: int) -> None:
        job = f"{caller + CALLERS * (count // 2 % (JOBS // CALLERS)):024x}"
        command = Pause(job) if count % 2 == 0 else Resume(job)
        await _ask(bus, f"{key}.{caller}.{count}", command)

    return toggle
