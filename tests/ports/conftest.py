"""The ports to test: in memory and over a real nats-server, each test in a workspace of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing

import pytest

from events import subjects
from services.runtime import cursor, jetstream
from services.runtime.bus import NatsBus, open_bus
from services.runtime.memory import (
    MemoryBus,
    MemoryFeed,
    MemoryLog,
    MemoryOutputs,
    MemorySnapshots,
    MemoryTicks,
)
from services.runtime.nats_feed import NatsFeed
from services.runtime.nats_log import NatsLog, NatsSnapshots
from services.runtime.nats_output import NatsOutputs
from services.runtime.nats_ticks import NatsTicks
from services.runtime.ports import Bus, Feed, Log, Outputs, Snapshots, Ticks
from services.runtime.streams import declare
from tests.ports.server import Server
from tests.servers import Nats


class Kind:
    """One kind of all ports; `log()` twice is two writers of the same log, and so on."""

    workspace = "main"

    async def bus(self) -> Bus:
        raise NotImplementedError

    def log(self) -> Log:
        raise NotImplementedError

    def snapshots(self) -> Snapshots:
        raise NotImplementedError

    def feed(self) -> Feed:
        raise NotImplementedError

    async def ticks(self) -> Ticks:
        raise NotImplementedError

    async def outputs(self) -> Outputs:
        raise NotImplementedError


class InMemory(Kind):
    def __init__(self) -> None:
        self._bus = MemoryBus()
        self._log = MemoryLog()
        self._snapshots = MemorySnapshots()
        self._feed = MemoryFeed()

    async def bus(self) -> Bus:
        return self._bus

    def log(self) -> Log:
        return self._log

    def snapshots(self) -> Snapshots:
        return self._snapshots

    def feed(self) -> Feed:
        return self._feed

    async def ticks(self) -> Ticks:
        ticks = MemoryTicks(self._bus, self.workspace)
        await ticks.open()
        return ticks

    async def outputs(self) -> Outputs:
        outputs = MemoryOutputs(self._bus, self.workspace)
        await outputs.open()
        return outputs


class Real(Kind):
    def __init__(self, server: Nats, bus: NatsBus, workspace: str, stack: AsyncExitStack) -> None:
        self._server = server
        self._bus = bus
        self.workspace = workspace
        self._stack = stack

    async def bus(self) -> Bus:
        bus = await open_bus(self._server.url, name="another")
        self._stack.push_async_callback(bus.close)
        return bus

    def log(self) -> Log:
        return NatsLog(self._bus, self.workspace)

    def snapshots(self) -> Snapshots:
        return NatsSnapshots(self._bus, self.workspace)

    def feed(self) -> Feed:
        return NatsFeed(self._bus, self.workspace)

    async def ticks(self) -> Ticks:
        return NatsTicks(self._bus, self.workspace)

    async def outputs(self) -> Outputs:
        return NatsOutputs(self._bus, self.workspace)

    async def fed(self) -> list[bytes]:
        """All that is in the feed now."""
        stream = subjects.feed_stream(self.workspace)
        ends = (await jetstream.state(self._bus, stream)).last
        fed: list[bytes] = []
        async with aclosing(cursor.read(self._bus, stream, {"deliver_policy": "all"})) as batches:
            async for batch in batches:
                fed += [message.payload for message in batch]
                if batch[-1].sequence == ends:
                    break
        return fed


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """For a test that hurts it."""
    server = Server(tmp_path_factory.mktemp("hurt") / "nats")
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def shared_bus(nats_server: Nats, workspace: str) -> AsyncIterator[NatsBus]:
    bus = await open_bus(nats_server.url, name="test")
    await declare(bus, workspace)
    yield bus
    await bus.close()


@pytest.fixture
async def bus(server: Server) -> AsyncIterator[NatsBus]:
    bus = await open_bus(server.url, name="test")
    await declare(bus, "main")
    yield bus
    await bus.close()


@pytest.fixture(params=["memory", "nats"])
async def kind(request: pytest.FixtureRequest, workspace: str) -> AsyncIterator[Kind]:
    if request.param == "memory":
        yield InMemory()
        return
    server = request.getfixturevalue("nats_server")
    async with AsyncExitStack() as stack:
        bus = await open_bus(server.url, name="test")
        stack.push_async_callback(bus.close)
        await declare(bus, workspace)
        yield Real(server, bus, workspace, stack)
