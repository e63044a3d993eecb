"""What a process of ours is told from outside: defaults, then a TOML file, then `HAULAGE_…`.

One flat frozen struct for every service; a key that nobody knows is refused by name, so that a
misspelt setting is never silently ignored. Opens no connection and makes no directory.

In the environment a field is its name in capitals behind `HAULAGE_`; a table or list is
written as JSON (`HAULAGE_AGENT_VOLUMES='{"projects": "/srv/projects"}'`). `HAULAGE_CONFIG` names
the TOML file when nobody else does.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

PREFIX = "HAULAGE_"
IN_JSON = ("agent_volumes", "agent_tags")
CONFIG = "HAULAGE_CONFIG"


class Misconfigured(Exception):
    """A setting is unknown or has no such value; the text says which and where it came from."""


def default_data() -> Path:
    """The platform's place for the data of this program: root's is the machine's."""
    import platformdirs

    if os.geteuid() == 0:
        return platformdirs.site_state_path("haulage", appauthor=False)
    return platformdirs.user_data_path("haulage", appauthor=False)


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Every setting there is. Addresses and secrets are "" when they are not known.

    `nats_url` and `database_url` carry their credentials; given to `up` they mean: use that
    server, start none. `callout_url` and `callout_seed` are what the gateway answers NATS's
    question "may this agent in?" with; `agent_token` is what an agent shows. An agent's own
    `nats_url` has no credentials in it. It opens no port without `agent_listen`, and joins up to
    `agent_relay` connections of agents that cannot dial each other. Commands run on an agent's
    machine only as its `agent_compute_user`, and not at all without one; `agent_site` and
    `agent_tags` are what jobs may ask for. `url` and `token` are where the CLI finds the gateway.
    """

    data: Path = field(default_factory=default_data)
    workspace: str = "main"
    host: str = "127.0.0.1"
    port: int = 8181
    nats_url: str = ""
    database_url: str = ""
    callout_url: str = ""
    callout_seed: str = ""
    agent_token: str = ""
    agent_name: str = ""
    agent_volumes: dict[str, str] = {}
    agent_host: str = "127.0.0.1"
    agent_port: int = 0
    agent_listen: bool = True
    agent_relay: int = 0
    agent_compute_user: str = ""
    agent_site: str = ""
    agent_tags: tuple[str, ...] = ()
    url: str = ""
    token: str = ""
    log_level: str = "info"


def load(environ: Mapping[str, str], toml: Path | None = None) -> Settings:
    """Raises Misconfigured."""
    chosen: Path | None = toml
    if chosen is None and CONFIG in environ:
        chosen = Path(environ[CONFIG])
    values = _from_toml(chosen) if chosen is not None else {}
    source = str(chosen) if chosen is not None else "settings"
    settings = _convert(values, source)
    values.update(_from_environment(environ))
    return _convert(values, "environment") if values else settings


def environment(settings: Settings) -> dict[str, str]:
    """The `HAULAGE_…` variables that `load` makes these settings of again."""
    return {
        PREFIX + name.upper(): value if isinstance(value, str) else _written(value)
        for name, value in msgspec.structs.asdict(settings).items()
    }


def _written(value: object) -> str:
    return str(value) if isinstance(value, Path | int) else msgspec.json.encode(value).decode()


def _from_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Misconfigured(f"{path}: {error}") from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Refuses an unknown variable here, where its name is still as the person wrote it."""
    values: dict[str, Any] = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable == CONFIG:
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in Settings.__struct_fields__:
            raise Misconfigured(f"environment: there is no setting {variable}")
        values[name] = _table(variable, text) if name in IN_JSON else text
    return values


def _table(variable: str, text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise Misconfigured(f"environment: {variable} is not JSON: {error}") from error


def _convert(values: dict[str, Any], source: str) -> Settings:
    try:
        return msgspec.convert(values, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"{source}: {error}") from error


def _path(kind: type, value: object) -> Path:
    if kind is Path and isinstance(value, str):
        return Path(value).expanduser()
    raise NotImplementedError(kind)
