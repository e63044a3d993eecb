"""Boards kept on a JetStream stream, each as some chunks of compressed bytes.

A save that was cut off leaves chunks that never become whole, and a damaged one does not unpack;
reading goes back from the end to the newest that is whole. The newest few are kept.
"""

from __future__ import annotations

import asyncio
import secrets
import zlib
from collections import deque

from events import subjects
from services.runtime import jetstream
from services.runtime.bus import NatsBus
from services.runtime.jetstream import Message
from services.runtime.log import logger
from services.runtime.ports import Snapshot

CHUNK_BYTES = 1_000_000
KEPT = 3
LEVEL = 1
SAVE = "Haulage-Save"
SEQUENCE = "Haulage-Sequence"
CHAIN = "Haulage-Chain"
CHUNK = "Haulage-Chunk"


class NatsSnapshots:
    """`ports.Snapshots` of one workspace."""

    def __init__(self, bus: NatsBus, workspace: str) -> None:
        self._bus = bus
        self._stream = subjects.snapshot_stream(workspace)
        self._subject = subjects.snapshot(workspace)
        self._starts: deque[int] = deque(maxlen=KEPT)

    async def save(self, snapshot: Snapshot) -> None:
        packed = await asyncio.to_thread(zlib.compress, snapshot.board, LEVEL)
        chunks = [packed[at : at + CHUNK_BYTES] for at in range(0, len(packed), CHUNK_BYTES)]
        named = {
            SAVE: secrets.token_hex(8),
            SEQUENCE: str(snapshot.sequence),
            CHAIN: snapshot.chain,
        }
        start = 0
        for number, chunk in enumerate(chunks, 1):
            headers = named | {CHUNK: f"{number}/{len(chunks)}"}
            sequence = await jetstream.store(self._bus, self._subject, chunk, headers)
            start = start or sequence
        await self._purge(start)

    async def newest(self) -> Snapshot | None:
        state = await jetstream.state(self._bus, self._stream)
        begun: dict[str, dict[int, Message]] = {}
        for sequence in range(state.last, max(state.first, 1) - 1, -1):
            message = await jetstream.read(self._bus, self._stream, seq=sequence)
            if message is None or SAVE not in message.headers:
                continue
            number, _, total = message.headers[CHUNK].partition("/")
            chunks = begun.setdefault(message.headers[SAVE], {})
            chunks[int(number)] = message
            if len(chunks) == int(total):
                snapshot = await asyncio.to_thread(_unpack, chunks)
                if snapshot is not None:
                    if not self._starts:
                        self._starts.append(sequence)
                    return snapshot
        return None

    async def _purge(self, start: int) -> None:
        self._starts.append(start)
        if len(self._starts) == KEPT:
            body = {"seq": self._starts[0]}
            await jetstream.manage(self._bus, f"STREAM.PURGE.{self._stream}", body)


def _unpack(chunks: dict[int, Message]) -> Snapshot | None:
    """None when it is damaged; zlib checks a sum of the board."""
    headers = chunks[1].headers
    packed = b"".join(chunks[number].payload for number in sorted(chunks))
    try:
        board = zlib.decompress(packed)
    except zlib.error as error:
        logger.error("snapshot.damaged", sequence=headers[SEQUENCE], error=str(error))
        return None
    return Snapshot(int(headers[SEQUENCE]), headers[CHAIN], board)
