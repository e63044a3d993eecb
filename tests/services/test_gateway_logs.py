"""The logs of jobs, queues, endpoints, people and of everything, filtered, over real HTTP."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from events.jobs import ErrorClass
from services.gateway import logs
from services.scheduler.commands import (
    Move,
    Pause,
    PauseQueue,
    Request,
    Resume,
    ResumeQueue,
    Set,
)
from services.scheduler.turn import Turn
from tests.services.gateway_studio import World, world
from tests.services.spec import ANN, BOB, HQ, NOON, job_id, transfer

A, B, C = (job_id(letter) for letter in "abc")


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database_url, tmp_path) as made:
        _story(made)
        await made.shown()
        yield made


def _story(studio: World) -> None:
    """a runs, b (bob's) waits behind it until ann moves it to high; then a gives way."""
    history = studio.history
    history.ask(transfer("a"))
    history.listed("a")
    history.ask(transfer("b"), by=BOB)
    history.listed("b")
    history.now = NOON + timedelta(hours=1)
    history.ask(Move([B], queue="high"), by=ANN)
    history.done("b", "0-1", 200)
    history.failed("b", 2, ErrorClass.NETWORK)
    history.ended("b")
    history.now = NOON + timedelta(hours=2)
    history.ask(PauseQueue("low"))
    history.ask(Set("endpoint", "hq", {"client_offline_grace_s": 60}))
    history.ask(Set("pair", "hq:stockholm", {"transfer_speedlimit": "20"}))


async def lines(studio: World, path: str, by: str = "ann") -> list[dict[str, Any]]:
    answer = await studio.by(by).get(f"/api/{path}")
    assert answer.status == 200, answer.content
    return list(answer.json["lines"])


def kinds(found: list[dict[str, Any]]) -> list[str]:
    return [line["type"] for line in found]


async def test_a_log_is_filtered_by_kind_actor_task_text_and_time(studio: World) -> None:
    log = f"jobs/{B}/log"
    whole = await lines(studio, log)
    assert kinds(await lines(studio, f"{log}?kind=job.moved")) == ["job.moved"]
    tasks = await lines(studio, f"{log}?kind=task")
    assert tasks == [line for line in whole if line["type"].startswith("task.")]
    (moved,) = await lines(studio, f"{log}?actor=ann")
    assert (moved["who"], moved["text"]) == ("ann", "ann moved it to high")
    assert {line["who"] for line in await lines(studio, f"{log}?actor=stockholm")} == {"stockholm"}
    assert "job.started" in kinds(await lines(studio, f"{log}?actor=scheduler"))
    assert kinds(await lines(studio, f"{log}?task=2")) == ["task.found", "task.failed"]
    assert kinds(await lines(studio, f"{log}?text=MOVED+it")) == ["job.moved"]
    assert await lines(studio, f"{log}?kind=job.moved&actor=bob") == []


async def test_a_stretch_of_time_is_by_commits_or_the_clock(studio: World) -> None:
    (moved,) = await lines(studio, f"jobs/{B}/log?kind=job.moved")
    at, sequence = moved["at"], moved["sequence"]
    for begins, ends in ((at, at), (sequence, sequence), ("2030-01-01T13:00", sequence)):
        found = await lines(studio, f"log?from={begins}&to={ends}&kind=job.moved")
        assert [line["sequence"] for line in found] == [sequence]
    assert await lines(studio, "log?from=2030-01-01T15:00") == []
    assert await lines(studio, "log?to=2029-01-01") == []
    early = await lines(studio, "log?to=2030-01-01T12:59&limit=500")
    late = await lines(studio, "log?from=2030-01-01T13:00&limit=500")
    assert early + late == await lines(studio, "log?limit=500")


async def test_what_a_command_caused_is_told_of_it_and_with_it(studio: World) -> None:
    (moved,) = await lines(studio, f"jobs/{B}/log?kind=job.moved")
    caused = await lines(studio, f"log?cause={moved['cause']}")
    assert kinds(caused) == ["job.moved", "job.gave_way", "job.started"]
    assert [line["because"] for line in caused] == ["", *["ann moved it to high: b"] * 2]
    assert [line["about"] for line in caused] == ["b", "a", "b"]
    assert caused[1]["subject"] == f"job/{A}"
    report = (await lines(studio, f"jobs/{B}/log?kind=task.failed"))[0]["cause"]
    assert "task.failed" in kinds(await lines(studio, f"log?cause={report}"))
    assert await lines(studio, "log?cause=of-nobody") == []


async def test_what_was_stored_together_is_told_apart_by_its_command(studio: World) -> None:
    history = studio.history
    turn = Turn(history.board, history.now)
    turn.take(Request("first", ANN, PauseQueue("medium")))
    turn.take(Request("second", ANN, Set("workspace", "", {"transfer_concurrent": 2})))
    turn.take(Request("third", ANN, ResumeQueue("medium")))
    history.log.append(turn.recorded)
    await studio.shown()
    third = await lines(studio, "log?cause=third")
    assert kinds(third)[0] == "queue.resumed"
    assert len(third) > 1, "the jobs of the queue run again"
    assert {line["because"] for line in third[1:]} == {"ann resumed queue medium"}
    assert kinds(await lines(studio, "log?cause=second")) == ["workspace.settings_changed"]


async def test_queues_endpoints_and_people_have_logs_of_their_own(studio: World) -> None:
    assert kinds(await lines(studio, "queues/low/log")) == ["queue.created", "queue.paused"]
    (paused,) = await lines(studio, "queues/low/log?actor=ann")
    assert (paused["about"], paused["text"]) == ("queue low", "ann paused queue low")
    of_hq = kinds(await lines(studio, f"endpoints/{HQ}/log"))
    assert of_hq[0] == "endpoint.enrolled"
    assert of_hq[-2:] == ["endpoint.settings_changed", "pair.settings_changed"]
    assert await lines(studio, "endpoints/hq/log") == await lines(studio, f"endpoints/{HQ}/log")
    assert "pair.settings_changed" in kinds(await lines(studio, "endpoints/stockholm/log"))
    assert kinds(await lines(studio, "users/bob/log")) == ["job.submitted"]
    did = kinds(await lines(studio, "users/ann/log?kind=job,queue"))
    assert did == ["job.submitted", "job.moved", "queue.paused"]
    everything = await lines(studio, "log?limit=500")
    assert len(everything) == len(studio.studio.events())
    assert await lines(studio, "log?limit=500&order=newest") == everything[::-1]


async def test_a_user_reads_only_of_their_jobs_and_of_themselves(studio: World) -> None:
    own = await lines(studio, "log?limit=500", by="bob")
    assert {line["subject"] for line in own} == {f"job/{B}"}
    assert own == await lines(studio, f"jobs/{B}/log?limit=500", by="bob")
    assert all("ann" not in line["because"] or "b" in line["because"] for line in own)
    (moved,) = await lines(studio, f"jobs/{B}/log?kind=job.moved")
    caused = await lines(studio, f"log?cause={moved['cause']}", by="bob")
    assert kinds(caused) == ["job.moved", "job.started"]
    assert kinds(await lines(studio, "users/bob/log", by="bob")) == ["job.submitted"]
    for path in ("users/ann/log", "queues/low/log", "endpoints/hq/log", "log/export?user=ann"):
        answer = await studio.by("bob").get(f"/api/{path}")
        assert answer.status == 403, path
        assert "employees and administrators" in answer.json["detail"]
    assert (await studio.by("bob").get(f"/api/log/export?job={A}")).status == 404
    exported = (await studio.by("bob").get("/api/log/export")).content.splitlines()
    assert [msgspec.json.decode(line) for line in exported] == own


async def test_a_page_of_words_goes_on_where_it_stopped_looking(
    studio: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await lines(studio, "log?limit=500&text=listed")
    assert len(whole) == 2
    monkeypatch.setattr(logs, "LOOKED_AT", 3)
    monkeypatch.setattr(logs, "LOOKED_AT_MAX", 6)
    for order in ("oldest", "newest"):
        found: list[Any] = []
        cursor, pages = "", 0
        while True:
            path = f"/api/log?limit=1&text=listed&order={order}{cursor}"
            page = (await studio.ann.get(path)).json
            found, pages = found + page["lines"], pages + 1
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert found == (whole if order == "oldest" else whole[::-1])
        assert pages > 2


async def test_a_log_is_exported_whole_as_csv_and_json_lines(
    studio: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.log_export.LINES", 4)
    studio.history.ask(msgspec.structs.replace(transfer("c"), name="=1+1"))
    studio.history.ask(Pause(C))
    studio.history.ask(Resume(C))
    await studio.shown()
    whole = await lines(studio, "log?limit=500")
    exported = await studio.ann.get("/api/log/export?format=jsonl")
    assert [msgspec.json.decode(line) for line in exported.content.splitlines()] == whole
    answer = await studio.ann.get(f"/api/log/export?format=csv&job={C}")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    of_c = await lines(studio, f"jobs/{C}/log")
    assert [row["text"] for row in rows] == [line["text"] for line in of_c]
    assert {row["about"] for row in rows} == {"'=1+1"}, "no formula of a spreadsheet"
    assert msgspec.json.decode(rows[0]["data"]) == of_c[0]["data"]
    (only,) = csv.DictReader(
        io.StringIO(
            (
                await studio.ann.get("/api/log/export?format=csv&queue=low&actor=ann")
            ).content.decode()
        )
    )
    assert only["type"] == "queue.paused"


async def test_the_log_of_an_archived_job_stays(studio: World) -> None:
    studio.history.finished("b") if studio.history.job("b").status == "running" else None
    studio.history.finished("a")
    studio.history.passes(20 * 86_400)
    await studio.shown()
    assert studio.history.job("a").archived
    found = await lines(studio, f"jobs/{A}/log?limit=500")
    assert kinds(found)[0] == "job.submitted"
    assert kinds(found)[-1] == "job.archived"


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("kind=job.stopped", "kind", "job.paused"),
        ("from=yesterday", "from", "3h ago"),
        ("to=12:70", "to", "sequence number"),
        ("task=-1", "task", "at least 0"),
        ("order=up", "order", "oldest, newest"),
        ("text=%00", "text", "leave it out"),
        ("who=ann", "who", "actor"),
    ],
)
async def test_a_filter_that_makes_no_sense_is_named(
    studio: World, query: str, field: str, words: str
) -> None:
    answer = await studio.ann.get(f"/api/log?{query}")
    assert (answer.status, answer.json["field"]) == (422, field)
    assert words in answer.json["detail"]


async def test_logs_of_what_there_never_was_are_not_there(studio: World) -> None:
    for path in (
        "endpoints/nobody/log",
        "queues/nothing/log",
        f"jobs/{C}/log",
        "endpoints/%00/log",
    ):
        assert (await studio.ann.get(f"/api/{path}")).status == 404
    assert (await studio.ann.get(f"/api/log/export?job={A}&queue=low")).status == 422
    assert await lines(studio, "users/nobody/log") == []
