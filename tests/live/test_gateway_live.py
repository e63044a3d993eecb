"""The gateway as a process: it starts, serves many, and ends when it is told to."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from services.runtime import streams, tokens
from services.runtime.bus import open_bus
from services.runtime.ports import Refused
from services.runtime.settings import Settings, environment
from tests.servers import Nats, free_port
from tests.services.read_side import opened

pytestmark = pytest.mark.live
ROOT = Path(__file__).parents[2]
READY_S = 20.0
ENDPOINT = "e" * 24


class Gateway:
    """`haulage gateway` as a child of the test."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = f"http://127.0.0.1:{settings.port}"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.cli.main", "gateway"),
            cwd=ROOT,
            env={"PATH": os.defpath, "PYTHONPATH": str(ROOT)} | environment(self.settings),
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(READY_S), aiohttp.ClientSession() as session:
            while not await self._answers(session):
                assert self._process.returncode is None, "the gateway ended"
                await asyncio.sleep(0.05)

    async def _answers(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(f"{self.url}/health") as answer:
                return answer.status == 200
        except aiohttp.ClientConnectionError:
            return False

    async def end(self, number: signal.Signals) -> tuple[int, float]:
        """The exit status, and the seconds it took."""
        assert self._process is not None
        began_s = time.monotonic()
        if self._process.returncode is None:
            self._process.send_signal(number)
        async with asyncio.timeout(READY_S):
            status = await self._process.wait()
        return status, time.monotonic() - began_s


@pytest.fixture
async def gateway(
    nats_server: Nats, database_url: str, workspace: str, tmp_path: Path
) -> AsyncIterator[Gateway]:
    tokens.create(tmp_path)
    bus = await open_bus(nats_server.url, name="test")
    await streams.declare(bus, workspace)
    await bus.close()
    settings = Settings(
        data=tmp_path,
        port=free_port(),
        workspace=workspace,
        nats_url=nats_server.url,
        database_url=database_url,
        callout_url=nats_server.callout_url,
        callout_seed=nats_server.issuer_seed,
        agent_token=tokens.read(tmp_path / "agent-token"),
    )
    async with opened(database_url):
        made = Gateway(settings)
        await made.start()
        try:
            yield made
        finally:
            await made.end(signal.SIGKILL)


@asynccontextmanager
async def asking(gateway: Gateway) -> AsyncIterator[aiohttp.ClientSession]:
    token = tokens.read(gateway.settings.data / "token")
    headers = {"Authorization": f"Bearer {token}"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(gateway.url, headers=headers, connector=connector) as session:
        yield session


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_in_time_though_streams_are_open(
    gateway: Gateway, number: signal.Signals
) -> None:
    async with asking(gateway) as session:
        streams = [await session.get("/api/events") for _ in range(50)]
        for stream in streams:
            assert await stream.content.readline()
        status, taken_s = await gateway.end(number)
        assert status == 0
        assert taken_s < 3.0
        for stream in streams:
            await stream.read()  # Ended, not cut off.


async def test_it_ends_in_time_though_a_client_does_not_read(gateway: Gateway) -> None:
    token = tokens.read(gateway.settings.data / "token")
    ask = f"GET /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.settings.port)
    writer.write(ask.encode())
    _, half = await asyncio.open_connection("127.0.0.1", gateway.settings.port)
    half.write(b"POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Le")
    await asyncio.sleep(0.5)
    status, taken_s = await gateway.end(signal.SIGTERM)
    assert (status, taken_s < 4.0) == (0, True)
    writer.close()
    half.close()


async def test_it_lets_agents_in_who_show_the_token(gateway: Gateway, nats_server: Nats) -> None:
    agent = await open_bus(
        nats_server.agents_url,
        name="agent",
        user=ENDPOINT,
        password=gateway.settings.agent_token,
        inbox_prefix=f"_INBOX_{ENDPOINT}",
    )
    assert agent.connected
    await agent.close()
    with pytest.raises(Refused):
        await open_bus(
            nats_server.agents_url,
            name="stranger",
            user=ENDPOINT,
            password="nope",
            inbox_prefix=f"_INBOX_{ENDPOINT}",
        )


async def test_it_answers_many_at_once(gateway: Gateway) -> None:
    async with asking(gateway) as session:

        async def ask() -> int:
            async with session.get("/api/jobs") as answer:
                await answer.read()
                return answer.status

        async with asyncio.timeout(30):
            assert set(await asyncio.gather(*(ask() for _ in range(300)))) == {200}
