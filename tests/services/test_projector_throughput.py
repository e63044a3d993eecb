"""The history of throughput: every byte once, when it came, coarser as it ages, then forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from events import jobs, tasks, workspace
from events.codec import Event
from services.projector.commands import Moving
from services.projector.moving import write_ticks
from services.projector.thinning import thin
from services.runtime.database import Pool
from tests.projections.histories import HQ, JOB, OPENING, RUNNING, STOCKHOLM, commit, done, stored
from tests.services.read_side import opened, ports, write_all

STARTED: list[Sequence[Event]] = [OPENING, RUNNING]
NEXT_RUN: Sequence[Event] = [jobs.GaveWay(JOB, 2, "x"), jobs.Started(JOB, 3, STOCKHOLM)]
ENDED: Sequence[Event] = [tasks.Started(JOB, 3, "0-2"), done("0-2", run=3), jobs.Done(JOB, 3)]


async def ticks(pool: Pool, *moved: int, run: int = 2, endpoint: str = STOCKHOLM) -> None:
    for count in moved:
        tick = Moving(JOB, run, 1_000_000, 10.0, 0, moved=count)
        await write_ticks(ports(pool), {(endpoint, JOB): tick})


async def sums(pool: Pool) -> tuple[int, int]:
    """Of the job, and of the pair from hq to stockholm: always the same."""
    of_job = await pool.fetchval("select sum(bytes)::bigint from throughput where job = $1", JOB)
    pair = "select sum(bytes)::bigint from pair_throughput where source = $1 and destination = $2"
    return of_job or 0, await pool.fetchval(pair, HQ, STOCKHOLM) or 0


async def test_every_byte_counts_once_however_ticks_come(database_url: str) -> None:
    async with opened(database_url) as pool:
        log = stored(commit([*STARTED, NEXT_RUN, ENDED]))
        await write_all(pool, log[:2])
        await ticks(pool, 5, 12, 12, 5, 12)
        assert await sums(pool) == (12, 12)
        await ticks(pool, 90, endpoint=HQ)
        await ticks(pool, 90, run=9)
        assert await sums(pool) == (12, 12), "of who executes the run, and of no other"
        await write_all(pool, log[2:3])
        await ticks(pool, 30, run=3)
        await ticks(pool, 20, run=2)
        assert await sums(pool) == (50, 50)


async def test_the_last_tick_counts_though_the_job_is_done_by_then(database_url: str) -> None:
    async with opened(database_url) as pool:
        await write_all(pool, stored(commit([*STARTED, NEXT_RUN, ENDED])))
        await ticks(pool, 30, run=3)
        assert await sums(pool) == (30, 30)
        assert await pool.fetchval("select count(*) from progress") == 0


async def test_what_a_hand_takes_back_has_moved_all_the_same(database_url: str) -> None:
    taken_back: list[Event] = [tasks.Started(JOB, 2, "0"), done("0"), tasks.Queued(JOB, "0", 10)]
    async with opened(database_url) as pool:
        log = stored(commit([*STARTED, taken_back]))
        await write_all(pool, log[:2])
        await ticks(pool, 10)
        await write_all(pool, log[2:])
        await ticks(pool, 10, 20)
        assert await sums(pool) == (20, 20)


async def test_what_came_while_nobody_counted_is_spread_over_that_time(database_url: str) -> None:
    async with opened(database_url) as pool:
        await write_all(pool, stored(commit(STARTED)))
        await ticks(pool, 7)
        await pool.execute("update counted set at = now() - interval '100 seconds'")
        await ticks(pool, 1_000_007)
        assert await sums(pool) == (1_000_007, 1_000_007)
        kept = await pool.fetch("select bytes from throughput order by bucket")
        assert len(kept) in (10, 11, 12)
        assert all(99_000 < row["bytes"] < 101_000 for row in kept[1:-1])
        await pool.execute("update counted set at = now() - interval '2 days'")
        await ticks(pool, 2_000_007)
        hour = "select count(*) from throughput where bucket > now() - interval '61 minutes'"
        assert await pool.fetchval(hour) == await pool.fetchval("select count(*) from throughput")
        assert await sums(pool) == (2_000_007, 2_000_007)


@pytest.mark.parametrize("rows_max", [3, 5_000])
async def test_it_gets_coarser_as_it_ages_and_is_forgotten(
    database_url: str, rows_max: int
) -> None:
    now = datetime(2030, 1, 20, 12, 34, 56, tzinfo=UTC)
    ages = [0, 10, 10_000, 10_790, 11_000, 11_010, 86_400, 86_410, 200_000, 200_060, 1_200_000]
    async with opened(database_url) as pool:
        for age in ages:
            at = now - timedelta(seconds=age)
            row = (at.replace(second=at.second // 10 * 10), 10, 1)
            await pool.execute("insert into throughput values ($1, $2, $3, $4)", JOB, *row)
            pair = "insert into pair_throughput values ($1, $2, $3, $4, $5)"
            await pool.execute(pair, HQ, STOCKHOLM, *row)
        await thin(ports(pool), now, rows_max=rows_max)
        assert await sums(pool) == (len(ages), len(ages))
        count = "select step, count(*), sum(bytes) from {} group by step order by step"
        for table in ("throughput", "pair_throughput"):
            found = await pool.fetch(count.format(table))
            assert [tuple(row) for row in found] == [(10, 4, 4), (60, 2, 4), (600, 2, 3)]
        await thin(ports(pool), now + timedelta(days=1), rows_max=rows_max)
        assert await sums(pool) == (len(ages) - 1,) * 2
        await thin(ports(pool), now + timedelta(days=14, minutes=11), rows_max=rows_max)
        assert await sums(pool) == (0, 0)


async def test_it_is_kept_as_long_as_the_workspace_keeps_finished_jobs(database_url: str) -> None:
    name, now = "finished_keep_days", datetime(2030, 1, 20, 12, tzinfo=UTC)
    told: list[Sequence[Event]] = [
        [workspace.SettingsChanged({name: 30})],
        [workspace.SettingsChanged({"stall_s": 30})],
        [workspace.SettingsChanged({name: 0})],
        [workspace.SettingsChanged({}, (name,))],
    ]
    log = stored(commit([OPENING, *told]))
    async with opened(database_url) as pool:
        row = (JOB, now - timedelta(days=20), 600, 1)
        await pool.execute("insert into throughput values ($1, $2, $3, $4)", *row)
        for commits in (log[:2], log[2:3], log[3:4]):
            await write_all(pool, commits)
            await thin(ports(pool), now)
            assert await sums(pool) == (1, 0)
        await write_all(pool, log[4:])
        await thin(ports(pool), now)
        assert await sums(pool) == (0, 0), "unset, it is 14 days again"
