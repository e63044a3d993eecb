"""Agents as real processes on a real bus: killed, stopped, started again, and left alone."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from services.agent.commands import List
from services.agent.dialling import address
from services.runtime.bus import NatsBus, open_bus
from services.runtime.callout import serve_callout
from services.runtime.settings import PREFIX, Settings, environment
from services.scheduler.commands import ListingEnded, RunEnded, RunFailed
from tests.servers import Nats
from tests.services.agent_planes import Proxy, tree
from tests.services.agent_scheduler import JOB, Scheduler, until

pytestmark = pytest.mark.live
TOKEN = "joins"
MIB = 1 << 20


class Agent:
    """A process of ours; `endpoint` is what it calls itself."""

    def __init__(self, server: Nats, workspace: str, root: Path, name: str) -> None:
        self.name = name
        self.folder = root / name
        self.folder.mkdir(exist_ok=True)
        self._data = root / "data"
        settings = Settings(
            data=self._data,
            workspace=workspace,
            nats_url=server.agents_url,
            agent_token=TOKEN,
            agent_name=name,
            agent_volumes={"v": str(self.folder)},
        )
        kept = {key: text for key, text in os.environ.items() if not key.startswith(PREFIX)}
        self._environ = kept | environment(settings)
        self._log = root / f"{name}.log"
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "services.cli.main", "agent"]
            return subprocess.Popen(command, env=self._environ, stdout=log, stderr=log)

    def start_again(self) -> None:
        self.process = self._start()

    async def end(self, number: signal.Signals) -> tuple[int, float]:
        """The exit status and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        status = await asyncio.to_thread(self.process.wait, 10)
        return status, time.monotonic() - began

    @property
    def endpoint(self) -> str:
        return (self._data / "agents" / self.name / "endpoint").read_text().strip()

    @property
    def log(self) -> str:
        return self._log.read_text()


class Stage:
    """Two agents, `hq` and `far`, and a scheduler that does as it is told."""

    def __init__(self, server: Nats, workspace: str, root: Path) -> None:
        self.server = server
        self.workspace = workspace
        self.root = root
        self.started = ExitStack()

    def agent(self, name: str) -> Agent:
        agent = Agent(self.server, self.workspace, self.root, name)
        self.started.callback(lambda: agent.process.wait(10))
        self.started.callback(lambda: agent.process.kill())
        return agent

    async def open(self, bus: NatsBus) -> None:
        self.scheduler = Scheduler(bus, self.workspace)
        await self.scheduler.open()
        self.hq, self.far = self.agent("hq"), self.agent("far")
        await until(lambda: all(self.beats(agent) for agent in (self.hq, self.far)))

    def beats(self, agent: Agent) -> int:
        try:
            return len(self.scheduler.beats[agent.endpoint])
        except FileNotFoundError:
            return 0

    async def listed(self) -> None:
        await self.scheduler.order(self.hq.endpoint, List(JOB, 1, "v", ""))
        await until(lambda: self.scheduler.last(1) is ListingEnded)

    async def receive(self, run: int, *, url: str | None = None) -> None:
        duty = self.scheduler.receive(run, sender=self.hq.endpoint, url=url)
        await self.scheduler.order(self.far.endpoint, duty)

    def proxy(self, cuts: list[int]) -> Proxy:
        _, port = address(self.scheduler.beats[self.hq.endpoint][-1].url)
        proxy = Proxy(port, cuts)
        self.started.callback(proxy.close)
        return proxy

    async def moved(self, count: int) -> None:
        await until(lambda: any(tick.bytes_done >= count for tick in self.scheduler.ticks))


@pytest.fixture
async def stage(nats_server: Nats, workspace: str, tmp_path: Path) -> AsyncIterator[Stage]:
    gate = await open_bus(nats_server.callout_url, name="callout")
    bus = await open_bus(nats_server.url, name="test")
    await serve_callout(
        gate,
        seed=nats_server.issuer_seed,
        workspace=workspace,
        check_token=lambda _endpoint, token: token == TOKEN,
    )
    stage = Stage(nats_server, workspace, tmp_path)
    try:
        await stage.open(bus)
        yield stage
    finally:
        stage.started.close()
        await bus.close()
        await gate.close()


async def test_bytes_go_from_one_process_to_another(stage: Stage) -> None:
    (stage.hq.folder / "sub").mkdir()
    for index in range(50):
        (stage.hq.folder / f"sub/{index}").write_bytes(os.urandom(index * 1_000))
    await stage.listed()
    await stage.receive(2)
    await until(lambda: stage.scheduler.last(2) is RunEnded)
    assert tree(stage.far.folder / "in") == tree(stage.hq.folder)


