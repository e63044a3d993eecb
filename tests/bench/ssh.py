"""scp, and rsync over ssh, from an sshd of our own on loopback, with keys that are thrown away."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from services.runtime.privileges import before_exec
from tests.bench.others import READY_S, until_greeted
from tests.bench.processes import cpu_s
from tests.bench.timed import COPY_S, Took, timed
from tests.servers import free_port

TRIES_MAX = 200


class Ssh(Struct, frozen=True):
    """`options` are for the ssh program, without a port."""

    options: list[str]
    port: int
    pid: int

    def scp(self, source: Path, destination: Path) -> Took:
        return self._took(
            ["scp", "-q", "-r", "-p", *self.options, "-P", str(self.port)], source, destination
        )

    def rsync(self, source: Path, destination: Path) -> Took:
        return self.rsync_through(self.port, source, destination)

    def rsync_through(self, port: int, source: Path, destination: Path) -> Took:
        """Tried again, with what it has, until it is complete."""
        shell = " ".join(["ssh", *self.options, "-p", str(port)])
        command = ["rsync", "-a", "--partial", "--inplace", "--timeout=20", "-e", shell]
        spent = Took(0.0, 0.0)
        for _ in range(TRIES_MAX):
            took = self._took(command, source, destination, check=False)
            spent = Took(spent.elapsed_s + took.elapsed_s, spent.cpu_s + took.cpu_s)
            if took.status == 0:
                return spent
            time.sleep(0.1)
        raise AssertionError("rsync over ssh does not come to an end")

    def _took(
        self, command: list[str], source: Path, destination: Path, *, check: bool = True
    ) -> Took:
        before_s = cpu_s(self.pid)
        took = timed([*command, f"127.0.0.1:{source}/", f"{destination}/"], check=check)
        return Took(took.elapsed_s, took.cpu_s + cpu_s(self.pid) - before_s, took.status)


@contextmanager
def sshd() -> Iterator[Ssh | None]:
    """None where there is none."""
    server = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if server is None or shutil.which("ssh-keygen") is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="haulage-bench-") as directory:
        port, home = free_port(), Path(directory)
        for name in ("host", "user"):
            keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / name)]
            subprocess.run(keygen, check=True, timeout=COPY_S)
        (home / "config").write_text(_config(home, port))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # It will not start without.
        daemon = subprocess.Popen(
            [server, "-D", "-e", "-f", str(home / "config")],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=before_exec(),
        )
        try:
            until_greeted(daemon, port, b"SSH-2.0-")
            yield Ssh(_options(home), port, daemon.pid)
        finally:
            daemon.terminate()
            daemon.wait(READY_S)


def _config(home: Path, port: int) -> str:
    return f"""
ListenAddress 127.0.0.1
Port {port}
HostKey {home}/host
AuthorizedKeysFile {home}/user.pub
PidFile {home}/pid
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
UsePAM no
Subsystem sftp internal-sftp
"""


def _options(home: Path) -> list[str]:
    told = {
        "IdentityFile": home / "user",
        "UserKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "no",
        "LogLevel": "ERROR",
        "ServerAliveInterval": "5",
    }
    return [
        "-F",
        "/dev/null",
        *(text for key, value in told.items() for text in ("-o", f"{key}={value}")),
    ]
