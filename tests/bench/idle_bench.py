"""What everything that `haulage up` starts takes when nothing happens: memory and processor time.

Memory is proportional (PSS): a page that several share is counted once among them.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path

from tests.bench.processes import cpu_s, service_of
from tests.bench.results import Row, alone
from tests.live.machine import Machine

COMMAND = "python -m tests.bench idle"
SETTLE_S = 8.0
WATCH_S = 15.0


async def measure(machine: Machine) -> list[Row]:
    await asyncio.sleep(SETTLE_S)
    before, began = _used_s(machine), time.monotonic()
    await asyncio.sleep(WATCH_S)
    after, took_s = _used_s(machine), time.monotonic() - began
    cores = Counter({who: used_s / took_s * 100 for who, used_s in (after - before).items()})
    memory = _memory_mb(machine)
    return [
        alone("idle: memory of all (PSS)", [memory.total()], "MB", COMMAND),
        *(alone(f"idle: memory: {who}", [mb], "MB", COMMAND) for who, mb in memory.most_common()),
        alone("idle: processor time of all", [cores.total()], "% of a core", COMMAND),
        *(
            alone(f"idle: processor time: {who}", [share], "% of a core", COMMAND)
            for who, share in cores.most_common()
        ),
    ]


def _processes(machine: Machine) -> dict[int, str]:
    found = {pid: service_of(line) for pid, line in machine.processes().items()}
    return {**found, machine.pid: "supervisor"}


def _used_s(machine: Machine) -> Counter[str]:
    used: Counter[str] = Counter()
    for pid, who in _processes(machine).items():
        used[who] += cpu_s(pid)  # type: ignore[assignment]
    return used


def _memory_mb(machine: Machine) -> Counter[str]:
    memory: Counter[str] = Counter()
    for pid, who in _processes(machine).items():
        memory[who] += _pss_kb(pid) / 1000  # type: ignore[assignment]
    return memory


def _pss_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
