"""Which way bytes go, and who reaches whom, from what an agent tells to what people read."""

from __future__ import annotations

from pathlib import Path

from events.endpoints import Dialled
from services.scheduler.commands import Beat
from tests.services.gateway_studio import World, world
from tests.services.spec import HQ, STOCKHOLM, VOLUMES, beat, job_id, transfer
from tests.services.test_routing import VIA

URL = beat(HQ).url


async def endpoints(studio: World) -> dict[str, dict[str, object]]:
    await studio.shown()
    found = (await studio.ann.get("/api/endpoints")).json
    wanted = ("listens", "relays", "reaches")
    return {one["name"]: {key: one[key] for key in wanted} for one in found}


def silence(studio: World, *deaf: str) -> None:
    """Started anew, without a port."""
    for endpoint in deaf:
        studio.history.take(beat(endpoint, "1", leaving=True))
        studio.history.take(beat(endpoint, "2", url=""))


async def test_an_endpoint_says_whom_it_reaches_where_they_are_now(
    database_url: str, tmp_path: Path
) -> None:
    async with world(database_url, tmp_path) as studio:
        found = [Dialled(STOCKHOLM, URL, False), Dialled("f" * 24, URL, True)]
        studio.history.take(beat(HQ, dialled=found))
        reaches = [{"endpoint": "stockholm", "reached": False}]
        there = await endpoints(studio)
        assert there["hq"] == {"listens": True, "relays": 0, "reaches": reaches}
        silence(studio, STOCKHOLM)
        there = await endpoints(studio)
        assert there["stockholm"] == {"listens": False, "relays": 0, "reaches": []}
        assert there["hq"]["reaches"] == [], "what it found was found elsewhere"


async def test_a_job_says_which_way_its_bytes_go(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as studio:

        async def route(letter: str) -> tuple[str | None, str | None]:
            await studio.shown()
            found = (await studio.ann.get(f"/api/jobs/{job_id(letter)}")).json
            return found["route"], found["relay"]

        studio.history.ask(transfer("a"))
        assert await route("a") == (None, None)
        studio.history.listed("a")
        assert await route("a") == ("pull", None)
        studio.history.finished("a")
        silence(studio, HQ, STOCKHOLM)
        studio.history.take(Beat(VIA, "via", "1", "http://10.0.0.8:1", VOLUMES, relays=8))
        studio.history.ask(transfer("b"))
        studio.history.listed("b")
        assert await route("b") == ("relay", "via")
        assert (await endpoints(studio))["via"]["relays"] == 8
