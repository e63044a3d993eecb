"""The rows in a real PostgreSQL: whatever happens on the way, they are the fold of the log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import asyncpg
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events import endpoints, jobs, queues, ranges, tasks, workspace
from events.codec import Corrupt, Event, Recorded
from events.jobs import ErrorClass
from projections import attempt_rows, endpoint_rows, job_rows, queue_rows, run_rows, task_rows
from services.projector import store
from services.projector.batches import Batch
from services.projector.rows import keep_rows
from services.runtime.database import open_database
from services.runtime.memory import MemoryBus, MemoryLog
from tests.projections.histories import (
    HIGH,
    HQ,
    JOB,
    LISTED,
    NORMAL,
    OPENING,
    RUNNING,
    STOCKHOLM,
    commit,
    done,
    found,
    histories,
    job_id,
    stored,
    submitted,
)
from tests.servers import Database
from tests.services import read_side
from tests.services.read_side import Heard, everything, expected, opened, ports, running, write_all

NUL = "\0"
STARTED = 8


async def test_services_that_start_at_once_all_find_their_tables(database_url: str) -> None:
    pool = await open_database(database_url, name="test", size=STARTED)
    try:
        await asyncio.gather(*(pool.execute("select 1") for _ in range(STARTED)))
        made = await asyncio.gather(*(store.install(pool, "haulage") for _ in range(STARTED)))
    finally:
        await pool.close()
    assert all(made)


async def test_every_row_struct_is_its_table(database_url: str) -> None:
    kinds = {"jobs": job_rows, "tasks": task_rows, "queues": queue_rows}
    kinds |= {"attempts": attempt_rows, "runs": run_rows, "endpoints": endpoint_rows}
    async with opened(database_url) as pool:
        for table, module in kinds.items():
            rows = await pool.fetch(
                "select column_name from information_schema.columns"
                " where table_schema = 'haulage' and table_name = $1"
                " and is_generated = 'NEVER'",
                table,
            )
            assert {row[0] for row in rows} == set(module.Row.__struct_fields__)


def test_batches_may_be_cut_anywhere(database_url: str) -> None:
    with asyncio.Runner() as runner:
        pool = runner.run(_installed(database_url))

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(histories(), st.sets(st.integers(1, 60)), st.sampled_from([1, 3, 20_000]))
        def check(commits: list[list[Recorded]], cuts: set[int], tasks_max: int) -> None:
            rows = runner.run(_written(pool, commits, cuts, tasks_max))
            assert rows == expected(commits)

        check()
        pool.terminate()


async def _installed(url: str) -> asyncpg.Pool:
    pool = await open_database(url, name="test")
    await store.install(pool, "haulage")
    return pool


async def _written(
    pool: asyncpg.Pool, commits: list[list[Recorded]], cuts: set[int], tasks_max: int
) -> read_side.Everything:
    await read_side.clear(pool)
    log = stored(commits)
    edges = [0, *sorted(cut for cut in cuts if cut < len(log)), len(log)]
    for start, end in pairwise(edges):
        await write_all(pool, log[start:end], tasks_max=tasks_max)
    return await everything(pool)


async def test_a_queue_keeps_what_it_was_changed_to(database_url: str) -> None:
    commits = commit(
        [
            OPENING,
            [queues.Changed(HIGH, code="rush", metadata={"show": "å", "of": ""})],
            [queues.Paused(HIGH), queues.Changed(NORMAL, compute_default=True)],
            [queues.Deleted(HIGH, NORMAL)],
        ]
    )
    log = stored(commits)
    async with opened(database_url) as pool:
        for one in range(len(log)):
            await write_all(pool, log[one : one + 1])
        assert await everything(pool) == expected(commits)


async def test_a_batch_that_begins_elsewhere_is_refused(database_url: str) -> None:
    log = stored(commit([OPENING, [submitted()], [jobs.Paused(JOB)]]))
    async with opened(database_url) as pool, pool.acquire() as connection:
        await write_all(pool, log)
        before = await everything(pool)
        for sequence in (1, 2, 4):
            batch = Batch([], sequence + 1, "x")
            with pytest.raises(store.Stale):
                await store.write(connection, batch, after=sequence, announced=0)
        assert await everything(pool) == before


async def test_a_commit_of_another_place_stops_the_projector(database_url: str) -> None:
    log = MemoryLog()
    wrong = commit([OPENING, [submitted()]])[1]
    await read_side.fill(log, [[msgspec.structs.replace(one, sequence=1) for one in wrong]])
    log.commits[0] = msgspec.structs.replace(stored([wrong])[0], sequence=1)
    async with opened(database_url) as pool:
        with pytest.raises(Corrupt):
            await asyncio.wait_for(keep_rows(ports(pool, log)), 10)


async def test_what_was_committed_and_not_announced_is_announced_later(database_url: str) -> None:
    commits = commit([OPENING, LISTED])
    log, bus = MemoryLog(), MemoryBus()
    await read_side.fill(log, commits)
    async with opened(database_url) as pool:
        await write_all(pool, log.commits)  # As by a projector that was killed right after it.
        heard = Heard(bus)
        await heard.listen()
        async with running(keep_rows(ports(pool, log, bus))):
            await read_side.until(lambda: _announced(heard, JOB))
    assert {queue for change in heard.changes for queue in change.queues} == {HIGH, NORMAL}
    assert {end for change in heard.changes for end in change.endpoints} == {HQ, STOCKHOLM}


async def _announced(heard: Heard, job: str) -> bool:
    return any(job in change.jobs for change in heard.changes)


async def test_an_announcement_names_all_that_a_list_shows_otherwise(database_url: str) -> None:
    log, bus = MemoryLog(), MemoryBus()
    heard = Heard(bus)
    await heard.listen()
    await read_side.fill(log, commit([OPENING, LISTED]))
    async with opened(database_url) as pool, running(keep_rows(ports(pool, log, bus))):
        await read_side.at_sequence(pool, 2)
        started = stored(commit([OPENING, LISTED, [jobs.Started(JOB, 2, STOCKHOLM)]]))[-1]
        await log.append(started.payload, chain=started.chain, after=2)
        await read_side.at_sequence(pool, 3)
        await bus.idle()
    last = heard.changes[-1]
    assert (last.sequence, last.jobs) == (3, [JOB])
    assert (last.queues, last.endpoints) == ([NORMAL], [HQ, STOCKHOLM])


async def test_two_projectors_count_nothing_twice(database_url: str) -> None:
    commits = _busy(60)
    log = MemoryLog()
    async with opened(database_url) as pool:
        both = [keep_rows(ports(pool, log)), keep_rows(ports(pool, log))]
        async with running(*both):
            for one in stored(commits):
                await log.append(one.payload, chain=one.chain, after=one.sequence - 1)
                await asyncio.sleep(0.002)
            await read_side.at_sequence(pool, len(commits))
        assert await everything(pool) == expected(commits)


def _busy(count: int) -> Sequence[Sequence[Recorded]]:
    """Jobs that are submitted, listed, run and done, a few commits each."""
    groups: list[Sequence[Event]] = [OPENING]
    for number in range(1, count // 4 + 1):
        job = job_id(number)
        groups += [
            [submitted(job), jobs.ListingStarted(job, 1), found(job=job)],
            [jobs.Listed(job, 1, 3, 30), jobs.Started(job, 2, STOCKHOLM)],
            [tasks.Started(job, 2, "0-2")],
            [done("0-2", job), jobs.Done(job, 2)],
        ]
    return commit(groups)


async def test_a_killed_database_costs_no_event(tmp_path: Path) -> None:
    server = Database(tmp_path / "postgres", fsync=True)
    server.start()
    try:
        commits = _busy(200)
        log = MemoryLog()
        async with opened(server.url()) as pool, running(keep_rows(ports(pool, log))):
            for one in stored(commits):
                await log.append(one.payload, chain=one.chain, after=one.sequence - 1)
                await asyncio.sleep(0.002)
                if one.sequence in (60, 130):
                    await asyncio.to_thread(server.kill)
                    await asyncio.to_thread(server.start)
            await read_side.at_sequence(pool, len(commits))
            assert await everything(pool) == expected(commits)
    finally:
        server.stop()


async def test_no_text_and_no_number_can_stop_the_projector(database_url: str) -> None:
    odd = f"a{NUL}\\u0000{NUL}\\{NUL}'\"😀"
    failure = tasks.Failure(0, ErrorClass.MISSING, odd)
    huge = tasks.Found(JOB, 1, 0, [tasks.Entry(odd, size=2**62)] * 4)
    groups: list[Sequence[Event]] = [
        [*OPENING, queues.Created(job_id(7), odd, 1, odd)],
        [queues.Changed(job_id(7), description=odd, metadata={odd: odd})],
        [endpoints.CameOnline(HQ, odd, odd, [endpoints.Volume(odd)])],
        [submitted(name=odd, user=odd), jobs.ListingStarted(JOB, 1), huge],
        [jobs.Listed(JOB, 1, 4, 2**63 - 1), jobs.Started(JOB, 2, STOCKHOLM)],
        [tasks.Started(JOB, 2, "0-1"), tasks.Failed(JOB, 2, [failure])],
        [tasks.Done(JOB, 2, "1", 2**63 - 1, [2**62], [2**62], [odd])],
        [jobs.Failed(JOB, 2, ErrorClass.MISSING, odd)],
        [workspace.SchedulerStarted(odd, odd, odd)],
    ]
    async with opened(database_url) as pool:
        await write_all(pool, stored(commit(groups, actor=odd)))
        shown = odd.replace(NUL, "␀")
        assert await pool.fetchval("select name from jobs") == shown
        assert await pool.fetchval("select error_message from jobs") == shown
        data = "select data->>'message' from job_log where type = 'job.failed'"
        assert await pool.fetchval(data) == shown
        assert (
            await pool.fetchval("select volumes->0->>'code' from endpoints where online") == shown
        )


async def test_a_listing_of_many_files_and_its_retry_in_bulk(database_url: str) -> None:
    pages: list[Sequence[Event]] = [[found(first, 1000)] for first in range(0, 30_000, 1000)]
    thousands = [f"{first}-{first + 999}" for first in range(0, 30_000, 1000)]
    moved: list[Sequence[Event]] = [[tasks.Started(JOB, 2, n), done(n)] for n in thousands]
    everyone = ranges.write(range(30_000))
    groups: list[Sequence[Event]] = [
        OPENING,
        [submitted(), jobs.ListingStarted(JOB, 1)],
        *pages,
        [jobs.Listed(JOB, 1, 30_000, 300_000), jobs.Started(JOB, 2, STOCKHOLM)],
        *moved,
        [jobs.Done(JOB, 2)],
        [jobs.Retried(JOB, "b"), tasks.Queued(JOB, everyone, size=300_000)],
    ]
    commits = commit(groups)
    async with opened(database_url) as pool:
        await write_all(pool, stored(commits))
        assert await everything(pool) == expected(commits)
        row = await pool.fetchrow("select tasks_done, bytes_done, tasks_total from jobs")
        assert tuple(row or ()) == (0, 0, 30_000)


async def test_tasks_stopped_twice_in_a_batch_were_stopped_the_first_time(
    database_url: str,
) -> None:
    commits = commit(
        [
            OPENING,
            [*RUNNING, tasks.Started(JOB, 2, "0-2")],
            [jobs.Paused(JOB), jobs.Resumed(JOB, "b"), jobs.Started(JOB, 3, HQ)],
            [jobs.Paused(JOB)],
        ]
    )
    async with opened(database_url) as pool:
        await write_all(pool, stored(commits)[:2])
        await write_all(pool, stored(commits)[2:])
        assert await everything(pool) == expected(commits)


async def test_a_job_is_found_by_any_part_of_its_name(database_url: str) -> None:
    async with opened(database_url) as pool:
        await write_all(pool, stored(commit([OPENING, [submitted(name="Straße ÄÖ")], RUNNING[1:]])))
        for needle in ("STRASSE", "äö", "incoming/SHOT"):
            like = f"%{job_rows.searchable(needle)}%"
            assert await pool.fetchval("select count(*) from jobs where search like $1", like) == 1
