"""The projector as a process, over a real log and a real database: killed, and going on."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from events import jobs, subjects, tasks
from events.codec import Event, Recorded
from services.agent.commands import Tick
from services.projector import feed, rebuild, store
from services.runtime import streams
from services.runtime.bus import NatsBus, open_bus
from services.runtime.database import open_database
from services.runtime.nats_log import NatsLog
from services.runtime.settings import Settings, environment
from tests.projections.histories import (
    OPENING,
    STOCKHOLM,
    commit,
    done,
    found,
    job_id,
    stored,
    submitted,
)
from tests.servers import Database
from tests.services import read_side
from tests.services.read_side import everything, expected, opened

pytestmark = pytest.mark.live
ROOT = Path(__file__).parents[2]
WAIT_S = 30.0


class Projector:
    """`haulage projector` as a child of the test."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.cli.main", "projector"),
            cwd=ROOT,
            env={"PATH": os.defpath, "PYTHONPATH": str(ROOT)} | environment(self._settings),
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        return await asyncio.wait_for(self._process.wait(), WAIT_S)


@asynccontextmanager
async def bus_of(url: str, workspace: str) -> AsyncIterator[NatsBus]:
    bus = await open_bus(url, name="test")
    try:
        await streams.declare(bus, workspace)
        yield bus
    finally:
        await bus.close()


def settings_of(tmp_path: Path, nats_url: str, database_url: str, workspace: str) -> Settings:
    return Settings(
        data=tmp_path, workspace=workspace, nats_url=nats_url, database_url=database_url
    )


def busy(count: int) -> list[list[Recorded]]:
    groups: list[Sequence[Event]] = [OPENING]
    for number in range(1, count + 1):
        job = job_id(number)
        groups.append([submitted(job), jobs.ListingStarted(job, 1), found(job=job)])
        groups.append([jobs.Listed(job, 1, 3, 30), jobs.Started(job, 2, STOCKHOLM)])
        groups.append([tasks.Started(job, 2, "0-2"), done("0-1", job)])
        groups.append([done("2", job), jobs.Done(job, 2)])
    return commit(groups)


async def append(
    log: NatsLog,
    commits: Sequence[Sequence[Recorded]],
    *,
    before: Sequence[Sequence[Recorded]] = (),
    pause_s: float = 0.0,
) -> None:
    """Store `commits`, which come behind those of `before`."""
    for one in stored([*before, *commits])[len(before) :]:
        await log.append(one.payload, chain=one.chain, after=one.sequence - 1)
        await asyncio.sleep(pause_s)


async def told(bus: NatsBus, workspace: str, count: int) -> list[tuple[str, bytes]]:
    """The whole feed: (subject, payload)."""
    from services.runtime import cursor

    heard: list[tuple[str, bytes]] = []
    start: dict[str, object] = {"deliver_policy": "all"}
    async for batch in cursor.read(bus, subjects.feed_stream(workspace), start):
        heard += [(message.subject, message.payload) for message in batch]
        if len(heard) >= count:
            break
    return heard


async def test_a_projector_killed_again_and_again_loses_and_doubles_nothing(
    tmp_path: Path, nats_url: str, database_url: str, workspace: str
) -> None:
    commits = busy(150)
    events = [recorded for one in commits for recorded in one]
    projector = Projector(settings_of(tmp_path, nats_url, database_url, workspace))
    async with bus_of(nats_url, workspace) as bus, opened(database_url) as pool:
        log = NatsLog(bus, workspace)
        for start in range(0, 500, 100):
            stage = commits[start : start + 100]
            writing = asyncio.create_task(append(log, stage, before=commits[:start], pause_s=0.01))
            await projector.start()
            await read_side.at_sequence(pool, start + 20)
            await projector.end(signal.SIGKILL)
            await writing
        await append(log, commits[500:], before=commits[:500])
        await projector.start()
        await read_side.at_sequence(pool, len(commits))
        assert await everything(pool) == expected(commits)
        async with asyncio.timeout(WAIT_S):
            heard = await told(bus, workspace, len(events))
        wanted = [feed.told(workspace, recorded) for recorded in events]
        assert heard == [(one.subject, one.payload) for one in wanted]
        assert await projector.end() == 0


async def test_a_projector_waits_for_its_database(
    tmp_path: Path, nats_url: str, workspace: str
) -> None:
    server = Database(tmp_path / "postgres")
    projector = Projector(settings_of(tmp_path, nats_url, server.url(), workspace))
    commits = busy(3)
    async with bus_of(nats_url, workspace) as bus:
        await append(NatsLog(bus, workspace), commits)
        await projector.start()
        await asyncio.sleep(1.0)
        await asyncio.to_thread(server.start)
        try:
            async with opened(server.url()) as pool:
                await read_side.at_sequence(pool, len(commits))
                assert await everything(pool) == expected(commits)
        finally:
            assert await projector.end() == 0
            await asyncio.to_thread(server.stop)


async def test_ticks_reach_the_rows_and_the_listeners(
    tmp_path: Path, nats_url: str, database_url: str, workspace: str
) -> None:
    job, moving = job_id(1), asyncio.Event()
    projector = Projector(settings_of(tmp_path, nats_url, database_url, workspace))

    async def heard(subject: str, payload: bytes) -> None:
        if json.loads(payload).get("moving"):
            moving.set()

    async with bus_of(nats_url, workspace) as bus, opened(database_url) as pool:
        await bus.serve(subjects.rows(workspace), heard)
        await append(NatsLog(bus, workspace), busy(1)[:3])
        tick = msgspec.json.encode(Tick(job, 2, 17, 100.0, 1))
        await bus.publish(subjects.progress(workspace, STOCKHOLM, job), tick)
        await projector.start()
        async with asyncio.timeout(WAIT_S):
            await moving.wait()
        assert await pool.fetchval("select bytes_done from progress where job = $1", job) == 17
        assert await projector.end() == 0


async def test_rows_of_another_version_are_made_anew_at_the_start(
    tmp_path: Path, nats_url: str, database_url: str, workspace: str
) -> None:
    commits = busy(10)
    projector = Projector(settings_of(tmp_path, nats_url, database_url, workspace))
    async with bus_of(nats_url, workspace) as bus:
        await append(NatsLog(bus, workspace), commits)
        pool = await open_database(database_url, name="test")
        await store.install(pool, "haulage")
        await pool.execute("alter table jobs drop column search")
        await pool.execute("comment on schema haulage is 'of an older version'")
        await projector.start()
        await read_side.at_sequence(pool, len(commits))
        assert await everything(pool) == expected(commits)
        assert await projector.end() == 0
        pool.terminate()


async def test_the_rebuild_command_says_what_it_did(
    tmp_path: Path,
    nats_url: str,
    database_url: str,
    workspace: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    commits = busy(10)
    async with bus_of(nats_url, workspace) as bus, opened(database_url) as pool:
        await append(NatsLog(bus, workspace), commits)
        await read_side.write_all(pool, stored(commits))
        await pool.execute("update jobs set name = 'Shot 011' where id = $1", job_id(3))
        await rebuild.main(settings_of(tmp_path, nats_url, database_url, workspace))
        await rebuild.main(settings_of(tmp_path, nats_url, database_url, workspace))
        assert await everything(pool) == expected(commits)
    said = capsys.readouterr().out
    assert f"commit {len(commits)} of {len(commits)}" in said
    assert "events/s" in said
    assert "the first: jobs: " in said
    assert said.endswith("the rows were the same as those in use\n")
