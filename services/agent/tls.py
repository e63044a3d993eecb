"""Encrypted connections between agents: TLS 1.3, the listening side known by its fingerprint.

There is no authority and no host name: a certificate is the right one if its fingerprint is that
which the scheduler told. The other side is known by its ticket. A connection on which nothing was
said yet may begin with a TLS hello or with a plain request: its first byte tells which.
"""

from __future__ import annotations

import socket
import ssl
from functools import cache
from pathlib import Path

from services.agent.certificate import fingerprint_of

HELLO = b"\x16"  # The first byte of a TLS handshake (RFC 8446, 5.1).


class Impostor(OSError):
    """Who answers shows another certificate than was told."""


def shown(certificate: Path) -> ssl.SSLContext:
    """What a side that shows its certificate needs; the file holds its key as well."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0  # Nobody resumes; and what follows the hello is what the peer says.
    context.load_cert_chain(certificate)
    return context


def begins_encrypted(connection: socket.socket) -> bool:
    """Waits for the first byte, and leaves it there. Raises OSError; on the socket's time-out."""
    return connection.recv(1, socket.MSG_PEEK) == HELLO


def pin(connection: socket.socket, fingerprint: str) -> ssl.SSLSocket:
    """Encrypt; nothing is said before the certificate is the right one. Raises OSError."""
    encrypted = _pinning().wrap_socket(connection)
    shown = encrypted.getpeercert(binary_form=True)
    if shown is None or fingerprint_of(shown) != fingerprint:
        encrypted.close()
        raise Impostor(
            "who answers there shows another certificate than the agent's own: its address leads "
            "to another machine (start it with the right --url), or somebody stands in between"
        )
    return encrypted


def bare(connection: socket.socket) -> socket.socket:
    """The same connection, no longer encrypted: both sides call this at the same point of it.

    What is passed in is of no more use. Raises OSError.
    """
    timeout_s = connection.gettimeout()
    if isinstance(connection, ssl.SSLSocket):
        connection.unwrap()
    freed = socket.socket(fileno=connection.detach())
    freed.settimeout(timeout_s)
    return freed


@cache
def _pinning() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # The fingerprint says more than any authority.
    return context


def no_delay(connection: socket.socket) -> None:
    """What is said is sent at once, where something would wait."""
    if connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def break_off(connection: socket.socket) -> None:
    """From any thread: whoever reads or writes there is told at once.

    Not `SSLSocket.shutdown`, which would let them go on unencrypted.
    """
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        return
