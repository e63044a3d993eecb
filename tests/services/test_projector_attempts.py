"""Runs and tries in a real PostgreSQL: the fold of the log, however its batches are cut."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from events import jobs, tasks
from events.codec import Event
from events.jobs import ErrorClass
from events.work import Compute
from tests.projections.histories import (
    HQ,
    JOB,
    OPENING,
    RUNNING,
    STOCKHOLM,
    commit,
    done,
    found,
    stored,
    submitted,
)
from tests.services import read_side
from tests.services.read_side import everything, expected, opened, write_all


@pytest.mark.parametrize("tasks_max", [1, 20_000])
async def test_tries_are_kept_however_their_tasks_are_written(
    database_url: str, tasks_max: int
) -> None:
    full = [tasks.Failure(2, ErrorClass.SPACE, "no space left")]
    relisted: list[Event] = [jobs.Retried(JOB, "b", relist=True), jobs.ListingStarted(JOB, 4)]
    groups: list[Sequence[Event]] = [
        OPENING,
        [*RUNNING, tasks.Started(JOB, 2, "0-2")],
        [tasks.Queued(JOB, "0-2")],  # By hand, in the middle.
        [tasks.Started(JOB, 2, "0-2"), done("0-1"), tasks.Failed(JOB, 2, full)],
        [jobs.Done(JOB, 2), tasks.Queued(JOB, "0-2", 20), jobs.Retried(JOB, "b")],
        [jobs.Started(JOB, 3, HQ), tasks.Started(JOB, 3, "0-2")],
        [jobs.GaveWay(JOB, 3, "x")],
        [*relisted, found(run=4)],
    ]
    commits = commit(groups)
    async with opened(database_url) as pool:
        for one in stored(commits)[:-1]:
            await write_all(pool, [one], tasks_max=tasks_max)
        assert await everything(pool) == expected(commits[:-1])
        assert await pool.fetchval("select count(*) from attempts") == 9
        await write_all(pool, stored(commits)[-1:], tasks_max=tasks_max)
        assert await everything(pool) == expected(commits)
        assert await pool.fetchval("select count(*) from attempts") == 0
    log = stored(commits)
    async with opened(database_url) as pool:
        await read_side.clear(pool)
        await write_all(pool, log, tasks_max=tasks_max)
        assert await everything(pool) == expected(commits)


@pytest.mark.parametrize("at_once", [True, False])
async def test_buckets_are_runs_with_their_endpoint_and_what_they_used(
    database_url: str, at_once: bool
) -> None:
    failed = [tasks.Failure(1, ErrorClass.COMMAND, "exit 1")]
    groups: list[Sequence[Event]] = [
        OPENING,
        [submitted(work=Compute("render {frame}", "1-3")), tasks.Ranged(JOB, 0, "1-3", 3)],
        [jobs.Started(JOB, 1, HQ), tasks.Dispatched(JOB, 1, HQ, "0-1")],
        [tasks.Dispatched(JOB, 2, STOCKHOLM, "2"), tasks.Started(JOB, 1, "0-1")],
        [tasks.Done(JOB, 1, "0", 0, [5], [7], [""]), tasks.Failed(JOB, 1, failed)],
        [tasks.Exited(JOB, 1, 1, 2_000, 1_900, 1 << 40), tasks.Started(JOB, 2, "2")],
        [tasks.Released(JOB, 2, "2", "endpoint_offline", STOCKHOLM)],
        [tasks.Dispatched(JOB, 3, HQ, "2"), tasks.Queued(JOB, "1")],
        [tasks.Exited(JOB, 3, None)],
    ]
    commits = commit(groups)
    log = stored(commits)
    async with opened(database_url) as pool:
        for some in [log] if at_once else [[one] for one in log]:
            await write_all(pool, some)
        assert await everything(pool) == expected(commits)
        tries = await pool.fetch("select number, outcome, cause from attempts order by number")
        assert [tuple(row) for row in tries] == [
            (1, "failed", None),
            (2, "interrupted", "endpoint_offline"),
        ]
        used = "select endpoint, exit_code, peak_memory_bytes from runs order by run"
        assert [tuple(row) for row in await pool.fetch(used)] == [
            (HQ, 1, 1 << 40),
            (STOCKHOLM, None, None),
            (HQ, None, 0),
        ]
