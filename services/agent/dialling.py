"""Dialling another agent: a connection to its byte port, encrypted to the one that it shall be.

Or to a meeting there: after `knock` the connection waits for the other end of a run; once `joined`
it is that end's, in the open again, for the two of them to encrypt between themselves.
"""

from __future__ import annotations

import contextlib
import socket
from urllib.parse import urlsplit

from events.jobs import ErrorClass
from services.agent.commands import Meeting
from services.agent.faults import Fault
from services.agent.meetings import WAITING_S
from services.agent.tls import bare, no_delay, pin

CONNECT_S = 5.0
ANSWER_S = WAITING_S + 10.0
ANSWER_MAX = 4_096


def dial(url: str, fingerprint: str) -> socket.socket:
    """The certificate there has this fingerprint; "": the connection is plain.

    Raises OSError (`Impostor` for another certificate), and Fault for an address that is none.
    """
    connection = socket.create_connection(address(url), timeout=CONNECT_S)
    try:
        no_delay(connection)
        return pin(connection, fingerprint) if fingerprint else connection
    except BaseException:
        connection.close()
        raise


def knock(meeting: Meeting) -> socket.socket:
    """Raises as `dial`."""
    connection = dial(meeting.url, meeting.fingerprint)
    request = f"POST /meet HTTP/1.1\r\nHost: agent\r\nAuthorization: Bearer {meeting.ticket}\r\n"
    try:
        connection.sendall(f"{request}Content-Length: 0\r\n\r\n".encode())
        connection.settimeout(ANSWER_S)
    except BaseException:
        connection.close()
        raise
    return connection


def joined(connection: socket.socket) -> socket.socket | None:
    """The connection with the other end; None: nobody came. Raises OSError."""
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):  # Not a byte more: what follows is the other end's.
        came = connection.recv(1)
        if not came or len(answer) > ANSWER_MAX:
            raise ConnectionResetError("it ended the meeting")
        answer += came
    status = answer.split(b" ", 2)[1:2]
    if status == [b"101"]:
        return bare(connection)
    if status == [b"204"]:
        return None
    raise ConnectionRefusedError(f"it refused the meeting: {answer[:100]!r}")


def address(url: str) -> tuple[str, int]:
    """Host and port of `http://host:port`. Raises Fault."""
    with contextlib.suppress(ValueError):
        pieces = urlsplit(url)
        if pieces.scheme == "http" and pieces.hostname and pieces.port:
            return pieces.hostname, pieces.port
    raise Fault(ErrorClass.NETWORK, f"the address {url!r} of an agent is not http://host:port")
