"""Where the gateway is and which token opens it: options, then settings, then the data directory
of this machine. The token of the data directory is only ever sent to that directory's gateway.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

import msgspec
from cyclopts import Group, Parameter

from services.cli.failures import Failure, Usage
from services.runtime import settings

_GROUP = Group("Connection", sort_key=100)
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@Parameter(name="*")
@dataclass(frozen=True)
class Connection:
    """The options of every command that talks to the gateway."""

    url: Annotated[str | None, Parameter(group=_GROUP)] = None
    """Where Haulage answers (also HAULAGE_URL)."""

    token: Annotated[str | None, Parameter(group=_GROUP)] = None
    """The token to show. Better in HAULAGE_TOKEN: others can read your command line."""

    data: Annotated[Path | None, Parameter(group=_GROUP)] = None
    """The data directory of `haulage up` on this machine (also HAULAGE_DATA)."""


HERE = Connection()


class Connect(msgspec.Struct, frozen=True):
    """What the CLI needs of DATA/connect.json."""

    gateway_url: str


class Target(msgspec.Struct, frozen=True):
    url: str
    token: str


def find(connection: Connection) -> Target:
    """Raises Usage for an address that is none, Failure when there is no token for it."""
    known = load()
    data = connection.data or known.data
    own = _own_url(data) or f"http://127.0.0.1:{known.port}"
    url = _checked(connection.url or known.url or own)
    given = connection.token or known.token
    return Target(url, _clean(given) if given else _own_token(data, url, own))


def load() -> settings.Settings:
    try:
        return settings.load(os.environ)
    except settings.Misconfigured as error:
        raise Failure(str(error)) from None


def _own_url(data: Path) -> str | None:
    try:
        return msgspec.json.decode((data / "connect.json").read_bytes(), type=Connect).gateway_url
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise Failure(f"{data / 'connect.json'} cannot be read: {error}") from None


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not url.isascii() or not url.isprintable() or " " in url:
        raise Usage(f"{url!r} is not an address: write it like http://127.0.0.1:8181")
    return url.rstrip("/")


def _own_token(data: Path, url: str, own: str) -> str:
    if _place(urlsplit(url)) != _place(urlsplit(own)):
        raise Failure(f"no token for {url}: set HAULAGE_TOKEN or give --token")
    try:
        return _clean((data / "token").read_text())
    except (FileNotFoundError, NotADirectoryError):
        raise Failure(
            f"there is no token in {data}: start Haulage here with `haulage up`, "
            "or set HAULAGE_URL and HAULAGE_TOKEN to reach it elsewhere"
        ) from None
    except (OSError, ValueError) as error:
        raise Failure(f"the token in {data} cannot be read: {error}") from None


def _place(parts: SplitResult) -> tuple[str, str, int]:
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, "127.0.0.1" if host in _LOOPBACK else host, port


def _clean(token: str) -> str:
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise Usage("that is not a token: a token is one word of plain letters, digits, - and _")
    return token
