"""`haulage rebuild`: the rows made anew are those of the log, and nobody has to stop for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest

from events import jobs, tasks
from events.codec import Event
from services.projector import rebuild, store
from services.projector.commands import Moving
from services.projector.fold import Refused
from services.projector.moving import write_ticks
from services.projector.rebuild import rebuild_beside
from services.projector.rows import keep_rows
from services.runtime.database import Pool, open_database
from services.runtime.memory import MemoryBus, MemoryLog
from services.runtime.ports import Stored
from tests.projections.histories import (
    JOB,
    OPENING,
    RUNNING,
    STOCKHOLM,
    commit,
    done,
    found,
    job_id,
    stored,
    submitted,
)
from tests.services import read_side
from tests.services.read_side import Heard, everything, expected, opened, ports, running, write_all

STORY: list[Sequence[Event]] = [
    OPENING,
    RUNNING,
    [tasks.Started(JOB, 2, "0-1"), done("0")],
    [submitted(job_id(2)), jobs.Moved(JOB, "a" * 24, "b")],
]
COMMITS = commit(STORY)


async def _rebuilt(url: str, log: MemoryLog, live: Pool) -> str | None:
    beside = await open_database(url, name="test", size=2, schema=rebuild.NEXT)
    try:
        return (await rebuild_beside(log, live, beside)).difference
    finally:
        beside.terminate()


async def _log() -> MemoryLog:
    log = MemoryLog()
    await read_side.fill(log, COMMITS)
    return log


async def test_a_rebuild_finds_the_same_rows(database_url: str) -> None:
    log = await _log()
    async with opened(database_url) as pool:
        await write_all(pool, log.commits)
        await write_ticks(ports(pool), {(STOCKHOLM, JOB): Moving(JOB, 2, 5, 1.0, 0, moved=5)})
        assert await _rebuilt(database_url, log, pool) == ""
        assert await everything(pool) == expected(COMMITS)
        assert await pool.fetchval("select bytes_done from progress") == 5
        for table in ("throughput", "pair_throughput", "counted"):
            assert await pool.fetchval(f"select sum(bytes) from {table}") == 5
        schemas = "select count(*) from pg_namespace where nspname like 'haulage_%'"
        assert await pool.fetchval(schemas) == 0


@pytest.mark.parametrize(
    ("harm", "difference"),
    [
        ("update jobs set name = 'Shot 011' where id = repeat('0', 23) || '1'", "jobs: "),
        ("delete from tasks where number = 1", "tasks: "),
        ("update endpoints set online = not online", "endpoints: "),
        ("update job_counts set jobs = jobs + 1", "job_counts: "),
        ("delete from job_log where sequence = 4 and index = 1", "job_log: "),
        ("update queues set priority = 1", "queues: "),
    ],
)
async def test_a_rebuild_says_what_was_wrong_and_mends_it(
    database_url: str, harm: str, difference: str
) -> None:
    log = await _log()
    async with opened(database_url) as pool:
        await write_all(pool, log.commits)
        await pool.execute(harm)
        found_difference = await _rebuilt(database_url, log, pool)
        assert found_difference is not None
        assert found_difference.startswith(difference)
        assert await everything(pool) == expected(COMMITS)


async def test_a_rebuild_of_nothing_compares_nothing(database_url: str) -> None:
    log = await _log()
    async with opened(database_url) as pool:
        assert await _rebuilt(database_url, log, pool) is None
        assert await everything(pool) == expected(COMMITS)


class SingleCommits(MemoryLog):
    """A log whose commits come one by one, as from a server that is slower than its reader."""

    async def follow(self, after: int, chain: str) -> AsyncGenerator[list[Stored], None]:
        async with aclosing(super().follow(after, chain)) as commits:
            async for stored in commits:
                for one in stored:
                    yield [one]


async def test_a_rebuild_writes_many_commits_in_one_transaction(database_url: str) -> None:
    log = SingleCommits()
    await read_side.fill(log, COMMITS)
    async with opened(database_url) as pool:
        await _rebuilt(database_url, log, pool)
        assert await everything(pool) == expected(COMMITS)
        assert await pool.fetchval("select count(distinct xmin::text) from job_log") == 1


async def test_a_rebuild_waits_for_the_disk_only_when_the_rows_change_places(
    database_url: str,
) -> None:
    beside = await rebuild.open_beside(database_url)
    try:
        assert await beside.fetchval("show synchronous_commit") == "off"
    finally:
        beside.terminate()
    async with opened(database_url) as pool:
        assert await pool.fetchval("show synchronous_commit") == "on"


async def test_rows_that_are_behind_are_compared_where_they_stand(database_url: str) -> None:
    log = await _log()
    async with opened(database_url) as pool:
        await write_all(pool, log.commits[:3])
        assert await _rebuilt(database_url, log, pool) == ""
        assert await everything(pool) == expected(COMMITS)


async def test_what_a_rebuild_found_beyond_the_rows_is_announced(database_url: str) -> None:
    log, bus = await _log(), MemoryBus()
    heard = Heard(bus)
    await heard.listen()
    async with opened(database_url) as pool:
        await write_all(pool, log.commits[:3])
        await pool.execute("update checkpoint set announced = sequence")
        await _rebuilt(database_url, log, pool)
        async with running(keep_rows(ports(pool, log, bus))):
            await read_side.until(lambda: _told_of(heard, job_id(2)))
    assert all(not change.endpoints for change in heard.changes), "these were told before"


async def _told_of(heard: Heard, job: str) -> bool:
    return any(job in change.jobs for change in heard.changes)


async def test_only_one_rebuild_at_a_time(database_url: str) -> None:
    log = await _log()
    async with opened(database_url) as pool, pool.acquire() as other:
        await other.fetchval(store.QUERIES["try_rebuild"])
        with pytest.raises(Refused):
            await _rebuilt(database_url, log, pool)


async def test_the_live_projector_goes_on_over_a_rebuild(database_url: str) -> None:
    """Commits keep coming before, while and after the new rows take the place of the old."""
    story = list(STORY)
    for number in range(10, 310):
        job = job_id(number)
        listed: list[Event] = [jobs.Listed(job, 1, 3, 30), jobs.Started(job, 2, STOCKHOLM)]
        story.append([submitted(job), jobs.ListingStarted(job, 1), found(job=job), *listed])
    commits = commit(story)
    log, bus = MemoryLog(), MemoryBus()
    heard = Heard(bus)
    await heard.listen()

    async def people() -> None:
        for one in stored(commits):
            await log.append(one.payload, chain=one.chain, after=one.sequence - 1)
            await asyncio.sleep(0.004)

    async with opened(database_url) as pool, running(keep_rows(ports(pool, log, bus))):
        writing = asyncio.create_task(people())
        await read_side.at_sequence(pool, 30)
        seen: list[int] = []
        async with running(_watch(pool, seen)):
            differences = [await _rebuilt(database_url, log, pool) for _ in range(3)]
            await writing
            await read_side.at_sequence(pool, len(commits))
        assert seen == sorted(seen), "a reader never goes back in time"
        assert await everything(pool) == expected(commits)
    await bus.idle()
    assert differences == ["", "", ""]
    told = {job for change in heard.changes for job in change.jobs}
    assert told == {JOB, job_id(2)} | {job_id(number) for number in range(10, 310)}
    newest = {job: change.sequence for change in heard.changes for job in change.jobs}
    assert max(newest.values()) == len(commits)


async def _watch(pool: Pool, seen: list[int]) -> None:
    while True:
        seen.append((await store.checkpoint(pool)).sequence)
        await asyncio.sleep(0)


async def test_tables_of_another_version_are_noticed(database_url: str) -> None:
    async with opened(database_url) as pool:
        assert await store.install(pool, "haulage")
        await pool.execute("comment on schema haulage is 'another'")
        assert not await store.install(pool, "haulage")


async def test_parts_are_made_anew_alone_and_the_rest_is_left(database_url: str) -> None:
    log = await _log()
    async with opened(database_url) as pool:
        await write_all(pool, log.commits[:4])
        await pool.execute("update queues set priority = 1")
        await pool.execute("update jobs set name = 'left'")
        beside = await rebuild.open_beside(database_url)
        report = await rebuild_beside(log, pool, beside, parts=["queues", "log"])
        assert (report.difference or "").startswith("queues: ")
        assert await pool.fetchval("select min(priority) from queues where priority > 1")
        assert await pool.fetchval("select name from jobs limit 1") == "left"
        report = await rebuild_beside(log, pool, beside, parts=["jobs"])
        assert (report.difference or "").startswith("jobs: ")
        assert await everything(pool) == expected(COMMITS[:4])
        await write_all(pool, log.commits[4:])
        assert await everything(pool) == expected(COMMITS), "the projector goes on with them"
        await pool.execute("comment on schema haulage is 'another'")
        with pytest.raises(Refused, match="another version"):
            await rebuild_beside(log, pool, beside, parts=["jobs"])
        beside.terminate()
