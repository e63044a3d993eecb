"""The API over real HTTP and a real database; the scheduler is a history of values."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from events.jobs import ErrorClass
from services.agent.commands import CallFailed
from services.scheduler.commands import Abort, Pause, Resume, Submit
from tests.services.gateway_studio import World, world
from tests.services.read_side import opened, write_all
from tests.services.spec import job_id, transfer

A, B, C, D = (job_id(letter) for letter in "abcd")
TRANSFER = {"source": "hq:projects/shot/", "destination": "stockholm:incoming/"}


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database_url, tmp_path) as made:
        yield made


def submit(studio: World, *letters: str, queue: str | None = None) -> None:
    for letter in letters:
        studio.history.ask(transfer(letter, queue=queue))
        studio.history.listed(letter)


async def jobs(studio: World, query: str = "", by: str = "ann") -> list[str]:
    answer = await studio.by(by).get(f"/api/jobs{query}")
    assert answer.status == 200, answer.content
    return [job["name"] for job in answer.json["jobs"]]


# Lists.


async def test_active_jobs_stand_in_the_order_of_queues_and_places(studio: World) -> None:
    submit(studio, "a", "b")
    submit(studio, "c", queue="low")
    submit(studio, "d", queue="high")
    await studio.shown()
    page = (await studio.ann.get("/api/jobs")).json
    found = [(job["name"], job["queue"], job["position"]) for job in page["jobs"]]
    assert found == [("d", "high", 1), ("a", "medium", 1), ("b", "medium", 2), ("c", "low", 1)]
    assert page["total"] == 4
    assert page["next"] is None
    assert page["sequence"] == studio.history.board.sequence


async def test_a_job_says_what_it_is_and_why_it_waits(studio: World) -> None:
    submit(studio, "a", "b")
    await studio.shown()
    running = (await studio.ann.get(f"/api/jobs/{A}")).json
    waiting = (await studio.ann.get(f"/api/jobs/{B}")).json
    assert (running["status"], running["reason"], running["tries"]) == ("running", None, 1)
    assert running["source"] == "hq:projects/shot"
    assert running["destination"] == "stockholm:incoming/shot"
    assert (running["size"], running["tasks_total"], running["user"]) == (300, 3, "ann")
    assert waiting["status"] == "waiting"
    assert waiting["reason"]["code"] == "behind_job"
    assert waiting["reason"]["holder"] == {"kind": "job", "id": A, "name": "a"}


async def test_a_page_without_a_scheduler_has_no_reasons_but_all_else(studio: World) -> None:
    submit(studio, "a", "b")
    await studio.shown()
    await studio.studio.bus.close()
    assert (await studio.ann.get(f"/api/jobs/{B}")).json["reason"] is None


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_the_pages_of_a_list_are_the_list(studio: World, limit: int) -> None:
    submit(studio, *"abcde")
    submit(studio, *"fg", queue="high")
    for letter in "abf":
        studio.history.ask(Abort(job_id(letter)))
    await studio.shown()
    for state, whole in (("active", "gcde"), ("finished", "fba")):
        names: list[str] = []
        cursor, more = "", True
        while more:
            query = f"?state={state}&limit={limit}{cursor}"
            page = (await studio.ann.get(f"/api/jobs{query}")).json
            names += [job["name"] for job in page["jobs"]]
            assert page["total"] == len(whole)
            assert 1 <= len(page["jobs"]) <= limit
            cursor, more = f"&cursor={page['next']}", page["next"] is not None
        assert "".join(names) == whole if state == "active" else sorted(names) == sorted(whole)


async def test_a_list_shows_what_was_asked_for(studio: World) -> None:
    submit(studio, "a", "b")
    submit(studio, "c", queue="high")
    studio.history.ask(Pause(B))
    studio.history.ask(Abort(C))
    await studio.shown()
    assert await jobs(studio, "?status=paused") == ["b"]
    assert await jobs(studio, "?status=aborted") == ["c"]
    assert await jobs(studio, "?state=finished") == ["c"]
    assert await jobs(studio, "?queue=medium") == ["a", "b"]
    assert await jobs(studio, "?queue=high") == []
    assert await jobs(studio, "?queue=medium&status=running") == ["a"]


async def test_the_search_finds_text_anywhere_and_takes_it_literally(studio: World) -> None:
    source = "hq:projects/100%_Österreich"
    studio.history.ask(Submit(A, transfer("x", source).source, transfer("x").destination, "Shot"))
    submit(studio, "b")
    await studio.shown()
    for found in ("ÖSTER", "100%25_", "shot", "a", A[-4:]):
        assert "Shot" in await jobs(studio, f"?search={found}"), found
    assert await jobs(studio, "?search=STOCK") == ["Shot", "b"]
    assert await jobs(studio, "?search=oslo") == []
    for not_found in ("1%25_", "x__", "nothing"):
        assert await jobs(studio, f"?search={not_found}") == []
    page = (await studio.ann.get("/api/jobs?search=shot&limit=1")).json
    assert page["total"] == 2  # The other one's path has it too.


async def test_a_job_is_found_by_the_beginning_of_its_id(studio: World) -> None:
    submit(studio, "a", "b")
    await studio.shown()
    assert (await studio.ann.get(f"/api/jobs/{A[:-1]}")).status == 409
    for nothing in ("1", "zz", A + "0", "0" * 22 + "7", "%00", "a%2F.."):
        assert (await studio.ann.get(f"/api/jobs/{nothing}")).status == 404
    studio.history.ask(Submit("1" * 24, transfer("x").source, transfer("x").destination))
    await studio.shown()
    assert (await studio.ann.get("/api/jobs/1")).json["id"] == "1" * 24


async def test_tasks_are_listed_by_status_and_page(studio: World) -> None:
    submit(studio, "a")
    studio.history.done("a", "0-1", 200)
    studio.history.failed("a", 2, ErrorClass.MISSING)
    await studio.shown()
    page = (await studio.ann.get(f"/api/jobs/{A}/tasks?limit=2")).json
    assert [task["status"] for task in page["tasks"]] == ["done", "done"]
    rest = (await studio.ann.get(f"/api/jobs/{A}/tasks?limit=2&cursor={page['next']}")).json
    assert [(task["number"], task["error_class"]) for task in rest["tasks"]] == [(2, "missing")]
    assert (page["total"], rest["next"]) == (3, None)
    for status, total in (("done", 2), ("failed", 1), ("queued", 0), ("executing", 0)):
        found = (await studio.ann.get(f"/api/jobs/{A}/tasks?status={status}")).json
        assert (len(found["tasks"]), found["total"]) == (total, total)


async def test_the_log_of_a_job_reads_from_either_end(studio: World) -> None:
    submit(studio, "a")
    studio.history.ask(Pause(A))
    await studio.shown()
    oldest = (await studio.ann.get(f"/api/jobs/{A}/log?limit=500")).json["lines"]
    newest = (await studio.ann.get(f"/api/jobs/{A}/log?order=newest&limit=500")).json["lines"]
    assert newest == oldest[::-1]
    assert oldest[0]["text"].startswith("ann submitted it: hq:projects/shot to stockholm:")
    assert (newest[0]["type"], newest[0]["text"]) == ("job.paused", "ann paused it")
    who = {line["actor"]: line["who"] for line in oldest}
    agent = next(line["actor"] for line in oldest if line["type"] == "job.listed")
    assert agent.startswith("endpoint/")
    assert who == {"ann": "ann", "scheduler": "scheduler", agent: "hq"}
    pieces: list[Any] = []
    cursor = ""
    while len(pieces) < len(oldest):
        page = (await studio.ann.get(f"/api/jobs/{A}/log?limit=2{cursor}")).json
        pieces += page["lines"]
        cursor = f"&cursor={page['next']}"
    assert pieces == oldest
    assert page["next"] is None


async def test_queues_and_endpoints_count_what_they_hold(studio: World) -> None:
    submit(studio, "a", "b")
    studio.history.silent("e" * 23 + "3")
    await studio.shown()
    queues = {queue["code"]: queue for queue in (await studio.ann.get("/api/queues")).json}
    assert list(queues) == ["high", "medium", "low"]
    assert (queues["medium"]["jobs_waiting"], queues["medium"]["jobs_running"]) == (1, 1)
    endpoints = {one["name"]: one for one in (await studio.ann.get("/api/endpoints")).json}
    assert (endpoints["hq"]["status"], endpoints["hq"]["jobs_running"]) == ("online", 1)
    assert endpoints["oslo"]["status"] == "offline"
    assert endpoints["hq"]["volumes"][0]["code"] == "projects"


async def test_a_running_job_shows_its_newest_tick(studio: World) -> None:
    submit(studio, "a")
    await studio.shown()
    await studio.rows.execute(
        "insert into progress values ($1, (select run from jobs where id = $1), 150, 50, 1, now())",
        A,
    )
    job = (await studio.ann.get(f"/api/jobs/{A}")).json
    assert (job["bytes_done"], job["bytes_per_second"]) == (150, 50.0)
    assert (job["progress"], job["eta_s"], job["tasks_done"]) == (0.5, 3.0, 1)


async def test_a_job_that_stopped_shows_what_it_has_until_the_next_run_moves(
    studio: World,
) -> None:
    submit(studio, "a")
    await studio.shown()
    tick = (
        "insert into progress values ($1, (select run from jobs where id = $1), 150, 50, 2, now())"
    )
    await studio.rows.execute(tick, A)
    studio.history.ask(Pause(A))
    await studio.shown()
    shown = (await studio.ann.get(f"/api/jobs/{A}")).json
    assert (shown["status"], shown["bytes_done"], shown["progress"]) == ("paused", 150, 0.5)
    assert (shown["bytes_per_second"], shown["eta_s"], shown["tasks_done"]) == (0, None, 0)
    studio.history.ask(Resume(A))
    await studio.shown()
    shown = (await studio.ann.get(f"/api/jobs/{A}")).json
    assert (shown["status"], shown["bytes_done"]) == ("running", 150)
    assert (shown["bytes_per_second"], shown["tasks_done"]) == (0, 0)


# How new an answer is.


async def test_an_answer_at_least_as_new_as_a_command_shows_it(studio: World) -> None:
    for _ in range(20):
        done = (await studio.ann.post("/api/jobs", TRANSFER)).json
        seen = await studio.ann.get(f"/api/jobs/{done['jobs'][0]}?at_least={done['sequence']}")
        assert seen.status == 200
        assert seen.json["sequence"] == done["sequence"]


async def test_an_answer_that_cannot_be_new_enough_is_refused_in_time(studio: World) -> None:
    sequence = await studio.shown()
    async with asyncio.timeout(7):
        answer = await studio.ann.get(f"/api/queues?at_least={sequence + 1}")
    assert answer.status == 503
    assert answer.headers["retry-after"] == "1"


# Commands.


async def test_a_transfer_is_submitted_and_says_where_it_is(studio: World) -> None:
    answer = await studio.ann.post("/api/jobs", TRANSFER | {"name": "S", "queue": "high"})
    assert answer.status == 201
    (job,) = answer.json["jobs"]
    assert answer.headers["location"] == f"/api/jobs/{job}"
    asked = studio.studio.asked[-1]
    assert isinstance(asked.command, Submit)
    assert (asked.actor.name, asked.command.queue, asked.command.name) == ("ann", "high", "S")
    assert asked.command.source.path == "shot/"


async def test_several_sources_are_one_job_and_two_of_one_name_none(studio: World) -> None:
    body = TRANSFER | {"source": ["hq:projects/a/p.%04d.exr[1-9]", "hq:projects/b/notes"]}
    (job,) = (await studio.ann.post("/api/jobs", body)).json["jobs"]
    await studio.shown()
    shown = (await studio.ann.get(f"/api/jobs/{job}")).json
    assert shown["source"] == "hq:projects/{a/p.%04d.exr[1-9],b/notes}"
    assert shown["name"] == "p.%04d.exr[1-9] and 1 more"
    body |= {"source": ["hq:projects/a/notes", "hq:projects/b/notes"]}
    clash = await studio.ann.post("/api/jobs", body)
    assert (clash.status, clash.json["field"]) == (422, "source")
    assert (
        "projects/a/notes and projects/b/notes would both arrive as notes" in clash.json["detail"]
    )
    studio.studio.found = CallFailed(ErrorClass.MISSING, "gone")
    body |= {"source": ["hq:projects/a/p.%04d.exr[1-9]", "hq:projects/gone"]}
    missing = await studio.ann.post("/api/jobs", body)
    assert (missing.status, "nothing at hq:projects/gone" in missing.json["detail"]) == (422, True)


async def test_a_command_is_known_by_its_key_and_obeyed_once(studio: World) -> None:
    first = await studio.ann.post("/api/jobs", TRANSFER, Idempotency_Key="k-1")
    again = await studio.ann.post("/api/jobs", TRANSFER, Idempotency_Key="k-1")
    assert again.json == first.json
    assert [asked.id for asked in studio.studio.asked] == ["ann:k-1", "ann:k-1"]
    other = await studio.by("eve").post("/api/jobs", TRANSFER, Idempotency_Key="k-1")
    assert other.json["jobs"] != first.json["jobs"]
    await studio.ann.post("/api/jobs", TRANSFER)
    await studio.ann.post("/api/jobs", TRANSFER)
    assert len({asked.id for asked in studio.studio.asked}) == 4


async def test_a_repeated_command_gets_its_first_answer_though_the_source_is_gone(
    studio: World,
) -> None:
    first = await studio.ann.post("/api/jobs", TRANSFER, Idempotency_Key="k")
    studio.studio.found = CallFailed(ErrorClass.MISSING, "gone")
    again = await studio.ann.post("/api/jobs", TRANSFER, Idempotency_Key="k")
    assert (again.status, again.json) == (201, first.json)


@pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 201])
async def test_a_key_that_names_nothing_is_refused(studio: World, key: str) -> None:
    answer = await studio.ann.post("/api/jobs", TRANSFER, Idempotency_Key=key)
    assert (answer.status, answer.json["field"]) == (422, "Idempotency-Key")
    assert studio.studio.asked == []


async def test_a_source_that_is_not_there_is_refused_and_leaves_no_trace(studio: World) -> None:
    studio.studio.found = CallFailed(ErrorClass.MISSING, "no such file")
    before = await studio.shown()
    answer = await studio.ann.post("/api/jobs", TRANSFER)
    assert (answer.status, answer.json["field"]) == (422, "source")
    assert "hq:projects/shot/" in answer.json["detail"]
    assert (await studio.shown(), studio.studio.asked) == (before, [])


async def test_a_source_that_cannot_be_asked_is_left_to_the_listing(studio: World) -> None:
    studio.studio.found = CallFailed(ErrorClass.PERMISSION, "no")
    assert (await studio.ann.post("/api/jobs", TRANSFER)).status == 201
    studio.history.silent("e" * 23 + "1")
    await studio.shown()
    studio.studio.found = CallFailed(ErrorClass.MISSING, "not asked")
    assert (await studio.ann.post("/api/jobs", TRANSFER)).status == 201


async def test_hands_on_a_job_are_decided_by_the_scheduler(studio: World) -> None:
    submit(studio, "a", "b", "c")
    await studio.shown()
    for verb in ("pause", "resume", "abort", "retry"):
        answer = await studio.ann.post(f"/api/jobs/{A}/{verb}")
        assert (answer.status, answer.json["jobs"]) == (200, [A])
    assert (await studio.ann.post(f"/api/jobs/{C}/move", {"to": "top"})).status == 200
    moved = await studio.ann.post("/api/jobs/move", {"jobs": [B, A], "queue": "high"})
    assert moved.status == 200
    await studio.shown()
    assert await jobs(studio, "?queue=high") == ["b", "a"]


async def test_a_job_may_be_named_by_a_beginning_in_commands_too(studio: World) -> None:
    studio.history.ask(Submit("1" * 24, transfer("x").source, transfer("x").destination))
    await studio.shown()
    assert (await studio.ann.post("/api/jobs/11/pause")).json["jobs"] == ["1" * 24]
    assert (await studio.ann.post("/api/jobs/2/pause")).status == 404


# Beside the API.


async def test_health_is_open_and_tells_how_far_behind_the_rows_are(studio: World) -> None:
    await studio.shown()
    await asyncio.sleep(1.1)
    health = (await studio.nobody.get("/health")).json
    assert health["status"] == "ok"
    assert (health["sequence"], health["lag_events"]) == (studio.history.board.sequence, 0)
    there = {"projection": "rows", "sequence": health["sequence"], "events": 0, "ms": 0}
    assert health["lags"] == [there]
    await studio.studio.bus.close()
    await asyncio.sleep(1.1)
    health = (await studio.nobody.get("/health")).json
    assert health["status"] == "degraded"
    assert health["checks"] == {"read_side": "ok", "scheduler": "no scheduler leads"}


async def test_prometheus_reads_jobs_and_answers_by_route(studio: World) -> None:
    submit(studio, "a", "b")
    await studio.shown()
    await studio.ann.get(f"/api/jobs/{A}")
    answer = await studio.ann.get("/metrics")
    text = answer.content.decode()
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'haulage_jobs{status="running"} 1.0' in text
    assert 'route="/api/jobs/{job}",status="200"} 1.0' in text
    assert A not in text


async def test_the_api_describes_itself(studio: World) -> None:
    answer = await studio.ann.get("/api/openapi.json")
    document = answer.json
    assert document["openapi"].startswith("3.1")
    operation = document["paths"]["/api/jobs"]["post"]
    refused = operation["responses"]["422"]["content"]["application/problem+json"]
    assert refused["schema"] == {"$ref": "#/components/schemas/Problem"}
    takes = {one["name"] for one in document["paths"]["/api/jobs"]["get"]["parameters"]}
    known = {"state", "queue", "status", "search", "ids", "limit", "cursor", "at_least", "as_of"}
    assert takes == known
    paused = document["paths"]["/api/jobs/{job}/pause"]["post"]
    assert {one["name"] for one in paused["parameters"]} == {"job", "Idempotency-Key", "If-Match"}
    assert "412" in paused["responses"]
    shown = document["paths"]["/api/jobs/{job}"]["get"]["responses"]["200"]
    assert list(shown["headers"]) == ["ETag"]
    assert shown["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Job"}


async def test_an_unforeseen_failure_is_logged_and_tells_the_asker_nothing(
    studio: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await studio.rows.execute("alter table queues rename column code to kode")
    answer = await studio.ann.get("/api/queues")
    assert answer.status == 500
    assert b"kode" not in answer.content
    assert b"column" not in answer.content
    written = capsys.readouterr()
    assert (written.out + written.err).count("gateway.failed") == 1


async def test_a_rebuilt_read_side_takes_over_without_an_answer_lost(
    studio: World, database_url: str
) -> None:
    submit(studio, "a", "b")
    await studio.shown()
    async with opened(database_url, "haulage_next") as fresh:
        await write_all(fresh, studio.studio.log.commits)
        asked = asyncio.gather(*(studio.ann.get("/api/jobs") for _ in range(20)))
        swap = (
            "alter schema haulage rename to haulage_old;"
            "alter schema haulage_next rename to haulage; drop schema haulage_old cascade"
        )
        await fresh.execute(swap)
        answers = await asked
        answers += [await studio.ann.get("/api/jobs") for _ in range(20)]
    assert [answer.status for answer in answers] == [200] * 40
    assert {answer.json["total"] for answer in answers} == {2}


async def test_a_database_that_is_away_is_said_so_and_comes_back(studio: World) -> None:
    await studio.rows.execute("alter schema haulage rename to elsewhere")
    assert (await studio.ann.get("/api/queues")).status == 503
    await studio.rows.execute("alter schema elsewhere rename to haulage")
    assert (await studio.ann.get("/api/queues")).status == 200
