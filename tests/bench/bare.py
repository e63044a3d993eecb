"""The least that must be done to bring a file over loopback to the disk: sendfile, write, fsync.

Nothing is checked, nothing is named, nothing is resumed: what others are held against.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

from tests.bench.timed import Took

PIECE_BYTES = 1 << 20


def pipe(source: Path, destination: Path) -> Took:
    """Each file below `source` on one connection, in two threads of this process."""
    files = [path for path in sorted(source.rglob("*")) if path.is_file()]
    began, used = time.monotonic(), time.process_time()
    near, far = _connection()
    with near, far:
        sending = threading.Thread(target=_send, args=(near, files))
        sending.start()
        for path in files:
            _write(far, destination / path.relative_to(source), path.stat().st_size)
        sending.join()
    return Took(time.monotonic() - began, time.process_time() - used)


def _connection() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
        return near, far


def _send(to: socket.socket, files: list[Path]) -> None:
    for path in files:
        with path.open("rb") as file:
            to.sendfile(file)


def _write(origin: socket.socket, path: Path, left: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    piece = memoryview(bytearray(PIECE_BYTES))
    with path.open("wb", buffering=0) as file:
        while left:
            came = origin.recv_into(piece[:left])
            assert came, "the pipe broke"
            file.write(piece[:came])
            left -= came
        os.fsync(file.fileno())
