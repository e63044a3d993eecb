"""Connections that wait here to be taken: a sender dialled, and its receiver will speak on them.

The receiver is this agent, or one that a relay joins them with. Those that wait are few for each
run and few in all: of a run's too many the oldest goes, for it is the likeliest to be dead.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable

Key = tuple[str, int]
"""A job and the number of its run."""

WAITING_S = 25.0  # Then it dials anew: a NAT forgets what stays silent.
TAKEN_S = 5.0
LOOK_S = 0.2
OF_A_RUN_MAX = 4
WAITING_MAX = 256


class Offer:
    """One that waits. `give` it to whom has taken it, or `spoil` it."""

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self.taken = False
        self.gone = False
        self.connection: socket.socket | None = None

    def give(self, connection: socket.socket) -> None:
        with self._changed:
            if self.gone:
                connection.close()
            else:
                self.connection = connection
            self._changed.notify_all()

    def spoil(self) -> None:
        with self._changed:
            self.gone = True
            self._changed.notify_all()


class Meetings:
    """Used by the threads of the connections that wait and of those that take them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[Key, list[Offer]] = {}
        self._ended = False

    @property
    def is_full(self) -> bool:
        with self._changed:
            return self._ended or sum(map(len, self._waiting.values())) >= WAITING_MAX

    def wait(self, key: Key) -> Offer | None:
        """Until somebody takes the connection; None when nobody does."""
        with self._changed:
            offer = Offer(self._changed)
            of_run = self._waiting.setdefault(key, [])
            of_run.append(offer)
            if len(of_run) > OF_A_RUN_MAX:
                of_run.pop(0).gone = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: offer.taken or offer.gone, WAITING_S)
            if not offer.taken:
                self._forget(key, offer)
            return offer if offer.taken else None

    def take(
        self, key: Key, wait_s: float, stopped: Callable[[], bool] = lambda: False
    ) -> socket.socket | None:
        """A connection that waits for the run, or comes within `wait_s` seconds."""
        patience_ends = time.monotonic() + wait_s
        with self._changed:
            while not stopped() and (left_s := patience_ends - time.monotonic()) > 0:
                if not self._waiting.get(key):
                    self._changed.wait(min(LOOK_S, left_s))
                elif (connection := self._taken(key)) is not None:
                    return connection
        return None

    def end(self) -> None:
        with self._changed:
            self._ended = True
            for offer in [one for of_run in self._waiting.values() for one in of_run]:
                offer.gone = True
            self._changed.notify_all()

    def _taken(self, key: Key) -> socket.socket | None:
        """The newest; None if it broke as it was taken."""
        offer = self._waiting[key][-1]
        self._forget(key, offer)
        offer.taken = True
        self._changed.notify_all()
        self._changed.wait_for(lambda: offer.gone or offer.connection is not None, TAKEN_S)
        offer.gone = offer.connection is None
        return offer.connection

    def _forget(self, key: Key, offer: Offer) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._waiting[key].remove(offer)
            if not self._waiting[key]:
                del self._waiting[key]
