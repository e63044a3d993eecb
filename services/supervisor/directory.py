"""The data directory: who may use it now, what is kept in it, which ports were chosen.

One `up` at a time holds a directory. The lock is passed on to every child, so that it is free
only when the last process of an earlier `up` has ended: two servers on one store destroy it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct, field

from services.runtime import tokens
from services.runtime.embedded import new_issuer

EARLIER_ENDS_S = 10.0
NATS_PORTS = range(20_000, 32_000)
PORT_TRIES_MAX = 50


class Refused(Exception):
    """Nothing was started; the text is for the person who asked."""


def _password() -> str:
    return secrets.token_urlsafe(24)


class Secrets(Struct, frozen=True):
    """What the processes of one directory prove themselves with; DATA/secrets.json."""

    backend_password: str = field(default_factory=_password)
    callout_password: str = field(default_factory=_password)
    system_password: str = field(default_factory=_password)
    issuer_seed: str = field(default_factory=new_issuer)


class Connect(Struct, frozen=True):
    """Where things answer, for the CLI and for agents started by hand; DATA/connect.json.

    No credentials: `given` are the addresses that `up` was given itself, `open_to_agents` says
    whether an agent comes in at `nats_url` as it stands there.
    """

    gateway_url: str = ""
    nats_url: str = ""
    workspace: str = "main"
    gateway_port: int = 0
    nats_port: int = 0
    given: list[str] = []
    open_to_agents: bool = True


@contextmanager
def held(data: Path) -> Iterator[int]:
    """Hold the directory, made if need be; yields the lock's descriptor for the children.

    Raises Refused.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Refused(f"{data} cannot be used: {error.strerror}; choose with --data") from error
    try:
        _take(lock, data)
        yield lock
    finally:
        os.close(lock)


def _take(lock: int, data: Path) -> None:
    """Refuse at once while another `up` lives; wait for what an earlier one left to end."""
    ends_by = time.monotonic() + EARLIER_ENDS_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _refuse_while_held(lock, data, patient=time.monotonic() < ends_by)
            time.sleep(0.05)
        else:
            os.ftruncate(lock, 0)
            os.pwrite(lock, _mark(os.getpid()), 0)
            return


def _refuse_while_held(lock: int, data: Path, *, patient: bool) -> None:
    mark = os.pread(lock, 64, 0)
    number = mark.split(b" ")[0]
    if number.isdigit() and _mark(int(number)) == mark:
        raise Refused(
            f"{data} is in use by another `haulage up` (process {int(number)}): "
            "stop that one, or choose another directory with --data"
        )
    if not patient:
        raise Refused(
            f"{data} is still in use by processes of an earlier `haulage up`: "
            "wait until they have ended, or end them"
        )


def _mark(pid: int) -> bytes:
    """A process for ever: its number and when it started, which no other has together."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return b""
    return f"{pid} {fields[19]}\n".encode()


def load_secrets(data: Path) -> Secrets:
    """Made at the first start; kept."""
    path = data / "secrets.json"
    if path.exists():
        return msgspec.json.decode(path.read_bytes(), type=Secrets)
    made = Secrets()
    tokens.write_private(path, msgspec.json.encode(made))
    return made


def load_connect(data: Path) -> Connect:
    try:
        return msgspec.json.decode((data / "connect.json").read_bytes(), type=Connect)
    except (FileNotFoundError, msgspec.MsgspecError):
        return Connect()


def save_connect(data: Path, connect: Connect) -> None:
    content = msgspec.json.format(msgspec.json.encode(connect))
    tokens.write_private(data / "connect.json", content + b"\n")


def gateway_port(host: str, asked: int, kept: int) -> int:
    """The port asked for; with 0 the one of the last time or any. Raises Refused if taken."""
    if asked == 0:
        return kept if kept and _is_free(host, kept) else _any_port(host)
    if not _is_free(host, asked):
        raise Refused(f"port {asked} of {host} is taken: choose another with --port")
    return asked


def nats_port(kept: int) -> int:
    """The port of the last time if it is free, else another, from below those that the system
    gives to outgoing connections, so that it stays free while we are down.
    """
    host = "127.0.0.1"
    if kept and _is_free(host, kept):
        return kept
    tries = (secrets.choice(NATS_PORTS) for _ in range(PORT_TRIES_MAX))
    return next((port for port in tries if _is_free(host, port)), 0) or _any_port(host)


def _is_free(host: str, port: int) -> bool:
    with socket.socket(_family(host)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise Refused(f"{host}:{port} cannot be listened on: {error.strerror}") from error
        return True


def _any_port(host: str) -> int:
    with socket.socket(_family(host)) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
