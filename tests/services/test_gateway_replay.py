"""A stretch of the log gone through again, over real HTTP: what changed, and is it so still."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from events import codec, jobs
from events.codec import Recorded
from services.historian import again
from services.scheduler.commands import Pause, PauseQueue, Set
from tests.services.gateway_studio import WORKSPACE, World, world
from tests.services.spec import BOB, job_id, transfer
from tests.services.test_checking import story

A, B = job_id("a"), job_id("b")


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database_url, tmp_path) as made:
        yield made


async def steps(studio: World, query: str, by: str = "ann") -> list[dict[str, Any]]:
    answer = await studio.by(by).get(f"/api/replay?{query}")
    assert answer.status == 200, answer.content
    return list(answer.json["steps"])


def changed(step: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {one["field"]: (one["before"], one["after"]) for one in step["changes"]}


async def test_a_replay_says_what_each_event_changed(studio: World) -> None:
    history = studio.history
    history.ask(transfer("a"))
    begins = history.board.sequence
    history.listed("a")
    history.ask(Pause(A))
    history.ask(PauseQueue("low"))
    history.ask(Set("workspace", "", {"stall_s": 50}))
    history.ask(Set("pair", "hq:stockholm", {"transfer_speedlimit": "20"}))
    await studio.shown()
    found = {one["line"]["type"]: one for one in await steps(studio, f"from={begins}")}
    submitted = changed(found["job.submitted"])
    assert submitted["status"] == (None, "init")
    assert changed(found["job.listed"])["listed"] == (False, True)
    assert changed(found["task.found"])["tasks_total"] == (0, 3)
    assert changed(found["job.paused"])["status"] == ("running", "paused")
    assert found["job.paused"]["line"]["text"] == "ann paused it"
    assert found["job.paused"]["line"]["about"] == "a"
    assert changed(found["queue.paused"])["status"] == ("waiting", "paused")
    assert changed(found["workspace.settings_changed"]) == {"settings.stall_s": (None, 50)}
    assert changed(found["pair.settings_changed"])["settings.transfer_speedlimit"][1] == "20"
    of_a = await steps(studio, f"from=1&job={A[:23]}")
    assert {one["line"]["subject"] for one in of_a} == {f"job/{A}"}


async def test_a_long_replay_comes_in_pages_of_whole_commits(studio: World) -> None:
    history = studio.history
    for letter in "abcdef":
        history.ask(transfer(letter))
        history.listed(letter)
    last = await studio.shown()
    whole = await steps(studio, "from=1&limit=500")
    assert len(whole) == len(studio.studio.events())
    found: list[dict[str, Any]] = []
    begins: int | None = 1
    while begins is not None:
        page = (await studio.ann.get(f"/api/replay?from={begins}&to={last}&limit=3")).json
        found, begins = found + page["steps"], page["next"]
    assert found == whole


async def test_a_user_replays_a_job_of_their_own_and_nothing_else(studio: World) -> None:
    studio.history.ask(transfer("a"))
    studio.history.ask(transfer("b"), by=BOB)
    await studio.shown()
    assert {one["line"]["subject"] for one in await steps(studio, f"from=1&job={B}", "bob")} == {
        f"job/{B}"
    }
    bob = studio.by("bob")
    assert (await bob.get(f"/api/replay?from=1&job={A}")).status == 404
    for path in ("replay?from=1", "replay/check?from=1"):
        assert (await bob.get(f"/api/{path}")).status == 403


@pytest.mark.parametrize(
    ("query", "field"),
    [("from=9999", "from"), ("from=1&to=yesterday", "to"), ("from=3&to=1", "to"), ("", "from")],
)
async def test_a_stretch_that_is_none_is_named(studio: World, query: str, field: str) -> None:
    for path in ("replay", "replay/check"):
        answer = await studio.ann.get(f"/api/{path}?{query}")
        assert (answer.status, answer.json["field"]) == (422, field), answer.json


async def test_the_log_is_decided_again_from_anywhere(
    studio: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.studio.history = studio.history = story()
    studio.studio._stored = len(studio.history.log)
    await _stored_again(studio)
    last = studio.history.board.sequence
    whole = (await studio.ann.get("/api/replay/check?from=1")).json
    assert (whole["same"], whole["sequence"], whole["next"]) == (True, last, None)
    assert whole["decisions"] > 10
    for begins in range(2, last):
        later = (await studio.ann.get(f"/api/replay/check?from={begins}")).json
        assert later["same"], begins
    monkeypatch.setattr(again, "WORK_S", 0.0)
    page = (await studio.ann.get("/api/replay/check?from=1")).json
    assert (page["sequence"], page["next"]) == (1, 2)


async def test_the_first_decision_that_differs_is_shown_with_both_boards(studio: World) -> None:
    history = studio.history
    history.ask(transfer("a"))
    history.listed("a")
    history.ask(transfer("b"))
    history.listed("b")
    await studio.shown()
    last = history.log[-1][-1]
    started = jobs.Started(B, 2, "f" * 24)
    strange = Recorded(last.sequence + 1, 0, last.at, "scheduler", "", started)
    history.log.append([strange])
    history.board.apply(strange)
    await studio.studio.store()
    found = (await studio.ann.get("/api/replay/check?from=1")).json
    assert (found["same"], found["sequence"]) == (False, strange.sequence)
    assert found["recorded"]["step"]["line"]["type"] == "job.started"
    assert found["decided"]["step"] is None
    assert found["recorded"]["reasons"] == {B: []}
    assert found["decided"]["reasons"][B][0]["code"] == "behind_job"


async def _stored_again(studio: World) -> None:
    """Another history in the place of the one that the studio began with."""
    log = studio.studio.log
    log.commits.clear()
    chain = codec.CHAIN_START
    for number, commit in enumerate(studio.history.log):
        payload = codec.encode(WORKSPACE, commit)
        chain = codec.chain(chain, payload)
        await log.append(payload, chain=chain, after=number)
