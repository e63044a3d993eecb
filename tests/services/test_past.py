"""The past over HTTP: what a gateway answers as of a commit is what it answered at that commit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from events.jobs import ErrorClass
from services.scheduler.commands import (
    Abort,
    DisableEndpoint,
    HandOnTasks,
    Move,
    Pause,
    PauseQueue,
    Resume,
    ResumeQueue,
    Retry,
    Set,
)
from tests.services.gateway_studio import World, world
from tests.services.spec import BOB, HQ, NOON, History, beat, compute, job_id, transfer

A, B, C = (job_id(letter) for letter in "abc")
READS = [
    "/jobs?",
    "/jobs?state=finished&",
    "/jobs?queue=medium&",
    "/jobs?search=shot&",
    f"/jobs?ids={A},{C}&",
    "/queues?",
    "/queues/high?",
    "/endpoints?",
    f"/jobs/{A}?",
    f"/jobs/{A}/tasks?",
    f"/jobs/{A}/tasks?status=done&",
    f"/jobs/{B}/why?",
    "/settings?",
    f"/jobs/{A}/settings?",
    "/queues/medium/settings?",
    "/endpoints/hq/settings?",
]
WHEN_ASKED = {"estimate", "sequence"}
"""An estimate is made for the time at which it is asked for; a page's sequence is the commit's."""


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database_url, tmp_path) as made:
        yield made


STEPS: list[Callable[[History], object]] = [
    lambda all_: all_.ask(transfer("a")),
    lambda all_: all_.listed("a"),
    lambda all_: all_.ask(transfer("b", queue="high"), by=BOB),
    lambda all_: all_.listed("b"),
    lambda all_: all_.done("b", "0-1", 200),
    lambda all_: all_.failed("b", 2, ErrorClass.NETWORK),
    lambda all_: all_.ended("b"),
    lambda all_: all_.allows(HQ, 2),
    lambda all_: all_.ask(compute("c", "1-3")),
    lambda all_: all_.bucket_ends("c"),
    lambda all_: all_.ask(PauseQueue("medium")),
    lambda all_: all_.ask(Set("workspace", "", {"stall_s": 50})),
    lambda all_: all_.ask(Set("queue", "medium", {"transfer_concurrent": 2})),
    lambda all_: all_.passes(30),
    lambda all_: all_.ask(ResumeQueue("medium")),
    lambda all_: all_.ask(HandOnTasks(A, action="exclude", tasks="1")),
    lambda all_: all_.ask(Move([A], queue="low")),
    lambda all_: all_.ask(Pause(A)),
    lambda all_: all_.ask(DisableEndpoint("stockholm")),
    lambda all_: all_.silent(HQ),
    lambda all_: all_.ask(Resume(A)),
    lambda all_: all_.take(beat(HQ, "2")),
    lambda all_: all_.finished("b") if all_.job("b").status == "running" else None,
    lambda all_: all_.ask(Abort(C)),
    lambda all_: all_.ask(Retry(C)),
]


async def _seen(studio: World, query: str = "") -> dict[str, Any]:
    answers = {path: await studio.ann.get(f"/api{path}{query}") for path in READS}
    return {path: (one.status, _without(one.json)) for path, one in answers.items()}


def _without(shown: Any) -> Any:
    """What does not depend on when it was asked; of what is not there only that."""
    if isinstance(shown, dict) and "detail" in shown:
        return None
    if isinstance(shown, dict):
        return {key: _without(value) for key, value in shown.items() if key not in WHEN_ASKED}
    return [_without(one) for one in shown] if isinstance(shown, list) else shown


async def test_as_of_a_commit_everything_is_as_it_was_then(studio: World) -> None:
    then: dict[int, dict[str, Any]] = {}
    for step in STEPS:
        step(studio.history)
        sequence = await studio.shown()
        then[sequence] = await _seen(studio)
        await studio.historian.keep_up()
    assert await studio.rows.fetchval("select count(*) from history.instants") > 2
    for sequence in [*then, *reversed(then)]:
        found = await _seen(studio, f"as_of={sequence}")
        for path in READS:
            assert found[path] == then[sequence][path], (sequence, path)


async def test_a_position_is_a_commit_a_time_or_how_long_ago(studio: World) -> None:
    history, began = studio.history, NOON
    history.ask(transfer("a"))
    first = await studio.shown()
    history.now = began + timedelta(hours=2)
    history.ask(Pause(A))
    newest = await studio.shown()
    get = studio.ann.get
    for written in ("2030-01-01T13:00:00Z", "2030-01-01T13:00", "2030-01-01T14:00:00%2B01:00"):
        answer = (await get(f"/api/instant?as_of={written}")).json
        assert (answer["sequence"], answer["newest"]) == (first, newest)
    assert (await get("/api/instant")).json["sequence"] == newest
    for written, word in {
        "yesterday": "3h ago",
        str(newest + 1): f"1 to {newest}",
        "0": "none of them",
        "2029-12-31": "was opened at 2030-01-01 12:00:00",
    }.items():
        answer = await get(f"/api/jobs?as_of={written}")
        assert answer.status == 422
        assert answer.json["field"] == "as_of"
        assert word in answer.json["detail"]


async def test_of_the_past_too_a_user_sees_their_own_jobs(studio: World) -> None:
    studio.history.ask(transfer("a"))
    studio.history.listed("a")
    studio.history.ask(transfer("b"), by=BOB)
    studio.history.listed("b")
    sequence = await studio.shown()
    bob = studio.by("bob")
    (only,) = (await bob.get(f"/api/jobs?as_of={sequence}")).json["jobs"]
    assert only["id"] == B
    assert only["reason"]["text"] == "behind a job of someone else"
    assert (await bob.get(f"/api/jobs/{A}?as_of={sequence}")).status == 404
    assert (await bob.get(f"/api/jobs/{A}/tasks?as_of={sequence}")).status == 404


async def test_pages_of_the_past_follow_one_another(studio: World) -> None:
    for letter in "abcdef":
        studio.history.ask(transfer(letter))
        if letter in "ab":
            studio.history.ask(Abort(job_id(letter)))
    sequence = await studio.shown()
    for state, count in (("active", 4), ("finished", 2)):
        ids: list[str] = []
        query = f"/api/jobs?state={state}&limit=1&as_of={sequence}"
        cursor = ""
        while True:
            page = (await studio.ann.get(f"{query}{cursor}")).json
            assert page["total"] == count
            ids += [job["id"] for job in page["jobs"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        live = (await studio.ann.get(f"/api/jobs?state={state}")).json["jobs"]
        assert ids == [job["id"] for job in live]


async def test_the_whole_life_of_a_job_is_told_in_stretches(studio: World) -> None:
    history = studio.history
    history.ask(transfer("a"))
    history.listed("a")
    history.ask(transfer("b"))
    history.listed("b")
    history.now += timedelta(minutes=41)
    history.finished("a")
    history.now += timedelta(minutes=2)
    history.silent(HQ)
    history.now += timedelta(minutes=6)
    history.take(beat(HQ, "2"))
    history.now += timedelta(seconds=30)
    history.failed("b", 0, ErrorClass.NETWORK)
    history.done("b", "1-2", 200)
    history.ended("b")
    history.passes(15)
    history.now += timedelta(seconds=5)
    history.done("b", "0", 100)
    history.ended("b")
    await studio.shown()
    found = (await studio.ann.get(f"/api/jobs/{B}/wait")).json
    assert [(one["seconds"], _why(one)) for one in found["spans"][:-1]] == [
        (41 * 60, "behind a on hq–stockholm"),
        (120, "running"),
        (360, "hq is offline"),
        (30, "running"),
        (15, "tries again after failure 1 (network)"),
        (5, "running"),
    ]
    assert (found["spans"][-1]["status"], found["spans"][-1]["until"]) == ("done", None)
    assert [(one["text"], one["seconds"]) for one in found["causes"]] == [
        ("behind a on hq–stockholm", 41 * 60),
        ("hq is offline", 360),
        ("running", 155),
        ("tries again after failure 1 (network)", 15),
    ]
    earlier = found["spans"][1]["sequence"]
    (only, at_last) = (await studio.ann.get(f"/api/jobs/{B}/wait?as_of={earlier}")).json["spans"]
    assert _why(only) == "behind a on hq–stockholm"
    assert (at_last["status"], at_last["seconds"]) == ("running", 0)
    assert (await studio.by("bob").get(f"/api/jobs/{B}/wait")).status == 404


def _why(span: dict[str, Any]) -> str:
    return str(span["reason"]["text"] if span["reason"] else span["status"])
