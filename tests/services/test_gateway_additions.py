"""What a job gets in addition, and each try of its tasks, over real HTTP and a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from events.jobs import ErrorClass
from events.tasks import Entry
from tests.services.gateway_studio import World, world
from tests.services.spec import job_id, transfer

A = job_id("a")


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database_url, tmp_path) as made:
        yield made


async def test_the_tries_of_a_task_say_where_and_what_became_of_them(studio: World) -> None:
    studio.history.ask(transfer("a"))
    studio.history.listed("a")
    studio.history.failed("a", 2, ErrorClass.SPACE)
    studio.history.done("a", "0-1", 200)
    studio.history.ended("a")
    studio.history.passes(60)
    studio.history.done("a", "2", 100)
    await studio.shown()
    path = f"/api/jobs/{A}/tasks/2/attempts"
    page = (await studio.ann.get(path)).json
    told = [(one["attempt"], one["outcome"], one["endpoint"]) for one in page["attempts"]]
    assert told == [(1, "failed", "stockholm"), (2, "done", "stockholm")]
    first, second = page["attempts"]
    assert (first["error_class"], first["error_message"]) == ("space", "task 2")
    assert (first["bytes"], second["bytes"], second["exit_code"]) == (None, 100, None)
    begun = (await studio.ann.get(f"{path}?limit=1")).json
    rest = (await studio.ann.get(f"{path}?limit=1&cursor={begun['next']}")).json
    assert begun["attempts"] + rest["attempts"] == page["attempts"]
    assert rest["next"] is None
    assert (await studio.ann.get(f"/api/jobs/{A}/tasks/3/attempts")).status == 404
    assert (await studio.by("bob").get(path)).status == 404
    assert (await studio.ann.get(f"/api/jobs/{A}/tasks/{2**40}/attempts")).status == 404


async def test_tasks_are_changed_by_hand(studio: World) -> None:
    studio.history.ask(transfer("a"))
    studio.history.listed("a")
    path = f"/api/jobs/{A}/tasks"
    held = await studio.ann.post(f"{path}/hold", {"tasks": "0-1"})
    assert (held.status, held.json["jobs"]) == (200, [A])
    at_least = f"at_least={held.json['sequence']}"
    shown = (await studio.ann.get(f"{path}?status=onhold&{at_least}")).json["tasks"]
    assert [one["number"] for one in shown] == [0, 1]
    excluded = (await studio.ann.post(f"{path}/exclude", {"tasks": "queued"})).json
    job = (await studio.ann.get(f"/api/jobs/{A}?at_least={excluded['sequence']}")).json
    assert (job["status"], job["size"], job["tasks_excluded"]) == ("paused", 200, 1)
    for action, body, status, field in (
        ("hold", {"tasks": "7"}, 422, "tasks"),
        ("hold", {"tasks": "stuck"}, 422, "tasks"),
        ("hold", {}, 422, "tasks"),
        ("burn", {"tasks": "1"}, 422, "action"),
    ):
        refused = await studio.ann.post(f"{path}/{action}", body)
        assert (refused.status, refused.json["field"]) == (status, field), refused.json
    assert (await studio.by("bob").post(f"{path}/hold", {"tasks": "1"})).status == 404
    stale = {"If-Match": '"1"'}
    assert (await studio.ann.post(f"{path}/retry", {"tasks": "all"}, **stale)).status == 412


async def test_paths_are_added_to_a_job_and_the_log_says_so(studio: World) -> None:
    studio.history.ask(transfer("a"))
    entries = [Entry("", "folder"), Entry("f", size=100)]
    studio.history.listed_as("a", entries)
    studio.history.done("a", "0-1", 100)
    studio.history.ended("a")
    await studio.shown()
    answer = await studio.ann.post(f"/api/jobs/{A}/append", {"paths": ["f", "day 2/"]})
    assert (answer.status, answer.json["jobs"]) == (200, [A])
    assert (await studio.ann.get(f"/api/jobs/{A}?at_least={answer.json['sequence']}")).json[
        "status"
    ] == "init"
    more = [entries[0], Entry("f", size=120), Entry("day 2", "folder"), Entry("day 2/g", size=7)]
    studio.history.listed_as("a", more)
    await studio.shown()
    shown = (await studio.ann.get(f"/api/jobs/{A}")).json
    assert (shown["tasks_total"], shown["size"], shown["bytes_done"]) == (4, 127, 0)
    log = (await studio.ann.get(f"/api/jobs/{A}/log?limit=500")).json["lines"]
    assert "ann added 2 paths: f, day 2" in [line["text"] for line in log]
    tries = (await studio.ann.get(f"/api/jobs/{A}/tasks/1/attempts")).json["attempts"]
    assert [(one["outcome"], one["bytes"]) for one in tries] == [("done", 100)]
    refused = await studio.ann.post(f"/api/jobs/{A}/append", {"paths": ["../x"]})
    assert (refused.status, refused.json["field"]) == (422, "paths")
    assert "`..`" in refused.json["detail"]
