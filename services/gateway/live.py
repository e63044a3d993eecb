"""Telling every open event stream what changed: read once, written once, given to all.

Level-triggered: an announcement (or, should it be lost, a second's silence) says when to look;
what is told is what lies behind the last position told. Three lanes, each with its own pace:

- changes: rows and events behind the position, at once, then after a rest that grows with what
  looking and telling cost, a tenth of a second at most;
- ticks: the newest progress of running jobs, with the changes;
- lines: what moved without an event of its own (lines.py), twice a second at most.

Nobody is waited for: a stream that does not take what it is given is ended, its client comes back.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import msgspec

from events import subjects
from services.gateway import changes, messages, showing
from services.gateway.asking import Asking
from services.gateway.clock import Clock
from services.gateway.lines import Lines
from services.gateway.messages import Batch, View
from services.gateway.problems import Refusal, later
from services.gateway.rows import Rows
from services.projector.commands import Changed, Moving
from services.runtime.log import logger
from services.runtime.ports import Bus, Serving

REST_S = 0.015
REST_MAX_S = 0.1
REST_A_LOOK = 0.5
REST_A_SECOND_OF_CPU = 2.0
REST_A_READER_S = 0.0002
LOOK_S = 1.0
BLIND_MAX_S = 3.0
TICKS_MAX = 500
READERS_MAX = 2_000
WAITING_MAX = 64

_changed = msgspec.json.Decoder(Changed)


class Reader:
    """One open stream's end of the hub: what it has not taken yet, in order; None ends it.

    It is offered every batch behind `joined_at`.
    """

    def __init__(self, joined_at: int) -> None:
        self.joined_at = joined_at
        self.waiting: asyncio.Queue[Batch | None] = asyncio.Queue(WAITING_MAX)
        self.ended = False

    def offer(self, batch: Batch) -> bool:
        try:
            self.waiting.put_nowait(batch)
        except asyncio.QueueFull:
            return False
        return True

    def end(self) -> None:
        """The end overtakes what waits: what is not taken now is asked for again."""
        self.ended = True
        with suppress(asyncio.QueueEmpty):
            while True:
                self.waiting.get_nowait()
        self.waiting.put_nowait(None)


class Hub:
    def __init__(self, bus: Bus, rows: Rows, asking: Asking, clock: Clock, workspace: str) -> None:
        self.position = 0
        self.dropped = 0
        self.readers: set[Reader] = set()
        self._bus, self._rows, self._asking, self._clock = bus, rows, asking, clock
        self._workspace = workspace
        self._woken = asyncio.Event()
        self._ticks: dict[str, Moving] = {}
        self._lines = Lines(rows, asking)
        self._seen_s = float("-inf")
        self._ending = False

    # The streams.

    def check(self) -> None:
        """Raises Refusal when no stream can be opened now."""
        if self._ending or len(self.readers) >= READERS_MAX or self._is_blind():
            raise later("this gateway takes no more event streams now: try again in a moment", 5)

    def join(self) -> Reader:
        """Raises Refusal."""
        self.check()
        reader = Reader(self.position)
        self.readers.add(reader)
        return reader

    def leave(self, reader: Reader) -> None:
        self.readers.discard(reader)

    @property
    def is_ending(self) -> bool:
        return self._ending

    def end(self) -> None:
        """No stream outlives this."""
        self._ending = True
        for reader in list(self.readers):
            self._drop(reader)

    def _drop(self, reader: Reader) -> None:
        self.readers.discard(reader)
        reader.end()

    # What is told.

    async def run(self) -> None:
        """Until cancelled."""
        serving = await self.listen()
        try:
            while True:
                self._woken.clear()
                began_s, used_s = time.monotonic(), time.thread_time()
                await self.look()
                took_s, used_s = time.monotonic() - began_s, time.thread_time() - used_s
                await asyncio.sleep(self._rest_s(took_s, used_s))
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._woken.wait()
        finally:
            await serving.stop()

    def _rest_s(self, took_s: float, used_s: float) -> float:
        """So that this process, and those that a look asks, have time for what else is asked."""
        for_readers_s = REST_A_READER_S * len(self.readers)
        for_others_s = max(REST_A_LOOK * took_s, REST_A_SECOND_OF_CPU * used_s)
        return min(max(REST_S, for_readers_s, for_others_s), REST_MAX_S)

    async def listen(self) -> Serving:
        return await self._bus.serve(subjects.rows(self._workspace), self._on_rows)

    async def _on_rows(self, _subject: str, payload: bytes) -> None:
        changed = _changed.decode(payload)
        self._clock.move(changed.sequence)
        for moving in changed.moving:
            self._asking.hear(moving)
            if moving.job in self._ticks or len(self._ticks) < TICKS_MAX:
                self._ticks[moving.job] = moving
        self._woken.set()

    async def look(self) -> None:
        """Tell what there is to tell now."""
        try:
            self._clock.move(await self._rows.sequence())
            self._seen_s = time.monotonic()
            if not self.readers:
                self.position = max(self.position, self._clock.sequence)
                self._ticks.clear()
                return
            await self._tell_changes()
            await self._tell_ticks()
            self._tell(await self._lines.moved())
        except Refusal as refusal:
            logger.warning("live.blind", detail=refusal.detail)
            self._end_if_blind()

    async def _tell_changes(self) -> None:
        more = self._clock.sequence > self.position
        while more:
            change = await changes.read(self._rows, self.position, View())
            batch = await changes.batch(change, self._rows, self._asking, self._workspace)
            self._lines.note(change, batch)
            self._tell(batch)
            self.position, more = change.sequence, change.more

    async def _tell_ticks(self) -> None:
        ticks, self._ticks = self._ticks, {}
        rows = await self._lines.known(ticks)
        told = [
            messages.of_progress(showing.progress(rows[job], tick), rows[job]["user_name"])
            for job, tick in ticks.items()
            if job in rows
        ]
        self._tell(Batch(told))

    def _tell(self, batch: Batch) -> None:
        if not batch.messages:
            return
        for reader in list(self.readers):
            if not reader.offer(batch):
                self.dropped += 1
                self._drop(reader)

    # Without the read side.

    def _is_blind(self) -> bool:
        return time.monotonic() - self._seen_s > BLIND_MAX_S

    def _end_if_blind(self) -> None:
        """An open stream says "this is how it is now"; who cannot see does not say so."""
        if self._is_blind():
            for reader in list(self.readers):
                self._drop(reader)
