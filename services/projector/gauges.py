"""What is left of volumes, as their agents say it beside the facts: the newest of each, in rows."""

from __future__ import annotations

import msgspec

from services.agent.commands import Gauge, Room
from services.projector import columns
from services.projector.rows import ACQUIRE_S, Ports
from services.projector.store import QUERIES
from services.runtime.ports import Ticked

ROOMS_MAX = 10_000
_decoder = msgspec.json.Decoder(Gauge)

Rooms = dict[tuple[str, str], Room]
"""By endpoint and volume."""


def keep(ticked: Ticked, newest: Rooms) -> None:
    """What cannot be read is left out."""
    try:
        gauge = _decoder.decode(ticked.payload)
    except msgspec.MsgspecError:
        return
    for room in gauge.rooms:
        key = (columns.text(ticked.endpoint), columns.text(room.volume))
        if key in newest or len(newest) < ROOMS_MAX:
            newest[key] = room


async def write(ports: Ports, newest: Rooms) -> None:
    told = [
        (*key, columns.number(max(0, room.free_bytes)), columns.number(max(0, room.total_bytes)))
        for key, room in sorted(newest.items())
    ]
    async with ports.pool.acquire(timeout=ACQUIRE_S) as connection, connection.transaction():
        await connection.execute(QUERIES["take_turn"])
        await connection.execute(QUERIES["save_rooms"], *zip(*told, strict=True))
