"""What the ends of transfers are told of one another: whom to dial, and whom to try. Pure."""

from __future__ import annotations

from msgspec import Struct

from events.endpoints import Endpoint
from events.job import Job
from events.jobs import Status
from projections.board import Board
from services.agent.commands import Dial, Meeting, Peer
from services.scheduler import policy
from services.scheduler.routing import CONNECTIONS_EACH

PEERS_MAX = 64
RELAYS_MAX = 8


class Way(Struct, frozen=True):
    """How a receiver comes to its sender: fields of `Receive`."""

    url: str
    fingerprint: str
    sockets: int
    relay: Meeting | None = None
    here: bool = False


def way(job: Job, board: Board) -> Way:
    """Of a running transfer; tickets are signed where it is sent."""
    sender = board.endpoints[job.transfer.source.endpoint]
    seen = sender.fingerprint if is_encrypted(job, board) else ""
    sockets = int(policy.of_job("transfer_sockets", job, board))
    match job.route:
        case "local":
            return Way("", "", sockets, here=True)
        case "push":
            return Way("", seen, sockets)
        case "relay":
            relay = board.endpoints[job.relay]
            fewer = min(sockets, CONNECTIONS_EACH, relay.relays)
            return Way("", seen, fewer, relay=_meeting(relay, job, board))
        case _:
            return Way(sender.url, seen, sockets)


def is_encrypted(job: Job, board: Board) -> bool:
    """A relay stands between networks, and sees nothing in any case."""
    return job.route == "relay" or policy.of_job("transfer_encryption", job, board) == "on"


def dials(endpoint: str, board: Board) -> list[Dial]:
    """Where an endpoint offers its runs to be read."""
    return [
        Dial(job.id, job.run, _meeting(board.endpoints[place(job)], job, board))
        for job in board.active(endpoint)
        if job.status is Status.RUNNING
        and job.route in ("push", "relay")
        and job.transfer.source.endpoint == endpoint
    ]


def place(job: Job) -> str:
    """The endpoint at which the sender of a run meets its receiver."""
    return job.relay or job.transfer.destination.endpoint


def _meeting(at: Endpoint, job: Job, board: Board) -> Meeting:
    return Meeting(at.url, at.fingerprint if is_encrypted(job, board) else "", "")


def peers(endpoint: str, board: Board) -> list[Peer]:
    """Whom an endpoint shall try to dial: with whom it has transfers in line, and relays."""
    partners = board.partners(endpoint)
    some_relays = sorted(board.relays)[:RELAYS_MAX] if partners else []
    wanted = dict.fromkeys([*some_relays, *partners])
    known = (board.endpoints[one] for one in wanted if one != endpoint)
    found = [one for one in known if one.online and one.url]
    return [Peer(one.id, one.url, one.fingerprint) for one in found[:PEERS_MAX]]
