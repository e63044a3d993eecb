"""What is left of volumes, from what an agent tells to what people read."""

from __future__ import annotations

from pathlib import Path

import msgspec

from services.agent.commands import GAUGE, Gauge, Room
from services.projector import gauges
from services.projector.rows import Ports
from services.runtime.ports import Ticked
from tests.services.gateway_studio import WORKSPACE, World, world
from tests.services.spec import HQ, STOCKHOLM, beat


async def shown(studio: World) -> dict[str, list[dict[str, object]]]:
    await studio.shown()
    found = (await studio.ann.get("/api/endpoints")).json
    return {one["name"]: one["volumes"] for one in found}


async def tells(studio: World, endpoint: str, *rooms: Room) -> None:
    newest: gauges.Rooms = {}
    gauges.keep(Ticked(endpoint, GAUGE, msgspec.json.encode(Gauge(list(rooms)))), newest)
    gauges.keep(Ticked(endpoint, GAUGE, b'{"rooms":[{"volume":7}]}'), newest)
    assert len(newest) == len(rooms), "what cannot be read is left out"
    await gauges.write(Ports(WORKSPACE, studio.studio.log, studio.studio.bus, studio.rows), newest)


async def test_volumes_say_what_is_left_of_them(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as studio:
        incoming = Room("incoming", 3, 10)
        await tells(studio, STOCKHOLM, incoming, Room("attic", 1, 1))
        await tells(studio, STOCKHOLM, Room("incoming", -5, 2**70))
        unknown = {"full": False, "free_bytes": None, "total_bytes": None}
        projects = {"code": "projects", "online": True, **unknown}
        told = {"full": False, "free_bytes": 0, "total_bytes": 2**63 - 1}
        volumes = (await shown(studio))["stockholm"]
        assert volumes == [projects, {"code": "incoming", "online": True, **told}]
        await tells(studio, STOCKHOLM, incoming)
        studio.history.take(beat(STOCKHOLM, rooms=[incoming]))
        there = await shown(studio)
        assert there["stockholm"][1] == {
            "code": "incoming",
            "online": True,
            "full": True,
            "free_bytes": 3,
            "total_bytes": 10,
        }
        assert there["hq"][0] == projects, HQ
        assert await studio.rows.fetchval("select count(*) from rooms") == 1, "it has no attic"
