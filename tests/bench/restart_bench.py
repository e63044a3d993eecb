"""From the kill of the scheduler to its first decision, with 100,000 jobs waiting.

SIGKILL by its process id; the supervisor starts it again, and a command that is asked all the while
is answered. Once with a snapshot of the board there, and once with none, from the log alone.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time

from events import subjects
from services.runtime import jetstream
from services.runtime.bus import NatsBus
from services.runtime.ports import NoAnswer
from services.scheduler.commands import Pause, PersonsCommand, Resume
from tests.bench import crowd, fakes, filled
from tests.bench.crowd import Crowd
from tests.bench.results import Row, alone
from tests.live.machine import Machine

COMMAND = "python -m tests.bench restart"
CROWD = Crowd(100_000)
SNAPSHOT_S = 30.0
ROUNDS = 2
TRY_S = 0.5
BETWEEN_S = 0.02
ANSWER_S = 60.0


async def measure(machine: Machine) -> list[Row]:
    with_one, alone_s = list[float](), list[float]()
    async with filled.backend(machine) as bus:
        await filled.fill(machine, bus, CROWD)
        stream = subjects.snapshot_stream(fakes.WORKSPACE)
        for number in range(ROUNDS):
            await _until_kept(bus, stream)
            with_one.append(await _restarted(machine, bus, f"snapshot.{number}"))
            await jetstream.manage(bus, f"STREAM.PURGE.{stream}", {})
            alone_s.append(await _restarted(machine, bus, f"log.{number}"))
    what = f"kill to first decision, {CROWD.jobs:,} jobs"
    return [
        alone(f"{what}, from a snapshot", with_one, "s", COMMAND),
        alone(f"{what}, from the log alone", alone_s, "s", COMMAND),
    ]


async def _until_kept(bus: NatsBus, stream: str) -> None:
    """Whole: a second after the first of it there is nothing more of it."""
    began, last = time.monotonic(), 0
    while True:
        now = (await jetstream.state(bus, stream)).last
        if now and now == last:
            return
        assert time.monotonic() < began + SNAPSHOT_S, "no snapshot was kept"
        last = now
        await asyncio.sleep(1)


async def _restarted(machine: Machine, bus: NatsBus, key: str) -> float:
    pid = machine.child("scheduler")
    assert pid is not None
    began = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    for number in range(2):
        job = crowd.job_id(CROWD.jobs - 1)
        command: PersonsCommand = Pause(job) if number == 0 else Resume(job)
        await _insist(bus, f"{key}.{number}", command)
        if number == 0:
            taken_s = time.monotonic() - began
    return taken_s


async def _insist(bus: NatsBus, key: str, command: PersonsCommand) -> None:
    """Asked again under the same id, so that it is obeyed once."""
    ends = time.monotonic() + ANSWER_S
    while True:
        try:
            await fakes.ask(bus, key, command, TRY_S)
        except NoAnswer:
            assert time.monotonic() < ends, "nobody leads"
            await asyncio.sleep(BETWEEN_S)
        else:
            return
