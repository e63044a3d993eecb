"""What a service that was started by hand is told: by options and settings, and, where they say
nothing, by what `haulage up` wrote down in the data directory. Starts nothing.
"""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from services.cli import screen
from services.cli.connection import load
from services.cli.failures import Failure, Usage
from services.runtime.settings import Settings


def own_settings(data: Path | None) -> Settings:
    settings = load()
    return replace(settings, data=(data or settings.data).absolute())


def _store(url: str) -> str:
    """A bucket, `s3://bucket/prefix`, and no folder of this machine. Raises Usage."""
    from services.agent.cloud import SCHEMES, is_cloud

    if not is_cloud(url):
        known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise Usage(f"{url!r} is no store that an agent can serve: write one of {known}")
    return url


def volumes(given: tuple[str, ...]) -> dict[str, str]:
    """CODE=PATH or CODE=s3://bucket/prefix as typed. Raises Usage."""
    named: dict[str, str] = {}
    for one in given:
        code, _, path = one.partition("=")
        if not code or not path:
            raise Usage(f"{one!r} is not a volume: write it as CODE=PATH")
        if code in named:
            raise Usage(f"the volume {code} is given twice")
        if "://" in path:
            named[code] = _store(path)
            continue
        if not Path(path).is_dir():
            screen.note(f"{path} is not a folder now: the volume {code} is offline until it is")
        named[code] = str(Path(path).absolute())
    return named


def address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":") if ":" in listen else (listen, "", "0")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise Usage(f"{listen!r} is not an address: write it as HOST or HOST:PORT")
    return host.strip("[]"), int(port)


def joining(settings: Settings) -> Settings:
    """What an agent that was started by hand finds out about `haulage up` on this machine."""
    from services.runtime import tokens
    from services.supervisor.directory import load_connect

    kept = load_connect(settings.data)
    nats_url = settings.nats_url or kept.nats_url
    if not nats_url:
        raise _unknown(settings, "HAULAGE_NATS_URL and HAULAGE_AGENT_TOKEN")
    if not settings.nats_url and not kept.open_to_agents:
        raise Failure(
            f"the NATS server at {kept.nats_url} lets agents in by credentials, which are not kept "
            f"in {settings.data}: give its address with them, by --nats-url or HAULAGE_NATS_URL"
        )
    token = settings.agent_token
    if not token and (settings.data / "agent-token").exists():
        token = tokens.read(settings.data / "agent-token")
    return replace(settings, nats_url=nats_url, agent_token=token)


def complete(settings: Settings, *needed: str) -> Settings:
    """Addresses that were not given are those of `haulage up` on this data directory."""
    missing = [name for name in needed if not getattr(settings, name)]
    if not missing:
        return settings
    if not (settings.data / "connect.json").exists():
        raise _unknown(settings, _variables(missing))
    from services.supervisor.directory import load_connect, load_secrets
    from services.supervisor.fleet import plan_fleet

    kept = load_connect(settings.data)
    if given := [name for name in missing if name in kept.given]:
        raise Failure(
            f"`haulage up` in {settings.data} uses servers that it did not start: "
            f"set {_variables(given)} here as there"
        )
    planned = plan_fleet(settings, load_secrets(settings.data), kept.nats_port, [], -1)
    return planned.settings


def _variables(names: list[str]) -> str:
    return " and ".join(f"HAULAGE_{name.upper()}" for name in names)


def _unknown(settings: Settings, variables: str) -> Failure:
    return Failure(
        f"nothing was ever started in {settings.data}: run `haulage up` there first, "
        f"or set {variables}"
    )
