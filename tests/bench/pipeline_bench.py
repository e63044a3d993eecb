"""Whole small jobs a second: submitted, listed, started, received, done, and seen in PostgreSQL.

All is real but the agents: they speak on the bus as real ones do and move no bytes (`fakes.py`).
Each job is seven requests, six of them stored: a submit, two reports of its listing, the question
for its tasks, three reports of its run. So many submitters, each with one job on its way on a pair
of its own, for a fixed time; the clock stops when the rows have all of it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from itertools import combinations, islice

from services.runtime.bus import NatsBus
from services.runtime.streams import declare
from tests.bench import bare_log, fakes, filled
from tests.bench.crowd import job_id
from tests.bench.fakes import Agents
from tests.bench.processes import cpu_by_service
from tests.bench.results import Row, alone, beside, percentiles
from tests.live.machine import Machine

COMMAND = "python -m tests.bench pipeline"
ENDPOINTS = 24
AT_A_TIME = 200
SECONDS = 8.0
ROUNDS = 2
BEFORE_S = 3.0
COMMIT_BYTES = 30_000


async def measure(machine: Machine) -> list[Row]:
    rates, waits_s, cpu, bare = list[float](), list[float](), Counter[str](), list[float]()
    async with filled.backend(machine) as bus:
        await declare(bus, bare_log.WORKSPACE)
        async with Agents(bus, ENDPOINTS) as agents:
            await whole_jobs(machine, bus, agents, "warm", BEFORE_S)
            for number in range(ROUNDS):
                bare.append(await bare_log.appends(bus, COMMIT_BYTES))
                cpu.subtract(_used_ms(machine))
                rate, taken_s = await whole_jobs(machine, bus, agents, str(number), SECONDS)
                cpu.update(_used_ms(machine))
                rates.append(rate)
                waits_s += taken_s
    limit = alone(f"{bare_log.NAME}, {COMMIT_BYTES:,} bytes", bare, "commits/s", COMMAND)
    return [
        limit,
        beside("whole small jobs, seen in PostgreSQL", rates, "jobs/s", limit, COMMAND),
        *percentiles(f"submit to done, {AT_A_TIME} at a time", waits_s, COMMAND),
        *(
            alone(f"CPU a job: {name}", [used_ms / len(waits_s)], "ms", COMMAND)
            for name, used_ms in cpu.most_common()
            if used_ms > 0
        ),
    ]


async def whole_jobs(
    machine: Machine, bus: NatsBus, agents: Agents, key: str, seconds: float
) -> tuple[float, list[float]]:
    """Jobs a second, and how long each took from its submit to its last report's answer."""
    pairs = list(islice(combinations(agents.names.values(), 2), AT_A_TIME))
    began, taken_s = time.monotonic(), list[float]()

    async def one_after_the_other(caller: int) -> None:
        count, (source, destination) = 0, pairs[caller]
        while time.monotonic() < began + seconds:
            job = job_id(number_of(key, caller, count))
            done = agents.done[job] = asyncio.Event()
            submitted = time.monotonic()
            await fakes.ask(
                bus, f"{key}.{caller}.{count}", fakes.transfer(job, source, destination)
            )
            await done.wait()
            taken_s.append(time.monotonic() - submitted)
            count += 1

    await asyncio.gather(*(one_after_the_other(caller) for caller in range(AT_A_TIME)))
    await filled.seen(machine, bus)
    return len(taken_s) / (time.monotonic() - began), taken_s


def number_of(key: str, caller: int, count: int) -> int:
    """Another for each job of a run, behind those of a crowd."""
    return int.from_bytes(key.encode()) * 10**12 + (caller + 1) * 10**7 + count


def _used_ms(machine: Machine) -> Counter[str]:
    own = Counter({"agents, submitters": round(time.process_time() * 1000)})
    return cpu_by_service(machine) + own
