"""A whole Haulage on this machine: `haulage up` as a process of its own, watched from outside."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

from services.runtime import tokens
from services.runtime.settings import PREFIX
from services.supervisor.api import Api, NoSuccess

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")

READY_S = 60.0
STOP_S = 20.0


class Machine:
    """`haulage up` on one data directory; a context that leaves no process behind.

    `lines` is what it said on stdout, `log` on stderr.
    """

    def __init__(
        self,
        data: Path,
        *options: str,
        environ: dict[str, str] | None = None,
        preexec: Callable[[], None] | None = None,
    ) -> None:
        self.data = data
        self.lines: list[str] = []
        self._options = options or ("--port", "0")
        self._environ = environ or {}
        self._preexec = preexec
        self._log = data.with_name(f"{data.name}.log")
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
            self.wait_until_ready()
        except BaseException:
            self.kill_tree()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill_tree()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        return self.lines[0].removeprefix("ready ")

    @property
    def api(self) -> Api:
        return Api(self.url, tokens.read(self.data / "token"))

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def command(self) -> list[str]:
        called = [sys.executable, "-m", "services.cli.main", "up", "--data", str(self.data)]
        return [*called, *self._options]

    @property
    def environ(self) -> dict[str, str]:
        """Ours, without what would tell it something about another Haulage."""
        ours = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
        return ours | self._environ

    def start(self) -> None:
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                self.command,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
                env=self.environ,
                preexec_fn=self._preexec,
            )
        self.lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_until_ready(self) -> None:
        self.until(lambda: bool(self.lines), READY_S)

    def until(self, holds: Callable[[], bool], limit_s: float = 20.0) -> None:
        """Wait; fails with the log when it ends first or takes too long."""
        assert self._process is not None
        ends_by = time.monotonic() + limit_s
        while not holds():
            assert self._process.poll() is None, f"it ended: {self.log}"
            assert time.monotonic() < ends_by, f"not within {limit_s} s: {self.log}"
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; its exit status."""
        os.kill(self.pid, number)
        return self.wait(STOP_S)

    def wait(self, limit_s: float) -> int:
        assert self._process is not None
        assert self._reader is not None
        status = self._process.wait(limit_s)
        self._reader.join(limit_s)
        return status

    def kill(self) -> None:
        """SIGKILL of the supervisor alone."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait(STOP_S)

    def kill_tree(self) -> None:
        """SIGKILL of all of it, the children first."""
        for pid in self.processes():
            _kill(pid)
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self.wait_until_gone()

    def wait_until_gone(self, limit_s: float = 10.0) -> None:
        ends_by = time.monotonic() + limit_s
        while left := self.processes():
            assert time.monotonic() < ends_by, f"left behind: {left}"
            time.sleep(0.05)

    def child(self, name: str) -> int | None:
        """The process that is this child now: nats-server, postgres, scheduler, … or agent."""
        found = [pid for pid, line in self.processes().items() if _is_child(line, name)]
        return min(found) if found else None

    def processes(self) -> dict[int, str]:
        """All that work on this data directory but the supervisor: by id, how they were called."""
        others = [path for path in Path("/proc").glob("[1-9]*") if int(path.name) not in self._own]
        lines = {int(path.name): _line(path, os.fsencode(self.data)) for path in others}
        return {pid: line for pid, line in lines.items() if line}

    @property
    def _own(self) -> set[int]:
        return {os.getpid(), self._process.pid if self._process else 0}

    def get(self, path: str, kind: type[T]) -> T:
        """Of the API; patient while services start anew."""
        ends_by = time.monotonic() + STOP_S
        while True:
            try:
                return asyncio.run(self.api.get(path, kind))
            except NoSuccess as error:
                if error.status not in (0, 503) or time.monotonic() > ends_by:
                    raise
            time.sleep(0.1)

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        with self._process.stdout as said:
            for line in said:
                self.lines.append(line.rstrip("\n"))


_CALLED = {"nats-server": "nats-server --config", "postgres": "postgres -D"}


def _is_child(line: str, name: str) -> bool:
    return _CALLED.get(name, f"services.cli.main {name}") in line


def _line(process: Path, data: bytes) -> str:
    """How it was called, if the directory is in that, in its environment or where it works."""
    try:
        called = (process / "cmdline").read_bytes()
        told = (process / "environ").read_bytes()
        works_in = os.fsencode((process / "cwd").readlink())
    except OSError:
        return ""
    if not any(data in place for place in (called, told, works_in)):
        return ""
    return called.replace(b"\0", b" ").decode(errors="replace").strip()


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
