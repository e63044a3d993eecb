"""Whom this agent can dial: each of its peers is tried now and then, and what was found is told.

A peer that answered counts as reached until it failed to answer some times in a row, and while
bytes come from it; one that never did is given up at once, and tried again ever more seldom.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from msgspec import Struct

from events.endpoints import Dialled
from services.agent.commands import Peer
from services.agent.dialling import dial
from services.agent.faults import Fault
from services.runtime.log import logger

THREADS = 4
AGAIN_S = 20.0
DOUBTED_S = 3.0
UNREACHED_MAX_S = 60.0
DOUBTS_MAX = 3

Answers = Callable[[Peer], bool]


def answers(peer: Peer) -> bool:
    """Whether it can be dialled now, and is who it shall be."""
    try:
        dial(peer.url, peer.fingerprint).close()
    except (OSError, Fault) as error:
        logger.debug("peer.unreached", endpoint=peer.endpoint, url=peer.url, why=str(error))
        return False
    return True


class _Tried(Struct):
    """`reached` is None before the first answer; `due` is on the monotonic clock."""

    peer: Peer
    due: float
    reached: bool | None = None
    failures: int = 0
    busy: bool = False


class Probes:
    """`follow` and `found` are the loop's; a few threads do the rest."""

    def __init__(self, ask: Answers = answers) -> None:
        self._ask = ask
        self._changed = threading.Condition()
        self._tried: dict[Peer, _Tried] = {}
        self._threads: list[threading.Thread] = []
        self._stopped = False

    def follow(self, peers: Iterable[Peer]) -> None:
        """These and no others; a peer at another address is another."""
        with self._changed:
            now = time.monotonic()
            self._tried = {one: self._tried.get(one) or _Tried(one, now) for one in peers}
            while self._tried and len(self._threads) < THREADS:
                thread = threading.Thread(target=self._work, name="probe", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify_all()

    def found(self) -> list[Dialled]:
        with self._changed:
            tried = list(self._tried.values())
        found = [one for one in tried if one.reached is not None]
        return [Dialled(one.peer.endpoint, one.peer.url, bool(one.reached)) for one in found]

    def alive(self, url: str) -> None:
        """It was dialled well, or bytes came from there, just now. From any thread."""
        with self._changed:
            for one in self._tried.values():
                if one.peer.url == url:
                    _note(one, reached=True, now=time.monotonic())

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _work(self) -> None:
        while (one := self._next()) is not None:
            reached = self._ask(one.peer)
            with self._changed:
                one.busy = False
                _note(one, reached=reached, now=time.monotonic())

    def _next(self) -> _Tried | None:
        """The one that is due; None when all is over."""
        with self._changed:
            while not self._stopped:
                idle = (one for one in self._tried.values() if not one.busy)
                first = min(idle, key=lambda one: one.due, default=None)
                wait_s = first.due - time.monotonic() if first else AGAIN_S
                if first is not None and wait_s <= 0:
                    first.busy = True
                    return first
                self._changed.wait(wait_s)
        return None


def _note(one: _Tried, *, reached: bool, now: float) -> None:
    before = one.reached
    if reached:
        one.reached, one.failures, one.due = True, 0, now + AGAIN_S
    else:
        one.failures += 1
        one.reached = bool(one.reached) and one.failures < DOUBTS_MAX
        longer_s = DOUBTED_S if one.reached else DOUBTED_S * 2 ** min(one.failures - 1, 10)
        one.due = now + min(longer_s, UNREACHED_MAX_S)
    if one.reached is not before:
        logger.info("peer.tried", endpoint=one.peer.endpoint, url=one.peer.url, reached=reached)
