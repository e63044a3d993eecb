"""What the leader tells the agents: all that each shall be doing now, with tickets for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from events import subjects
from projections.board import Board
from services.agent.commands import Dial, Duty, MeetingTicket, Orders, Receive, Ticket
from services.runtime.ports import Bus
from services.runtime.tickets import Right, Signer, hash_of
from services.scheduler import connections, plan, policy
from services.scheduler.commands import Beat
from services.scheduler.needs import Needs

TICKET_LIFE_S = 120
TICKET_RENEWED_S = 60


class Signed(Struct, frozen=True):
    """A ticket as it is shown, and when it expires (seconds since 1970)."""

    ticket: str
    expires: int


class Ordering:
    def __init__(
        self, bus: Bus, workspace: str, board: Board, clock: Callable[[], float] = time.time
    ) -> None:
        self.bus = bus
        self.workspace = workspace
        self.board = board
        self.clock = clock
        self.signer = Signer()
        self.needs = Needs()
        self._sent: dict[str, tuple[str, plan.Told]] = {}
        self._until: dict[str, datetime] = {}
        self._signed: dict[str, dict[Right, Signed]] = {}

    async def send(self, to: list[str]) -> None:
        """To those whose duties are others than they were told; a beat repeats them anyway."""
        for endpoint in to:
            there = self.board.endpoints[endpoint]
            told = self._told(endpoint)
            if there.online and self._sent.get(endpoint) != (there.session, told):
                self._sent[endpoint] = (there.session, told)
                orders = msgspec.json.encode(self._orders(endpoint, told))
                await self.bus.publish(subjects.orders(self.workspace, endpoint), orders)

    def orders(self, endpoint: str) -> Orders:
        return self._orders(endpoint, self._told(endpoint))

    def next_due(self) -> datetime | None:
        """When the clock changes a duty next."""
        return min(self._until.values(), default=None)

    def due(self) -> list[str]:
        """The endpoints whose duties the clock has changed."""
        now = self._now()
        return [endpoint for endpoint, until in self._until.items() if until <= now]

    def hear(self, said: Beat) -> list[str]:
        """The endpoints whose duties may be others for what a beat says."""
        return self.needs.hear(said, self.board, self._now())

    def refusal(self, detail: str) -> Orders:
        return Orders(self.board.sequence, self.signer.public_hex, [], detail)

    def _told(self, endpoint: str) -> plan.Told:
        told = plan.duties(endpoint, self.board, self._now(), self.needs.of)
        self._until.pop(endpoint, None)
        if told.until is not None:
            self._until[endpoint] = told.until
        return told

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def _orders(self, endpoint: str, told: plan.Told) -> Orders:
        sheet = _Sheet(self.signer, self._signed.get(endpoint, {}), int(self.clock()))
        duties = [self._with_tickets(duty, sheet) for duty in told.duties]
        dials = [self._with_ticket(dial, sheet) for dial in told.dials]
        self._signed[endpoint] = sheet.signed
        key, peers = self.signer.public_hex, connections.peers(endpoint, self.board)
        return Orders(self.board.sequence, key, duties, dials=dials, peers=peers)

    def _with_tickets(self, duty: Duty, sheet: _Sheet) -> Duty:
        if not isinstance(duty, Receive):
            return duty
        job = self.board.jobs[duty.job]
        source, plain = job.transfer.source, not duty.fingerprint
        what = (source.endpoint, source.volume, source.path)
        follows = policy.of_job("transfer_symlinks", job, self.board) == "follow"
        reads = Ticket(
            duty.job,
            duty.run,
            *what,
            expires=0,
            plain=plain,
            follows=follows,
            parts=hash_of(duty.parts),
        )
        ticket = sheet.ticket(reads)
        if duty.relay is not None:
            right = MeetingTicket(duty.job, duty.run, job.relay, "receiver", 0, plain)
            relay = replace(duty.relay, ticket=sheet.ticket(right))
            return replace(duty, ticket=ticket, relay=relay)
        return replace(duty, ticket=ticket)

    def _with_ticket(self, dial: Dial, sheet: _Sheet) -> Dial:
        place, plain = connections.place(self.board.jobs[dial.job]), not dial.meeting.fingerprint
        right = MeetingTicket(dial.job, dial.run, place, "sender", 0, plain)
        return replace(dial, meeting=replace(dial.meeting, ticket=sheet.ticket(right)))


class _Sheet:
    """The tickets of one endpoint's orders: signed once and renewed in good time, for signing is
    what costs most here. Those that are not asked for again are forgotten.
    """

    def __init__(self, signer: Signer, known: dict[Right, Signed], now: int) -> None:
        self.signed: dict[Right, Signed] = {}
        self._signer = signer
        self._known = known
        self._now = now

    def ticket(self, right: Right) -> str:
        """`right` says no time."""
        signed = self._known.get(right)
        if signed is None or signed.expires < self._now + TICKET_RENEWED_S:
            expires = self._now + TICKET_LIFE_S
            signed = Signed(self._signer.sign(replace(right, expires=expires)), expires)
        self.signed[right] = signed
        return signed.ticket
