"""The agent process of an endpoint: beats, follows orders, serves bytes, moves bytes.

Everything that blocks (disks, sockets with bytes) is in threads; the loop speaks to the bus. With
no scheduler to be heard the runs go on and their reports wait. Not let in, it tries again: the bus
does not say whether nobody was there to let it in or its token is wrong. Refused by the scheduler
at its start, it ends. Cancelled, it stops its runs at once, says goodbye and is gone within STOP_S,
whatever its disks do.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from events.ids import CHANCE_BYTES, new_id
from services.agent.agent import Agent
from services.agent.certificate import Certificate, kept_or_made
from services.agent.identity import Identity, Refused
from services.agent.limits import raise_descriptors
from services.agent.machine import Allowed, allowed
from services.agent.relay import Relay
from services.agent.reports import Post
from services.agent.serve import ByteServer
from services.agent.service import GOODBYE_S, Reached, Service
from services.agent.serving import Serving
from services.agent.tls import shown
from services.agent.trust import Trust
from services.agent.volumes import AnyVolume, volume_at
from services.agent.watch import Watch
from services.runtime.bus import NatsBus, open_bus
from services.runtime.log import logger
from services.runtime.ports import Bus
from services.runtime.ports import Refused as NotLetIn
from services.runtime.settings import Settings

JOIN_AGAIN_MIN_S = 1.0
JOIN_AGAIN_MAX_S = 10.0
STOP_S = 2.0
EVERYWHERE = ("0.0.0.0", "::")
TOKEN = (
    "no gateway answers, the agent token is wrong, "
    "or this server asks no gateway and wants credentials in its address"
)
OWN_CREDENTIALS = "the credentials in the server's address are wrong"


async def main(
    settings: Settings,
    *,
    name: str | None = None,
    volumes: Mapping[str, Path] | None = None,
    url: str | None = None,
) -> None:
    """Serve until cancelled. What is not given is as in the settings.

    `url` is where other agents reach this one, if not at the address that it listens on.
    """
    name = name or settings.agent_name
    named = volumes or settings.agent_volumes
    where = (settings.agent_host, settings.agent_port) if settings.agent_listen else None
    commands = allowed(
        settings.agent_compute_user, site=settings.agent_site, tags=settings.agent_tags
    )
    identity = Identity(settings.data, name)
    try:
        certificate = kept_or_made(identity.folder)
        bus = await _join(settings, name, identity.endpoint)
        session = new_id(datetime.now(UTC), os.urandom(CHANCE_BYTES))
        post = Post(bus, settings.workspace, identity.endpoint, session)
        staging = identity.folder / "cloud"
        opened = {code: volume_at(code, str(root), staging) for code, root in named.items()}
        try:
            await serve(
                post,
                name=name,
                volumes=opened,
                listen=where,
                certificate=certificate,
                url=url,
                relays=settings.agent_relay,
                commands=commands,
            )
        finally:
            await _close(bus)
    finally:
        identity.release()


async def _join(settings: Settings, name: str, endpoint: str) -> NatsBus:
    """Try until let in. Raises NoAnswer when there is no server at all.

    A server without our callout knows the agent by the credentials in its address.
    """
    known = urlsplit(settings.nats_url).username is not None
    pause_s = JOIN_AGAIN_MIN_S
    while True:
        try:
            return await open_bus(
                settings.nats_url,
                name=f"agent {name}",
                user=None if known else endpoint,
                password=None if known else settings.agent_token,
                inbox_prefix=f"_INBOX_{endpoint}",
            )
        except NotLetIn:
            why = OWN_CREDENTIALS if known else TOKEN
            logger.warning("agent.not_let_in", endpoint=endpoint, why=why, again_in_s=pause_s)
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, JOIN_AGAIN_MAX_S)


async def _close(bus: Bus) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STOP_S - GOODBYE_S):
            await bus.close()


async def serve(
    post: Post,
    *,
    name: str,
    volumes: Mapping[str, AnyVolume],
    listen: tuple[str, int] | None,
    certificate: Certificate,
    url: str | None = None,
    relays: int = 0,
    commands: Allowed | None = None,
) -> None:
    """Be the agent on an open bus, until cancelled. Raises (in a group) Refused.

    Without `listen` nobody can dial it. `relays` is how many connections of others it joins, and
    `commands` what the operator allowed; None: no command runs here.
    """
    raise_descriptors()
    watch = Watch(volumes)
    async with asyncio.TaskGroup() as tasks:
        permission = commands.permission if commands else None
        trust = Trust(post.endpoint)
        serving = Serving(volumes, trust.check, shown(certificate.path), Relay(relays))
        agent = Agent(post, serving, trust, tasks, permission)
        server = _listen(listen, serving) if listen else None
        machine = commands.machine if commands else None
        where = Reached(_url(server, url), certificate.fingerprint, relays if server else 0)
        service = Service(post, name, agent, watch, where, machine)
        try:
            await service.live()
        finally:
            agent.stop()
            if server is not None:
                server.stop()
            serving.stop()
            watch.stop()
            await service.say_goodbye()


def _listen(where: tuple[str, int], serving: Serving) -> ByteServer:
    try:
        server = ByteServer(*where, serving)
    except OSError as error:
        host, port = where
        raise Refused(f"cannot serve bytes at {host}:{port}: {error.strerror}") from error
    server.start()
    return server


def _url(server: ByteServer | None, told: str | None) -> str:
    """Where others reach it."""
    if server is None:
        return ""
    if told:
        return told
    host, port = server.address
    host = socket.gethostname() if host in EVERYWHERE else host
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
