"""How long a program takes, by the clock and of processors."""

from __future__ import annotations

import resource
import subprocess
import time

from msgspec import Struct

COPY_S = 600.0


class Took(Struct, frozen=True):
    """Seconds by the clock, and of processors; `status` is the exit status."""

    elapsed_s: float
    cpu_s: float
    status: int = 0


def timed(command: list[str], *, check: bool = True) -> Took:
    before, began = _children_cpu_s(), time.monotonic()
    done = subprocess.run(command, check=check, timeout=COPY_S, stderr=subprocess.DEVNULL)
    return Took(time.monotonic() - began, _children_cpu_s() - before, done.returncode)


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
