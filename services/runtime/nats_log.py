"""The log of commits on a JetStream stream: appends that cannot fork, reading that misses nothing.

An append names the commit it goes behind, and the server refuses it when there is another. Each
append is signed with a name of its own, so that after a lost answer the commit found in the place
can be told from another writer's, were it the same to the byte. Reading recomputes the chain.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from events import codec, subjects
from services.runtime import cursor, jetstream
from services.runtime.bus import NatsBus
from services.runtime.cursor import Doubt
from services.runtime.jetstream import Message, Refusal
from services.runtime.log import logger
from services.runtime.ports import Broken, Conflict, NoAnswer, Stored
from services.runtime.snapshots import NatsSnapshots

__all__ = ["NatsLog", "NatsSnapshots"]  # Read together wherever a board is.

CHAIN = "Haulage-Chain"
SIGNATURE = "Haulage-Signature"
EXPECTED = "Nats-Expected-Last-Subject-Sequence"
PAUSE_MIN_S = 0.05
PAUSE_MAX_S = 2.0


class NatsLog:
    """`ports.Log` of one workspace."""

    def __init__(self, bus: NatsBus, workspace: str) -> None:
        self._bus = bus
        self._stream = subjects.log_stream(workspace)
        self._subject = subjects.log(workspace)
        self._writer = secrets.token_hex(8)
        self._appends = itertools.count(1)

    async def append(self, payload: bytes, *, chain: str, after: int) -> int:
        signature = f"{self._writer}-{next(self._appends)}"
        headers = {CHAIN: chain, SIGNATURE: signature, EXPECTED: str(after)}
        for attempt in itertools.count(1):
            try:
                if attempt > 1 and await self._holds(signature, after):
                    return after + 1
                return await jetstream.store(self._bus, self._subject, payload, headers)
            except (NoAnswer, Refusal) as error:
                logger.warning("log.unsure", after=after, attempt=attempt, error=str(error))
            if attempt > 1:
                await asyncio.sleep(_pause_s(attempt))
        raise AssertionError

    async def last(self) -> Stored | None:
        message = await self._last()
        return None if message is None else _stored(message)

    async def size_bytes(self) -> int:
        return (await jetstream.state(self._bus, self._stream)).size_bytes

    async def get(self, sequence: int) -> Stored:
        message = None
        if sequence > 0:
            message = await jetstream.read(self._bus, self._stream, seq=sequence)
        if message is None:
            raise LookupError(f"{self._stream} has no commit {sequence}")
        return _stored(message)

    async def follow(self, after: int, chain: str) -> AsyncGenerator[list[Stored], None]:
        failures, suspect = 0, -1
        while True:
            try:
                await self._check(after, chain)
                async with aclosing(self._read(after)) as batches:
                    async for batch in batches:
                        fitting, misfit = _fitting(batch, after, chain)
                        if fitting:
                            failures, after, chain = 0, fitting[-1].sequence, fitting[-1].chain
                            yield fitting
                        if misfit and suspect == after:
                            raise Broken(f"{self._stream}: {misfit} behind {after}, twice")
                        if misfit:
                            suspect = after
                            raise Doubt(misfit)
            except (Doubt, NoAnswer, Refusal) as error:
                failures += 1
                logger.warning("log.again", after=after, failures=failures, error=str(error))
                await asyncio.sleep(_pause_s(failures))

    def _read(self, after: int) -> AsyncGenerator[list[Message], None]:
        start = {"deliver_policy": "by_start_sequence", "opt_start_seq": after + 1}
        return cursor.read(self._bus, self._stream, start)

    async def _check(self, after: int, chain: str) -> None:
        """The log still holds, where we are, the commit that we have seen there."""
        if after == 0:
            return
        message = await jetstream.read_from_leader(self._bus, self._stream, seq=after)
        if message is None or message.headers.get(CHAIN) != chain:
            raise Broken(f"{self._stream}: commit {after} is not the one that was read before")

    async def _last(self) -> Message | None:
        for _ in range(2):  # It may have been empty a moment ago.
            message = await jetstream.read_from_leader(
                self._bus, self._stream, last_by_subj=self._subject
            )
            if message is not None:
                return message
            if (await jetstream.state(self._bus, self._stream)).last == 0:
                return None
        raise Broken(f"{self._stream}: the newest commit is missing")

    async def _holds(self, signature: str, after: int) -> bool:
        """Is ours the one behind `after`? Raises Conflict when it can no longer be."""
        last = await self._last()
        ends = 0 if last is None else last.sequence
        if ends == after:
            return False
        if ends > after + 1:
            last = await jetstream.read_from_leader(self._bus, self._stream, seq=after + 1)
        if ends > after and last is not None and last.headers.get(SIGNATURE) == signature:
            return True
        raise Conflict(f"{self._stream} ends at {ends}, not at {after}")


def _stored(message: Message) -> Stored:
    return Stored(message.sequence, message.headers.get(CHAIN, ""), message.payload)


def _fitting(batch: Sequence[Message], after: int, chain: str) -> tuple[list[Stored], str]:
    """The commits that continue (`after`, `chain`), and what is wrong with the one behind them."""
    fitting: list[Stored] = []
    for message in batch:
        if message.sequence != after + 1:
            return fitting, f"{message.sequence} came"
        after, chain = message.sequence, codec.chain(chain, message.payload)
        if message.headers.get(CHAIN) != chain:
            return fitting, "another chain came"
        fitting.append(_stored(message))
    return fitting, ""


def _pause_s(failures: int) -> float:
    return min(PAUSE_MIN_S * (1 << min(failures, 10)), PAUSE_MAX_S)
