"""Whether an open file is still what it was, by what the file system says of it.

A file system notes changes by a clock that stands still for some milliseconds (whole seconds, on
old ones): a change right behind another one may leave no trace. So a file that changed just now is
left alone for as long as that before its state counts. What a program writes through memory that
it mapped is noted when the system finds it; until then nobody can see it.
"""

from __future__ import annotations

import os
import time
from typing import Protocol


class Seen(Protocol):
    """What tells one version of a file from another; the fields of `os.stat_result`."""

    @property
    def st_dev(self) -> int: ...

    @property
    def st_ino(self) -> int: ...

    @property
    def st_size(self) -> int: ...

    @property
    def st_mtime_ns(self) -> int: ...

    @property
    def st_ctime_ns(self) -> int: ...

    @property
    def st_mode(self) -> int: ...


TICK_S = 0.02
COARSE_TICK_S = 2.0
SECOND_NS = 1_000_000_000


def identity(found: Seen) -> tuple[int, ...]:
    """As long as it is the same, so are the bytes."""
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def which(found: Seen) -> str:
    """Which file it is, on its machine and until that is started anew."""
    return f"{found.st_dev:x}.{found.st_ino:x}"


def settled(descriptor: int) -> os.stat_result:
    """The state of a file, from when on every change shows. Raises OSError."""
    found = os.fstat(descriptor)
    wait_s = wait(found, time.time_ns())
    if wait_s:
        time.sleep(wait_s)
        found = os.fstat(descriptor)
    return found


def wait(found: Seen, now_ns: int) -> float:
    """How long until its last change is one tick of the file system's clock ago."""
    last_ns = max(found.st_mtime_ns, found.st_ctime_ns)
    is_coarse = not (found.st_mtime_ns % SECOND_NS or found.st_ctime_ns % SECOND_NS)
    tick_s = COARSE_TICK_S if is_coarse else TICK_S
    ago_s = (now_ns - last_ns) / SECOND_NS
    return tick_s - ago_s if 0 <= ago_s < tick_s else 0.0
