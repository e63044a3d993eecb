"""How a receiver comes by a connection to the sender of its run, whichever of them can dial.

However it came, the sender's certificate is the one that the duty says, through a relay too.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

from services.agent.commands import Meeting, Receive
from services.agent.dialling import dial, joined, knock
from services.agent.halt import Halt
from services.agent.serving import Serving
from services.agent.tls import pin

DIALLED_S = 5.0

Connect = Callable[[Receive, Halt], socket.socket]
"""Raises OSError, Fault, Stopped."""


def who(duty: Receive) -> str:
    """The sender of a run, in words."""
    if duty.relay is not None:
        return f"the sender, by the relay {duty.relay.url}"
    return f"the sender {duty.url}" if duty.url else "the sender, which dials,"


def pulled(duty: Receive, _halt: Halt) -> socket.socket:
    """Dial the sender."""
    return dial(duty.url, duty.fingerprint)


class Connecting:
    """The ways that an agent has."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    def connect(self, duty: Receive, halt: Halt) -> socket.socket:
        """A `Connect`."""
        if duty.url:
            return pulled(duty, halt)
        if duty.here:
            return self._own()
        met = self._met(duty.relay, halt) if duty.relay else self._dialled(duty, halt)
        halt.check()
        return pin(met, duty.fingerprint) if duty.fingerprint else met

    def _own(self) -> socket.socket:
        """To this agent itself."""
        near, far = socket.socketpair()
        self._serving.guests.welcome(far)
        serve = self._serving.serve
        threading.Thread(target=serve, args=(far,), name="bytes.own", daemon=True).start()
        return near

    def _dialled(self, duty: Receive, halt: Halt) -> socket.socket:
        key = (duty.job, duty.run)
        taken = self._serving.meetings.take(key, DIALLED_S, lambda: halt.called)
        if taken is None:
            raise TimeoutError("it has not dialled")
        return taken

    def _met(self, relay: Meeting, halt: Halt) -> socket.socket:
        with contextlib.closing(knock(relay)) as waiting, halt.breaking(waiting):
            met = joined(waiting)
        if met is None:
            raise TimeoutError("it has not come to the relay")
        return met
