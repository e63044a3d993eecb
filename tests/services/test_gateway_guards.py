"""`ETag` and `If-Match` over real HTTP: a hand acts only on what it saw, if it says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.scheduler.commands import Pause, Resume
from tests.services.gateway_studio import World, world
from tests.services.spec import job_id, transfer

A, B, C, D = (job_id(letter) for letter in "abcd")
TRANSFER = {"source": "hq:projects/shot/", "destination": "stockholm:incoming/"}


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database_url, tmp_path) as made:
        yield made


def submitted(studio: World, *letters: str) -> None:
    for letter in letters:
        studio.history.ask(transfer(letter))
        studio.history.listed(letter)


async def test_a_hand_may_say_only_if_it_is_as_i_saw_it(studio: World) -> None:
    submitted(studio, "a", "b", "c")
    await studio.shown()
    shown = await studio.ann.get(f"/api/jobs/{A}")
    seen = shown.headers["etag"]
    assert seen == f'"{shown.json["version"]}"'
    studio.history.done("a", "0", 100)
    await studio.shown()
    later = await studio.ann.get(f"/api/jobs/{A}")
    assert (later.headers["etag"], later.json["tasks_done"]) == (seen, 1), "its tasks go on"
    assert (await studio.ann.post(f"/api/jobs/{A}/pause", If_Match=seen)).status == 200
    before = await studio.shown()
    bodies: dict[str, object] = {"move": {"to": "top"}, "append": {"paths": ["x"]}}
    for verb in ("pause", "resume", "abort", "retry", "move", "append"):
        stale = await studio.ann.post(f"/api/jobs/{A}/{verb}", bodies.get(verb), If_Match=seen)
        assert (stale.status, stale.json["title"]) == (412, "Precondition Failed"), verb
        assert "look again" in stale.json["detail"]
    for values in ({"job_max_retries": 1}, {}):
        change = {"set": values}
        stale = await studio.ann.ask("PATCH", f"/api/jobs/{A}/settings", change, If_Match=seen)
        assert stale.status == 412, "also if it would change nothing"
    assert await studio.shown() == before
    now = (await studio.ann.get(f"/api/jobs/{A}")).headers["etag"]
    assert (await studio.ann.post(f"/api/jobs/{A}/resume", If_Match=now)).status == 200
    assert (await studio.ann.post(f"/api/jobs/{A}/pause", If_Match="*")).status == 200
    assert (await studio.ann.post(f"/api/jobs/{D}/pause", If_Match="*")).status == 404


async def test_several_jobs_move_only_if_all_are_as_they_were_seen(studio: World) -> None:
    submitted(studio, "a", "b", "c")
    await studio.shown()
    page = (await studio.ann.get("/api/jobs")).json["jobs"]
    seen = {job["id"]: job["version"] for job in page if job["id"] in (B, C)}
    move = {"jobs": [C, B], "to": "top", "seen": seen}
    studio.history.ask(Pause(B))
    assert (await studio.ann.post("/api/jobs/move", move)).status == 412
    await studio.shown()
    seen[B] = (await studio.ann.get(f"/api/jobs/{B}")).json["version"]
    studio.history.ask(Resume(B))
    await studio.shown()
    seen[B] = (await studio.ann.get(f"/api/jobs/{B}")).json["version"]
    assert (await studio.ann.post("/api/jobs/move", move)).status == 200
    await studio.shown()
    assert [job["name"] for job in (await studio.ann.get("/api/jobs")).json["jobs"]] == [
        "c",
        "b",
        "a",
    ]


@pytest.mark.parametrize("written", ["", "12", 'W/"12"', '"x"', '"1", "2"', '"-1"', '"01"'])
async def test_a_guard_that_says_nothing_is_refused(studio: World, written: str) -> None:
    answer = await studio.ann.post(f"/api/jobs/{A}/pause", If_Match=written)
    assert (answer.status, answer.json["field"]) == (422, "If-Match")
    assert studio.studio.asked == []


async def test_a_guard_that_nobody_heeds_is_refused(studio: World) -> None:
    for path, body in (("", TRANSFER), ("/move", {"jobs": [A], "to": "top"})):
        answer = await studio.ann.post(f"/api/jobs{path}", body, If_Match='"1"')
        assert (answer.status, answer.json["field"]) == (422, "If-Match")
    assert studio.studio.asked == []
