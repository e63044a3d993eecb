"""`haulage agent`: what an operator allows of a machine, as options over the settings."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from msgspec.structs import replace

from services.cli.addresses import address, joining, own_settings, volumes
from services.cli.failures import Usage
from services.cli.processes import Data, Tags, Volumes, check_name, computing, serve
from services.runtime.settings import Settings

Connections = Annotated[int | None, Parameter(validator=Number(gte=0, lte=10_000))]
Silent = Annotated[bool, Parameter(name="--no-listen", negative="")]


def agent(
    *,
    name: str | None = None,
    volume: Volumes = (),
    listen: str | None = None,
    no_listen: Silent = False,
    url: str | None = None,
    relay: Connections = None,
    compute_user: str | None = None,
    site: str | None = None,
    tag: Tags = (),
    nats_url: str | None = None,
    data: Data = None,
) -> int:
    """Run an agent: serve folders of this machine, and run commands on it if you allow that.

    Parameters
    ----------
    name
        What the endpoint is called.
    volume
        A folder to serve, as CODE=PATH; may be given several times.
    listen
        Where to serve bytes, as HOST or HOST:PORT.
    no_listen
        Open no port: this machine dials those that it sends to and receives from.
    url
        Where other agents reach this one, if not where it listens.
    relay
        Join up to this many connections of machines that cannot dial each other.
    compute_user
        Allow commands of compute jobs on this machine, run as this user; none run if left out.
    site
        Where this machine stands, for jobs that ask for it.
    tag
        A word that jobs may ask for; may be given several times.
    nats_url
        Where the bus answers; without it that of `haulage up` on this machine.
    data
        The data directory (also HAULAGE_DATA).
    """
    settings = own_settings(data)
    settings = replace(
        settings,
        nats_url=nats_url or settings.nats_url,
        agent_name=name or settings.agent_name,
        agent_volumes={**settings.agent_volumes, **volumes(volume)},
    )
    settings = _listening(settings, listen, no_listen, url, relay)
    settings = computing(settings, compute_user, site, tag)
    if not settings.agent_name:
        raise Usage("an agent has a name: give it with --name")
    if not settings.agent_volumes and not settings.agent_compute_user and not settings.agent_relay:
        raise Usage(
            "an agent serves folders, runs commands or relays: "
            "give it --volume CODE=PATH, --compute-user or --relay"
        )
    check_name(settings.agent_name)
    from services.agent.identity import Refused as NoIdentity

    return serve("agent", joining(settings), NoIdentity, url=url)


def _listening(
    settings: Settings, listen: str | None, no_listen: bool, url: str | None, relay: int | None
) -> Settings:
    """With what the options say of who may dial here."""
    given = {"--listen": listen, "--url": url, "--relay": relay}
    told = [option for option, value in given.items() if value]
    if no_listen and told:
        raise Usage(f"--no-listen and {told[0]} contradict each other: leave one of them out")
    host, port = address(listen) if listen else (settings.agent_host, settings.agent_port)
    return replace(
        settings,
        agent_host=host,
        agent_port=port,
        agent_listen=not no_listen and (settings.agent_listen or bool(listen)),
        agent_relay=settings.agent_relay if relay is None else relay,
    )
