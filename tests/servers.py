"""Real servers for tests: started, killed and started again on the same data, by process id."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from services.runtime import database
from services.runtime.embedded import NatsServer, Postgres, issuer_of, new_issuer, postgres_at
from services.runtime.privileges import before_exec

RESERVED = "max_file_store: 1TB"
"""Each workspace sets 2 GiB aside for process logs, and no test fills them."""
READY_S = 20.0
STOP_S = 10.0


class Nats:
    """A nats-server as the product configures it; `issuer_seed` signs what agents may do."""

    def __init__(self, directory: Path) -> None:
        self.issuer_seed = new_issuer()
        issuer = issuer_of(self.issuer_seed)
        self.server = NatsServer(directory, free_port(), issuer, "backend-pw", "callout-pw", "sys")
        self._log = directory.with_name(f"{directory.name}.log")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As the services connect, with credentials."""
        return self.server.url()

    @property
    def callout_url(self) -> str:
        return self.server.url("callout")

    @property
    def agents_url(self) -> str:
        """As agents connect: they show credentials of their own."""
        return f"nats://{self.server.address}"

    def start(self) -> None:
        command = self.server.prepare()
        config = Path(command[-1])
        config.write_text(
            config.read_text().replace("max_memory_store", f"{RESERVED}\n  max_memory_store")
        )
        self._process = _start(command, log=self._log)
        _wait_until(self._greets, self._process, self._log)

    def kill(self) -> None:
        """SIGKILL, reaped."""
        _end(self._process, signal.SIGKILL)

    def stop(self) -> None:
        _end(self._process, signal.SIGTERM)

    def _greets(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.server.port), 1) as s:
            return s.recv(5) == b"INFO "
        return False


class Database:
    """A PostgreSQL as the product configures it, but for `fsync`."""

    def __init__(self, directory: Path, *, fsync: bool = False) -> None:
        self.postgres: Postgres = postgres_at(directory)
        self._fsync = fsync
        self._log = directory.with_name(f"{directory.name}.log")
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, name: str = "haulage") -> str:
        return self.postgres.url(name)

    def start(self) -> None:
        command = self.postgres.prepare(fsync="on" if self._fsync else "off")
        self._process = _start(
            command,
            log=self._log,
            env=self.postgres.environ,
            preexec_fn=before_exec(self.postgres.account, death=signal.SIGQUIT),
        )
        _wait_until(self._answers, self._process, self._log)

    def kill(self) -> None:
        """SIGKILL of the server's first process, reaped; its others end by themselves."""
        _end(self._process, signal.SIGKILL)

    def stop(self) -> None:
        _end(self._process, signal.SIGINT)

    def _answers(self) -> bool:
        with ThreadPoolExecutor(1) as elsewhere:
            return elsewhere.submit(asyncio.run, database.answers(self.url())).result()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start(
    command: list[str],
    *,
    log: Path,
    env: dict[str, str] | None = None,
    preexec_fn: Callable[[], None] | None = None,
) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=env,
            cwd="/",
            preexec_fn=preexec_fn or before_exec(),
        )


def _wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    ends_by = time.monotonic() + READY_S
    while not ready():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < ends_by, f"not ready in {READY_S} s: {log.read_text()}"
        time.sleep(0.02)


def _end(process: subprocess.Popen[bytes] | None, number: signal.Signals) -> None:
    if process is None or process.poll() is not None:
        return
    os.kill(process.pid, number)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_S)
        raise
