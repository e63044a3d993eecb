"""Whose processor time it was: seconds used so far by the processes of a whole Haulage (Linux)."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from tests.live.machine import Machine

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
SERVICES = ("scheduler", "projector", "gateway", "historian", "agent")


def cpu_s(pid: int) -> float:
    """Of a process and of its children that ended; 0 for one that is not there."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    fields = stat.rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / TICKS_A_SECOND


def cpu_by_service(machine: Machine) -> Counter[str]:
    """In milliseconds, agents started by hand included, without the supervisor."""
    used: Counter[str] = Counter()
    for pid, line in machine.processes().items():
        used[service_of(line)] += round(cpu_s(pid) * 1000)
    return used


def service_of(line: str) -> str:
    if "nats-server" in line:
        return "nats-server"
    if "postgres" in line.split(" ", 1)[0]:
        return "postgres"
    return next((name for name in SERVICES if f"services.cli.main {name}" in line), "others")
