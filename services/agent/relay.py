"""Joining two connections that both dialled here: what comes from one goes to the other, unread.

It is encrypted between its ends. The operator of the agent says how many may be joined at a time.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator

from services.agent.tls import break_off

PIPE_BYTES = 1 << 20
LOOK_S = 10
SILENCE_S = 120.0
OF_A_RUN_MAX = 8

Key = tuple[str, int]
"""A job and the number of its run."""


class Relay:
    """`joined_max` pairs of connections at a time; 0: none."""

    def __init__(self, joined_max: int = 0) -> None:
        self.joined_max = joined_max
        self._lock = threading.Lock()
        self._taken: list[Key] = []
        self._joints: set[Joint] = set()

    @contextlib.contextmanager
    def place(self, key: Key) -> Iterator[bool]:
        """Whether there is one for a connection of the run; it is held meanwhile."""
        with self._lock:
            of_run = self._taken.count(key)
            free = len(self._taken) < self.joined_max and of_run < OF_A_RUN_MAX
            if free:
                self._taken.append(key)
        try:
            yield free
        finally:
            if free:
                with self._lock:
                    self._taken.remove(key)

    def join(self, one: socket.socket, other: socket.socket) -> None:
        """Until either ends; closes both."""
        joint = Joint(one, other)
        with self._lock:
            self._joints.add(joint)
        try:
            joint.hold()
        finally:
            with self._lock:
                self._joints.remove(joint)

    def end(self) -> None:
        with self._lock:
            for joint in self._joints:
                joint.break_off()


class Joint:
    def __init__(self, one: socket.socket, other: socket.socket) -> None:
        self._ends = (one, other)
        self._moved = time.monotonic()

    def hold(self) -> None:
        one, other = self._ends
        back = threading.Thread(target=self._pass_on, args=(other, one), name="relay", daemon=True)
        try:
            for end in self._ends:
                _make_blocking(end)
            back.start()
            self._pass_on(one, other)
            back.join()
        finally:
            one.close()
            other.close()

    def break_off(self) -> None:
        for end in self._ends:
            break_off(end)

    def _pass_on(self, origin: socket.socket, to: socket.socket) -> None:
        out, into = os.pipe()
        try:
            fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
            while held := self._splice(origin.fileno(), into, PIPE_BYTES):
                while held:
                    held -= self._splice(out, to.fileno(), held)
        except OSError:
            return  # One of them left.
        finally:
            os.close(out)
            os.close(into)
            self.break_off()

    def _splice(self, origin: int, to: int, size: int) -> int:
        """Without a copy into this process. Silence counts when it is in both directions."""
        while True:
            with contextlib.suppress(BlockingIOError):
                moved = os.splice(origin, to, size)
                self._moved = time.monotonic()
                return moved
            if time.monotonic() - self._moved > SILENCE_S:
                raise TimeoutError


def _make_blocking(end: socket.socket) -> None:
    """Splice knows nothing of the time-outs of Python's sockets, but heeds those of the system."""
    end.settimeout(None)
    limit = struct.pack("ll", LOOK_S, 0)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
