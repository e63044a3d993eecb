"""Orders go to whom they are new; tickets are signed once and renewed while they hold."""

from __future__ import annotations

import msgspec

from events import subjects
from services.agent.commands import Orders, Receive
from services.runtime.memory import MemoryBus
from services.runtime.tickets import verify
from services.scheduler.commands import Pause, Set
from services.scheduler.ordering import Ordering
from tests.services.spec import HQ, STOCKHOLM, beat, given, job_id, transfer


async def _heard(bus: MemoryBus, endpoint: str) -> list[Orders]:
    heard: list[Orders] = []

    async def hear(_subject: str, payload: bytes) -> None:
        heard.append(msgspec.json.decode(payload, type=Orders))

    await bus.serve(subjects.orders("main", endpoint), hear)
    return heard


async def test_only_an_endpoint_with_other_duties_is_told() -> None:
    history, bus = given(transfer("a"), transfer("b")), MemoryBus()
    heard = await _heard(bus, STOCKHOLM)
    telling = Ordering(bus, "main", history.board)
    await telling.send([HQ, STOCKHOLM])
    await bus.idle()
    assert [duty.job for duty in heard[-1].duties] == [job_id("a")]

    history.ask(Pause(job_id("b")))
    await telling.send([HQ, STOCKHOLM])
    await bus.idle()
    assert len(heard) == 1, "b waited: nobody has to do anything else"

    history.ask(Pause(job_id("a")))
    await telling.send([HQ, STOCKHOLM])
    await bus.idle()
    assert [orders.duties for orders in heard[1:]] == [[]]


def test_bytes_are_encrypted_unless_a_setting_says_otherwise_and_so_says_the_ticket() -> None:
    history = given()
    history.take(beat(HQ, "2", fingerprint="0f" * 32))
    history.ask(transfer("a"))
    history.listed("a")
    telling = Ordering(MemoryBus(), "main", history.board)

    def told() -> tuple[str, bool]:
        (duty,) = telling.orders(STOCKHOLM).duties
        assert isinstance(duty, Receive)
        ticket = verify(duty.ticket, [telling.signer.public_hex], 0)
        assert ticket is not None
        return duty.fingerprint, ticket.plain

    assert told() == ("0f" * 32, False)
    history.ask(Set("queue", "b" * 24, {"transfer_encryption": "off"}))
    assert told() == ("", True), "a running transfer is told as well"
    history.ask(Set("job", job_id("a"), {"transfer_encryption": "on"}))
    assert told() == ("0f" * 32, False)


def test_a_running_transfer_is_told_how_many_connections_it_may_use() -> None:
    history = given(transfer("a"))
    history.listed("a")
    telling = Ordering(MemoryBus(), "main", history.board)

    def sockets() -> int:
        (duty,) = telling.orders(STOCKHOLM).duties
        assert isinstance(duty, Receive)
        return duty.sockets

    assert sockets() == 10
    history.ask(Set("queue", "b" * 24, {"transfer_sockets": 4}))
    assert sockets() == 4
    history.ask(Set("job", job_id("a"), {"transfer_sockets": 64}))
    assert sockets() == 64


def test_a_ticket_is_kept_until_half_its_life_is_over() -> None:
    now = 1_000.0
    board = given(transfer("a")).board
    telling = Ordering(MemoryBus(), "main", board, clock=lambda: now)

    def ticket() -> str:
        (duty,) = telling.orders(STOCKHOLM).duties
        assert isinstance(duty, Receive)
        return duty.ticket

    first = ticket()
    now = 1_059.0
    assert ticket() == first
    now = 1_061.0
    assert ticket() != first
