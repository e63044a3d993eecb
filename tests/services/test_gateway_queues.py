"""Queues over real HTTP and a real database; the scheduler is a history of values."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.gateway_studio import Answer, World, world
from tests.services.spec import job_id, transfer
from tests.services.test_gateway_events import listening, settled

A, B = job_id("a"), job_id("b")


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database_url, tmp_path) as made:
        yield made


async def queues(studio: World) -> dict[str, Any]:
    found = (await studio.ann.get(f"/api/queues?at_least={await studio.shown()}")).json
    return {queue["code"]: queue for queue in found}


async def delete(studio: World, code: str, **headers: str) -> Answer:
    return await studio.ann.ask("DELETE", f"/api/queues/{code}", **headers)


async def test_a_queue_is_made_with_all_that_it_is(studio: World) -> None:
    answer = await studio.ann.post("/api/queues", {"code": "plain"})
    assert (answer.status, answer.headers["location"]) == (201, "/api/queues/plain")
    whole = {
        "code": "Rush.1",
        "priority": 1000,
        "description": "today's",
        "metadata": {"show": "å\0b"},
        "default": True,
        "compute_default": True,
    }
    done = (await studio.ann.post("/api/queues", whole)).json
    shown = (await studio.ann.get(f"/api/queues/Rush.1?at_least={done['sequence']}")).json
    assert {name: shown[name] for name in whole} == whole | {"metadata": {"show": "å␀b"}}
    assert (await studio.ann.get(f"/api/queues/{shown['id']}")).json == shown
    found = await queues(studio)
    assert list(found)[:2] == ["Rush.1", "high"]
    assert [code for code, queue in found.items() if queue["default"]] == ["Rush.1"]
    assert (found["plain"]["priority"], found["plain"]["metadata"]) == (500, {})


async def test_a_code_is_meant_in_its_very_letters(studio: World) -> None:
    await studio.ann.post("/api/queues", {"code": "HIGH"})
    await studio.shown()
    assert (await studio.ann.get("/api/queues/HIGH")).json["priority"] == 500
    assert (await studio.ann.get("/api/queues/high")).json["priority"] == 999
    for name in ("High", "nothing", "%00", "a%2Fb", "0" * 24, "x" * 5000):
        answer = await studio.ann.get(f"/api/queues/{name}")
        assert answer.status == 404, name
        assert len(answer.content) < 500


async def test_a_change_changes_what_it_names(studio: World) -> None:
    low = (await queues(studio))["low"]
    change = {"code": "nights", "priority": 2, "metadata": {"a": "b"}, "default": None}
    answer = await studio.ann.ask("PATCH", "/api/queues/low", change)
    assert answer.status == 200
    now = (await queues(studio))["nights"]
    assert now == low | {
        "code": "nights",
        "priority": 2,
        "metadata": {"a": "b"},
        "sequence": answer.json["sequence"],
    }
    again = await studio.ann.ask("PATCH", f"/api/queues/{low['id']}", {"priority": 2})
    assert again.json == answer.json, "it is so already"


async def test_what_is_no_queue_is_refused_with_the_field_at_fault(studio: World) -> None:
    wrong: list[tuple[str, str, object, int, str]] = [
        ("POST", "", {"priority": 1}, 422, "code"),
        ("POST", "", {"code": "two words"}, 422, "code"),
        ("POST", "", {"code": "a", "colour": "red"}, 422, "colour"),
        ("POST", "", {"code": "a", "priority": 1001}, 422, "priority"),
        ("POST", "", {"code": "a", "priority": "much"}, 422, "priority"),
        ("POST", "", {"code": "high"}, 409, "code"),
        ("PATCH", "/low", {"code": "high"}, 409, "code"),
        ("PATCH", "/low", {"status": "paused"}, 422, "status"),
        ("PATCH", "/medium", {"default": False}, 409, "default"),
        ("PATCH", "/Low", {"priority": 3}, 404, "queue"),
        ("DELETE", "/medium", None, 409, "queue"),
        ("POST", "/urgent/pause", None, 404, "queue"),
        ("GET", "/urgent/log", None, 404, "queue"),
    ]
    before = await studio.shown()
    for method, path, body, status, field in wrong:
        answer = await studio.ann.ask(method, f"/api/queues{path}", body)
        found = (answer.status, answer.json.get("field"))
        assert found == (status, field), (method, path, answer.content)
    assert await studio.shown() == before


async def test_a_held_queue_says_so_and_so_do_its_jobs(studio: World) -> None:
    studio.history.ask(transfer("a"))
    studio.history.listed("a")
    assert (await studio.by("eve").post("/api/queues/medium/pause")).status == 200
    assert (await queues(studio))["medium"]["status"] == "paused"
    waiting = (await studio.ann.get(f"/api/jobs/{A}")).json
    assert (waiting["status"], waiting["reason"]["text"]) == ("waiting", "queue medium is paused")
    assert (await studio.by("eve").post("/api/queues/medium/resume")).status == 200
    assert (await queues(studio))["medium"]["status"] == "waiting"


async def test_a_deleted_queue_is_gone_and_says_where_its_jobs_went(studio: World) -> None:
    studio.history.ask(transfer("a", queue="low"))
    low = (await queues(studio))["low"]
    async with listening(studio.ann, "?only=rows") as heard:
        await settled(heard)
        answer = await delete(studio, "low", Idempotency_Key="once")
        assert answer.status == 200
        assert (answer.json["jobs"], answer.json["to"]) == ([A], "medium")
        await heard.until("queue", code="low", status="deleted")
    async with listening(studio.ann, f"?only=rows&since={low['sequence']}") as late:
        await late.until("queue", id=low["id"], status="deleted")
    await studio.ann.ask("PATCH", "/api/queues/high", {"default": True})
    assert (await delete(studio, "low", Idempotency_Key="once")).json == answer.json
    assert (await delete(studio, "low")).status == 404
    assert list(await queues(studio)) == ["high", "medium"]
    assert (await studio.ann.get("/api/queues/low")).status == 404
    assert (await studio.ann.get("/api/jobs?queue=low")).status == 422
    assert (await studio.ann.get(f"/api/jobs/{A}")).json["queue"] == "medium"


async def test_the_log_of_a_queue_is_read_by_page_and_outlives_it(studio: World) -> None:
    await studio.ann.ask("PATCH", "/api/queues/low", {"priority": 7})
    await studio.by("eve").post("/api/queues/low/pause")
    first = (await queues(studio))["low"]["id"]
    await delete(studio, "low")
    await studio.shown()
    whole = (await studio.ann.get("/api/queues/low/log")).json
    assert [line["text"] for line in whole["lines"]] == [
        "created queue low with priority 1",
        "ann changed queue low: priority 7",
        "eve paused queue low",
        "ann deleted queue low, its jobs went to medium",
    ]
    newest = (await studio.ann.get("/api/queues/low/log?order=newest&limit=3")).json
    assert newest["lines"] == whole["lines"][:0:-1]
    rest = f"/api/queues/low/log?order=newest&limit=3&cursor={newest['next']}"
    assert (await studio.ann.get(rest)).json == {"lines": whole["lines"][:1], "next": None}
    await studio.ann.post("/api/queues", {"code": "low"})
    await studio.shown()
    assert len((await studio.ann.get("/api/queues/low/log")).json["lines"]) == 1
    assert (await studio.ann.get(f"/api/queues/{first}/log")).json == whole


async def test_a_key_makes_one_queue(studio: World) -> None:
    new = {"code": "rush"}
    one = await studio.ann.post("/api/queues", new, Idempotency_Key="k")
    two = await studio.ann.post("/api/queues", new, Idempotency_Key="k")
    assert (one.status, two.status, one.json) == (201, 201, two.json)
    assert (await studio.ann.post("/api/queues", new)).status == 409


async def test_queues_are_not_everyones_to_touch(studio: World) -> None:
    before = await studio.shown()
    makes = [
        ("POST", "", {"code": "x"}),
        ("PATCH", "/low", {"priority": 3}),
        ("DELETE", "/low", None),
    ]
    holds = [("POST", "/low/pause", None), ("POST", "/low/resume", None)]
    for by, kept in (("bob", [*makes, *holds]), ("eve", makes)):
        for method, path, body in kept:
            answer = await studio.by(by).ask(method, f"/api/queues{path}", body)
            assert answer.status == 403, (by, method, path)
            assert "an admin" in answer.json["detail"]
    assert (await studio.by("bob").get("/api/queues/low/log")).status == 403
    assert (await studio.by("bob").get("/api/queues/low")).status == 200
    assert await studio.shown() == before
