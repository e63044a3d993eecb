"""Who is connected to the byte port: strangers, until they have shown a ticket that holds.

Strangers have little time and few places, and a new one takes the place of the oldest: whoever
connects and says nothing keeps nobody out. Those with a ticket have places of their own.
"""

from __future__ import annotations

import socket
import threading
import time
from typing import Literal

from services.agent.tls import break_off

STRANGERS_MAX = 32
STRANGER_S = 10.0
PLACES_MAX = {"reader": 256, "meeting": 256}  # A reader may hold a block in memory.

Place = Literal["reader", "meeting"]


class Guests:
    """Used by the threads of the connections and by the one that takes them in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._strangers: dict[socket.socket, float] = {}
        self._known: dict[socket.socket, Place] = {}

    def welcome(self, connection: socket.socket) -> None:
        """A stranger came."""
        with self._lock:
            if len(self._strangers) >= STRANGERS_MAX:
                self._turn_out(min(self._strangers, key=self._strangers.__getitem__))
            self._strangers[connection] = time.monotonic()

    def secured(self, before: socket.socket, after: socket.socket) -> None:
        """The same stranger, whose connection is encrypted now."""
        with self._lock:
            came = self._strangers.pop(before, None)
            if came is None:
                break_off(after)  # It was turned out meanwhile.
            else:
                self._strangers[after] = came

    def know(self, connection: socket.socket, place: Place) -> bool:
        """It has shown a ticket; whether there is a place for it."""
        with self._lock:
            if self._known.get(connection) == place:
                return True
            taken = sum(one == place for one in self._known.values())
            if taken >= PLACES_MAX[place]:
                return False
            self._strangers.pop(connection, None)
            self._known[connection] = place
            return True

    def leave(self, connection: socket.socket) -> None:
        with self._lock:
            self._strangers.pop(connection, None)
            self._known.pop(connection, None)

    def look(self) -> None:
        """Turn out the strangers whose time is over."""
        with self._lock:
            over = time.monotonic() - STRANGER_S
            for connection in [one for one, came in self._strangers.items() if came < over]:
                self._turn_out(connection)

    def end(self) -> None:
        with self._lock:
            for connection in [*self._strangers, *self._known]:
                break_off(connection)

    def _turn_out(self, stranger: socket.socket) -> None:
        """Its thread notices and ends."""
        del self._strangers[stranger]
        break_off(stranger)
