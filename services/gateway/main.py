"""The gateway process: granian in this process's own loop, and what the routes work with.

On SIGTERM or SIGINT open event streams are ended first, because a server waits for its answers;
what still runs `STOP_S` later is left.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from litestar.types import ASGIApp

from services.gateway.app import make_app, openapi
from services.gateway.asking import Asking
from services.gateway.clock import Clock
from services.gateway.context import Gateway
from services.gateway.files import Pages
from services.gateway.live import Hub
from services.gateway.measures import Measures
from services.gateway.past import Historian
from services.gateway.rows import Rows, open_rows
from services.gateway.wellness import Wellness
from services.runtime import tokens
from services.runtime.bus import open_bus
from services.runtime.callout import serve_callout
from services.runtime.database import Pool, is_passing
from services.runtime.log import logger
from services.runtime.nats_feed import NatsFeed
from services.runtime.nats_log import NatsLog
from services.runtime.nats_output import NatsOutputs
from services.runtime.ports import Bus, Feed, Log, Outputs
from services.runtime.settings import Settings

STOP_S = 2.0
CLOSE_S = 2.0
DATABASE_TRIES_MAX = 60
DATABASE_PAUSE_S = 0.5
BACKLOG = 1_024
HEADERS_MS = 10_000
HEADERS_BYTES_MAX = 64 << 10
STATIC = Path(__file__).with_name("static")

__all__ = ["main", "openapi"]


def main(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings))


async def serve(settings: Settings) -> None:
    tokens.create(settings.data)
    async with _opened(settings) as gateway:
        stopping = _told_to_stop()
        server = make_server(make_app(gateway, host=settings.host), settings)
        hub = asyncio.create_task(gateway.hub.run(), name="gateway.live")
        serving = asyncio.create_task(server.serve(), name="gateway.http")
        gc.collect()
        gc.freeze()  # Code and routes are no garbage: looking for some there stops all answers.
        logger.info("gateway.serves", host=settings.host, port=settings.port)
        running = [hub, serving, stopping]
        try:
            ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            gateway.hub.end()
            server.stop()  # type: ignore[no-untyped-call]
            await asyncio.wait([serving], timeout=STOP_S)
        finally:
            for task in running:
                task.cancel()
            await asyncio.wait(running)
    for task in ended:
        task.result()
    logger.info("gateway.stopped")


def _told_to_stop() -> asyncio.Task[Literal[True]]:
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return loop.create_task(stopping.wait(), name="gateway.until_told")


def make_server(app: ASGIApp, settings: Settings) -> Server:
    return Server(
        app,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEADERS_MS, max_buffer_size=HEADERS_BYTES_MAX
        ),
        websockets=False,
        backlog=BACKLOG,
        log_enabled=False,
        log_access=False,
    )


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Gateway]:
    async with AsyncExitStack() as stack:
        bus = await open_bus(settings.nats_url, name="gateway")
        stack.push_async_callback(bus.close)
        await _let_agents_in(settings, stack)
        pool = await _database(settings)
        stack.push_async_callback(_closed, pool)
        outputs = NatsOutputs(bus, settings.workspace)
        log, feed = NatsLog(bus, settings.workspace), NatsFeed(bus, settings.workspace)
        yield make_gateway(settings, bus, outputs, pool, log, feed)


def make_gateway(
    settings: Settings,
    bus: Bus,
    outputs: Outputs,
    pool: Pool,
    log: Log,
    feed: Feed | None = None,
    *,
    static: Path = STATIC,
) -> Gateway:
    rows, asking = Rows(pool), Asking(bus, settings.workspace)
    clock = Clock(rows)
    return Gateway(
        workspace=settings.workspace,
        rows=rows,
        asking=asking,
        clock=clock,
        hub=Hub(bus, rows, asking, clock, settings.workspace),
        measures=Measures(),
        check=tokens.Tokens(settings.data).check,
        wellness=Wellness(rows, asking, clock, version("haulage"), log, feed),
        pages=Pages(static),
        bus=bus,
        outputs=outputs,
        historian=Historian(bus, settings.workspace),
    )


async def _let_agents_in(settings: Settings, stack: AsyncExitStack) -> None:
    """Answer NATS's question who may connect as an agent, if this gateway was given the seed."""
    if not settings.callout_seed:
        return
    bus = await open_bus(settings.callout_url, name="gateway.callout")
    stack.push_async_callback(bus.close)
    await serve_callout(
        bus,
        seed=settings.callout_seed,
        workspace=settings.workspace,
        check_token=partial(_is_agents, settings.agent_token),
    )


def _is_agents(expected: str, _endpoint: str, token: str) -> bool:
    return tokens.is_agents(token, expected)


async def _database(settings: Settings) -> Pool:
    """Raises what the last try raised."""
    for tries_left in reversed(range(DATABASE_TRIES_MAX)):
        try:
            return await open_rows(settings)
        except Exception as error:
            if not is_passing(error) or not tries_left:
                raise
            logger.warning("database.lost", error=str(error), kind=type(error).__name__)
        await asyncio.sleep(DATABASE_PAUSE_S)
    raise AssertionError("the last try returns or raises")


async def _closed(pool: Pool) -> None:
    try:
        async with asyncio.timeout(CLOSE_S):
            await pool.close()
    except TimeoutError:
        pool.terminate()
