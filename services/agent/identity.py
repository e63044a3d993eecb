"""Who this agent is: an endpoint id, made once and kept in its own directory, held by one process.

`DATA/agents/<name>/endpoint` is the id, `lock` what a running agent holds.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path

from events.ids import CHANCE_BYTES, is_id, new_id

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
LOCK_PATIENCE_S = 5.0
LOCK_LOOK_S = 0.1


class Refused(Exception):
    """This agent cannot start; `str()` says why and what to do."""


def check_name(name: str) -> None:
    """Raises Refused."""
    if not _NAME.fullmatch(name):
        raise Refused(
            f"{name!r} is no name for an endpoint: 1 to 64 letters, digits, `.`, `_`, `-`, "
            "the first a letter or digit"
        )


class Identity:
    """Holds the directory until the process ends or `release`."""

    def __init__(self, data: Path, name: str) -> None:
        check_name(name)
        self.folder = data / "agents" / name
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._take(name)
        self.endpoint = self._read() or self._make()

    def release(self) -> None:
        os.close(self._lock)

    def _take(self, name: str) -> None:
        """The agent before may just be ending."""
        patience_ends = time.monotonic() + LOCK_PATIENCE_S
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > patience_ends:
                    os.close(self._lock)
                    message = f"another process is the agent {name} in {self.folder}: stop it"
                    raise Refused(f"{message} or choose another name") from None
                time.sleep(LOCK_LOOK_S)

    def _read(self) -> str | None:
        path = self.folder / "endpoint"
        try:
            text = path.read_text().strip()
        except FileNotFoundError:
            return None
        if not is_id(text):
            raise Refused(f"{path} holds no endpoint id: put it back or remove the file")
        return text

    def _make(self) -> str:
        made = new_id(datetime.now(UTC), os.urandom(CHANCE_BYTES))
        fresh = self.folder / "endpoint.new"
        with fresh.open("w") as file:
            file.write(made + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(self.folder / "endpoint")
        folder = os.open(self.folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        return made
