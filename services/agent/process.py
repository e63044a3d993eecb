"""The agent's end of a warden (warden.py): starting one, reading what its command says, ending it.

Belongs to one thread but for `stop`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from services.agent.permission import Permission

WARDEN = str(Path(__file__).with_name("warden.py"))
READ_BYTES = 64 << 10
OUTPUT_ENDS_S = 2.0  # Behind the end of the command; longer only if something could not be killed.
WARDEN_ENDS_S = 5.0


class Ended(Struct, frozen=True):
    """How it ended; `failure` is the step that did not work and its error number.

    `left` counts the processes that could not be ended.
    """

    exit_code: int | None
    took_ms: int = 0
    cpu_ms: int = 0
    peak_memory_bytes: int = 0
    limit: bool = False
    left: int = 0
    failure: tuple[str, int] | None = None


class _Said(Struct, frozen=True):
    started: int | None = None
    ended: Ended | None = None


class Process:
    """`started` is the id of the command's first process, once there is one."""

    def __init__(
        self,
        words: list[str],
        environment: dict[str, str],
        permission: Permission,
        *,
        limit_s: int,
        folder: int | None,
    ) -> None:
        """`folder` is a descriptor that stays the caller's; it is in use when this returns."""
        order = {
            "words": words,
            "environment": environment,
            "limit_s": limit_s,
            "folder": folder,
            "temporary": tempfile.gettempdir(),
            "user": _user(permission),
        }
        self.started: int | None = None
        self._ended: Ended | None = None
        self._said = b""
        self._drain_until = float("inf")
        self._ours, theirs = socket.socketpair()
        self._output, into = os.pipe()
        try:
            self._warden = subprocess.Popen(
                [sys.executable, "-I", "-S", WARDEN],
                stdin=theirs.fileno(),
                stdout=into,
                env={},
                pass_fds=[] if folder is None else [folder],
                start_new_session=True,
            )
        except BaseException:
            os.close(self._output)
            self._ours.close()
            raise
        finally:
            theirs.close()
            os.close(into)
        with suppress(OSError):
            self._ours.sendall(json.dumps(order).encode() + b"\n")

    def stop(self) -> None:
        """Have it ended. From any thread, at any time."""
        with suppress(OSError):
            self._ours.send(b"stop\n", socket.MSG_DONTWAIT)

    def read(self, patience_s: float) -> bytes | Ended:
        """The next piece of output, b"" if there was none in time; at last how it ended."""
        if self._ended is not None and (self._output < 0 or time.monotonic() > self._drain_until):
            return self._ended
        waiting = [self._output] if self._output >= 0 else []
        if self._ended is None:
            waiting.append(self._ours.fileno())
        ready, _, _ = select.select(waiting, [], [], patience_s)
        if self._ours.fileno() in ready:
            self._hear()
        return self._take() if self._output in ready else b""

    def close(self) -> None:
        """Let go of the warden; one that still runs kills all and ends."""
        self._ours.close()
        if self._output >= 0:
            os.close(self._output)
            self._output = -1
        try:
            self._warden.wait(WARDEN_ENDS_S)
        except subprocess.TimeoutExpired:
            self._warden.kill()
            self._warden.wait()

    def _take(self) -> bytes:
        output = os.read(self._output, READ_BYTES)
        if not output:
            os.close(self._output)
            self._output = -1
        return output

    def _hear(self) -> None:
        try:
            more = self._ours.recv(READ_BYTES)
        except OSError:
            more = b""
        self._said += more
        *lines, self._said = self._said.split(b"\n")
        for line in lines:
            said = msgspec.json.decode(line, type=_Said)
            self.started = said.started or self.started
            self._ended = said.ended or self._ended
        if not more and self._ended is None:
            self._ended = self._without_warden()
        if self._ended is not None:
            self._drain_until = time.monotonic() + OUTPUT_ENDS_S

    def _without_warden(self) -> Ended:
        """Somebody killed it. Its command was told to die with it, its group we can still find."""
        if self.started is not None:
            with suppress(OSError):
                os.killpg(self.started, signal.SIGKILL)
        return Ended(None, failure=("warden", 0))


def _user(permission: Permission) -> dict[str, object] | None:
    """None where there is nobody to become."""
    if os.geteuid() != 0:
        return None
    return {"uid": permission.uid, "gid": permission.gid, "groups": list(permission.groups)}
