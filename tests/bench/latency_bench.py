"""How long one waits: from a submit to the start, from a change to its row and to a page.

On an idle system jobs are submitted over HTTP, one after the other; the clock stops when the
receiving agent is told to start, its source listed meanwhile (`fakes.py`). Then, with 1,000 events
a second going on, a job is paused and resumed by another: the clock runs from the command to its
durable answer, to the row's transaction in PostgreSQL (looked for every two milliseconds), and to
the page's event stream, which says up to which commit it has told everything.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from contextlib import suppress

from services.agent.commands import Duty, Receive
from services.gateway.resources import JobPage
from services.runtime import database
from services.runtime.bus import NatsBus
from services.runtime.embedded import postgres_at
from services.scheduler.commands import Pause, PauseQueue, Resume
from tests.bench import fakes, filled
from tests.bench.client import Client
from tests.bench.crowd import job_id
from tests.bench.fakes import Agents
from tests.bench.results import Row, alone, percentiles
from tests.live.machine import Machine

COMMAND = "python -m tests.bench latency"
SUBMITS = 200
BETWEEN_S = 0.05
EVENTS_A_SECOND = 1_000
TICK_S = 0.01
WAITING = 500
PROBE_S = 0.05
SECONDS = 12.0
LOOK_S = 0.002
LISTED_S = 30.0
CHECKPOINT = "select sequence from checkpoint where projection = 'rows'"


async def measure(machine: Machine) -> list[Row]:
    starts = Starts()
    async with filled.backend(machine) as bus, Client(machine) as client:
        async with Agents(bus, 2, starts.seen) as agents:
            idle = await starts.measure(client, agents)
        async with Agents(bus, 2) as agents:
            busy = await Busy(machine, bus, client, agents).measure()
    return [*idle, *busy]


class Starts:
    """When the receiver of each job was told to start."""

    def __init__(self) -> None:
        self._at = dict[str, float]()
        self._told = asyncio.Event()

    def seen(self, duty: Duty, at: float) -> None:
        if isinstance(duty, Receive):
            self._at[duty.job] = at
            self._told.set()

    async def measure(self, client: Client, agents: Agents) -> list[Row]:
        source, destination = agents.names.values()
        answers_s, waits_s = list[float](), list[float]()
        for number in range(SUBMITS):
            body = {
                "source": f"{source}:projects/{number}",
                "destination": f"{destination}:incoming/{number}",
            }
            began = time.monotonic()
            (job,) = (await client.command("/api/jobs", f"latency.{number}", body)).jobs
            answers_s.append(time.monotonic() - began)
            while job not in self._at:
                self._told.clear()
                await self._told.wait()
            waits_s.append(self._at[job] - began)
            await asyncio.sleep(BETWEEN_S)
        return [
            *percentiles("idle: submit to durable answer", answers_s, COMMAND),
            *percentiles("idle: submit to started", waits_s, COMMAND),
        ]


class Arrivals:
    """Up to which commit something had come, and when."""

    def __init__(self) -> None:
        self.sequences, self._at = [0], [0.0]

    def came(self, sequence: int) -> None:
        if sequence > self.sequences[-1]:
            self.sequences.append(sequence)
            self._at.append(time.monotonic())

    def of(self, sequence: int) -> float:
        return self._at[bisect_left(self.sequences, sequence)]


class Busy:
    """Jobs that wait behind one that runs; the load pauses and resumes them at a fixed pace."""

    def __init__(self, machine: Machine, bus: NatsBus, client: Client, agents: Agents) -> None:
        self._machine, self._bus, self._client, self._agents = machine, bus, client, agents
        self._jobs = [job_id(10**9 + number) for number in range(WAITING)]
        self._rows, self._page = Arrivals(), Arrivals()
        self._given = 0

    async def measure(self) -> list[Row]:
        await self._prepare()
        watching = [
            asyncio.create_task(watch) for watch in (self._watch_rows(), self._watch_page())
        ]
        await asyncio.sleep(0.5)
        began = time.monotonic()
        load = asyncio.create_task(self._load(began))
        probes = await self._probe(began)
        await load
        rate = self._given / (time.monotonic() - began)
        await self._all_came(probes[-1][1])
        for task in watching:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        return self._told(probes, rate)

    async def _prepare(self) -> None:
        """They are listed and then wait: their queue is held."""
        await fakes.ask(self._bus, "hold", PauseQueue("low"))
        source, destination = self._agents.names.values()
        for job in self._jobs:
            submit = fakes.transfer(job, source, destination, "low")
            await fakes.ask(self._bus, f"s.{job}", submit)
        began, waiting = time.monotonic(), "/api/jobs?limit=1&status=waiting"
        while (await self._client.read(waiting, JobPage)).total < WAITING:
            assert time.monotonic() < began + LISTED_S
            await asyncio.sleep(0.1)

    async def _load(self, began: float) -> None:
        """An open loop: what is due is asked, whether what was asked before is answered or not."""
        asked, pending = 0, set[asyncio.Task[int]]()
        while (now := time.monotonic()) < began + SECONDS:
            while asked < (now - began) * EVENTS_A_SECOND:
                job = self._jobs[1 + asked % (WAITING - 1)]
                kind = Pause if asked // (WAITING - 1) % 2 == 0 else Resume
                pending.add(asyncio.create_task(fakes.ask(self._bus, f"l.{asked}", kind(job))))
                asked += 1
            pending = {task for task in pending if not task.done()}
            await asyncio.sleep(TICK_S)
        if pending:
            await asyncio.wait(pending)
        self._given = asked

    async def _probe(self, began: float) -> list[tuple[float, int, float]]:
        """(when it was asked, its commit, when it was answered)."""
        probes, count = list[tuple[float, int, float]](), 0
        while (asked := time.monotonic()) < began + SECONDS - 1:
            command = Pause(self._jobs[0]) if count % 2 == 0 else Resume(self._jobs[0])
            sequence = await fakes.ask(self._bus, f"p.{count}", command)
            probes.append((asked, sequence, time.monotonic()))
            count += 1
            await asyncio.sleep(PROBE_S)
        return probes

    async def _watch_rows(self) -> None:
        url = postgres_at(self._machine.data / "postgres").url()
        pool = await database.open_database(url, name="bench", size=1)
        try:
            async with pool.acquire() as connection:
                while True:
                    self._rows.came(await connection.fetchval(CHECKPOINT))
                    await asyncio.sleep(LOOK_S)
        finally:
            await pool.close()

    async def _watch_page(self) -> None:
        async for sequence in self._client.positions():
            self._page.came(sequence)

    async def _all_came(self, sequence: int) -> None:
        ends = time.monotonic() + LISTED_S
        while min(self._rows.sequences[-1], self._page.sequences[-1]) < sequence:
            assert time.monotonic() < ends
            await asyncio.sleep(0.05)

    def _told(self, probes: list[tuple[float, int, float]], rate: float) -> list[Row]:
        answered = [at - asked for asked, _, at in probes]
        in_rows = [self._rows.of(sequence) - asked for asked, sequence, _ in probes]
        on_page = [self._page.of(sequence) - asked for asked, sequence, _ in probes]
        busy = "busy: command to"
        return [
            alone("busy: events a second", [rate], "1/s", COMMAND),
            *percentiles(f"{busy} durable answer", answered, COMMAND),
            *percentiles(f"{busy} its row in PostgreSQL", in_rows, COMMAND),
            *percentiles(f"{busy} the page", on_page, COMMAND),
        ]
