"""Settings and reasons over real HTTP and a real database; the scheduler is a history of values."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from events.settings import SETTINGS
from services.scheduler.commands import PauseQueue
from tests.services.gateway_studio import Answer, World, world
from tests.services.spec import STOCKHOLM, job_id, transfer

A, B, C = (job_id(letter) for letter in "abc")
NAME = "job_max_retries"


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """Job a runs, b and c wait for its pair."""
    async with world(database_url, tmp_path) as made:
        for letter in "abc":
            made.history.ask(transfer(letter))
            made.history.listed(letter)
        await made.shown()
        yield made


async def holds(studio: World, path: str) -> dict[str, tuple[Any, str]]:
    """Value and source by name."""
    answer = await studio.ann.get(f"/api{path}/settings")
    assert answer.status == 200, answer.content
    return {one["name"]: (one["value"], one["source"]) for one in answer.json}


async def change(studio: World, path: str, body: object, by: str = "ann", **headers: str) -> Answer:
    return await studio.by(by).ask("PATCH", f"/api{path}/settings", body, **headers)


async def test_the_nearest_value_holds_and_says_where_it_is_from(studio: World) -> None:
    places = ("", "/queues/medium", f"/jobs/{A}")
    assert [(await holds(studio, path))[NAME] for path in places] == [(3, "default")] * 3
    for value, path in enumerate(places):
        answer = await change(studio, path, {"set": {NAME: value}})
        assert (answer.status, answer.json["sequence"]) == (200, studio.history.board.sequence)
    found = [(await holds(studio, path))[NAME] for path in places]
    assert found == [(0, "workspace"), (1, "queue"), (2, "job")]
    assert (await holds(studio, f"/jobs/{B}"))[NAME] == (1, "queue")
    await change(studio, f"/jobs/{A}", {"unset": [NAME]})
    await change(studio, "/queues/medium", {"set": {"job_on_missing": "ignore"}, "unset": [NAME]})
    assert (await holds(studio, f"/jobs/{A}"))[NAME] == (0, "workspace")
    assert (await holds(studio, f"/jobs/{A}"))["job_on_missing"] == ("ignore", "queue")


async def test_a_setting_says_what_it_means_and_each_level_has_its_own(studio: World) -> None:
    (first, *_) = (await studio.ann.get(f"/api/jobs/{A}/settings")).json
    assert first == {
        "name": NAME,
        "value": 3,
        "source": "default",
        "default": 3,
        "meaning": SETTINGS[NAME].meaning,
        "choices": [],
        "low": 0,
        "high": 1000,
        "unit": "",
        "written": "",
        "together": "",
    }
    found = {one["name"]: one for one in (await studio.ann.get("/api/settings")).json}
    assert found["job_on_missing"]["choices"] == ["fail", "ignore"]
    assert found["job_on_missing"]["low"] is None
    assert [found["stall_s"][one] for one in ("low", "high", "unit")] == [5, 86_400, "s"]
    assert "transfer_concurrent" not in await holds(studio, f"/jobs/{A}")
    assert list(await holds(studio, "/endpoints/hq")) == [
        "endpoint_transfers",
        "client_compute_lanes",
        "client_offline_grace_s",
        "transfer_speedlimit",
        "transfer_reserved_space",
    ]
    await change(studio, f"/endpoints/{STOCKHOLM}", {"set": {"endpoint_transfers": 4}})
    by_name = await holds(studio, "/endpoints/stockholm")
    assert by_name["endpoint_transfers"] == (4, "endpoint")
    await change(studio, "", {"set": {"transfer_speedlimit": 20}})
    await change(studio, "/pairs/stockholm/hq", {"set": {"transfer_speedlimit": "50 kB/s"}})
    of_pair = {"transfer_speedlimit": ("50 kB/s", "pair")}
    assert await holds(studio, f"/pairs/hq/{STOCKHOLM}") == of_pair
    assert (await holds(studio, f"/jobs/{A}"))["transfer_speedlimit"] == ("20", "workspace")
    apart = (await holds(studio, "/endpoints/hq"))["transfer_speedlimit"]
    assert apart == ("none", "default"), "an endpoint's is the sum, not that of each transfer"
    limit = (await studio.ann.get(f"/api/jobs/{A}")).json["limit"]
    assert (limit["bytes_per_second"], limit["until"]) == (50_000, None)
    assert limit["text"] == "50 kB/s by pair hq–stockholm"


async def test_a_change_is_effective_at_once_and_obeyed_once(studio: World) -> None:
    assert studio.history.running() == ["a"]
    more: dict[str, object] = {"set": {"transfer_concurrent": 2}}
    first = await change(studio, "/queues/medium", more, Idempotency_Key="k")
    assert studio.history.running() == ["a", "b"]
    again = await change(studio, "/queues/medium", more, Idempotency_Key="k")
    assert again.json == first.json
    assert (await change(studio, "", {})).status == 200, "nothing is changed by nothing"


async def test_a_job_is_submitted_with_settings_of_its_own(studio: World) -> None:
    body = {"source": "hq:projects/x", "destination": "oslo:incoming", "settings": {NAME: 7}}
    (job,) = (await studio.ann.ask("POST", "/api/jobs", body)).json["jobs"]
    assert (await holds(studio, f"/jobs/{job}"))[NAME] == (7, "job")
    before = await studio.shown()
    answer = await studio.ann.ask("POST", "/api/jobs", body | {"settings": {NAME: -7}})
    assert (answer.status, answer.json["field"]) == (422, NAME)
    assert await studio.shown() == before


async def test_a_job_is_named_by_a_beginning(studio: World) -> None:
    assert (await studio.ann.get(f"/api/jobs/{A[:-2]}/settings")).status == 409
    assert (await change(studio, f"/jobs/{A[:-2]}", {})).status == 409
    assert (await studio.ann.get("/api/jobs/1/settings")).status == 404


WRONG: list[tuple[str, object, int, str, str]] = [
    ("", {"set": {"speed": 1}}, 422, "speed", "job_max_retries"),
    ("", {"unset": ["speed"]}, 422, "speed", "job_max_retries"),
    ("", {"set": {NAME: -1}}, 422, NAME, "from 0 to 1000"),
    ("", {"set": {NAME: "3"}}, 422, NAME, "from 0 to 1000"),
    ("", {"set": {NAME: None}}, 422, "set", "write a number, text, true or false"),
    ("", {"set": {NAME: [1]}}, 422, "set", "write a number, text, true or false"),
    ("", {"set": {NAME: 1}, "unset": [NAME]}, 422, NAME, "both"),
    ("", {NAME: 1}, 422, NAME, "the body takes set, unset"),
    ("", [], 422, "body", "set, unset"),
    ("/queues/urgent", {"set": {NAME: 1}}, 404, "queue", "medium"),
    ("/endpoints/paris", {"set": {"endpoint_transfers": 1}}, 404, "endpoint", "hq"),
    ("/pairs/hq/paris", {"set": {"transfer_speedlimit": 1}}, 404, "endpoint", "hq"),
    ("/pairs/hq/hq", {"set": {NAME: 1}}, 422, NAME, "those of a pair are transfer_speedlimit"),
    ("", {"set": {"transfer_speedlimit": "fast"}}, 422, "transfer_speedlimit", "22:00-06:00"),
    ("", {"set": {"time_zone": "Mars/Base"}}, 422, "time_zone", "Europe/Stockholm"),
    (f"/jobs/{job_id('z')}", {"set": {NAME: 1}}, 404, "job", "no job"),
    (f"/jobs/{A}", {"set": {"transfer_concurrent": 2}}, 422, "transfer_concurrent", "of a job"),
    ("", {"set": {"x" * 9000: 1}}, 422, "x" * 80, "no setting"),
    ("", {"set": {NAME: 10**4000}}, 422, NAME, "from 0 to 1000"),
    ("", {"set": {NAME: "x" * 9000}}, 422, NAME, "from 0 to 1000"),
]


async def test_what_cannot_be_set_is_refused_with_what_can(studio: World) -> None:
    before = await studio.shown()
    for path, body, status, field, words in WRONG:
        answer = await change(studio, path, body)
        asked = f"{path} {str(body)[:80]}: {answer.content!r}"
        assert (answer.status, answer.json["field"]) == (status, field), asked
        assert words in answer.json["detail"], asked
        assert len(answer.content) < 1000, asked
    for path in ("/queues/urgent", "/endpoints/paris", f"/jobs/{job_id('z')}"):
        assert (await studio.ann.get(f"/api{path}/settings")).status == 404
    assert await studio.shown() == before


async def test_only_admins_set_what_is_not_a_job(studio: World) -> None:
    for path in ("", "/queues/medium", "/endpoints/hq", "/pairs/hq/stockholm"):
        for by in ("eve", "bob"):
            answer = await change(studio, path, {"set": {"endpoint_transfers": 1}}, by)
            assert answer.status == 403, (path, by)
            assert (await studio.by(by).get(f"/api{path}/settings")).status == 200
    assert (await change(studio, f"/jobs/{A}", {"set": {NAME: 1}}, "eve")).status == 200


async def test_a_job_that_waits_says_all_that_keeps_it(studio: World) -> None:
    await change(studio, "/queues/medium", {"set": {"transfer_concurrent": 2}})
    studio.history.ask(transfer("d", source="oslo:projects/x"))
    why = (await studio.ann.get(f"/api/jobs/{C}/why")).json
    assert (why["job"], why["status"], why["position"]) == (C, "waiting", 3)
    assert [one["text"] for one in why["reasons"]] == [
        "behind a on hq–stockholm",
        "behind b on hq–stockholm",
    ]
    assert why["reasons"][0]["release"] == "a ends, or this job is moved above it"
    assert why["reasons"][0]["since"].startswith("2030-01-01T12:00:00")
    assert why["sequence"] == studio.history.board.sequence
    studio.history.ask(PauseQueue("medium"))
    held = (await studio.ann.get(f"/api/jobs/{C}/why")).json["reasons"]
    assert held[0]["code"] == "queue_paused", "the worst is first"


async def test_a_job_that_does_not_wait_has_no_reasons(studio: World) -> None:
    why = (await studio.ann.get(f"/api/jobs/{A}/why")).json
    assert (why["status"], why["position"], why["reasons"]) == ("running", 1, [])


async def test_the_description_lets_a_number_be_a_number(studio: World) -> None:
    document = (await studio.ann.get("/api/openapi.json")).json
    value = document["components"]["schemas"]["Setting"]["properties"]["value"]
    kinds = {one["type"] for one in value["anyOf"]}
    assert kinds == {"boolean", "integer", "number", "string"}
    assert set(document["paths"]["/api/jobs/{job}/settings"]) == {"get", "patch"}


async def test_without_a_scheduler_nobody_knows_and_says_so(studio: World) -> None:
    await studio.studio.bus.close()
    for path in ("settings", f"jobs/{A}/settings", f"jobs/{B}/why"):
        answer = await studio.ann.get(f"/api/{path}")
        assert (answer.status, answer.headers["retry-after"]) == (503, "1"), path
        assert "no scheduler answers" in answer.json["detail"]
