"""The history of throughput over HTTP: bounded, in the steps that are kept, for who may see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from events.jobs import ErrorClass
from tests.services.gateway_studio import World, world
from tests.services.spec import HQ, STOCKHOLM, job_id, transfer

A = job_id("a")
JOBS, PAIR = "/api/jobs", "/api/throughput?source=hq&destination=stockholm"


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database_url, tmp_path) as made:
        made.history.ask(transfer("a"))
        made.history.listed("a")
        await made.shown()
        yield made


async def moved(studio: World, minutes_ago: int, count: int, *, back: bool = False) -> None:
    """That many bytes, to stockholm or back, in a stretch as it is kept by then."""
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    step_s = 10 if minutes_ago < 180 else 600
    row = (at - timedelta(seconds=at.timestamp() % step_s), step_s, count)
    ends = (STOCKHOLM, HQ) if back else (HQ, STOCKHOLM)
    await studio.rows.execute("insert into throughput values ($1, $2, $3, $4)", A, *row)
    pair = "insert into pair_throughput values ($1, $2, $3, $4, $5)"
    await studio.rows.execute(pair, *ends, *row)


async def test_a_pair_has_a_direction_and_an_endpoint_both(studio: World) -> None:
    await moved(studio, 20, 500)
    await moved(studio, 30, 7, back=True)
    flow = (await studio.ann.get(f"{PAIR}&from=1h")).json
    assert (flow["step_s"], sum(flow["bytes"])) == (20, 500)
    back = (await studio.ann.get(f"/api/throughput?source={STOCKHOLM}&destination=hq")).json
    assert sum(back["bytes"]) == 7
    for name in ("hq", HQ):
        told = (await studio.ann.get(f"/api/endpoints/{name}/throughput")).json
        assert (sum(told["sent"]), sum(told["received"])) == (500, 7)
        assert len(told["sent"]) == len(told["received"]) <= 300
    assert (await studio.ann.get("/api/endpoints/nowhere/throughput")).status == 404
    assert (await studio.ann.get("/api/throughput?source=hq&destination=x")).status == 404


async def test_bytes_stand_where_they_were_moved(studio: World) -> None:
    await moved(studio, 20, 500)
    await moved(studio, 25, 7)
    flow = (await studio.ann.get(f"{PAIR}&from=40m&step=60")).json
    found = {at: count for at, count in enumerate(flow["bytes"]) if count}
    assert list(found.values()) == [7, 500]
    begins, now = datetime.fromisoformat(flow["begins_at"]), datetime.now(UTC)
    ago = [(now - begins).total_seconds() / 60 - at for at in found]
    assert 24 <= ago[0] <= 27
    assert 19 <= ago[1] <= 22


async def test_an_answer_is_bounded_however_much_is_asked(studio: World) -> None:
    await moved(studio, 10_000, 500)
    flow = (await studio.ann.get(f"{PAIR}&from=1970-01-01&step=1")).json
    assert (len(flow["bytes"]) <= 1_001, sum(flow["bytes"])) == (True, 500)
    flow = (await studio.ann.get(f"{PAIR}&from=8d&step=10")).json
    assert (flow["step_s"], sum(flow["bytes"])) == (1_200, 500)


async def test_a_job_is_told_from_its_start_or_from_when_it_is_asked(studio: World) -> None:
    await moved(studio, 50, 500)
    told = (await studio.by("eve").get(f"{JOBS}/{A}/throughput?from=2h")).json
    assert sum(told["bytes"]) == 500
    assert sum((await studio.ann.get(f"{JOBS}/{A}/throughput?from=40m")).json["bytes"]) == 0
    to = (await studio.ann.get(f"{JOBS}/{A}/throughput?from=2h&to=55m")).json
    assert sum(to["bytes"]) == 0
    assert (await studio.ann.get(f"{JOBS}/{A[:-1]}1/throughput")).status == 200


async def test_what_makes_no_sense_is_refused_by_name(studio: World) -> None:
    for query, field in (
        ("from=yesterday", "from"),
        ("from=12", "from"),
        ("to=never", "to"),
        ("from=1h&to=2h", "from"),
        ("from=2999-01-01", "from"),
        ("step=0", "step"),
        ("step=fast", "step"),
        ("form=1h", "form"),
    ):
        refused = await studio.ann.get(f"/api/endpoints/hq/throughput?{query}")
        assert (refused.status, refused.json["field"]) == (422, field), query
    left_out = await studio.ann.get("/api/throughput?source=hq")
    assert (left_out.status, left_out.json["field"]) == (422, "destination"), left_out.content


async def test_users_see_how_fast_their_own_jobs_are_and_no_more(studio: World) -> None:
    assert (await studio.by("bob").get(f"{JOBS}/{A}/throughput")).status == 404
    for path in ("/api/endpoints/hq/throughput", PAIR):
        assert (await studio.by("bob").get(path)).status == 403
        assert (await studio.by("eve").get(path)).status == 200


async def test_the_overview_tells_what_stands_where_and_which_pairs_are_busiest(
    studio: World,
) -> None:
    await moved(studio, 20, 500)
    await moved(studio, 30, 7000, back=True)
    await moved(studio, 9_000, 100)
    studio.history.ask(transfer("b"))
    studio.history.listed("b")
    studio.history.failed("a", 1, ErrorClass.PERMISSION)
    studio.history.done("a", "0,2", 200)
    studio.history.ended("a")
    studio.history.finished("b")
    at_least = await studio.shown()
    then = "update jobs set finished_at = now() - interval '2 h', since = now() - interval '2 h'"
    await studio.rows.execute(then)
    told = (await studio.ann.get(f"/api/overview?at_least={at_least}")).json
    assert (told["now"]["failed"], told["done"], told["failed"], told["aborted"]) == (1, 1, 1, 0)
    assert [(one["source"], one["total"]) for one in told["pairs"]] == [
        ("stockholm", 7000),
        ("hq", 500),
    ]
    assert sum(told["bytes"]) == 7500
    assert [sum(one["bytes"]) for one in told["pairs"]] == [7000, 500]
    [failure] = told["failures"]
    assert (failure["error_class"], failure["jobs"], failure["job"]) == ("permission", 1, A)
    week = (await studio.ann.get("/api/overview?from=7d")).json
    assert sum(week["bytes"]) == 7600


async def test_a_pair_that_runs_is_there_before_its_first_byte(studio: World) -> None:
    told = (await studio.by("eve").get("/api/overview")).json
    assert told["pairs"] == [
        {
            "source": "hq",
            "destination": "stockholm",
            "total": 0,
            "bytes": [0] * len(told["bytes"]),
            "running": 1,
        }
    ]
    answer = await studio.by("bob").get("/api/overview")
    assert (answer.status, "employees" in answer.json["detail"]) == (403, True)