async def test_a_killed_receiver_goes_on_from_its_verified_bytes(stage: Stage) -> None:
    (stage.hq.folder / "big").write_bytes(os.urandom(64 * MIB))
    endpoint, session = stage.far.endpoint, stage.scheduler.beats[stage.far.endpoint][0].session
    await stage.listed()
    slow = stage.proxy([40 * MIB, *[0] * 100])
    await stage.receive(2, url=slow.url)
    await stage.moved(30 * MIB)
    await stage.far.end(signal.SIGKILL)
    await stage.scheduler.order(endpoint)
    stage.far.start_again()
    await until(lambda: stage.scheduler.beats[endpoint][-1].session != session)
    assert stage.far.endpoint == endpoint
    again = stage.proxy([])
    await stage.receive(3, url=again.url)
    await until(lambda: stage.scheduler.last(3) is RunEnded)
    assert tree(stage.far.folder / "in") == tree(stage.hq.folder)
    assert again.came <= 64 * MIB - 28 * MIB + MIB


async def test_a_killed_sender_may_come_back_within_seconds(stage: Stage) -> None:
    (stage.hq.folder / "big").write_bytes(os.urandom(64 * MIB))
    await stage.listed()
    beats = stage.beats(stage.hq)
    held = stage.proxy([20 * MIB, *[0] * 100])
    await stage.receive(2, url=held.url)
    await stage.moved(16 * MIB)
    await stage.hq.end(signal.SIGKILL)
    stage.hq.start_again()
    await until(lambda: stage.beats(stage.hq) > beats)
    await stage.receive(2)  # The same run, with the address that the sender has now.
    await until(lambda: stage.scheduler.last(2) in (RunEnded, RunFailed))
    assert stage.scheduler.last(2) is RunEnded
    assert tree(stage.far.folder / "in") == tree(stage.hq.folder)


async def test_runs_go_on_while_the_scheduler_is_away(stage: Stage) -> None:
    (stage.hq.folder / "big").write_bytes(os.urandom(64 * MIB))
    await stage.listed()
    await stage.receive(2)
    await until(lambda: stage.scheduler.of(2))
    stage.scheduler.answers = False
    arrived = stage.far.folder / "in/big"
    await until(arrived.exists)
    assert stage.scheduler.last(2) is not RunEnded
    stage.scheduler.answers = True
    await until(lambda: stage.scheduler.last(2) is RunEnded)


async def test_told_to_stop_it_says_goodbye_and_is_gone(stage: Stage) -> None:
    with (stage.hq.folder / "huge").open("wb") as file:
        file.truncate(64 << 30)
    await stage.listed()
    await stage.receive(2)
    await stage.moved(16 * MIB)
    status, took_s = await stage.far.end(signal.SIGTERM)
    assert status == 0, stage.far.log
    assert took_s < 2.5
    assert stage.scheduler.beats[stage.far.endpoint][-1].leaving
    for part in (stage.far.folder / "in").glob(".*.part"):
        part.unlink()


async def test_two_processes_are_not_one_agent(stage: Stage) -> None:
    second = stage.agent("hq")
    status = await asyncio.to_thread(second.process.wait, 20)
    assert status == 1
    assert "another process is the agent hq" in second.log
    assert stage.hq.process.poll() is None


async def test_an_agent_that_nobody_lets_in_says_so_and_waits(
    nats_server: Nats, workspace: str, tmp_path: Path
) -> None:
    bus = await open_bus(nats_server.url, name="test")
    gate = await open_bus(nats_server.callout_url, name="callout")
    stage = Stage(nats_server, workspace, tmp_path)
    stage.scheduler = Scheduler(bus, workspace)
    await stage.scheduler.open()
    early = stage.agent("early")
    try:
        await until(lambda: "no gateway answers, the agent token is wrong" in early.log)
        await serve_callout(
            gate,
            seed=nats_server.issuer_seed,
            workspace=workspace,
            check_token=lambda _endpoint, token: token == TOKEN,
        )
        await until(lambda: stage.beats(early))
        assert early.process.poll() is None
    finally:
        stage.started.close()
        await bus.close()
        await gate.close()


async def test_a_lost_bus_is_no_lost_run(tmp_path: Path, workspace: str) -> None:
    """A nats-server of its own, killed in the middle of a run and started again."""
    server = Nats(tmp_path / "nats")
    server.start()
    gate = await open_bus(server.callout_url, name="callout")
    bus = await open_bus(server.url, name="test")
    await serve_callout(
        gate,
        seed=server.issuer_seed,
        workspace=workspace,
        check_token=lambda _endpoint, token: token == TOKEN,
    )
    stage = Stage(server, workspace, tmp_path)
    try:
        await stage.open(bus)
        (stage.hq.folder / "big").write_bytes(os.urandom(MIB) * 640)  # Long enough to be caught.
        await stage.listed()
        await stage.receive(2)
        await stage.moved(16 * MIB)
        await asyncio.to_thread(server.kill)
        await until((stage.far.folder / "in/big").exists)
        await asyncio.to_thread(server.start)
        await until(lambda: stage.scheduler.last(2) is RunEnded)
        assert tree(stage.far.folder / "in") == tree(stage.hq.folder)
    finally:
        stage.started.close()
        await bus.close()
        await gate.close()
        server.stop()
