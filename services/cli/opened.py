"""`up --capsule`: a capsule opened to be read, page included, in one process beside a PostgreSQL.

Log and bus are in memory; the projector, the historian and the gateway are the real ones. Where the
scheduler would be, its board answers what is asked and refuses what is told. Nothing is written but
a folder that is gone afterwards.
"""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import msgspec
from msgspec.structs import replace

from events import codec, subjects
from projections import past
from projections.capsule import Before, Body, Header
from projections.past import Past
from projections.tables import Tables
from services.cli import screen
from services.cli.failures import Failure
from services.gateway.app import make_app
from services.gateway.context import Gateway
from services.gateway.main import make_gateway, make_server
from services.gateway.problems import Refusal
from services.gateway.rows import open_rows
from services.historian.archive import Archive, Kept
from services.historian.main import Historian
from services.historian.main import serve as serve_past
from services.projector import store
from services.projector.rows import Ports, keep_rows
from services.runtime import tokens
from services.runtime.database import Pool, open_database
from services.runtime.memory import MemoryBus, MemoryLog, MemoryOutputs
from services.runtime.settings import Settings
from services.scheduler.commands import Rejected, Why
from services.scheduler.reading import Reading
from services.supervisor import directory, fleet
from services.supervisor.children import KeepsEnding
from services.supervisor.children import Kept as KeptChild

READ_ONLY = "this is a capsule, opened to be read: nothing can be changed in it"


def run(header: Header, body: Body, settings: Settings, data: Path | None) -> int:
    """Until told to stop. Without `data`, in a folder that is gone afterwards."""
    try:
        if data is not None:
            if data.exists() and any(data.iterdir()):
                raise Failure(f"{data} is not empty: a capsule is opened in a folder of its own")
            return asyncio.run(_until_told(header, body, replace(settings, data=data.absolute())))
        with tempfile.TemporaryDirectory(prefix="haulage-") as made:
            own = replace(settings, data=Path(made) / "capsule")
            return asyncio.run(_until_told(header, body, own))
    except (directory.Refused, KeepsEnding) as error:
        raise Failure(str(error)) from None


async def _until_told(header: Header, body: Body, settings: Settings) -> int:
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    async with AsyncExitStack() as stack:
        lock = stack.enter_context(directory.held(settings.data))
        tokens.create(settings.data)
        port = directory.gateway_port(settings.host, settings.port, 0)
        settings = replace(settings, port=port, workspace=header.workspace)
        child = fleet.own_postgres(settings, lock)
        postgres = KeptChild(child.child)
        stack.push_async_callback(postgres.stop)
        await postgres.start()
        settings = replace(settings, database_url=child.url)
        gateway = await stack.enter_async_context(opened(header, body, settings))
        await stack.enter_async_context(serving(gateway, settings))
        url = f"http://{settings.host}:{settings.port}"
        directory.save_connect(settings.data, directory.Connect(gateway_url=url, gateway_port=port))
        print(f"ready {url}", flush=True)
        screen.note(_said(header, settings.data))
        await told.wait()
    return 0


def _said(header: Header, data: Path) -> str:
    made = f"{header.made_at:%Y-%m-%d %H:%M} UTC by Haulage {header.version}"
    held = f"commits {header.first:,} to {header.last:,} of {header.workspace}, made {made}"
    return f"{held}; the page, signed in: haulage open --data {data}"


@asynccontextmanager
async def opened(header: Header, body: Body, settings: Settings) -> AsyncIterator[Gateway]:
    """All but the server; the rows are as far as the capsule goes."""
    async with AsyncExitStack() as stack:
        log, bus = await _log(body), MemoryBus()
        outputs = MemoryOutputs(bus, header.workspace)
        await outputs.open()
        projector = await open_database(settings.database_url, name="projector", size=4)
        stack.callback(projector.terminate)
        await store.install(projector, "haulage")
        archive = Archive(projector, header.epoch)
        await archive.install()
        if body.before is not None:
            await _begin(body.before, projector, archive)
        rows = await open_rows(settings)
        stack.callback(rows.terminate)
        gateway = make_gateway(settings, bus, outputs, rows, log)
        first = 1 if body.before is None else body.before.sequence
        historian = Historian(log, archive, projector, first=first)
        await _stand_in(bus, header.workspace, log, body)
        ports = Ports(header.workspace, log, bus, projector)
        for work in (
            keep_rows(ports),
            gateway.hub.run(),
            serve_past(bus, header.workspace, historian),
        ):
            task = asyncio.create_task(work)
            stack.push_async_callback(_ended, task)
        while gateway.clock.sequence < header.last:
            with suppress(Refusal):
                await gateway.clock.reach(header.last)
        yield gateway


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


@asynccontextmanager
async def serving(gateway: Gateway, settings: Settings) -> AsyncIterator[None]:
    server = make_server(make_app(gateway, host=settings.host), settings)
    running = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        gateway.hub.end()
        server.stop()  # type: ignore[no-untyped-call]
        await asyncio.wait([running], timeout=2.0)
        running.cancel()


async def _log(body: Body) -> MemoryLog:
    before = body.before
    log = MemoryLog(before.sequence, before.chain) if before else MemoryLog()
    for one in body.commits:
        await log.append(one.payload, chain=one.chain, after=one.sequence - 1)
    return log


async def _begin(before: Before, pool: Pool, archive: Archive) -> None:
    """The rows, and the instant, as they were before the stretch."""
    known = past.load(before.instant)
    tables = Tables()
    tables.jobs, tables.queues = known.rows.jobs, known.rows.queues
    tables.endpoints = known.rows.endpoints
    tables.runs = {(row.job, row.run): row for row in before.runs}
    tables.timings = {row.job: row for row in before.timings}
    await store.begin(pool, tables, before.tasks, before.attempts, before.sequence, before.chain)
    kept = Kept(before.sequence, before.chain, before.instant)
    await archive.keep(kept, known.board.at)


async def _stand_in(bus: MemoryBus, workspace: str, log: MemoryLog, body: Body) -> None:
    """Who answers as the scheduler does, and decides nothing."""
    known = past.load(body.before.instant) if body.before else Past()
    for commit in body.commits:
        known.apply(codec.decode(commit.payload))
    board = known.board

    async def refuse(_subject: str, _payload: bytes) -> bytes:
        return msgspec.json.encode(Rejected(Why.FORBIDDEN, READ_ONLY))

    async def head(_subject: str, _payload: bytes) -> bytes:
        return msgspec.json.encode(board.sequence)

    await bus.serve(subjects.command(workspace), refuse)
    await bus.serve(subjects.ask(workspace), Reading(log, board).on_ask)
    await bus.serve(subjects.leader(workspace), head)
