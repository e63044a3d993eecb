"""Stopping work in threads at once: a flag that also breaks the connections they wait on."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from services.agent.tls import break_off


class Stopped(Exception):
    """The work was told to stop; nothing is wrong."""


class Halt:
    def __init__(self) -> None:
        self._event = threading.Event()
        self._breakers: list[Callable[[], None]] = []

    @property
    def called(self) -> bool:
        return self._event.is_set()

    def call(self) -> None:
        """Stop the work. From any thread, any number of times."""
        self._event.set()
        for breaker in list(self._breakers):
            breaker()

    def check(self) -> None:
        """Raises Stopped once `call` was called."""
        if self._event.is_set():
            raise Stopped

    def sleep(self, duration_s: float) -> None:
        """Raises Stopped when woken before its time."""
        if self._event.wait(duration_s):
            raise Stopped

    @contextlib.contextmanager
    def breaking(self, connection: socket.socket) -> Iterator[None]:
        """Meanwhile whoever waits there is told at once when the work stops."""

        def breaker() -> None:
            break_off(connection)

        self.on_call(breaker)
        try:
            yield
        finally:
            self._breakers.remove(breaker)

    def on_call(self, breaker: Callable[[], None]) -> None:
        """Have `breaker` called when the work stops, at once if it already has."""
        self._breakers.append(breaker)
        if self._event.is_set():
            breaker()
