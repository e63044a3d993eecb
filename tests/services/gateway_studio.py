"""A whole gateway for a test: real HTTP and a real PostgreSQL, everyone else as values.

The scheduler is the history of tests/services/spec.py behind a bus in memory: what it decides is
stored in a log in memory, from where the real projector makes the rows and announces them.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from granian.server.embed import Server
from structlog.testing import capture_logs

from events import codec, subjects
from events.codec import CHAIN_START, Recorded
from services.agent.calls import Calls
from services.agent.changes import carry_out
from services.agent.commands import CallFailed, Found
from services.agent.volumes import AnyVolume
from services.cli.main import run
from services.gateway.app import make_app
from services.gateway.context import Gateway
from services.gateway.main import make_gateway, make_server
from services.gateway.problems import Refusal
from services.gateway.rows import open_rows
from services.historian.archive import Archive
from services.historian.instants import epoch_of
from services.historian.main import Historian, serve
from services.projector.commands import Changed, Moving
from services.projector.rows import Ports, keep_rows
from services.runtime import tokens
from services.runtime.database import Pool
from services.runtime.memory import MemoryBus, MemoryLog, MemoryOutputs
from services.runtime.settings import Settings
from services.scheduler import changing
from services.scheduler.commands import Request, Role
from services.scheduler.reading import Reading
from tests.servers import free_port
from tests.services.read_side import opened, running
from tests.services.spec import History

WORKSPACE = "main"
READY_S = 10.0
STOP_S = 5.0
PEOPLE = {"ann": "admin", "eve": "employee", "bob": "user", "cat": "user"}


class Studio:
    """What the others do; `history` is the scheduler's."""

    def __init__(self) -> None:
        self.history = History()
        self.bus, self.log = MemoryBus(), MemoryLog()
        self.outputs = MemoryOutputs(self.bus, WORKSPACE)
        self.asked: list[Request] = []
        self.found: Found | CallFailed | None = Found("folder", 0)
        self.calls: dict[str, Calls] = {}  # Of real agents, by endpoint.
        self.hands: dict[str, dict[str, AnyVolume]] = {}  # What agents change files on.
        self.deaf = False
        self._chain = CHAIN_START
        self._stored = 0

    async def listen(self) -> None:
        reading = Reading(self.log, self.history.board)
        await self.bus.serve(subjects.command(WORKSPACE), self._on_command)
        await self.bus.serve(subjects.ask(WORKSPACE), reading.on_ask)
        await self.bus.serve(subjects.leader(WORKSPACE), self._on_probe)
        await self.bus.serve(subjects.call(WORKSPACE, "*"), self._on_call)
        await self.outputs.open()
        await self.store()

    async def store(self) -> int:
        """Put what the history holds into the log; the sequence it ends at."""
        for commit in self.history.log[self._stored :]:
            payload = codec.encode(WORKSPACE, commit)
            self._chain = codec.chain(self._chain, payload)
            await self.log.append(payload, chain=self._chain, after=self._stored)
            self._stored += 1
        return self._stored

    def events(self) -> list[Recorded]:
        return [recorded for commit in self.history.log for recorded in commit]

    async def moving(self, moving: Moving) -> None:
        changed = Changed(self._stored, moving=[moving])
        await self.bus.publish(subjects.rows(WORKSPACE), msgspec.json.encode(changed))

    async def _on_command(self, _subject: str, payload: bytes) -> bytes | None:
        request = msgspec.json.decode(payload, type=Request)
        self.asked.append(request)
        if self.deaf:
            return None
        answer = self.history.take(request)
        self._change_files()
        await self.store()
        return msgspec.json.encode(answer)

    def _change_files(self) -> None:
        """As the agents would, and tell."""
        for endpoint, volumes in self.hands.items():
            for duty in list(changing.duties(self.history.board.endpoints[endpoint])):
                ended = carry_out(duty, volumes[duty.volume], lambda: None)
                self.history.report(ended, endpoint)

    async def _on_probe(self, _subject: str, _payload: bytes) -> bytes:
        return msgspec.json.encode(self.history.board.sequence)

    async def _on_call(self, subject: str, payload: bytes) -> bytes | None:
        agent = self.calls.get(subject.rpartition(".")[2])
        if agent is not None:
            return await agent.answer(subject, payload)
        return None if self.found is None else msgspec.json.encode(self.found)


