"""The ports in memory: the same promises as the real ones, without a server, clock or chance.

For tests, and for a capsule that is opened to be read. Processes of a test share one object where
real ones share one server. Nothing here ever fails by itself: what happens when a server dies is
tested with a real one.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Sequence

from events import codec, subjects
from services.runtime.log import logger
from services.runtime.ports import (
    Broken,
    Conflict,
    Handler,
    NoAnswer,
    Snapshot,
    Stored,
    Ticked,
    Told,
)

BATCH_MAX = 500
HANDLERS_MAX = 1_000
TICKS_MAX = 10_000


class MemoryLog:
    """`commits` are those behind the one at `after`, whose chain value is `chain`."""

    def __init__(self, after: int = 0, chain: str = codec.CHAIN_START) -> None:
        self.commits: list[Stored] = []
        self._after, self._chain = after, chain
        self._grown = _Bell()

    @property
    def _end(self) -> int:
        return self._after + len(self.commits)

    async def append(self, payload: bytes, *, chain: str, after: int) -> int:
        if after != self._end:
            raise Conflict(f"the log ends at {self._end}, not at {after}")
        self.commits.append(Stored(after + 1, chain, payload))
        self._grown.ring()
        return after + 1

    async def last(self) -> Stored | None:
        return self.commits[-1] if self.commits else None

    async def size_bytes(self) -> int:
        return sum(len(commit.payload) for commit in self.commits)

    async def get(self, sequence: int) -> Stored:
        if not self._after < sequence <= self._end:
            raise LookupError(f"the log has no commit {sequence}")
        return self.commits[sequence - self._after - 1]

    async def follow(self, after: int, chain: str) -> AsyncGenerator[list[Stored], None]:
        if after and self._chain_at(after) != chain:
            raise Broken(f"commit {after} is not the one that was read before")
        while True:
            while after >= self._end:
                await self._grown.wait()
            batch = self.commits[after - self._after :][:BATCH_MAX]
            fitting = _fitting(batch, chain)
            if fitting:
                after, chain = fitting[-1].sequence, fitting[-1].chain
                yield fitting
            if len(fitting) < len(batch):
                raise Broken(f"another chain behind {after}")

    def _chain_at(self, sequence: int) -> str | None:
        if sequence == self._after:
            return self._chain
        is_there = self._after < sequence <= self._end
        return self.commits[sequence - self._after - 1].chain if is_there else None


def _fitting(batch: Sequence[Stored], chain: str) -> list[Stored]:
    fitting: list[Stored] = []
    for stored in batch:
        chain = codec.chain(chain, stored.payload)
        if stored.chain != chain:
            break
        fitting.append(stored)
    return fitting


class MemorySnapshots:
    def __init__(self) -> None:
        self.saved: list[Snapshot] = []

    async def save(self, snapshot: Snapshot) -> None:
        self.saved.append(snapshot)

    async def newest(self) -> Snapshot | None:
        return self.saved[-1] if self.saved else None


class MemoryFeed:
    def __init__(self) -> None:
        self.told: list[Told] = []

    async def position(self) -> tuple[int, int]:
        return (self.told[-1].sequence, self.told[-1].index) if self.told else (0, 0)

    async def told_so_far(self) -> AsyncGenerator[list[Told], None]:
        if self.told:
            yield list(self.told)

    async def append(self, events: Sequence[Told]) -> None:
        for told in events:
            if not self.told or (told.sequence, told.index) > await self.position():
                self.told.append(told)


class MemoryBus:
    """`idle` waits until all that was published has been handled."""

    def __init__(self) -> None:
        self._servings: list[MemoryServing] = []
        self._running: set[asyncio.Task[None]] = set()
        self._turns = itertools.count()

    async def request(self, subject: str, payload: bytes, *, timeout_s: float = 5.0) -> bytes:
        called = self._called(subject)
        if not called:
            raise NoAnswer(f"{subject}: nobody is there")
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        for serving in called:
            self._start(serving, subject, payload, answer)
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError as error:
            raise NoAnswer(f"{subject}: no answer within {timeout_s} s") from error
        finally:
            answer.cancel()

    async def publish(self, subject: str, payload: bytes) -> None:
        for serving in self._called(subject):
            self._start(serving, subject, payload, None)

    async def serve(self, subject: str, handler: Handler, *, queue: str = "") -> MemoryServing:
        serving = MemoryServing(self, subject, handler, queue)
        self._servings.append(serving)
        return serving

    async def idle(self) -> None:
        while self._running:
            await asyncio.wait(self._running)

    async def close(self) -> None:
        for serving in list(self._servings):
            await serving.stop()

    def forget(self, serving: MemoryServing) -> None:
        if serving in self._servings:
            self._servings.remove(serving)

    def _called(self, subject: str) -> list[MemoryServing]:
        """All that listen, but of each queue group one, in turn."""
        hearing = [one for one in self._servings if matches(one.subject, subject)]
        called = [one for one in hearing if not one.queue]
        for queue in dict.fromkeys(one.queue for one in hearing if one.queue):
            members = [one for one in hearing if one.queue == queue]
            called.append(members[next(self._turns) % len(members)])
        return called

    def _start(
        self,
        serving: MemoryServing,
        subject: str,
        payload: bytes,
        answer: asyncio.Future[bytes] | None,
    ) -> None:
        task = asyncio.create_task(serving.handle(subject, payload, answer))
        for running in (self._running, serving.running):
            running.add(task)
            task.add_done_callback(running.discard)


class MemoryServing:
    def __init__(self, bus: MemoryBus, subject: str, handler: Handler, queue: str) -> None:
        self.subject = subject
        self.queue = queue
        self.running: set[asyncio.Task[None]] = set()
        self._bus = bus
        self._handler = handler
        self._free = asyncio.Semaphore(HANDLERS_MAX)

    async def stop(self) -> None:
        self._bus.forget(self)
        if self.running:
            await asyncio.wait(self.running)

    async def handle(
        self, subject: str, payload: bytes, answer: asyncio.Future[bytes] | None
    ) -> None:
        async with self._free:
            try:
                result = await self._handler(subject, payload)
            except Exception:  # As the real one: the asker runs into its time-out.
                logger.exception("bus.handler_failed", subject=subject)
                return
        if result is not None and answer is not None and not answer.done():
            answer.set_result(result)


class MemoryTicks:
    """The ticks that were published on a bus in memory since this was opened."""

    def __init__(self, bus: MemoryBus, workspace: str) -> None:
        self._bus = bus
        self._subject = subjects.progress(workspace, "*", "*")
        self._newest: dict[str, Ticked] = {}
        self._came: list[Ticked] = []
        self._grown = _Bell()

    async def open(self) -> None:
        await self._bus.serve(self._subject, self._keep)

    async def follow(self) -> AsyncGenerator[list[Ticked], None]:
        seen = len(self._came)
        if self._newest:
            yield list(self._newest.values())
        while True:
            while seen >= len(self._came):
                await self._grown.wait()
            batch = self._came[seen:]
            seen += len(batch)
            yield batch

    async def _keep(self, subject: str, payload: bytes) -> None:
        assert len(self._came) < TICKS_MAX
        ticked = Ticked(*subjects.progress_of(subject), payload)
        self._newest[subject] = ticked
        self._came.append(ticked)
        self._grown.ring()


class MemoryOutputs:
    """The process logs that were published on a bus in memory since this was opened."""

    def __init__(self, bus: MemoryBus, workspace: str) -> None:
        self._bus = bus
        self._workspace = workspace
        self._slots: dict[str, bytes] = {}

    async def open(self) -> None:
        await self._bus.serve(subjects.output(self._workspace, "*", "*", "*", "*"), self._keep)

    async def newest(self, endpoint: str, job: str, run: int) -> bytes | None:
        pattern = subjects.output(self._workspace, endpoint, job, run, "*")
        found = [part for subject, part in self._slots.items() if matches(pattern, subject)]
        return found[-1] if found else None

    async def part(self, endpoint: str, job: str, run: int, slot: int) -> bytes | None:
        return self._slots.get(subjects.output(self._workspace, endpoint, job, run, slot))

    async def _keep(self, subject: str, payload: bytes) -> bytes:
        self._slots.pop(subject, None)
        self._slots[subject] = payload
        return b"{}"


class _Bell:
    """Wakes all who wait now."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self) -> None:
        await self._event.wait()


def matches(pattern: str, subject: str) -> bool:
    """NATS: `*` is one word, a last `>` is one or more."""
    wanted, words = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        wanted, rest = wanted[:-1], words[len(wanted) - 1 :]
        if not rest:
            return False
        words = words[: len(wanted)]
    pairs = zip(wanted, words, strict=False)
    return len(wanted) == len(words) and all(one in ("*", two) for one, two in pairs)
