"""What agents measured: stored for tasks that no hand changed, shown by try and by job."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from events import tasks
from events.jobs import ErrorClass
from events.tasks import Measured, Version
from services.scheduler.commands import (
    HandOnTasks,
    ListingEnded,
    ListingFound,
    TasksDone,
    TasksFailed,
)
from tests.services.gateway_studio import World, world
from tests.services.spec import History, given, job_id, transfer

A = job_id("a")
ZEROS, HASHES = [0, 0, 0], ["a" * 64, "b" * 64, "c" * 64]


def report(history: History, **changes: object) -> None:
    """All three tasks of a are done, each with a second of reading, half of it of hashing."""
    job = history.job("a")
    told: dict[str, object] = {
        "saved": [40, 0, 0],
        "reading_ms": [1_000, 1_000, 1_000],
        "network_ms": ZEROS,
        "verifying_ms": [500, 500, 500],
    }
    said = (A, job.run, "0-2", 300, ZEROS, ZEROS, HASHES)
    history.report(TasksDone(*said, **(told | changes)))  # type: ignore[arg-type]


def done(history: History) -> tasks.Done:
    return next(event for event in history.events() if isinstance(event, tasks.Done))


def test_what_was_measured_is_stored_without_lists_of_nothing() -> None:
    history = given(transfer("a"))
    history.started("a", "0-2")
    report(history)
    event = done(history)
    assert (event.saved, event.reading_ms, event.verifying_ms) == (
        (40, 0, 0),
        (1_000, 1_000, 1_000),
        (500, 500, 500),
    )
    assert (event.network_ms, event.limited_ms, event.writing_ms) == ((), (), ())


def test_of_a_task_that_a_hand_changed_nothing_is_told() -> None:
    history = given(transfer("a"))
    history.started("a", "0-2")
    history.ask(HandOnTasks(job=A, action="hold", tasks="0"))
    report(history, versions=[Version(0, 5, 1), Version(2, 60, 2)])
    event = done(history)
    assert (event.numbers, event.reading_ms, event.saved) == ("1-2", (1_000, 1_000), ())
    assert event.versions == (Version(2, 60, 2),)


def test_a_file_is_as_large_as_it_was_sent_whatever_the_listing_said() -> None:
    history = given(transfer("a"))
    history.started("a", "0-2")
    report(history, versions=[Version(1, 150, 2), Version(7, 1, 1)])
    table = history.board.tables[A]
    assert (table.size, table.size_of("0-2", range(7))) == (350, 350)


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database_url, tmp_path) as made:
        made.history.ask(transfer("a"))
        job = made.history.job("a")
        entries = [tasks.Entry(f"f{number}", size=100) for number in range(3)]
        made.history.report(ListingFound(A, job.listing_run, 0, entries))
        made.history.report(ListingEnded(A, job.listing_run, 3, took_ms=200))
        yield made


async def test_a_job_says_what_its_bottleneck_is(studio: World) -> None:
    await studio.shown()
    path = f"/api/jobs/{A}"
    listed = (await studio.ann.get(path)).json["timing"]
    assert (listed["listing_s"], listed["bottleneck"], listed["text"]) == (0.2, None, None)
    studio.history.started("a", "0-2")
    report(studio.history)
    studio.history.passes(60)
    studio.history.ended("a")
    await studio.shown()
    timing = (await studio.ann.get(path)).json["timing"]
    assert timing == {
        "listing_s": 0.2,
        "reading_s": 3.0,
        "network_s": 0.0,
        "limited_s": 0.0,
        "writing_s": 0.0,
        "verifying_s": 1.5,
        "bytes_saved": 40,
        "bottleneck": "reading",
        "share": pytest.approx(2 / 3),
        "text": "reading at hq is the bottleneck (67 % of the time)",
    }
    page = (await studio.ann.get("/api/jobs?state=finished")).json["jobs"]
    assert [job["timing"] for job in page] == [None]


async def test_each_try_says_what_it_saved_brought_and_spent(studio: World) -> None:
    history = studio.history
    spent = Measured(saved=30, network_ms=2_000, bytes=50)
    cut = tasks.Failure(0, ErrorClass.NETWORK, "the connection broke", spent)
    history.started("a", "0")
    history.report(TasksFailed(A, history.job("a").run, [cut]))
    history.ask(HandOnTasks(job=A, action="retry", tasks="0"))
    history.started("a", "0-2", hands=1)
    report(history, hands=1)
    await studio.shown()
    first, last = (await studio.ann.get(f"/api/jobs/{A}/tasks/0/attempts")).json["attempts"]
    assert (first["outcome"], first["bytes"], first["bytes_saved"]) == ("failed", 50, 30)
    assert (first["network_s"], first["reading_s"]) == (2.0, 0.0)
    assert (last["outcome"], last["bytes"], last["bytes_saved"]) == ("done", 60, 40)
    assert (last["reading_s"], last["verifying_s"]) == (1.0, 0.5)


async def test_a_manifest_tells_a_file_as_it_was_sent(studio: World) -> None:
    studio.history.started("a", "0-2")
    report(studio.history, versions=[Version(1, 150, 1_700_000_000_000_000_000)])
    studio.history.ended("a")
    await studio.shown()
    content = (await studio.ann.get(f"/api/jobs/{A}/manifest?format=csv")).content.decode()
    assert content.splitlines()[2].startswith(f"f1,file,150,{'b' * 64},2023-11-14T22:13:20Z")
