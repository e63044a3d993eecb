"""Where what is asked waits for its turn, and its asker for the answer.

Bounded by the bus, which serves a bounded number of requests at a time.
"""

from __future__ import annotations

import asyncio
import contextlib

from msgspec import Struct

from services.agent.commands import Orders
from services.scheduler.commands import Answer
from services.scheduler.turn import Input

INPUTS_PER_TURN_MAX = 1_000
TURN_BYTES_MAX = 1_000_000

Told = Answer | Orders | None


class Asked(Struct):
    """An input with the place where its answer is awaited; None says that nobody will answer."""

    said: Input
    answer: asyncio.Future[Told]
    weight_bytes: int

    def tell(self, told: Told) -> None:
        if not self.answer.done():  # Its asker may have gone.
            self.answer.set_result(told)


class Inbox:
    def __init__(self) -> None:
        self._queue: asyncio.Queue[Asked] = asyncio.Queue()
        self._rest: list[Asked] = []
        self._unanswered: set[asyncio.Future[Told]] = set()
        self._closed = False

    async def put(self, said: Input, weight_bytes: int) -> Told:
        """Stand in line and wait for the answer."""
        if self._closed:
            return None
        answer: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._unanswered.add(answer)
        answer.add_done_callback(self._unanswered.discard)
        await self._queue.put(Asked(said, answer, weight_bytes))
        return await answer

    async def gather(self, idle_s: float) -> list[Asked]:
        """What was asked meanwhile; empty when it is only time to look at the clock."""
        asked, self._rest = self._rest, []
        if not asked:
            # Not `wait_for`: in Python 3.11 it may swallow the cancel that ends this process.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(idle_s):
                    asked.append(await self._queue.get())
        weight = sum(one.weight_bytes for one in asked)
        while 0 < len(asked) < INPUTS_PER_TURN_MAX and weight < TURN_BYTES_MAX:
            if self._queue.empty():
                break
            asked.append(self._queue.get_nowait())
            weight += asked[-1].weight_bytes
        return asked

    def give_back(self, asked: list[Asked]) -> None:
        """They come first in the next turn."""
        self._rest = asked

    def close(self) -> None:
        """Whether the rest was stored is not known here: their askers will ask again."""
        self._closed = True
        for answer in list(self._unanswered):
            answer.set_result(None)
