"""The agent on a bus: orders are a level, reports go until they are answered, a stop is a stop."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from events import subjects
from events.endpoints import Volume as Reported
from events.jobs import ErrorClass
from services.agent import reports
from services.agent.certificate import kept_or_made
from services.agent.commands import CallFailed, Change, Found, List, Stat, Ticket
from services.agent.identity import Refused
from services.agent.landing import Landing
from services.agent.main import serve
from services.agent.reports import Post
from services.agent.volume import Volume
from services.runtime.memory import MemoryBus
from services.runtime.tickets import Signer
from services.scheduler.commands import (
    Accepted,
    ChangeEnded,
    ListingEnded,
    ListingFound,
    Rejected,
    Report,
    RunEnded,
    RunFailed,
    TasksDone,
    TasksStarted,
    Why,
)
from tests.services.agent_planes import tree
from tests.services.agent_scheduler import FAR, HQ, JOB, OTHER, WAIT_S, Scheduler, until


@pytest.fixture
async def scheduler() -> Scheduler:
    scheduler = Scheduler(MemoryBus())
    await scheduler.open()
    return scheduler


@asynccontextmanager
async def agent(
    scheduler: Scheduler, endpoint: str, root: Path
) -> AsyncIterator[asyncio.Task[None]]:
    own = root.with_name(f"{root.name}.own")
    for folder in (root, own):
        folder.mkdir(parents=True, exist_ok=True)
    post = Post(scheduler.bus, "main", endpoint, f"session of {endpoint}")
    volumes = {"v": Volume("v", root)}
    running = asyncio.create_task(
        serve(
            post,
            name=endpoint[:2],
            volumes=volumes,
            listen=("127.0.0.1", 0),
            certificate=kept_or_made(own),
        )
    )
    beats = len(scheduler.beats[endpoint])
    await until(lambda: not scheduler.answers or len(scheduler.beats[endpoint]) > beats)
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.wait([running], timeout=5)
        assert running.done()


@asynccontextmanager
async def both(scheduler: Scheduler, root: Path) -> AsyncIterator[tuple[Path, Path]]:
    async with agent(scheduler, HQ, root / "hq"), agent(scheduler, FAR, root / "far"):
        yield root / "hq", root / "far"


async def listed(scheduler: Scheduler) -> None:
    await scheduler.order(HQ, List(JOB, 1, "v", ""))
    await until(lambda: scheduler.last(1) is ListingEnded)


def fill(root: Path, count: int = 5, size: int = 1_000) -> None:
    (root / "folder").mkdir()
    for index in range(count):
        (root / f"folder/{index}").write_bytes(os.urandom(size))


async def test_a_job_is_listed_and_received(scheduler: Scheduler, tmp_path: Path) -> None:
    async with both(scheduler, tmp_path) as (hq, far):
        fill(hq)
        await listed(scheduler)
        ended = scheduler.of(1)[-1]
        assert isinstance(ended, ListingEnded)
        assert (ended.tasks, ended.took_ms < 10_000) == (7, True)
        await scheduler.order(FAR, scheduler.receive())
        await until(lambda: scheduler.last(2) is RunEnded)
        assert tree(far / "in") == tree(hq)
        done = [report for report in scheduler.of(2) if isinstance(report, TasksDone)]
        assert sum(report.size for report in done) == 5_000
        assert {report.endpoint for report in scheduler.reports} == {HQ, FAR}
        assert len({report.id for report in scheduler.reports}) == len(scheduler.reports)


async def test_the_last_tick_of_a_run_holds_all_that_came(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    """However short it was: the history of throughput is made of ticks."""
    async with both(scheduler, tmp_path) as (hq, _):
        fill(hq)
        await listed(scheduler)
        await scheduler.order(FAR, scheduler.receive())
        await until(lambda: any(tick.moved == 5_000 for tick in scheduler.ticks))


async def test_what_was_added_is_listed_alone_and_what_is_missing_told_as_a_file(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    async with agent(scheduler, HQ, tmp_path / "hq"):
        fill(tmp_path / "hq")
        duty = List(JOB, 1, "v", "", only=["folder/2", "gone"])
        await scheduler.order(HQ, duty)
        await until(lambda: scheduler.last(1) is ListingEnded)
        [found, ended] = scheduler.of(1)
        assert isinstance(found, ListingFound)
        assert [entry.uri for entry in found.entries] == ["", "folder", "folder/2", "gone"]
        assert isinstance(ended, ListingEnded)
        assert ended.tasks == 4


async def test_files_are_changed_once_however_often_it_is_ordered(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    async with agent(scheduler, HQ, tmp_path / "hq"):
        duty = Change("ann:key 1", 1, "mkdir", "v", "new")
        await scheduler.order(HQ, duty)
        await until(lambda: scheduler.last(1, "ann:key 1") is ChangeEnded)
        (tmp_path / "hq/new").rmdir()
        await scheduler.order(HQ, duty, Change(OTHER, 1, "mkdir", "v", "next"))
        await until(lambda: scheduler.last(1, OTHER) is ChangeEnded)
        assert scheduler.of(1, "ann:key 1") == [ChangeEnded("ann:key 1", 1, "done")]
        assert [one.name for one in (tmp_path / "hq").iterdir()] == ["next"]


async def test_the_beat_says_who_where_and_what(scheduler: Scheduler, tmp_path: Path) -> None:
    async with agent(scheduler, HQ, tmp_path / "hq"):
        beat = scheduler.beats[HQ][0]
    assert (beat.endpoint, beat.name, beat.kind) == (HQ, "aa", "server")
    assert beat.url.startswith("http://127.0.0.1:")
    assert beat.volumes == [Reported("v")]
    assert not beat.leaving
    assert scheduler.beats[HQ][-1].leaving


async def test_an_agent_that_is_stopped_is_gone_within_two_seconds(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    async with both(scheduler, tmp_path) as (hq, far):
        with (hq / "huge").open("wb") as file:
            file.truncate(16 << 30)
        await listed(scheduler)
        await scheduler.order(FAR, scheduler.receive())
        await until(lambda: list((far / "in").glob(".*.part")) if (far / "in").exists() else 0)
        scheduler.answers = False  # Nobody answers the goodbye either.
        began = time.monotonic()
    assert time.monotonic() - began < 3.0
    part = next((far / "in").glob(".*.part"))
    size = part.stat().st_size
    await asyncio.sleep(0.1)
    assert part.stat().st_size == size
    part.unlink()


async def test_what_is_not_ordered_any_more_stops_at_once(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    async with both(scheduler, tmp_path) as (hq, far):
        with (hq / "huge").open("wb") as file:
            file.truncate(16 << 30)
        await listed(scheduler)
        await scheduler.order(FAR, scheduler.receive())
        await until(lambda: any(tick.bytes_done > 16 << 20 for tick in scheduler.ticks))
        await scheduler.order(FAR)
        await asyncio.sleep(0.25)
        part = next((far / "in").glob(".*.part"))
        size, told = part.stat().st_size, len(scheduler.reports)
        await asyncio.sleep(0.3)
        assert part.stat().st_size == size
        assert len(scheduler.reports) == told
        tick = scheduler.ticks[-1]
        assert (tick.job, tick.run, tick.tasks_done) == (JOB, 2, 0)
        assert tick.bytes_per_second > 0
        assert tick.executing == [(1, tick.bytes_done)]
        part.unlink()


async def test_orders_that_are_older_change_nothing(scheduler: Scheduler, tmp_path: Path) -> None:
    async with both(scheduler, tmp_path) as (hq, _):
        fill(hq)
        await scheduler.order(HQ, sequence=50)
        await scheduler.order(HQ, List(JOB, 1, "v", ""), sequence=49)
        await asyncio.sleep(0.2)
        assert scheduler.reports == []
        await scheduler.order(HQ, List(JOB, 1, "v", ""), sequence=50)
        await until(lambda: scheduler.last(1) is ListingEnded)


async def test_a_run_that_ended_is_not_done_again(scheduler: Scheduler, tmp_path: Path) -> None:
    async with both(scheduler, tmp_path) as (hq, _):
        fill(hq)
        await listed(scheduler)
        told = len(scheduler.reports)
        for _ in range(3):
            await scheduler.order(HQ, List(JOB, 1, "v", ""))
        await asyncio.sleep(0.2)
        assert len(scheduler.reports) == told
        await scheduler.order(HQ, List(JOB, 3, "v", ""))
        await until(lambda: scheduler.last(3) is ListingEnded)


async def test_reports_wait_for_a_scheduler_and_keep_their_ids(
    scheduler: Scheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "ANSWER_S", 0.05)
    async with both(scheduler, tmp_path) as (hq, far):
        fill(hq)
        await listed(scheduler)
        heard: list[str] = []
        take = scheduler._take

        def unheard(report: Report) -> Accepted | Rejected:
            """The answer to every report is lost twice."""
            heard.append(report.id)
            answer = take(report) if heard.count(report.id) == 1 else Accepted(1)
            if heard.count(report.id) < 3:
                raise ConnectionError
            return answer

        scheduler._take = unheard  # type: ignore[method-assign]
        await scheduler.order(FAR, scheduler.receive())
        await until(lambda: scheduler.last(2) is RunEnded)
        await until(lambda: heard.count(scheduler.reports[-1].id) == 3)
        assert tree(far / "in") == tree(hq)
        assert all(heard.count(one) == 3 for one in heard)
        assert [type(one) for one in scheduler.of(2)].count(TasksStarted) == 2


async def test_a_stale_run_is_dropped(scheduler: Scheduler, tmp_path: Path) -> None:
    async with both(scheduler, tmp_path) as (hq, _):
        fill(hq)
        await listed(scheduler)
        scheduler.refusal = Rejected(Why.STALE, "over: drop it")
        await scheduler.order(FAR, scheduler.receive())
        await until(lambda: scheduler.of(2))
        await asyncio.sleep(0.3)
        assert len(scheduler.of(2)) == 1
        assert RunEnded not in {type(one) for one in scheduler.of(2)}


async def test_a_report_refused_for_another_reason_is_seen_on_the_job(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    async with both(scheduler, tmp_path) as (hq, _):
        fill(hq)
        scheduler.refusal = Rejected(Why.INVALID, "cannot be read")
        await scheduler.order(HQ, List(JOB, 1, "v", ""))
        await until(lambda: scheduler.last(1) is RunFailed)
        failed = scheduler.of(1)[-1]
        assert isinstance(failed, RunFailed)
        assert failed.error_class is ErrorClass.INTERNAL
        assert "cannot be read" in failed.message


@pytest.mark.parametrize(
    ("duty", "error_class", "words"),
    [
        (List(JOB, 1, "v", "none"), ErrorClass.MISSING, "there is nothing there"),
        (List(JOB, 1, "v", "folder/0/"), ErrorClass.MISSING, "is a file, not a folder"),
        (List(JOB, 1, "v", "folder/0", only=["x"]), ErrorClass.MISSING, "is one file"),
        (List(JOB, 1, "v", "../up"), ErrorClass.PERMISSION, "not allowed"),
        (List(JOB, 1, "w", ""), ErrorClass.VOLUME, "there is no volume w here"),
    ],
)
async def test_a_listing_that_cannot_be_says_why(
    scheduler: Scheduler, tmp_path: Path, duty: List, error_class: ErrorClass, words: str
) -> None:
    async with both(scheduler, tmp_path) as (hq, _):
        fill(hq)
        await scheduler.order(HQ, duty)
        await until(lambda: scheduler.reports)
        (failed,) = scheduler.of(1)
        assert isinstance(failed, RunFailed)
        assert failed.error_class is error_class
        assert words in failed.message


@pytest.mark.parametrize("wrong", ["another key", "another endpoint"])
async def test_a_wrong_ticket_is_refused_until_a_good_one_comes(
    scheduler: Scheduler, tmp_path: Path, wrong: str
) -> None:
    async with both(scheduler, tmp_path) as (hq, far):
        fill(hq)
        await listed(scheduler)
        good = scheduler.receive()
        signer = Signer() if wrong == "another key" else scheduler.signer
        endpoint = FAR if wrong == "another endpoint" else HQ
        ticket = signer.sign(Ticket(JOB, 2, endpoint, "v", "", 2**40))
        await scheduler.order(FAR, msgspec.structs.replace(good, ticket=ticket))
        await asyncio.sleep(0.3)
        assert list((far / "in").rglob("*")) == [far / "in/folder"]
        await scheduler.order(FAR, good)  # The same run with a fresh ticket.
        await until(lambda: scheduler.last(2) is RunEnded)
        assert tree(far / "in") == tree(hq)


async def test_a_new_run_starts_when_the_thread_of_the_one_before_has_ended(
    scheduler: Scheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that takes its time with a flush holds up the next run, not the agent."""
    flushing, flushed = threading.Event(), threading.Event()
    flush = Landing._flush

    def slow(landing: Landing, waiting: list[Any], check: Callable[[], None]) -> list[Any]:
        flushing.set()
        flushed.wait(WAIT_S)
        return flush(landing, waiting, check)

    monkeypatch.setattr(Landing, "_flush", slow)
    async with both(scheduler, tmp_path) as (hq, far):
        fill(hq)
        await listed(scheduler)
        await scheduler.order(FAR, scheduler.receive(2))
        await until(flushing.is_set)
        await scheduler.order(FAR, scheduler.receive(3))
        await asyncio.sleep(0.3)
        assert scheduler.of(3) == []
        flushed.set()
        await until(lambda: scheduler.last(3) is RunEnded)
        assert tree(far / "in") == tree(hq)


