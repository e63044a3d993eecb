"""The sender's part where it dials: connections kept ready at meetings, and served when taken.

For each duty a few wait at a time; whenever one is taken another follows, up to a bound.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable

from services.agent.commands import Dial
from services.agent.dialling import joined, knock
from services.agent.faults import Fault
from services.agent.halt import Halt, Stopped
from services.agent.serving import Serving
from services.runtime.log import logger

READY = 2
CONNECTIONS_MAX = 64
PAUSES_S = (0.1, 0.2, 0.5, 1.0, 2.0)

Reached = Callable[[str], None]
"""Told of each address that was dialled well."""

Key = tuple[str, int]
"""A job and the number of its run."""


class Dialler:
    """Does what it shall be doing now, and no more; called on the loop."""

    def __init__(self, serving: Serving, reached: Reached = lambda url: None) -> None:
        self._serving = serving
        self._reached = reached
        self._dialling: dict[Key, Dialling] = {}

    def follow(self, duties: Iterable[Dial]) -> None:
        wanted = {(duty.job, duty.run): duty for duty in duties}
        for key, dialling in list(self._dialling.items()):
            if key not in wanted or not dialling.refresh(wanted[key]):
                self._dialling.pop(key).stop()
        for key in wanted.keys() - self._dialling.keys():
            self._dialling[key] = Dialling(wanted[key], self._serving, self._reached)


class Dialling:
    """One duty, from its beginning until `stop`; what was taken is served to its own end."""

    def __init__(self, duty: Dial, serving: Serving, reached: Reached) -> None:
        self._duty = duty
        self._serving = serving
        self._reached = reached
        self._halt = Halt()
        self._lock = threading.Lock()
        self._ready = 0
        self._connections = 0
        self._trouble = ""
        self._fill()

    def refresh(self, duty: Dial) -> bool:
        """With a newer ticket, if the meeting is where it was."""
        before, now = self._duty.meeting, duty.meeting
        self._duty = duty
        return (before.url, before.fingerprint) == (now.url, now.fingerprint)

    def stop(self) -> None:
        self._halt.call()

    def _fill(self) -> None:
        with self._lock:
            while self._ready < READY and self._connections < CONNECTIONS_MAX:
                self._ready += 1
                self._connections += 1
                threading.Thread(target=self._keep, name="bytes.dial", daemon=True).start()

    def _keep(self) -> None:
        try:
            taken = self._wait_to_be_taken()
        except Stopped:
            return
        with self._lock:
            self._ready -= 1
        self._fill()
        self._serving.guests.welcome(taken)
        try:
            self._serving.serve(taken)
        except Exception:
            logger.exception("bytes.broke")
        with self._lock:
            self._connections -= 1
        self._fill()

    def _wait_to_be_taken(self) -> socket.socket:
        """Raises Stopped."""
        failures = 0
        while True:
            self._halt.check()
            try:
                connection = self._meet()
            except (OSError, Fault) as error:
                self._note(str(error))
                self._halt.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1
                continue
            failures = 0
            if connection is not None:
                return connection

    def _meet(self) -> socket.socket | None:
        meeting = self._duty.meeting
        knocked = contextlib.closing(knock(meeting))
        self._reached(meeting.url)
        with knocked as waiting, self._halt.breaking(waiting):
            return joined(waiting)

    def _note(self, trouble: str) -> None:
        """Once, however often it is tried."""
        if trouble != self._trouble and not self._halt.called:
            duty, self._trouble = self._duty, trouble
            url = duty.meeting.url
            logger.warning("meeting.failed", job=duty.job, run=duty.run, url=url, why=trouble)
