"""Who may ask: the tokens of people and of agents, kept in files of the data directory.

`token` is the first person's (an admin's) token in clear, for the CLI and the page on this
machine; `tokens.json` holds only hashes. `agent-token` is what agents join with. All are made
once and have mode 0600. A token is 256 random bits, so that a plain hash of it is no weakness.
"""

from __future__ import annotations

import fcntl
import hmac
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from events.codec import SCHEDULER
from services.scheduler.commands import NAME_MAX, Actor, Role

TOKEN_MAX = 256


class Known(Struct, frozen=True, forbid_unknown_fields=True):
    """A person's token as it is kept."""

    sha256: str
    name: str
    role: Role


class Tokens:
    """The people of a data directory; a change of the file counts from the next check on."""

    def __init__(self, data: Path) -> None:
        self._path = data / "tokens.json"
        self._seen: tuple[int, int, int] | None = None
        self._actors: dict[str, Actor] = {}

    def check(self, token: str) -> Actor | None:
        """Whose token is this? None: nobody's."""
        if len(token) > TOKEN_MAX:
            return None
        self._reload()
        return self._actors.get(_hash(token))

    def _reload(self) -> None:
        stat = self._path.stat()
        seen = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
        if seen == self._seen:
            return
        known = people(self._path.parent)
        self._actors = {one.sha256: Actor(one.name, one.role) for one in known}
        self._seen = seen


def create(data: Path) -> None:
    """Make what is missing; never change what is there."""
    if not (data / "tokens.json").exists():
        token = _kept_or_new(data / "token")
        first = Known(_hash(token), "admin", Role.ADMIN)
        write_private(data / "tokens.json", msgspec.json.encode([first]) + b"\n")
    _kept_or_new(data / "agent-token")


def add(data: Path, name: str, role: Role) -> str:
    """Make a token for a person and return it; only its hash is kept.

    Raises ValueError for a name that cannot be one, or is known with another role.
    """
    if not name.isprintable() or not 0 < len(name) <= NAME_MAX or name != name.strip():
        raise ValueError(f"a name is 1 to {NAME_MAX} printable characters")
    if name == SCHEDULER or "/" in name:
        raise ValueError(f"{name} is not a person's name: the log uses it for others")
    token = secrets.token_urlsafe(32)
    with _alone(data):
        known = people(data)
        if any(one.name == name and one.role != role for one in known):
            raise ValueError(f"{name} is known here with another role: choose another name")
        content = msgspec.json.encode([*known, Known(_hash(token), name, role)])
        write_private(data / "tokens.json", content + b"\n")
    return token


def people(data: Path) -> list[Known]:
    """Everybody who has a token, in the order in which they got it."""
    return msgspec.json.decode((data / "tokens.json").read_bytes(), type=list[Known])


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Two who add at the same time must not lose one of them."""
    directory = os.open(data, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def read(path: Path) -> str:
    """The token in a file (`data/"token"`, `data/"agent-token"`)."""
    return path.read_text().strip()


def is_agents(token: str, expected: str) -> bool:
    """Does an agent show the token that agents join with?"""
    return bool(expected) and hmac.compare_digest(token.encode(), expected.encode())


def write_private(path: Path, content: bytes) -> None:
    """Replace a file whole or not at all; nobody else can read it at any instant."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    beside.replace(path)


def _kept_or_new(path: Path) -> str:
    if not path.exists():
        write_private(path, f"{secrets.token_urlsafe(32)}\n".encode())
    return read(path)


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