class Answer:
    def __init__(self, status: int, headers: Any, content: bytes) -> None:
        self.status, self.headers, self.content = status, headers, content

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.content)


class Client:
    """Asks as one of `PEOPLE`; headers given win."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self.session, self.url, self.token = session, url, token

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Authorization": f"Bearer {self.token}"} | given if self.token else given
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        data = None if body is None else io.BytesIO(content)
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        async with self.session.request(
            method, self.url + path, data=data, headers=sent, allow_redirects=False
        ) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.ask("GET", path, **headers)

    async def post(self, path: str, body: object = None, **headers: str) -> Answer:
        return await self.ask("POST", path, body, **headers)


async def types(capsys: pytest.CaptureFixture[str], command: list[str]) -> tuple[int, str, str]:
    """A command in this process: its status and what it said, without what services here log."""
    capsys.readouterr()
    with capture_logs():
        status = await asyncio.to_thread(run, command)
        out, err = capsys.readouterr()
    return status, out, err


class World:
    historian: Historian

    def __init__(
        self,
        studio: Studio,
        gateway: Gateway,
        rows: Pool,
        session: aiohttp.ClientSession,
        settings: Settings,
    ) -> None:
        self.studio, self.gateway, self.history = studio, gateway, studio.history
        self.rows, self.session = rows, session
        self.data = settings.data
        self.url = f"http://127.0.0.1:{settings.port}"

    def by(self, name: str) -> Client:
        return Client(self.session, self.url, token_of(name))

    @property
    def ann(self) -> Client:
        return self.by("ann")

    @property
    def nobody(self) -> Client:
        return Client(self.session, self.url, "")

    async def shown(self) -> int:
        """Everything that happened so far is in the rows."""
        sequence = await self.studio.store()
        await self.gateway.clock.reach(sequence)
        return sequence


def token_of(name: str) -> str:
    return f"token-of-{name}"


def make_people(data: Path) -> None:
    known = [
        tokens.Known(sha256(token_of(name).encode()).hexdigest(), name, Role(role))
        for name, role in PEOPLE.items()
    ]
    tokens.write_private(data / "tokens.json", msgspec.json.encode(known))


@asynccontextmanager
async def world(database_url: str, data: Path) -> AsyncIterator[World]:
    make_people(data)
    settings = Settings(data=data, port=free_port(), database_url=database_url)
    studio = Studio()
    async with opened(database_url) as projectors, aiohttp.ClientSession() as session:
        await studio.listen()
        ports = Ports(WORKSPACE, studio.log, studio.bus, projectors)
        pool = await open_rows(settings)
        gateway = make_gateway(
            settings, studio.bus, studio.outputs, pool, studio.log, static=data / "static"
        )
        server = make_server(make_app(gateway, host=settings.host), settings)
        historian = await _historian(studio.log, projectors)
        past = serve(studio.bus, WORKSPACE, historian)
        try:
            async with running(keep_rows(ports), gateway.hub.run(), past), _serving(server):
                made = World(studio, gateway, projectors, session, settings)
                made.historian = historian
                await _until_it_answers(made)
                await made.shown()
                yield made
                gateway.hub.end()
        finally:
            pool.terminate()


async def _historian(log: MemoryLog, rows: Pool) -> Historian:
    """It keeps an instant every few events."""
    archive = Archive(rows, epoch_of((await log.get(1)).payload))
    await archive.install()
    return Historian(log, archive, rows, keep_events=7, look_bytes=0)


@asynccontextmanager
async def _serving(server: Server) -> AsyncIterator[None]:
    serving = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        async with asyncio.timeout(STOP_S):
            await serving


async def _until_it_answers(made: World) -> None:
    async with asyncio.timeout(READY_S):
        while True:
            try:
                made.gateway.hub.check()
                await made.nobody.get("/health")
            except (aiohttp.ClientConnectionError, Refusal):
                await asyncio.sleep(0.01)
            else:
                return
