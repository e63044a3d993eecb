"""What connections to this agent are for: `POST /read` and `POST /meet`, each with its ticket.

To read is answered in the frames of `frames.py`, with what lies below the ticket's path in its
volume. To meet is to wait for the other end of a run (`meetings.py`): then the connection is that
end's, to this agent as the receiver or, where it is a relay (`relay.py`), through it.

One thread a connection, as many as `guests.py` has places for. Encrypted where the connection
begins so, and plain only for a ticket that allows it. Without a ticket for this endpoint that
holds now, no byte. Writes no file.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import TypeVar

import msgspec

from events.jobs import ErrorClass
from services.agent.commands import MeetingTicket, Ticket
from services.agent.faults import Fault
from services.agent.frames import REQUEST_MAX, Item, Malformed, Refusal, read_request
from services.agent.guests import STRANGER_S, Guests, Place
from services.agent.meetings import TAKEN_S, Meetings
from services.agent.outflow import Outflow
from services.agent.relay import Relay
from services.agent.send import MESSAGE_MAX, Trail, send
from services.agent.tls import bare, begins_encrypted, no_delay
from services.agent.volumes import AnySource, AnyVolume
from services.runtime.tickets import Right, hash_of

IDLE_S = 60.0
RECEIVER_WAITS_S = 5.0
PASSED_OVER_MAX = 64 << 10  # Of a body that is refused; a larger one is not taken in at all.

Check = Callable[[str], Right | None]
"""What a ticket allows, None when it is not ours, not signed or over."""

Kind = TypeVar("Kind", bound=Right)


class Serving:
    """What the connections share, whoever dialled them."""

    def __init__(
        self,
        volumes: Mapping[str, AnyVolume],
        check: Check,
        tls: ssl.SSLContext,
        relay: Relay | None = None,
    ) -> None:
        self.volumes = volumes
        self.check = check
        self.guests = Guests()
        self.meetings = Meetings()
        self.relay = relay or Relay()
        self._tls = tls

    def serve(self, connection: socket.socket) -> None:
        """Until it ends, in this thread; closes it. A guest that was welcomed."""
        try:
            connection.settimeout(STRANGER_S)
            no_delay(connection)
            if begins_encrypted(connection):
                plain = connection
                connection = self._tls.wrap_socket(
                    plain, server_side=True, do_handshake_on_connect=False
                )
                self.guests.secured(plain, connection)
                connection.do_handshake()
            _Handler(connection, self)
        except OSError:
            return  # It left, was turned out, or does not speak TLS as we do.
        finally:
            self.guests.leave(connection)
            connection.close()

    def stop(self) -> None:
        """End the connections there are."""
        self.guests.end()
        self.meetings.end()
        self.relay.end()


class _Refused(Exception):
    def __init__(self, status: int, fault: Fault) -> None:
        self.status = status
        self.fault = fault


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S

    def __init__(self, connection: socket.socket, serving: Serving) -> None:
        self.serving = serving
        self._trail = Trail()
        self._unread = 0
        super().__init__(connection, ("", 0), None)  # type: ignore[arg-type]

    def do_POST(self) -> None:
        try:
            self._post()
        except OSError:
            self.close_connection = True  # Nobody listens any more.

    def _post(self) -> None:
        try:
            self._unread = self._length()
            match self.path:
                case "/read":
                    self._read()
                case "/meet":
                    self._meet()
                case other:
                    raise _Refused(404, Fault(ErrorClass.INTERNAL, f"nothing is served at {other}"))
        except Fault as fault:
            self._refuse(409, fault)
        except _Refused as refused:
            self._refuse(refused.status, refused.fault)

    def _read(self) -> None:
        ticket, body = self._ticket(Ticket, "reader"), self._body()
        volume = self.serving.volumes.get(ticket.volume)
        if volume is None:
            raise Fault(ErrorClass.VOLUME, f"there is no volume {ticket.volume} here any more")
        try:
            asked = read_request(body)
        except Malformed as error:
            raise _Refused(400, Fault(ErrorClass.INTERNAL, str(error))) from error
        if hash_of(asked.parts) != ticket.parts:
            message = "the ticket is for other parts of the source"
            raise _Refused(403, Fault(ErrorClass.NETWORK, message))
        with (
            volume.opened() as opened,
            opened.source(ticket.path, ticket.follows, asked.parts) as source,
        ):
            self._answer(asked.items, source)

    def _meet(self) -> None:
        ticket = self._ticket(MeetingTicket, "meeting")
        if ticket.side == "sender":
            self._offer((ticket.job, ticket.run))
        else:
            self._join((ticket.job, ticket.run))

    def _offer(self, key: tuple[str, int]) -> None:
        """Wait to be taken by the receiver."""
        if self.serving.meetings.is_full:
            raise _Refused(503, Fault(ErrorClass.NETWORK, "as many wait here as may"))
        offer = self.serving.meetings.wait(key)
        if offer is None:
            return self._nobody()
        try:
            offer.give(self._freed())
        except OSError:
            offer.spoil()
        return None

    def _join(self, key: tuple[str, int]) -> None:
        """Have a sender that waits, or comes soon, joined with this receiver."""
        with self.serving.relay.place(key) as free:
            if not free:
                raise _Refused(503, Fault(ErrorClass.NETWORK, "it relays as much as it may"))
            sender = self.serving.meetings.take(key, RECEIVER_WAITS_S)
            if sender is None:
                return self._nobody()
            try:
                receiver = self._freed()
            except OSError:
                sender.close()
            else:
                self.serving.relay.join(receiver, sender)
        return None

    def _nobody(self) -> None:
        self.close_connection = True
        self.send_response(204)
        self.send_header("Connection", "close")
        self.end_headers()

    def _freed(self) -> socket.socket:
        """The connection, which is not this protocol's any more. Raises OSError."""
        self.close_connection = True
        self.send_response(101)
        self.end_headers()
        self.connection.settimeout(TAKEN_S)
        try:
            return bare(self.connection)
        finally:
            self.serving.guests.leave(self.connection)

    def _length(self) -> int:
        """Of the request's body."""
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdecimal():
            self._never_mind(411, "the request does not say its length")
        if len(length) > 10 or int(length) > REQUEST_MAX:
            self._never_mind(413, f"the request has more than {REQUEST_MAX} bytes")
        return int(length)

    def _body(self) -> bytes:
        length, self._unread = self._unread, 0
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionResetError("the request ended in the middle")
        return body

    def _never_mind(self, status: int, message: str) -> None:
        """Refuse with the body unread: the connection is of no more use."""
        self.close_connection = True
        raise _Refused(status, Fault(ErrorClass.INTERNAL, message))

    def _ticket(self, kind: type[Kind], guest: Place) -> Kind:
        scheme, _, text = self.headers.get("Authorization", "").partition(" ")
        ticket = self.serving.check(text.strip()) if scheme == "Bearer" else None
        if not isinstance(ticket, kind):
            message = "the ticket is missing, is over or is not for this endpoint"
            raise _Refused(401, Fault(ErrorClass.NETWORK, message))
        if not ticket.plain and not isinstance(self.connection, ssl.SSLSocket):
            message = "the ticket is for an encrypted connection (transfer_encryption)"
            raise _Refused(403, Fault(ErrorClass.NETWORK, message))
        if not self.serving.guests.know(self.connection, guest):
            raise _Refused(503, Fault(ErrorClass.NETWORK, "it serves as many as it can"))
        return ticket

    def _refuse(self, status: int, fault: Fault) -> None:
        if self._unread > PASSED_OVER_MAX:
            self.close_connection = True
        else:
            self._body()
        body = msgspec.json.encode(Refusal(fault.error_class, fault.message[:MESSAGE_MAX]))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _answer(self, items: list[Item], source: AnySource) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        outflow = Outflow(self.connection)
        try:
            for item in items:
                send(item, source, outflow, self._trail)
            outflow.end()
        except (OSError, Fault):
            self.close_connection = True  # The answer is begun: all that can be said is to stop.

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """One line a request says nothing: the receiver reports what came of it."""
