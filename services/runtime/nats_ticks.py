"""Reading progress ticks from their stream. It is kept in memory by the server and may be gone at
any time; it is then made anew. Ticks are levels: an old one given again or one lost harms nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from events import subjects
from services.runtime import cursor, streams
from services.runtime.bus import NatsBus
from services.runtime.cursor import Doubt
from services.runtime.jetstream import STREAM_MISSING, Message, Refusal
from services.runtime.log import logger
from services.runtime.ports import NoAnswer, Ticked

PAUSE_S = 0.5


class NatsTicks:
    """`ports.Ticks` of one workspace."""

    def __init__(self, bus: NatsBus, workspace: str) -> None:
        self._bus = bus
        self._workspace = workspace
        self._stream = subjects.progress_stream(workspace)

    async def follow(self) -> AsyncGenerator[list[Ticked], None]:
        start = {
            "deliver_policy": "last_per_subject",
            "filter_subject": subjects.progress(self._workspace, "*", "*"),
        }
        while True:
            try:
                async with aclosing(cursor.read(self._bus, self._stream, start)) as batches:
                    async for batch in batches:
                        yield [_ticked(message) for message in batch]
            except (Doubt, NoAnswer, Refusal) as error:
                logger.warning("ticks.again", error=str(error))
                if isinstance(error, Refusal) and error.number == STREAM_MISSING:
                    await self._declare()
            await asyncio.sleep(PAUSE_S)

    async def _declare(self) -> None:
        try:
            await streams.declare_one(self._bus, streams.progress(self._workspace))
        except (NoAnswer, Refusal) as error:
            logger.warning("ticks.undeclared", error=str(error))


def _ticked(message: Message) -> Ticked:
    return Ticked(*subjects.progress_of(message.subject), message.payload)
