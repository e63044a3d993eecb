"""Telling the gateways which rows changed, after the transaction that changed them."""

from __future__ import annotations

import msgspec

from events import subjects
from services.projector.commands import Changed, Moving
from services.projector.store import QUERIES, Checkpoint
from services.runtime.database import Connection
from services.runtime.ports import Bus

IDS_MAX = 10_000
_encoder = msgspec.json.Encoder()


async def announce(bus: Bus, workspace: str, changed: Changed) -> None:
    """An announcement made while the bus is away is lost: gateways read again when it is back."""
    await bus.publish(subjects.rows(workspace), _encoder.encode(changed))


async def announce_moving(bus: Bus, workspace: str, sequence: int, moving: list[Moving]) -> None:
    await announce(bus, workspace, Changed(sequence, moving=moving))


async def announce_missed(connection: Connection, bus: Bus, workspace: str, at: Checkpoint) -> None:
    """Whatever was committed by a projector that ended before it could say so."""
    if at.announced >= at.sequence:
        return
    queues = await _ids(connection, "all_queues")
    endpoints = await _ids(connection, "changed_endpoints", at.announced)
    jobs = await _ids(connection, "changed_jobs", at.announced)
    await announce(bus, workspace, Changed(at.sequence, [], queues, endpoints))
    for start in range(0, len(jobs), IDS_MAX):
        await announce(bus, workspace, Changed(at.sequence, jobs[start : start + IDS_MAX]))


async def _ids(connection: Connection, query: str, *arguments: int) -> list[str]:
    return [row["id"] for row in await connection.fetch(QUERIES[query], *arguments)]
