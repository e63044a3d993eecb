"""A run's process log on its way to the bus: numbered lines, in parts, each stored when answered.

A part grows, and is sent again as it grows, until it holds PART_BYTES; then the next one begins.
Parts take turns at OUTPUT_SLOTS slots, each of which keeps the newest: so a log keeps its last
16 MiB and its oldest lines give way. The thread that runs the command calls `put` and `end`; while
the bus is slow it waits for room, while the bus is away the oldest unsent lines are dropped.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque

import msgspec

from events import subjects
from services.agent.commands import OUTPUT_SLOTS, Output
from services.agent.reports import Post
from services.runtime.log import logger
from services.runtime.ports import NoAnswer

PART_BYTES = 16 << 10
UNSENT_PARTS_MAX = 64
FLUSH_S = 0.2
ANSWER_S = 5.0
PAUSE_S = 0.1
PAUSE_MAX_S = 2.0
END_S = 5.0
GIVE_UP_S = 600.0
LINE_BYTES = 24  # What a line takes in a message beside its text.


class _Part:
    def __init__(self, number: int, first: int) -> None:
        self.number = number
        self.first = first
        self.lines: list[tuple[int, str]] = []
        self.size_bytes = 0
        self.sent = 0

    @property
    def is_sent(self) -> bool:
        return self.sent == len(self.lines)

    @property
    def is_full(self) -> bool:
        return self.size_bytes >= PART_BYTES


class Outlet:
    """Made on the loop that runs `deliver`; it ends some time after `finish`."""

    def __init__(self, post: Post, job: str, run: int) -> None:
        self._post, self._job, self._run = post, job, run
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self._changed = threading.Condition()
        self._parts: deque[_Part] = deque([_Part(0, 0)])  # The last is the one that grows.
        self._away = False
        self._finished_at: float | None = None

    # From the thread of the run.

    def put(self, lines: list[str]) -> None:
        """Take these lines as read now."""
        if not lines:
            return
        at = int(time.time() * 1000)
        with self._changed:
            for line in lines:
                self._add(at, line)
        self._loop.call_soon_threadsafe(self._woken.set)

    def end(self) -> None:
        """Return when all is stored, or after END_S; what is left then goes on trying."""
        self.finish()
        with self._changed:
            self._changed.wait_for(self._is_empty, END_S)

    def finish(self) -> None:
        """Nothing more comes. From any thread."""
        with self._changed:
            self._finished_at = self._finished_at or time.monotonic()
            self._changed.notify_all()
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._woken.set)

    def _add(self, at: int, line: str) -> None:
        part = self._parts[-1]
        if part.is_full:
            part = self._next_part(part)
        part.lines.append((at, line))
        part.size_bytes += len(line.encode()) + LINE_BYTES

    def _next_part(self, before: _Part) -> _Part:
        """Wait for room; while the bus is away make some."""
        while len(self._parts) >= UNSENT_PARTS_MAX and self._finished_at is None:
            if self._away:
                self._parts.popleft()
            else:
                self._loop.call_soon_threadsafe(self._woken.set)
                self._changed.wait(FLUSH_S)
        part = _Part(before.number + 1, before.first + len(before.lines))
        self._parts.append(part)
        return part

    def _is_empty(self) -> bool:
        return all(part.is_sent for part in self._parts)

    # On the loop.

    async def deliver(self) -> None:
        """Send what was put until it is finished and sent, or was finished long ago."""
        pause_s = PAUSE_S
        while not self._is_over():
            await self._woken.wait()
            self._woken.clear()
            try:
                await self._send_all()
                pause_s = PAUSE_S
            except NoAnswer as silence:
                if pause_s == PAUSE_S:
                    logger.warning("output.unsent", job=self._job, run=self._run, why=str(silence))
                self._away = True
                self._woken.set()
                await asyncio.sleep(pause_s)
                pause_s = min(PAUSE_MAX_S, pause_s * 2)

    def _is_over(self) -> bool:
        with self._changed:
            finished_at = self._finished_at
            empty = self._is_empty()
        if finished_at is None:
            return False
        return empty or time.monotonic() > finished_at + GIVE_UP_S

    async def _send_all(self) -> None:
        """Parts in their order; after a while of quiet the one that grows too. Raises NoAnswer."""
        began = time.monotonic()
        while (output := self._unsent()) is not None:
            await self._send(output)
        self._away = False
        if not self._finished_at:
            await asyncio.sleep(max(0.0, began + FLUSH_S - time.monotonic()))

    def _unsent(self) -> Output | None:
        with self._changed:
            part = next((one for one in self._parts if not one.is_sent), None)
            if part is None:
                return None
            return Output(self._job, self._run, part.number, part.first, list(part.lines))

    async def _send(self, output: Output) -> None:
        post, slot = self._post, output.part % OUTPUT_SLOTS
        subject = subjects.output(post.workspace, post.endpoint, self._job, self._run, slot)
        payload = msgspec.json.encode(output)
        stored = await post.bus.request(subject, payload, timeout_s=ANSWER_S)
        if b'"error"' in stored:
            raise NoAnswer(stored.decode(errors="replace"))
        with self._changed:
            for part in self._parts:
                if part.number == output.part:
                    part.sent = max(part.sent, len(output.lines))
            while len(self._parts) > 1 and self._parts[0].is_full and self._parts[0].is_sent:
                self._parts.popleft()
            self._changed.notify_all()
