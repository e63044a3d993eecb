"""`up` and the services alone: settings from the environment, a log, a signal to stop.

Nothing of a service is imported before its command runs.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number
from msgspec.structs import replace

from services.cli.addresses import complete, own_settings, volumes
from services.cli.failures import FAILED, Failure, Usage
from services.runtime.ports import NoAnswer, Refused
from services.runtime.settings import Settings

Port = Annotated[int | None, Parameter(validator=Number(gte=0, lte=65535))]
Volumes = Annotated[tuple[str, ...], Parameter(name="--volume")]
Tags = Annotated[tuple[str, ...], Parameter(name="--tag")]
Data = Path | None

CANCEL_AGAIN_S = 2.0  # Time to clean up in.
BOTH = ("nats_url", "database_url")

Main = Callable[..., Coroutine[Any, Any, None]]


def up(
    *,
    data: Data = None,
    port: Port = None,
    name: str | None = None,
    volume: Volumes = (),
    compute_user: str | None = None,
    compute: Annotated[bool, Parameter(negative="--no-compute")] = True,
    site: str | None = None,
    tag: Tags = (),
    demo: bool = False,
    once: bool = False,
    capsule: Path | None = None,
) -> int:
    """Run all of Haulage on this machine until Ctrl-C, with an agent for this machine.

    Parameters
    ----------
    data
        The data directory (also HAULAGE_DATA).
    port
        Where the page and the API answer; 8181 if left out, 0 for any.
    name
        What this machine's endpoint is called; its host name if left out.
    volume
        A folder to serve, as CODE=PATH; may be given several times.
    compute_user
        The user that commands of compute jobs run as; who starts this if left out, but never root.
    compute
        Run commands of compute jobs on this machine.
    site
        Where this machine stands, for jobs that ask for it.
    tag
        A word that jobs may ask for; may be given several times.
    demo
        Make files, a second agent and jobs to look at.
    once
        With --demo: end when its jobs are done.
    capsule
        Open this file, which `haulage capsule` wrote, to be read: no agent, no scheduler.
    """
    if capsule is not None:
        if demo or volume or once:
            raise Usage("a capsule is only read: leave out --demo, --once and --volume")
        return _opened(capsule, data, port)
    from services.supervisor.main import up as run

    if once and not demo:
        raise Usage("--once goes with --demo")
    settings = own_settings(data)
    settings = replace(
        settings,
        port=settings.port if port is None else port,
        agent_name=name or settings.agent_name,
        agent_volumes={**settings.agent_volumes, **volumes(volume)},
    )
    settings = computing(settings, compute_user, site, tag)
    if settings.agent_name:
        check_name(settings.agent_name)
    return asyncio.run(run(settings, demo=demo, once=once, compute=compute))


def _opened(capsule: Path, data: Path | None, port: int | None) -> int:
    from projections.capsule import BadCapsule, read
    from services.cli.opened import run

    settings = own_settings(data)
    log("capsule", settings)
    try:
        header, body = read(capsule.read_bytes())
    except OSError as error:
        raise Failure(f"{capsule} cannot be read: {error.strerror}") from None
    except BadCapsule as error:
        raise Failure(f"{capsule} cannot be opened: {error}") from None
    return run(header, body, replace(settings, port=settings.port if port is None else port), data)


def computing(
    settings: Settings, user: str | None, site: str | None, tags: tuple[str, ...]
) -> Settings:
    """With what the options say of commands, where they say something."""
    return replace(
        settings,
        agent_compute_user=user if user is not None else settings.agent_compute_user,
        agent_site=site if site is not None else settings.agent_site,
        agent_tags=tags or settings.agent_tags,
    )


def check_name(name: str) -> None:
    from services.agent.identity import Refused as NoIdentity
    from services.agent.identity import check_name as check

    try:
        check(name)
    except NoIdentity as error:
        raise Failure(str(error)) from None


def scheduler(*, data: Data = None) -> int:
    """Run a scheduler. One leads, others stand by.

    Parameters
    ----------
    data
        The data directory (also HAULAGE_DATA).
    """
    return serve("scheduler", complete(own_settings(data), "nats_url"))


def projector(*, data: Data = None) -> int:
    """Run a projector: keep the read side up with the log.

    Parameters
    ----------
    data
        The data directory (also HAULAGE_DATA).
    """
    return serve("projector", complete(own_settings(data), *BOTH))


def historian(*, data: Data = None) -> int:
    """Run a historian: keep instants of the log, and open any on demand.

    Parameters
    ----------
    data
        The data directory (also HAULAGE_DATA).
    """
    return serve("historian", complete(own_settings(data), *BOTH))


def gateway(*, data: Data = None, port: Port = None) -> int:
    """Run a gateway: the API and the page.

    Parameters
    ----------
    data
        The data directory (also HAULAGE_DATA).
    port
        Where it answers.
    """
    settings = complete(own_settings(data), *BOTH)
    log("gateway", settings)
    code = import_module("services.gateway.main")
    code.main(settings if port is None else replace(settings, port=port))
    return 0


def log(service: str, settings: Settings) -> None:
    from services.runtime.log import configure

    configure(service, settings.log_level)


def serve(service: str, settings: Settings, *refusals: type[Exception], **more: str | None) -> int:
    """Run a service to its end; `refusals` are those of its errors that a person can mend."""
    log(service, settings)
    main: Main = import_module(f"services.{service}.main").main
    import uvloop

    mendable: tuple[type[Exception], ...] = (NoAnswer, Refused, *refusals)
    try:
        return uvloop.run(_until_told(service, main(settings, **more)))
    except Exception as error:
        cause = _cause(error)
        if isinstance(cause, mendable):
            raise Failure(f"{service}: {cause}") from None
        from services.runtime.log import logger

        logger.exception("service.failed", service=service)
        return FAILED


def _cause(error: Exception) -> Exception:
    """What a group holds that holds nothing else."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


async def _until_told(service: str, main: Coroutine[Any, Any, None]) -> int:
    """Serve until SIGINT or SIGTERM. Raises what the service raises."""
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    work = asyncio.create_task(main, name=service)
    stopping = asyncio.create_task(_stop(work, told), name="stop")
    await asyncio.wait([work])
    stopping.cancel()
    if not work.cancelled():
        work.result()
    return 0


async def _stop(work: asyncio.Task[None], told: asyncio.Event) -> None:
    """Cancel until it has ended: `wait_for` of Python 3.11 forgets a cancellation that comes
    together with what it waits for.
    """
    await told.wait()
    while not work.done():
        work.cancel()
        await asyncio.sleep(CANCEL_AGAIN_S)
