"""What would be, and the way back, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.scheduler.commands import Move
from tests.services.gateway_studio import World, world
from tests.services.reality import MB, WAYS, measure
from tests.services.spec import ANN, BOB, job_id, transfer

A, B, C = (job_id(letter) for letter in "abc")


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """Three jobs of a minute each, one behind the other; one of them is bob's."""
    async with world(database_url, tmp_path) as made:
        measure(made.history)
        for letter, by in (("a", ANN), ("b", BOB), ("c", ANN)):
            made.history.ask(transfer(letter, *WAYS[0]), by)
            made.history.listed(letter, 1, 600 * MB)
        yield made


async def test_what_would_be_is_told_and_nothing_is_stored(studio: World) -> None:
    sequence = await studio.shown()
    move = {"do": "move", "jobs": [C], "to": "top"}
    asked = {"changes": [move]}
    told = (await studio.ann.post("/api/what-if", asked)).json
    assert told["sequence"] == sequence
    assert [one["name"] for one in told["jobs"]] == ["c", "a", "b"]
    assert [round(one["later_s"], -1) for one in told["jobs"]] == [-120, 60, 60]
    assert told["sooner"]["jobs"] == 1
    studio.history.ask(Move([C], to="top"))
    await studio.shown()
    after = (await studio.ann.post("/api/what-if", asked)).json
    assert (after["jobs"], after["sequence"]) == ([], sequence + 1)
    then = (await studio.ann.post(f"/api/what-if?as_of={sequence}&limit=1", asked)).json
    assert [one["name"] for one in then["jobs"]] == ["c"]
    assert (then["total"], then["sequence"]) == (3, sequence)
    bobs = {"changes": [{"do": "move", "jobs": [B], "to": "top"}]}
    (only,) = (await studio.by("bob").post(f"/api/what-if?as_of={sequence}", bobs)).json["jobs"]
    assert only["name"] == "b"
    assert (await studio.by("bob").post("/api/what-if", asked)).status == 404


@pytest.mark.parametrize(
    ("changes", "status", "field", "words"),
    [
        ([], 422, "changes", "try 1 to 20 changes at a time"),
        ([{"do": "submit"}], 422, "changes[0].do", "there is no 'submit' here"),
        ([{"do": "move", "jobs": []}], 422, "jobs", "name 1 to 1000 jobs"),
        ([{"do": "pause", "jobs": []}], 422, "jobs", "there is no field 'jobs'"),
        ([{"do": "pause", "job": "ffff"}], 404, "job", "there is no job 'ffff'"),
        ([{"do": "offline", "endpoint": "x"}], 404, "endpoint", "there is no endpoint 'x'"),
        ([{"do": "offline", "endpoint": "hq", "when": "x"}], 422, "when", "write 22:00-06:00"),
        ([{"do": "queue", "queue": "low", "priority": 5000}], 422, "priority", "0 to 1000"),
    ],
)
async def test_what_cannot_be_tried_is_refused(
    studio: World, changes: list[object], status: int, field: str, words: str
) -> None:
    await studio.shown()
    answer = await studio.ann.post("/api/what-if", {"changes": changes})
    assert (answer.status, answer.json["field"]) == (status, field)
    assert words in answer.json["detail"]


async def test_a_command_is_undone_with_a_preview_before(studio: World) -> None:
    await studio.shown()
    history, ann = studio.history, studio.ann
    moved = {"jobs": [C, A], "queue": "high"}
    assert (await ann.post("/api/jobs/move", moved, Idempotency_Key="k1")).status == 200
    await ann.post(f"/api/jobs/{B}/pause", Idempotency_Key="k2")
    await ann.post("/api/jobs/move", {"jobs": [B], "queue": "low"}, Idempotency_Key="k3")
    listed = (await ann.get("/api/undo")).json
    assert [one["command"] for one in listed[:3]] == ["ann:k3", "ann:k2", "ann:k1"]
    assert listed[2]["text"] == "a: ann moved it to high; c: ann moved it to high"
    assert [(one["can"], one["undone"]) for one in listed[:3]] == [(True, False)] * 3
    assert (await studio.by("bob").get("/api/undo")).json[0]["text"].startswith("b: bob submitted")

    asked = {"command": "ann:k1"}
    before = len(history.log)
    dry = (await ann.post("/api/undo", {**asked, "dry_run": True})).json
    assert (dry["sequence"], len(history.log)) == (None, before)
    assert dry["does"][:2] == ["a: ann moved it to medium", "c: ann moved it to medium"]
    done = (await ann.post("/api/undo", asked)).json
    assert done["sequence"] == before + 1
    assert history.line() == "ac"
    assert {one.cause for one in history.log[-1]} == {"undo of ann:k1"}
    assert (await ann.get("/api/undo")).json[2]["undone"] is True

    again = await ann.post("/api/undo", asked)
    assert (again.status, again.json["field"]) == (409, "command")
    assert "undone already" in again.json["detail"]
    await ann.post("/api/undo", {"command": "undo of ann:k1"})
    assert history.line("high") == "ac"


async def test_an_undo_that_cannot_be_is_refused(studio: World) -> None:
    await studio.shown()
    ann = studio.ann
    await ann.post("/api/jobs/move", {"jobs": [A], "queue": "high"}, Idempotency_Key="k1")
    await studio.by("eve").post("/api/jobs/move", {"jobs": [A], "queue": "low"})
    await ann.post(f"/api/jobs/{C}/abort", Idempotency_Key="k2")
    for who, command, status, words in [
        (ann, "ann:k1", 409, "was moved again since"),
        (ann, "ann:k2", 409, "job.aborted cannot be undone: retry it"),
        (ann, "nothing", 404, "you gave no command 'nothing' lately"),
        (studio.by("bob"), "ann:k1", 404, "you gave no command"),
    ]:
        answer = await who.post("/api/undo", {"command": command, "dry_run": True})
        assert (answer.status, answer.json["field"]) == (status, "command")
        assert words in answer.json["detail"]
