"""When jobs will start and end, over real HTTP and a real database."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from services.gateway import showing
from services.gateway.lines import shares
from services.gateway.messages import Stood
from services.projector.commands import Moving
from services.scheduler.commands import Estimate, Holder, Limited, Pause
from tests.services.gateway_studio import world
from tests.services.spec import ANN, BOB, HQ, NOON, compute, job_id, transfer

A, B, C, D = (job_id(letter) for letter in "abcd")
TIMES = ("earliest", "at", "latest")
SECOND = timedelta(seconds=1)


def after(said: dict[str, object], what: str, since: datetime) -> list[float]:
    times = [datetime.fromisoformat(str(said[f"{what}_{one}"])) for one in TIMES]
    return [round((at - since).total_seconds(), 1) for at in times]


async def test_every_row_and_why_say_when_a_waiting_job_will_run(
    database_url: str, tmp_path: Path
) -> None:
    async with world(database_url, tmp_path) as studio:
        history = studio.history
        for letter in "abcd":
            history.ask(transfer(letter))
            history.listed(letter)
        history.now += 10 * SECOND
        history.finished("a")
        history.ask(Pause(D))
        await studio.shown()
        page = (await studio.ann.get("/api/jobs")).json
        rows = {job["id"]: job for job in page["jobs"]}
        assert after(rows[C]["estimate"], "start", history.now) == [5.0, 10.0, 20.0]
        assert after(rows[C]["estimate"], "end", history.now) == [10.0, 20.0, 40.0]
        assert rows[C]["reason"]["code"] == "behind_job", "and why, in every row of a list"
        assert rows[B]["estimate"]["start_at"] is None, "it runs"
        assert after(rows[B]["estimate"], "end", history.now) == [5.0, 10.0, 20.0]
        assert rows[D]["estimate"] is None, "nobody knows when it is resumed"
        why = (await studio.ann.get(f"/api/jobs/{C}/why")).json
        basis = "measured on 1 finished transfer from hq to stockholm"
        assert (why["estimate"], why["estimate"]["basis"]) == (rows[C]["estimate"], basis)
        await studio.studio.moving(Moving(B, history.job("b").run, 150, 5.0, 1))
        async with asyncio.timeout(30):
            while after(why["estimate"], "start", history.now)[1] != 30.0:
                why = (await studio.ann.get(f"/api/jobs/{C}/why")).json
        schemas = (await studio.ann.get("/api/openapi.json")).json["components"]["schemas"]
        assert set(schemas["Estimate"]["properties"]) == set(why["estimate"])
        assert "earliest" in schemas["Estimate"]["description"]


async def test_a_compute_job_that_waits_says_when_it_starts_and_ends(
    database_url: str, tmp_path: Path
) -> None:
    async with world(database_url, tmp_path) as studio:
        history = studio.history
        history.allows(HQ)
        history.ask(compute("x", "1"))
        history.bucket_ends("x")  # It took a second.
        for letter in "ab":
            history.ask(compute(letter, "1-4"))
        await studio.shown()
        row = (await studio.ann.get(f"/api/jobs/{B}")).json
        assert after(row["estimate"], "start", history.now) == [2.0, 4.0, 8.0]
        assert after(row["estimate"], "end", history.now) == [4.0, 8.0, 16.0]
        assert row["estimate"]["basis"] == "measured on 1 finished job of the same command"
        why = (await studio.ann.get(f"/api/jobs/{B}/why")).json
        assert why["estimate"] == row["estimate"]


async def test_a_job_that_runs_while_it_is_listed_shows_what_was_found_and_no_time_left(
    database_url: str, tmp_path: Path
) -> None:
    async with world(database_url, tmp_path) as studio:
        history = studio.history
        history.ask(transfer("a"))
        history.lists_some("a", 4)
        history.done("a", "0", 100)
        await studio.shown()
        shown = (await studio.ann.get(f"/api/jobs/{A}")).json
        assert (shown["status"], shown["listed"]) == ("running", False)
        assert (shown["size"], shown["tasks_total"], shown["progress"]) == (400, 4, 0.25)
        assert shown["estimate"]["basis"].startswith("its source is still being listed")
        history.is_through("a")
        await studio.shown()
        assert (await studio.ann.get(f"/api/jobs/{A}")).json["listed"]
    row = {"size": 400, "tasks_total": 4, "tasks_excluded": 0, "listed": False}
    moving = Moving(A, 2, 200, 50.0, 1)
    assert showing.progress(row, moving).eta_s is None
    assert showing.progress(row | {"listed": True}, moving).eta_s == 4.0


async def test_jobs_are_asked_for_by_their_ids(database_url: str, tmp_path: Path) -> None:
    async with world(database_url, tmp_path) as studio:
        for letter, actor in (("a", ANN), ("b", BOB), ("c", ANN)):
            studio.history.ask(transfer(letter), by=actor)
            studio.history.listed(letter)
        await studio.shown()
        asked = f"/api/jobs?ids={C},{B},{C},{'f' * 24}"
        page = (await studio.ann.get(asked)).json
        assert [(one["name"], one["position"]) for one in page["jobs"]] == [("c", 3), ("b", 2)]
        assert page["jobs"][0]["reason"]["code"] == "behind_job"
        assert (page["total"], page["next"]) == (2, None)
        of_bob = (await studio.by("bob").get(asked)).json["jobs"]
        assert [one["name"] for one in of_bob] == ["b"], "a user sees their own"
        refused = await studio.ann.get("/api/jobs?ids=a,")
        assert (refused.status, refused.json["field"]) == (422, "ids")


def test_long_lines_have_what_short_ones_leave() -> None:
    assert shares({"high": 1, "medium": 5_000, "low": 0}) == {"high": 6, "medium": 189, "low": 5}
    assert shares({"a": 900, "b": 900}) == {"a": 100, "b": 100}
    assert sum(shares({str(n): n for n in range(300)}).values()) <= 200
    assert shares({}) == {}


def test_a_running_job_ends_when_its_own_pace_says_and_the_interval_holds_it() -> None:
    expected = Estimate(
        end_at=NOON + 60 * SECOND,
        end_earliest=NOON + 50 * SECOND,
        end_latest=NOON + 80 * SECOND,
        runs=3,
        basis="measured",
    )
    shown = showing.at_its_pace(expected, 200.0, NOON)
    assert (shown.end_earliest, shown.end_at) == (NOON + 50 * SECOND, NOON + 200 * SECOND)
    assert (shown.end_latest, shown.basis) == (NOON + 200 * SECOND, "measured")
    alone = showing.at_its_pace(Estimate(basis="nothing"), 30.0, NOON)
    assert (alone.end_at, alone.end_latest) == (NOON + 30 * SECOND, None)
    assert alone.basis.startswith("by its pace now")


def test_an_estimate_that_is_a_little_off_is_not_told_again() -> None:
    def stood(start_s: float | None, position: int = 2, later_s: float = 0) -> Stood:
        at = NOON + start_s * SECOND if start_s is not None else None
        return Stood("waiting", position, None, Estimate(at), None, NOON.timestamp() + later_s)

    told = stood(800)
    slower = Limited(20, "20 bytes/s by queue low", Holder("queue", "", "low"))
    assert not replace(told, limit=slower).is_as(told)
    assert stood(850).is_as(told)
    assert stood(850, later_s=700).is_as(told) is False, "near its start a minute is much"
    assert stood(815, later_s=700).is_as(told)
    assert not stood(950).is_as(told)
    assert not stood(None).is_as(told)
    assert stood(None).is_as(stood(None))
    assert not stood(800, position=3).is_as(told)
    assert not told.is_as(None)
