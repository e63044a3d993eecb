"""Endpoints over real HTTP and a real database; the scheduler is a history of values."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services.gateway_studio import World, world
from tests.services.spec import HQ, compute, job_id, transfer


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database_url, tmp_path) as made:
        yield made


async def shown(studio: World, name: str) -> dict[str, object]:
    found = (await studio.ann.get(f"/api/endpoints?at_least={await studio.shown()}")).json
    return next(one for one in found if one["name"] == name)


async def test_a_disabled_endpoint_says_by_whom_and_its_jobs_why(studio: World) -> None:
    studio.history.ask(transfer("a"))
    studio.history.listed("a")
    assert (await shown(studio, "stockholm"))["disabled"] is None
    answer = await studio.by("eve").post("/api/endpoints/stockholm/disable")
    assert answer.status == 200
    disabled = (await shown(studio, "stockholm"))["disabled"]
    assert isinstance(disabled, dict)
    assert disabled["by"] == "eve"
    job = (await studio.ann.get(f"/api/jobs/{job_id('a')}")).json
    assert job["reason"]["text"] == "stockholm is disabled by eve"
    assert (await studio.ann.post("/api/endpoints/stockholm/enable")).status == 200
    assert (await shown(studio, "stockholm"))["disabled"] is None


async def test_who_may_not_or_names_nobody_is_told_so(studio: World) -> None:
    answer = await studio.by("bob").post("/api/endpoints/hq/disable")
    assert (answer.status, answer.json["detail"][:15]) == (403, "this is for an ")
    answer = await studio.ann.post("/api/endpoints/attic/enable")
    assert (answer.status, answer.json["field"]) == (404, "endpoint")


async def test_an_endpoint_tells_of_its_machine_and_its_lanes(studio: World) -> None:
    assert (await shown(studio, "hq"))["machine"] is None
    studio.history.allows(HQ, 2, site="north", tags=("gpu",))
    studio.history.ask(compute("c", "1-5"))
    hq = await shown(studio, "hq")
    assert (hq["lanes"], hq["lanes_taken"], hq["jobs_running"]) == (2, 2, 1)
    machine = hq["machine"]
    assert isinstance(machine, dict)
    assert (machine["hostname"], machine["site"], machine["tags"]) == ("hq", "north", ["gpu"])