async def test_a_new_run_of_a_job_waits_for_the_end_of_the_one_before(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    async with both(scheduler, tmp_path) as (hq, far):
        (hq / "big").write_bytes(os.urandom(40 << 20))
        await listed(scheduler)
        for run in range(2, 12):
            await scheduler.order(FAR, scheduler.receive(run))
            await asyncio.sleep(0.02)
        await until(lambda: scheduler.last(11) is RunEnded)
        assert tree(far / "in") == tree(hq)


async def test_two_jobs_run_side_by_side(scheduler: Scheduler, tmp_path: Path) -> None:
    async with both(scheduler, tmp_path) as (hq, _):
        fill(hq, 50)
        await scheduler.order(HQ, List(JOB, 1, "v", ""), List(OTHER, 1, "v", "folder"))
        await until(lambda: scheduler.last(1) is scheduler.last(1, OTHER) is ListingEnded)


async def test_an_agent_that_is_refused_stops_and_goes_on_asking(
    scheduler: Scheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with both(scheduler, tmp_path) as (hq, _):
        fill(hq)
        scheduler.refused = "its name is taken"
        await scheduler.order(HQ)
        scheduler.refused = ""
        await listed(scheduler)


async def test_an_agent_that_is_refused_at_its_start_ends_and_says_why(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    scheduler.refused = "its name is taken"
    async with agent(scheduler, HQ, tmp_path) as running:
        await asyncio.wait([running], timeout=WAIT_S)
        assert running.done()
        told = running.exception()
    assert isinstance(told, BaseExceptionGroup)
    refused, rest = told.split(Refused)
    assert rest is None
    assert "its name is taken" in repr(refused)
    assert not scheduler.beats[HQ][-1].leaving


async def test_a_volume_that_vanishes_is_told(scheduler: Scheduler, tmp_path: Path) -> None:
    async with agent(scheduler, HQ, tmp_path / "hq"):
        (tmp_path / "hq").rename(tmp_path / "away")
        await until(lambda: scheduler.beats[HQ][-1].volumes == [Reported("v", online=False)])
        (tmp_path / "away").rename(tmp_path / "hq")
        await until(lambda: scheduler.beats[HQ][-1].volumes == [Reported("v")])


@pytest.mark.parametrize(
    ("volume", "path", "answer"),
    [
        ("v", "", ("folder", 0)),
        ("v", "folder/", ("folder", 0)),
        ("v", "folder/0", ("file", 1_000)),
        ("v", "none", ErrorClass.MISSING),
        ("v", "folder/0/", ErrorClass.MISSING),
        ("v", "/etc", ErrorClass.PERMISSION),
        ("w", "", ErrorClass.VOLUME),
    ],
)
async def test_what_is_at_a_path_is_told(
    scheduler: Scheduler, tmp_path: Path, volume: str, path: str, answer: object
) -> None:
    async with agent(scheduler, HQ, tmp_path / "hq"):
        fill(tmp_path / "hq")
        call = msgspec.json.encode(Stat(volume, path))
        told = msgspec.json.decode(
            await scheduler.bus.request(subjects.call("main", HQ), call), type=Found | CallFailed
        )
    found = (told.kind, told.size) if isinstance(told, Found) else told.error_class
    assert found == answer
