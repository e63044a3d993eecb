"""What people copy with else, on the same files and disk: `cp`, and rsync from a daemon.

Both keep modes and times. Flushed means: every copied file, and for `cp` every folder, is on the
disk before the time is taken, as it is with our own transfer.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from services.runtime.privileges import before_exec
from tests.bench.processes import cpu_s
from tests.bench.timed import Took, timed
from tests.servers import free_port

READY_S = 10.0


def cp(source: Path, destination: Path) -> Took:
    return timed(["cp", "-r", "--preserve=mode,timestamps", str(source), str(destination)])


def cp_flushed(source: Path, destination: Path) -> Took:
    """Each file and folder is opened and fsynced by `sync` after all are copied."""
    copied = cp(source, destination)
    flush = f'find "{destination}" -print0 | xargs -0 sync'
    flushed = timed(["sh", "-c", flush])
    return Took(copied.elapsed_s + flushed.elapsed_s, copied.cpu_s + flushed.cpu_s)


class Rsync(Struct, frozen=True):
    """A daemon on loopback that serves one folder."""

    program: str
    port: int
    pid: int

    def copy(self, source: Path, destination: Path) -> Took:
        return self._copy([], source, destination)

    def copy_flushed(self, source: Path, destination: Path) -> Took:
        return self._copy(["--fsync"], source, destination)

    def _copy(self, options: list[str], source: Path, destination: Path) -> Took:
        url = f"rsync://127.0.0.1:{self.port}/source/{source.name}/"
        before_s = cpu_s(self.pid)
        took = timed([self.program, "-a", *options, url, f"{destination}/"])
        return Took(took.elapsed_s, took.cpu_s + cpu_s(self.pid) - before_s)


@contextmanager
def rsync(root: Path) -> Iterator[Rsync | None]:
    """Serves the folders in `root`; None where there is no rsync."""
    program = shutil.which("rsync")
    if program is None:
        yield None
        return
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="haulage-bench-") as directory:
        config = Path(directory) / "rsyncd.conf"
        config.write_text(_config(root, port))
        daemon = subprocess.Popen(
            [program, "--daemon", "--no-detach", f"--config={config}", "--log-file=/dev/null"],
            stdin=subprocess.DEVNULL,
            preexec_fn=before_exec(),
        )
        try:
            until_greeted(daemon, port, b"@RSYNCD:")
            yield Rsync(program, port, daemon.pid)
        finally:
            daemon.terminate()
            daemon.wait(READY_S)


def _config(root: Path, port: int) -> str:
    """As root a daemon would read as nobody, who may not come here."""
    account = f"uid = {os.getuid()}\ngid = {os.getgid()}\n" if os.geteuid() == 0 else ""
    served = f"[source]\npath = {root}\nread only = yes\nuse chroot = no\n"
    return f"address = 127.0.0.1\nport = {port}\n{account}{served}"


def until_greeted(daemon: subprocess.Popen[bytes], port: int, greeting: bytes) -> None:
    """Wait until a daemon accepts and says so; a `greeting` of nothing: until it accepts."""
    ends_by = time.monotonic() + READY_S
    while True:
        assert daemon.poll() is None, f"{daemon.args!r} ended"
        assert time.monotonic() < ends_by, f"{daemon.args!r} does not answer"
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as connection:
                if not greeting or connection.recv(len(greeting)) == greeting:
                    return
        except OSError:
            time.sleep(0.05)
