"""`haulage up`: everything on one machine, in the foreground, from one command.

Starts the servers, then the services, then the agents; says on stdout in one line when all of it
answers; keeps it running; on SIGINT, SIGTERM or SIGHUP stops it in reverse order.
"""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sys

from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console

from services.runtime import privileges, tokens
from services.runtime.embedded import Unusable
from services.runtime.log import configure, logger
from services.runtime.settings import Settings
from services.supervisor import demo as _demo
from services.supervisor import directory, fleet
from services.supervisor.api import NoSuccess
from services.supervisor.children import Child, KeepsEnding, Kept, stop_all
from services.supervisor.directory import Connect, Refused
from services.supervisor.fleet import AgentNamed, Fleet


class Show(Struct, frozen=True):
    """What to do besides running."""

    demo: bool = False
    once: bool = False


async def up(
    settings: Settings, *, demo: bool = False, once: bool = False, compute: bool = True
) -> int:
    """Run until told to stop; the exit status. `once` ends a demo when its work is done.

    With `compute` the agents here run commands.
    """
    configure("up", settings.log_level)
    settings = _demo.settled(settings) if demo else settings
    settings = replace(settings, data=settings.data.absolute())
    try:
        with directory.held(settings.data) as lock:
            agents = _demo.prepare(settings.data) if demo else [_own_agent(settings)]
            agents = [_computing(one, settings, demo=demo) for one in agents if compute] or agents
            planned = replace(_prepare(settings, agents, lock), log_files=demo)
            return await _until_told(planned, Show(demo=demo, once=once))
    except (Refused, Unusable, KeepsEnding, NoSuccess) as error:
        print(f"haulage up: {error}", file=sys.stderr)
        return 1


def _prepare(settings: Settings, agents: list[AgentNamed], lock: int) -> Fleet:
    """Make what is made once, choose the ports, and write down where things will answer."""
    data = settings.data
    tokens.create(data)
    kept = directory.load_connect(data)
    settings = replace(
        settings, port=directory.gateway_port(settings.host, settings.port, kept.gateway_port)
    )
    nats_port = directory.nats_port(kept.nats_port)
    planned = fleet.plan_fleet(settings, directory.load_secrets(data), nats_port, agents, lock)
    directory.save_connect(data, _connect(planned, nats_port))
    return planned


def _own_agent(settings: Settings) -> AgentNamed:
    """This machine's agent. Without volumes of its own it serves `files`, in the data directory."""
    volumes = dict(settings.agent_volumes)
    if not volumes:
        files = settings.data / "files"
        files.mkdir(exist_ok=True)
        volumes = {"files": str(files)}
    return AgentNamed(settings.agent_name or _machine_name(socket.gethostname()), volumes)


def _computing(agent: AgentNamed, settings: Settings, *, demo: bool) -> AgentNamed:
    """It runs commands as who it is told, else as who started this; root has to be told."""
    user = settings.agent_compute_user or privileges.own_user()
    if user == "root" and not settings.agent_compute_user:
        user = "nobody" if demo else ""
    if not user:
        logger.warning("up.no_commands", why="started by root: name a user with --compute-user")
    return replace(agent, compute_user=user)


def _machine_name(host: str) -> str:
    """The host's name as far as it can name an endpoint."""
    first = host.split(".")[0]
    return re.sub("[^A-Za-z0-9_-]", "-", first).strip("-_")[:64] or "machine"


def _connect(planned: Fleet, nats_port: int) -> Connect:
    started = {"nats_url": planned.nats, "database_url": planned.postgres}
    return Connect(
        gateway_url=planned.gateway_url,
        nats_url=planned.nats_address,
        workspace=planned.settings.workspace,
        gateway_port=planned.settings.port,
        nats_port=nats_port,
        given=[name for name, server in started.items() if server is None],
        open_to_agents=planned.agents_nats_url == planned.nats_address,
    )


async def _until_told(planned: Fleet, show: Show) -> int:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    asking = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # Not under nohup.
        asking.append(signal.SIGHUP)
    for number in asking:
        loop.add_signal_handler(number, told.set)
    kept: list[Kept] = []
    work = asyncio.create_task(_run(planned, kept, show), name="run")
    waiting = asyncio.create_task(told.wait(), name="told")
    try:
        await asyncio.wait([work, waiting], return_when=asyncio.FIRST_COMPLETED)
        return work.result() if work.done() else 0
    finally:
        waiting.cancel()
        work.cancel()
        await asyncio.wait([work])
        await stop_all(kept)
        logger.info("up.stopped")


async def _run(planned: Fleet, kept: list[Kept], show: Show) -> int:
    """Start in order, say so, and stay; a demo `once` ends by itself."""
    for children in (fleet.servers(planned), fleet.backends(planned), fleet.agents(planned)):
        await _start(children, kept)
    print(f"ready {planned.gateway_url}", flush=True)
    tasks = [asyncio.create_task(_watch(kept), name="watch")]
    if show.demo:
        tasks.append(asyncio.create_task(_demo.drive(planned, Console()), name="demo"))
    try:
        return await _first_to_end(tasks, show)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _first_to_end(tasks: list[asyncio.Task[int]], show: Show) -> int:
    """A demo that went well does not end the run, unless `once`."""
    watching, *others = tasks
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done.intersection(others):
        if show.once or task.exception() is not None:
            return task.result()
    return await watching


async def _watch(kept: list[Kept]) -> int:
    """Returns never; raises what ended the keeping of one of them."""
    await asyncio.gather(*(one.watch() for one in kept))
    return 0


async def _start(children: list[Child], kept: list[Kept]) -> None:
    new = [Kept(child) for child in children]
    kept += new
    try:
        async with asyncio.TaskGroup() as group:
            for one in new:
                group.create_task(one.start())
    except ExceptionGroup as several:
        raise several.exceptions[0] from None
