"""The connection to the agent that serves a run's bytes; it can be broken from another thread."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable

import msgspec

from services.agent.commands import Receive
from services.agent.connecting import Connect, pulled
from services.agent.faults import Fault
from services.agent.frames import JSON_MAX, Inflow, Item, Malformed, Refusal, write_request
from services.agent.halt import Halt
from services.agent.pulse import Pulse
from services.agent.spent import SPENT
from services.agent.throttle import Throttle
from services.agent.tls import break_off

SILENCE_S = 30.0

Where = Callable[[], Receive]
"""The duty of the run, as the newest orders have it."""


class Broken(Exception):
    """The connection failed; the same may work in a moment."""


class Sender:
    def __init__(
        self,
        where: Where,
        halt: Halt,
        pulse: Pulse | None = None,
        throttle: Throttle | None = None,
        connect: Connect = pulled,
    ) -> None:
        """`pulse` beats with every byte, and `throttle` says how fast they come."""
        self._where = where
        self._halt = halt
        self._pulse = pulse or Pulse()
        self._throttle = throttle or Throttle()
        self._connect_to = connect
        self._pinned = ""
        self._connection: http.client.HTTPConnection | None = None
        self._answer: http.client.HTTPResponse | None = None
        halt.on_call(self.break_off)

    def read(self, items: list[Item]) -> Inflow:
        """Ask for items. Raises Broken, Fault (the request as a whole is refused), Stopped."""
        duty = self._where()
        headers = {"Authorization": f"Bearer {duty.ticket}", "Content-Type": "application/json"}
        began = time.perf_counter()
        try:
            connection = self._connect(duty)
            self._halt.check()
            connection.request("POST", "/read", write_request(items, duty.parts), headers)
            self._answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise Broken(_reason(error)) from error
        finally:
            SPENT.waiting += time.perf_counter() - began
        if self._answer.status != 200:
            self._refused(self._answer)
        if not self._answer.chunked:
            raise Broken("its answer is not in chunks")
        return Inflow(self._body(self._answer))

    def finish(self) -> None:
        """The answer is read: leave the connection ready for the next. Raises Broken, Malformed."""
        assert self._answer is not None
        if self._body(self._answer).read1(1):
            raise Malformed("bytes behind the last item")

    def _body(self, answer: http.client.HTTPResponse) -> _Body:
        return _Body(answer, self._pulse, self._throttle, self._halt)

    def close(self) -> None:
        connection, self._connection, self._answer = self._connection, None, None
        if connection is not None:
            connection.close()

    def break_off(self) -> None:
        """From any thread: whoever waits for bytes gets Broken at once."""
        connection = self._connection
        waiting = connection.sock if connection is not None else None
        if waiting is not None:
            break_off(waiting)

    def _connect(self, duty: Receive) -> http.client.HTTPConnection:
        """The one there is, however it came, if it is as the duty says."""
        if self._connection is None or duty.fingerprint != self._pinned:
            self.close()
            connection = http.client.HTTPConnection("agent")
            connection.auto_open = 0  # It would open a plain one by itself.
            connection.sock = self._connect_to(duty, self._halt)
            connection.sock.settimeout(SILENCE_S)
            self._connection, self._pinned = connection, duty.fingerprint
        return self._connection

    def _refused(self, answer: http.client.HTTPResponse) -> None:
        try:
            refusal = msgspec.json.decode(answer.read(JSON_MAX), type=Refusal)
        except (OSError, http.client.HTTPException, msgspec.MsgspecError) as error:
            raise Broken(f"it answered {answer.status} {answer.reason}") from error
        if answer.status in (http.client.UNAUTHORIZED, http.client.SERVICE_UNAVAILABLE):
            raise Broken(refusal.message)
        raise Fault(refusal.error_class, refusal.message)


class _Body:
    """The answer's body; what the connection says of itself becomes Broken."""

    def __init__(
        self, answer: http.client.HTTPResponse, pulse: Pulse, throttle: Throttle, halt: Halt
    ) -> None:
        self._answer = answer
        self._pulse = pulse
        self._throttle = throttle
        self._halt = halt

    def read1(self, size: int, /) -> bytes:
        began = time.perf_counter()
        try:
            came = self._answer.read1(self._throttle.portion(size))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Broken(_reason(error)) from error
        self._came(len(came), began)
        return came

    def readinto(self, buffer: memoryview, /) -> int:
        began = time.perf_counter()
        try:
            came = self._answer.readinto(buffer[: self._throttle.portion(len(buffer))])
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Broken(_reason(error)) from error
        self._came(came, began)
        return came

    def _came(self, size: int, began: float) -> None:
        SPENT.waiting += time.perf_counter() - began
        if size:
            self._pulse.beat()
            self._throttle.pay(size, self._halt)


def _reason(error: Exception) -> str:
    if isinstance(error, http.client.HTTPException):
        return "the connection ended in the middle"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
