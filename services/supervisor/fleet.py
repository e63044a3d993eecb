"""Which children one machine has, in what order, and what each of them is told.

Each gets the secrets it needs and no others: an agent never sees the password of the services.
A server whose address was given from outside is used and not started.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

import services
from services.runtime import database, tokens
from services.runtime.embedded import NatsServer, Postgres, issuer_of, postgres_at
from services.runtime.settings import PREFIX, Settings, environment
from services.supervisor import probes
from services.supervisor.api import Api
from services.supervisor.children import Child
from services.supervisor.directory import Secrets

ROOT = Path(next(iter(services.__path__))).resolve().parent


class AgentNamed(Struct, frozen=True):
    """An agent to run on this machine, and the folders it serves, by volume code.

    `compute_user` is who commands run as, "" for no commands; `site` is where it stands if nobody
    says.
    """

    name: str
    volumes: dict[str, str]
    compute_user: str = ""
    site: str = ""


class Fleet(Struct, frozen=True):
    """Everything of one `up`. `settings` are complete: every address and secret is in them."""

    settings: Settings
    nats: NatsServer | None
    postgres: Postgres | None
    agents: list[AgentNamed]
    lock: int
    log_files: bool = False

    @property
    def gateway_url(self) -> str:
        host = self.settings.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.settings.port}"

    @property
    def api(self) -> Api:
        """As the person who started it."""
        return Api(self.gateway_url, tokens.read(self.settings.data / "token"))

    @property
    def nats_address(self) -> str:
        """Its URL without credentials."""
        parts = urlsplit(self.settings.nats_url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    @property
    def agents_nats_url(self) -> str:
        """Without credentials: an agent shows its own, unless nobody is there to judge them."""
        return self.nats_address if self.settings.callout_seed else self.settings.nats_url


class OwnPostgres(Struct, frozen=True):
    child: Child
    url: str


def plan_fleet(
    settings: Settings, secrets: Secrets, nats_port: int, agents: list[AgentNamed], lock: int
) -> Fleet:
    """Fill in what was not given from outside; `settings.port` is settled already."""
    nats = None if settings.nats_url else _nats(settings.data, secrets, nats_port)
    postgres = None if settings.database_url else postgres_at(settings.data / "postgres")
    if nats is not None:
        settings = replace(
            settings,
            nats_url=nats.url(),
            callout_url=nats.url("callout"),
            callout_seed=secrets.issuer_seed,
        )
    if postgres is not None:
        settings = replace(settings, database_url=postgres.url())
    token = settings.agent_token or tokens.read(settings.data / "agent-token")
    return Fleet(replace(settings, agent_token=token), nats, postgres, agents, lock)


def _nats(data: Path, secrets: Secrets, port: int) -> NatsServer:
    return NatsServer(
        data.absolute() / "nats",
        port,
        issuer_of(secrets.issuer_seed),
        secrets.backend_password,
        secrets.callout_password,
        secrets.system_password,
    )


def servers(fleet: Fleet) -> list[Child]:
    children = []
    if fleet.nats is not None:
        children.append(_nats_child(fleet, fleet.nats))
    if fleet.postgres is not None:
        children.append(_postgres_child(fleet, fleet.postgres))
    return children


def _nats_child(fleet: Fleet, nats: NatsServer) -> Child:
    return Child(
        "nats-server",
        nats.prepare,
        {"PATH": os.defpath, "GOMEMLIMIT": "1GiB"},
        partial(probes.nats, "127.0.0.1", nats.port),
        log=_log(fleet, "nats-server"),
        descriptors=(fleet.lock,),
    )


def own_postgres(settings: Settings, lock: int) -> OwnPostgres:
    """A PostgreSQL without anything else, in the data directory."""
    postgres = postgres_at(settings.data / "postgres")
    alone = Fleet(settings, None, postgres, [], lock)
    return OwnPostgres(_postgres_child(alone, postgres), postgres.url())


def _postgres_child(fleet: Fleet, postgres: Postgres) -> Child:
    """SIGINT is its fast way to stop; SIGQUIT its fastest, which it recovers from by itself."""
    return Child(
        "postgres",
        postgres.prepare,
        postgres.environ,
        partial(database.answers, postgres.url()),
        account=postgres.account,
        stop=signal.SIGINT,
        death=signal.SIGQUIT,
        log=_log(fleet, "postgres"),
        descriptors=(fleet.lock,),
    )


def backends(fleet: Fleet) -> list[Child]:
    """The services, each told what it needs."""
    whole = fleet.settings
    bus_only = Settings(
        data=whole.data,
        workspace=whole.workspace,
        nats_url=whole.nats_url,
        log_level=whole.log_level,
    )
    reader = replace(bus_only, database_url=whole.database_url)
    gateway = replace(
        reader,
        host=whole.host,
        port=whole.port,
        callout_url=whole.callout_url,
        callout_seed=whole.callout_seed,
        agent_token=whole.agent_token,
    )
    return [
        _service(fleet, "scheduler", bus_only),
        _service(fleet, "projector", reader),
        _service(fleet, "historian", reader),
        _service(fleet, "gateway", gateway, partial(probes.gateway, fleet.api)),
    ]


def agents(fleet: Fleet) -> list[Child]:
    return [
        _service(
            fleet,
            "agent",
            Settings(
                data=fleet.settings.data,
                workspace=fleet.settings.workspace,
                nats_url=fleet.agents_nats_url,
                agent_token=fleet.settings.agent_token,
                agent_name=agent.name,
                agent_volumes=agent.volumes,
                agent_host=fleet.settings.agent_host,
                agent_listen=fleet.settings.agent_listen,
                agent_relay=fleet.settings.agent_relay,
                agent_compute_user=agent.compute_user,
                agent_site=fleet.settings.agent_site or agent.site,
                agent_tags=fleet.settings.agent_tags,
                log_level=fleet.settings.log_level,
            ),
            partial(
                probes.agent, fleet.api, fleet.settings.data / "agents" / agent.name / "endpoint"
            ),
            name=f"agent {agent.name}",
        )
        for agent in fleet.agents
    ]


async def _is_there() -> bool:
    return True


def _service(
    fleet: Fleet,
    service: str,
    settings: Settings,
    ready: Callable[[], Awaitable[bool]] = _is_there,
    name: str = "",
) -> Child:
    command = [sys.executable, "-P", "-m", "services.cli.main", service]
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
    return Child(
        name or service,
        lambda: command,
        inherited | {"PYTHONPATH": str(ROOT)} | environment(settings),
        ready,
        log=_log(fleet, name or service) if fleet.log_files else None,
        descriptors=(fleet.lock,),
    )


def _log(fleet: Fleet, name: str) -> Path:
    return fleet.settings.data / "logs" / f"{name.replace(' ', '-')}.log"
