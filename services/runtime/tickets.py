"""Tickets: the scheduler's signed word on what a run may do, checked without asking it.

`base64url(ticket as JSON) . base64url(Ed25519 signature of that text)`. The key lives as long as
the process; agents learn its public half with their orders. Whether the ticket is for this agent,
job and path is for the agent to compare.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import msgspec
from blake3 import blake3
from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

from events.work import Part
from services.agent.commands import MeetingTicket, Ticket

TEXT_MAX = 16_384  # A path of 4,096 bytes, escaped, and the rest.
Right = Ticket | MeetingTicket
_decoder: msgspec.json.Decoder[Right] = msgspec.json.Decoder(Right)


class Signer:
    """A key pair of its own."""

    def __init__(self) -> None:
        self._key = SigningKey.generate()
        self.public_hex: str = bytes(self._key.verify_key).hex()

    def sign(self, ticket: Right) -> str:
        body = base64.urlsafe_b64encode(msgspec.json.encode(ticket))
        signature = base64.urlsafe_b64encode(self._key.sign(body).signature)
        return f"{body.decode()}.{signature.decode()}"


def hash_of(parts: Sequence[Part]) -> str:
    """What a ticket says of them: BLAKE3, hex; "" of none, which is all that is at its path."""
    return str(blake3(msgspec.json.encode(parts)).hexdigest()) if parts else ""


def verify(text: str, keys: Sequence[str], now_s: float) -> Right | None:
    """The ticket, if one of `keys` (hex) signed it and it has not run out. `now_s` since 1970."""
    if len(text) > TEXT_MAX or not text.isascii():
        return None
    body, _, signature = text.encode().partition(b".")
    try:
        ticket = _decoder.decode(base64.urlsafe_b64decode(body))
        raw = base64.urlsafe_b64decode(signature)
    except (binascii.Error, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if ticket.expires <= now_s or not any(_signed(key, body, raw) for key in keys):
        return None
    return ticket


def _signed(key: str, body: bytes, signature: bytes) -> bool:
    try:
        VerifyKey(bytes.fromhex(key)).verify(body, signature)
    except (CryptoError, ValueError, TypeError):
        return False
    return True
