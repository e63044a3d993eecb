"""What the API refuses, in words that help, and what it does while no scheduler answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.gateway import asking
from services.scheduler.commands import Abort
from tests.services.gateway_studio import World, world
from tests.services.spec import job_id, transfer

A, B, C, D = (job_id(letter) for letter in "abcd")
TRANSFER = {"source": "hq:projects/shot/", "destination": "stockholm:incoming/"}


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database_url, tmp_path) as made:
        yield made


REFUSED: list[tuple[str, str, Any, int, str]] = [
    ("POST", f"/api/jobs/{D}/pause", None, 404, "see the list of jobs"),
    ("GET", "/api/jobs/2", None, 404, "see the list of jobs"),
    ("GET", "/api/queues/nope", None, 404, "see the list of queues"),
    ("POST", f"/api/jobs/{A}/resume", None, 409, "retry"),
    ("POST", f"/api/jobs/{B}/move", {"to": "top", "before": C}, 422, ""),
    ("POST", f"/api/jobs/{B}/move", {"to": "left"}, 422, "top, bottom"),
    ("POST", f"/api/jobs/{B}/move", {"queue": "nope"}, 422, "high"),
    ("POST", "/api/jobs/move", {"jobs": []}, 422, "1 to"),
    ("POST", "/api/jobs/move", {"jobs": [1]}, 422, ""),
    ("POST", "/api/jobs/move", {"jobs": [B], "seen": {C: 1}, "to": "top"}, 422, "none of the jobs"),
    ("POST", "/api/jobs/move", {"jobs": [B], "seen": {B: "x"}, "to": "top"}, 422, "whole number"),
    ("POST", "/api/jobs", TRANSFER | {"source": "paris:projects/a"}, 422, "hq"),
    ("POST", "/api/jobs", TRANSFER | {"source": "hq:nope/a"}, 422, "projects"),
    ("POST", "/api/jobs", TRANSFER | {"source": "hq:projects/../a"}, 422, "'..'"),
    ("POST", "/api/jobs", TRANSFER | {"queue": "nope"}, 422, "medium"),
    ("POST", "/api/jobs", TRANSFER | {"name": "a\nb"}, 422, "control"),
    ("POST", "/api/jobs", TRANSFER | {"name": "a" * 256}, 422, "255"),
    ("POST", "/api/jobs", TRANSFER | {"priority": 1}, 422, "paused"),
    ("POST", "/api/jobs", TRANSFER | {"paused": "yes"}, 422, "true or false"),
    ("POST", "/api/jobs", TRANSFER | {"paused": 1}, 422, "paused: write true or false"),
    ("POST", "/api/jobs", TRANSFER | {"paused": "true"}, 422, "paused: write true or false"),
    ("POST", "/api/jobs", TRANSFER | {"name": 1}, 422, "name: write text"),
    ("POST", "/api/queues", {"code": "x", "priority": "1"}, 422, "priority: write a whole number"),
    ("POST", "/api/jobs/move", {"jobs": [B], "seen": {B: "1"}, "to": "top"}, 422, "whole number"),
    ("POST", "/api/jobs", {"source": "hq:projects/a"}, 422, "destination is missing"),
    ("POST", "/api/jobs", [], 422, "object"),
    ("POST", "/api/jobs", b"{", 400, "JSON"),
    ("POST", "/api/jobs", b"\xff", 400, "JSON"),
    ("POST", "/api/jobs", b"[" * 100_000, 400, "too deeply"),
    ("POST", "/api/jobs", b" " * 20_000_000, 413, "send less"),
    ("GET", "/api/jobs?limit=0", None, 422, "at least 1"),
    ("GET", "/api/jobs?limit=501", None, 422, "at most 500"),
    ("GET", "/api/jobs?limit=ten", None, 422, "whole number"),
    ("GET", "/api/jobs?limit=1&limit=2", None, 422, "once"),
    ("GET", "/api/jobs?state=old", None, 422, "active, finished"),
    ("GET", "/api/jobs?status=dead", None, 422, "init, waiting, running"),
    ("GET", "/api/jobs?state=active&status=done", None, 422, "finished"),
    ("GET", "/api/jobs?queue=nope", None, 422, "high, medium, low"),
    ("GET", "/api/jobs?stauts=done", None, 422, "status"),
    ("GET", "/api/jobs?cursor=nope", None, 422, "cursor"),
    ("GET", "/api/jobs?search=a%00", None, 422, "NUL"),
    ("GET", f"/api/jobs?search={'a' * 201}", None, 422, "200"),
    ("GET", "/api/jobs?at_least=-1", None, 422, "at least 0"),
    ("GET", f"/api/jobs?at_least={2**64}", None, 422, "at most"),
    ("GET", f"/api/jobs/{A}/tasks?status=lost", None, 422, "queued, booting, executing"),
    ("GET", f"/api/jobs/{A}/log?order=up", None, 422, "oldest, newest"),
    ("GET", "/api/events?only=some", None, 422, "rows, events"),
    ("GET", "/api/events?job=2", None, 404, "no job"),
    ("GET", "/api/me?x=1", None, 422, "none"),
    ("GET", f"/api/jobs?search={'a' * 9000}", None, 414, "8192"),
    ("GET", "/api/nothing", None, 404, "/api/openapi.json"),
    ("GET", "/nothing/here", None, 404, "/api/openapi.json"),
    ("DELETE", "/api/jobs", None, 405, "GET"),
    ("PUT", f"/api/jobs/{A}/pause", None, 405, "POST"),
]


async def test_a_refusal_says_what_is_wrong_and_what_to_do(studio: World) -> None:
    for letter in "abc":
        studio.history.ask(transfer(letter))
        studio.history.listed(letter)
    studio.history.ask(Abort(A))
    before = await studio.shown()
    for method, path, body, status, words in REFUSED:
        answer = await studio.ann.ask(method, path, body)
        asked = f"{method} {path[:80]} {str(body)[:80]}: {answer.content!r}"
        assert answer.status == status, asked
        assert answer.headers["content-type"] == "application/problem+json", asked
        assert answer.json["status"] == status
        assert words in answer.json["detail"], asked
        assert await studio.shown() == before, f"{asked} left a trace"


async def test_a_command_that_a_scheduler_left_unanswered_is_given_to_the_next(
    studio: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "TRY_S", 0.3)
    studio.studio.deaf = True
    asked = asyncio.create_task(studio.ann.post("/api/jobs", TRANSFER))
    async with asyncio.timeout(3):
        while not studio.studio.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        studio.studio.deaf = False
        assert (await asked).status == 201
    first, second = studio.studio.asked
    assert first == second
    await studio.shown()
    assert (await studio.ann.get("/api/jobs")).json["total"] == 1


async def test_a_command_is_kept_while_no_scheduler_is_there(studio: World) -> None:
    await studio.studio.bus.close()
    asked = asyncio.create_task(studio.ann.post("/api/jobs", TRANSFER))
    await asyncio.sleep(0.5)
    assert not asked.done()
    await studio.studio.listen()
    async with asyncio.timeout(3):
        assert (await asked).status == 201


async def test_a_command_that_nobody_answers_may_be_repeated_and_says_so(
    studio: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "COMMAND_S", 0.5)
    studio.studio.deaf = True
    await studio.studio.bus.close()
    answer = await studio.ann.post("/api/jobs", TRANSFER, Idempotency_Key="k")
    assert answer.status == 503
    assert "same Idempotency-Key" in answer.json["detail"]
    assert answer.headers["retry-after"] == "1"
