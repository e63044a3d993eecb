"""The feed and the progress of running jobs: from the log and the ticks to whoever listens."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from events import codec, jobs, subjects, tasks
from events.codec import Event, Recorded
from services.agent.commands import Tick
from services.projector import feed, moving
from services.projector.commands import Moving
from services.projector.feed import keep_feed
from services.projector.moving import Newest, keep_progress, write_ticks
from services.runtime.database import Pool
from services.runtime.memory import MemoryBus, MemoryFeed, MemoryLog, MemoryTicks
from services.runtime.ports import NoAnswer, Ticked, Told
from tests.projections.histories import (
    HQ,
    JOB,
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
from tests.services import read_side
from tests.services.read_side import Heard, opened, ports, running, until, write_all

WORKSPACE = read_side.WORKSPACE
RUNNING_JOB = [OPENING, RUNNING]


class FailingFeed(MemoryFeed):
    """Stores only the first few of what it is given, at some calls, and says that it knows not."""

    def __init__(self, stores: list[int]) -> None:
        super().__init__()
        self._stores = stores

    async def append(self, events: Sequence[Told]) -> None:
        if self._stores:
            await super().append(events[: self._stores.pop()])
            raise NoAnswer("lost")
        await super().append(events)


def everything_told(commits: Sequence[Sequence[Recorded]]) -> list[Told]:
    return [feed.told(WORKSPACE, recorded) for events in commits for recorded in events]


@settings(max_examples=25, deadline=None)
@given(histories(), st.lists(st.integers(0, 5), max_size=3), st.integers(0, 20))
def test_the_feed_is_every_event_once_wherever_it_was_cut(
    commits: list[list[Recorded]], stores: list[int], begun: int
) -> None:
    async def scenario() -> None:
        log, public = MemoryLog(), FailingFeed(stores)
        await read_side.fill(log, commits)
        public.told = everything_told(commits)[:begun]  # By a projector that was killed.
        async with running(keep_feed(log, public, WORKSPACE)):
            async with asyncio.timeout(30):
                await until(lambda: _is_told(public, len(everything_told(commits))))
        assert public.told == everything_told(commits)

    asyncio.run(scenario())


async def _is_told(public: MemoryFeed, count: int) -> bool:
    return len(public.told) >= count


def test_a_feed_message_is_a_cloud_event_on_its_subject() -> None:
    recorded = commit([[jobs.Paused(JOB)]])[0][0]
    told = feed.told(WORKSPACE, recorded)
    assert told.subject == f"haulage.main.job.{JOB}.paused"
    assert codec.decode(b"[" + told.payload + b"]") == [recorded]
    task = feed.told(WORKSPACE, commit([[done("0")]])[0][0])
    assert task.subject == f"haulage.main.job.{JOB}.task.done"


def tick(bytes_done: int, run: int = 2, job: str = JOB, tasks_done: int = 0) -> Moving:
    return Moving(job, run, bytes_done, 1000.0, tasks_done)


def from_stockholm(tick: Moving) -> Newest:
    """Who executes the run."""
    return {(STOCKHOLM, tick.job): tick}


async def test_only_ticks_of_the_run_that_is_on_are_shown(database_url: str) -> None:
    bus = MemoryBus()
    heard = Heard(bus)
    await heard.listen()
    async with opened(database_url) as pool:
        log = stored(commit([*RUNNING_JOB, [jobs.Paused(JOB)]]))
        await write_all(pool, log[:2])
        strays = [tick(7, run=1), tick(7, run=3), tick(7, job=job_id(5))]
        for stray in strays:
            await write_ticks(ports(pool, bus=bus), from_stockholm(stray))
        await write_ticks(ports(pool, bus=bus), from_stockholm(tick(12)))
        await write_all(pool, log[2:])
        await write_ticks(ports(pool, bus=bus), from_stockholm(tick(20)))
        row = await pool.fetchrow("select job, run, bytes_done from progress")
        assert tuple(row or ()) == (JOB, 2, 12)
    await bus.idle()
    assert [change.moving for change in heard.changes] == [[tick(12)]]
    assert heard.changes[0].sequence == 2


async def test_a_job_that_is_done_has_no_progress_left(database_url: str) -> None:
    ended: list[Event] = [tasks.Started(JOB, 2, "0-2"), done("0-2"), jobs.Done(JOB, 2)]
    async with opened(database_url) as pool:
        log = stored(commit([*RUNNING_JOB, ended]))
        await write_all(pool, log[:2])
        await write_ticks(ports(pool), from_stockholm(tick(12)))
        await write_all(pool, log[2:])
        assert await pool.fetchval("select count(*) from progress") == 0


async def test_a_job_that_is_listed_anew_has_moved_nothing(database_url: str) -> None:
    async with opened(database_url) as pool:
        anew: list[Event] = [jobs.GaveWay(JOB, 2, "x"), jobs.ListingStarted(JOB, 3)]
        log = stored(commit([*RUNNING_JOB, anew]))
        await write_all(pool, log[:2])
        await write_ticks(ports(pool), from_stockholm(tick(5)))
        assert await pool.fetchval("select count(*) from progress") == 1
        await write_all(pool, log[2:])
        assert await pool.fetchval("select count(*) from progress") == 0


async def test_many_ticks_become_few_writes_and_the_newest_wins(database_url: str) -> None:
    bus = MemoryBus()
    heard, ticks = Heard(bus), MemoryTicks(bus, WORKSPACE)
    await heard.listen()
    await ticks.open()
    async with opened(database_url) as pool:
        await write_all(pool, stored(commit(RUNNING_JOB)))
        subject = subjects.progress(WORKSPACE, STOCKHOLM, JOB)
        async with running(keep_progress(ports(pool, bus=bus), ticks)):
            await bus.publish(subject, b"not a tick")
            for bytes_done in range(200):
                payload = msgspec.json.encode(Tick(JOB, 2, bytes_done, 10.0, 0))
                await bus.publish(subject, payload)
                await asyncio.sleep(0.002)
            await until(lambda: _shows(pool, 199))
        await bus.idle()
    assert heard.changes[-1].moving[0].bytes_done == 199
    assert len(heard.changes) <= 6


async def _shows(pool: Pool, bytes_done: int) -> bool:
    return bool(await pool.fetchval("select bytes_done from progress") == bytes_done)


async def test_no_agent_speaks_for_the_job_of_another(database_url: str) -> None:
    bus = MemoryBus()
    heard, ticks = Heard(bus), MemoryTicks(bus, WORKSPACE)
    await heard.listen()
    await ticks.open()
    other = job_id(2)
    async with opened(database_url) as pool:
        second: list[codec.Event] = [
            submitted(other),
            jobs.ListingStarted(other, 1),
            found(job=other),
            jobs.Listed(other, 1, 3, 30),
            jobs.Started(other, 2, HQ),
        ]
        await write_all(pool, stored(commit([*RUNNING_JOB, second])))
        async with running(keep_progress(ports(pool, bus=bus), ticks)):
            for endpoint, job, about, bytes_done in (
                (STOCKHOLM, JOB, other, 26),
                (HQ, other, JOB, 28),
                (STOCKHOLM, JOB, JOB, 12),
                (HQ, JOB, JOB, 29),
                (HQ, other, other, 13),
                (STOCKHOLM, other, other, 27),
            ):
                payload = msgspec.json.encode(Tick(about, 2, bytes_done, 10.0, 0))
                await bus.publish(subjects.progress(WORKSPACE, endpoint, job), payload)
            await until(lambda: _shows_jobs(pool, 2))
        rows = await pool.fetch("select job, bytes_done from progress order by job")
        assert [tuple(row) for row in rows] == [(JOB, 12), (other, 13)]
    await bus.idle()
    told = [(one.job, one.bytes_done) for change in heard.changes for one in change.moving]
    assert sorted(told) == [(JOB, 12), (other, 13)]


async def _shows_jobs(pool: Pool, count: int) -> bool:
    return bool(await pool.fetchval("select count(*) from progress") == count)


def test_an_absurd_tick_is_left_out_or_brought_within_bounds() -> None:
    assert moving.read(Ticked(HQ, "x", b'{"job":"x"}')) is None
    assert moving.read(Ticked(HQ, JOB, msgspec.json.encode(Tick(JOB, 2**31, 1, 1.0, 1)))) is None
    assert moving.read(Ticked(HQ, JOB, msgspec.json.encode(Tick(job_id(2), 2, 1, 1.0, 1)))) is None
    wild = msgspec.json.encode(Tick("a\0", 1, 2**70, -1.0, -5))
    assert moving.read(Ticked(HQ, "a\0", wild)) == Moving("a␀", 1, 2**63 - 1, 0.0, 0)
