"""So many callers, each with one request on its way, for a fixed time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

SECONDS = 2.0

Act = Callable[[int, int], Awaitable[None]]
"""What a caller does: its number, and how often it did it before."""


async def rate(
    callers: int, act: Act, waits_s: list[float] | None = None, seconds: float = SECONDS
) -> float:
    """Acts a second by all callers together; how long each took is put into `waits_s`."""
    began = time.monotonic()
    ends = began + seconds
    taken: list[float] = [] if waits_s is None else waits_s
    before = len(taken)

    async def call(caller: int) -> None:
        count, now = 0, began
        while now < ends:
            await act(caller, count)
            now, started = time.monotonic(), now
            taken.append(now - started)
            count += 1

    await asyncio.gather(*(call(caller) for caller in range(callers)))
    return (len(taken) - before) / (time.monotonic() - began)
