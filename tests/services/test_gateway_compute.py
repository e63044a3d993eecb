"""Compute jobs over real HTTP and a real database: submitted, refused by field, and shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.gateway import showing
from services.gateway.asking import Standing
from services.projector.commands import Moving
from services.projector.moving import Saying, write_said
from services.scheduler.commands import HandOnTasks, Reason
from tests.services.gateway_studio import World, world
from tests.services.read_side import ports
from tests.services.spec import HQ, compute, job_id, transfer

A, B = job_id("a"), job_id("b")
BODY = {
    "command": "render --frame {frame}",
    "range": "1-4,10-20x5",
    "filters": ["ram:>1g", "hostname:+hq-stockholm"],
    "environment": {"SHOW": "night"},
    "cwd": "projects/shot010",
    "limit_s": 60,
    "name": "night",
    "queue": "high",
    "settings": {"job_max_retries": 7},
}


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database_url, tmp_path) as made:
        made.history.allows(HQ, 2)
        yield made


async def test_a_compute_job_is_submitted_and_shown(studio: World) -> None:
    first = await studio.ann.post("/api/jobs/compute", {"command": "prepare"}, Idempotency_Key="k")
    again = await studio.ann.post("/api/jobs/compute", {"command": "prepare"}, Idempotency_Key="k")
    assert (first.status, again.json) == (201, first.json), "sent again, done once"
    waits_for = first.json["jobs"][0]
    await studio.shown()
    body = BODY | {"depends_on": [waits_for[:23]]}
    answer = await studio.ann.post("/api/jobs/compute", body)
    assert answer.status == 201, answer.json
    await studio.shown()
    row = (await studio.ann.get(answer.headers["location"])).json
    told = ("kind", "name", "queue", "status", "tasks_total", "source", "destination")
    assert [row[one] for one in told] == ["compute", "night", "high", "waiting", 7, None, None]
    assert row["reason"]["code"] == "waiting_for_job"
    assert row["depends_on"] == [waits_for]
    asked = {name: BODY[name] for name in ("command", "filters", "environment", "cwd")}
    assert row["compute"] == asked | {"range": "1-4,10-20x5", "lanes": []}
    before = (await studio.ann.get(f"/api/jobs/{waits_for}")).json
    assert before["compute"]["lanes"] == ["hq"]
    (task,) = (await studio.ann.get(f"/api/jobs/{waits_for}/tasks")).json["tasks"]
    assert (task["kind"], task["name"]) == ("frame", "prepare"), "it has no frame to be named by"
    own = studio.history.board.jobs[row["id"]].settings
    assert own == {"task_limit_s": 60, "job_max_retries": 7}


REFUSED: list[tuple[dict[str, object], str]] = [
    ({"command": ""}, "command"),
    ({"command": "render {shot}"}, "command"),
    ({"range": "1-4y"}, "range"),
    ({"range": ""}, "range"),
    ({"filters": ["ram:lots"]}, "filters"),
    ({"filters": "ram:>1g"}, "filters"),
    ({"environment": {"1": "x"}}, "environment"),
    ({"environment": ["A=b"]}, "environment"),
    ({"cwd": "attic"}, "cwd"),
    ({"cwd": "projects/../.."}, "cwd"),
    ({"cwd": "/projects"}, "cwd"),
    ({"bucket": -1}, "bucket"),
    ({"bucket": 2}, "bucket"),
    ({"limit_s": "soon"}, "limit_s"),
    ({"name": "a\tb"}, "name"),
    ({"queue": "soon"}, "queue"),
    ({"settings": {"haste": 1}}, "haste"),
    ({"depends_on": ["f" * 24]}, "depends_on"),
    ({"depends_on": ["f"]}, "depends_on"),
    ({"frames": "1-4"}, "frames"),
]


async def test_each_refusal_names_its_field(studio: World) -> None:
    for change, field in REFUSED:
        answer = await studio.ann.post("/api/jobs/compute", BODY | change)
        assert (answer.status, answer.json["field"]) == (422, field), answer.json
        assert "Expected" not in answer.json["detail"]
    assert len(studio.history.board.jobs) == 0


async def test_the_description_says_what_each_field_means(studio: World) -> None:
    schemas = (await studio.ann.get("/api/openapi.json")).json["components"]["schemas"]
    assert "`bucket` frames go to a lane together" in schemas["SubmitCompute"]["description"]
    assert schemas["SubmitCompute"]["required"] == ["command"]
    assert "`finished_keep_days` ago" in schemas["Job"]["description"]


async def test_a_transfer_waits_for_others_too(studio: World) -> None:
    studio.history.ask(compute("a", ""))
    await studio.shown()
    body = {"source": "hq:projects/x", "destination": "stockholm:incoming"}
    answer = await studio.ann.post("/api/jobs", body | {"depends_on": [A]})
    await studio.shown()
    (job,) = answer.json["jobs"]
    why = (await studio.ann.get(f"/api/jobs/{job}/why")).json["reasons"][0]
    assert (why["code"], why["holder"]["id"]) == ("waiting_for_job", A)
    refused = await studio.ann.post("/api/jobs", body | {"depends_on": ["e"]})
    assert (refused.status, refused.json["field"]) == (422, "depends_on")


async def test_what_commands_say_moves_the_job_and_its_tasks(studio: World) -> None:
    history = studio.history
    history.ask(compute("a", "1-5"))
    history.begins("a", 1)
    history.begins("a", 2)
    history.ask(HandOnTasks(job=A, action="exclude", tasks="4"))
    await studio.shown()
    told = ports(studio.rows, bus=studio.studio.bus)
    await write_said(told, {(HQ, A, 2): Saying(A, 2, 1, 50.0, "half way")})
    assert (await studio.ann.get(f"/api/jobs/{A}")).json["progress"] == 0.5 / 4
    tasks = (await studio.ann.get(f"/api/jobs/{A}/tasks")).json["tasks"]
    said = [(None, None), (50.0, "half way"), *[(None, None)] * 3]
    assert [(task["percent"], task["said"]) for task in tasks] == said
    history.bucket_ends("a")
    history.bucket_ends("a")
    await studio.shown()
    assert (await studio.ann.get(f"/api/jobs/{A}")).json["progress"] == 2 / 4
    page = (await studio.ann.get("/api/jobs?search=render+--frame")).json
    assert [job["id"] for job in page["jobs"]] == [A]


def test_a_tick_says_the_same_as_the_row() -> None:
    row = {"size": 0, "tasks_total": 5, "tasks_excluded": 1}
    assert showing.progress(row, Moving(A, 2, 0, 0.0, 1, 0.5)).progress == 1.5 / 4


def test_a_row_has_no_reason_of_another_status() -> None:
    """The scheduler is ahead of the rows; what it says is of what the job is by now."""
    reason = Reason("backing_off", "tries again", None, None, "the clock")
    standing = Standing({A: reason}, statuses={A: "failed"})
    assert standing.reason(A, "failed") is reason
    assert standing.reason(A, "running") is None
    assert standing.reason(B, "failed") is None


async def test_every_reason_says_since_when(studio: World) -> None:
    history = studio.history
    history.ask(compute("a", "1", filters=["site:attic"]))
    history.ask(transfer("b"))
    history.passes(60)
    await studio.shown()
    (why,) = (await studio.ann.get(f"/api/jobs/{A}/why")).json["reasons"]
    assert (why["code"], why["since"]) == ("no_matching_lane", "2030-01-01T12:00:00Z")
