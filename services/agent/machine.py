"""What this machine offers to commands: cores and memory as this process may use them (Linux)."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from events.endpoints import Machine
from services.agent.permission import Permission, permitted

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
KIB = 1024


class Allowed(Struct, frozen=True):
    """Commands may run: as whom, and on what."""

    permission: Permission
    machine: Machine


def allowed(user: str, *, site: str, tags: tuple[str, ...]) -> Allowed | None:
    """What the operator allowed, in the operator's words; None without a user. Raises Refused."""
    permission = permitted(user)
    if permission is None:
        return None
    machine = Machine(
        user=permission.user,
        hostname=socket.gethostname(),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=memory_bytes(),
        platform=sys.platform,
        site=site,
        tags=tags,
    )
    return Allowed(permission, machine)


def memory_bytes(proc: Path = PROC, cgroups: Path = CGROUPS) -> int:
    """The memory of the machine, or of the control group that holds us if that is less."""
    return min([_total(proc), *_limits(proc, cgroups)])


def _total(proc: Path) -> int:
    for line in (proc / "meminfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "MemTotal":
            return int(value.split()[0]) * KIB
    raise OSError(f"{proc}/meminfo has no MemTotal")


def _limits(proc: Path, cgroups: Path) -> Iterator[int]:
    """Of our group and those around it; `max`, and what cannot be read, limits nothing."""
    for line in _read(proc / "self/cgroup").splitlines():
        _, kinds, path = line.split(":", 2)
        if kinds and "memory" not in kinds.split(","):
            continue
        top = cgroups / "memory" if kinds else cgroups
        file = "memory.limit_in_bytes" if kinds else "memory.max"
        here = Path(path.lstrip("/"))
        for group in (here, *here.parents):
            limit = _read(top / group / file).strip()
            if limit.isdecimal() and int(limit) > 0:
                yield int(limit)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
