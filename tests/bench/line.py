"""A long line on loopback: what passes arrives later, and now and then every connection breaks.

A connection holds WINDOW_BYTES on its way in each direction, as one of TCP does whose window is
that large: a single one carries at most that much in each round-trip time.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

PIECE_BYTES = 64 << 10
WINDOW_BYTES = 4 << 20
ROUND_TRIP_S = 0.1


class Line:
    """To a port of this machine. With `breaks_s`, all connections break that often."""

    def __init__(self, to: int, *, breaks_s: float = 0.0) -> None:
        self._to = to
        self._breaks_s = breaks_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._ends: set[socket.socket] = set()
        self._over = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        if self._breaks_s:
            threading.Thread(target=self._break, daemon=True).start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        self._over.set()
        _shut(self._listener, *self._ends)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                if self._over.is_set():
                    return
                continue
            self._ends |= {near, far}
            for origin, to in ((near, far), (far, near)):
                way: queue.Queue[tuple[float, bytes]] = queue.Queue(WINDOW_BYTES // PIECE_BYTES)
                for work, end in ((_take_in, origin), (self._put_out, to)):
                    threading.Thread(target=work, args=(end, way), daemon=True).start()

    def _put_out(self, to: socket.socket, way: queue.Queue[tuple[float, bytes]]) -> None:
        while True:
            due, piece = way.get()
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                if not piece:
                    break
                to.sendall(piece)
            except OSError:
                break
        _shut(to)
        self._ends.discard(to)

    def _break(self) -> None:
        while not self._over.wait(self._breaks_s):
            _shut(*self._ends)


def _take_in(origin: socket.socket, way: queue.Queue[tuple[float, bytes]]) -> None:
    piece = b"first"
    while piece:
        try:
            piece = origin.recv(PIECE_BYTES)
        except OSError:
            piece = b""
        with suppress(queue.Full):  # Nobody takes it any more.
            way.put((time.monotonic() + ROUND_TRIP_S / 2, piece), timeout=60)


def _shut(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
