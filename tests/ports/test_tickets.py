"""Who may read what: tickets are good for their time, from their signer, as they were written."""

from __future__ import annotations

import base64

import msgspec
import pytest

from services.agent.commands import Ticket
from services.runtime.tickets import Signer, verify

TICKET = Ticket(
    job="6f0000000000000000000001",
    run=3,
    endpoint="5f0000000000000000000001",
    volume="projects",
    path="shot010/ä\\udc80",
    expires=1_000,
)


def test_a_ticket_is_read_back_by_who_knows_the_key() -> None:
    one, two = Signer(), Signer()
    text = one.sign(TICKET)
    assert verify(text, [one.public_hex], 999.9) == TICKET
    assert verify(text, [two.public_hex, one.public_hex], 0) == TICKET


def test_a_ticket_runs_out() -> None:
    signer = Signer()
    assert verify(signer.sign(TICKET), [signer.public_hex], 1_000) is None


@pytest.mark.parametrize("keys", [[], [Signer().public_hex], ["", "xyz", "00" * 32, "00"]])
def test_a_ticket_of_an_unknown_signer_is_refused(keys: list[str]) -> None:
    assert verify(Signer().sign(TICKET), keys, 0) is None


def test_a_changed_ticket_is_refused() -> None:
    signer = Signer()
    _, _, signature = signer.sign(TICKET).partition(".")
    forged = msgspec.structs.replace(TICKET, path="", expires=9_999)
    body = base64.urlsafe_b64encode(msgspec.json.encode(forged)).decode()
    assert verify(f"{body}.{signature}", [signer.public_hex], 0) is None


def test_every_byte_of_a_ticket_counts() -> None:
    signer = Signer()
    text = signer.sign(TICKET)
    for at, old in enumerate(text):
        changed = text[:at] + ("B" if old == "A" else "A") + text[at + 1 :]
        read = verify(changed, [signer.public_hex], 0)
        assert read in (None, TICKET)
        assert read is None or at >= len(text) - 3  # Base64's last bits carry nothing.


@pytest.mark.parametrize(
    "text", ["", ".", "a.b", "ä.ö", "x" * 100_000, "e30=.e30=", "bnVsbA==.", "....", "\x00"]
)
def test_nonsense_is_refused(text: str) -> None:
    assert verify(text, [Signer().public_hex], 0) is None
