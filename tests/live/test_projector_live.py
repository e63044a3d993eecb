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
from services.cli.main import run
from services.projector import feed, store
from services.runtime import streams
from services.runtime.bus import NatsBus, open_bus
from services.runtime.database import open_database
from services.runtime.nats_feed import NatsFeed
from services.runtime.nats_log import NatsLog
from services.runtime.ports import Told
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


async def test_verify_finds_what_is_wrong_and_rebuild_mends_it(
    tmp_path: Path,
    nats_url: str,
    database_url: str,
    workspace: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def types(*arguments: str) -> tuple[int, str]:
        status = run([*arguments, "--data", str(tmp_path)])
        return status, capsys.readouterr().out

    settings = settings_of(tmp_path, nats_url, database_url, workspace)
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("services.cli.proof.log", lambda *_: None)
    commits = busy(10)
    async with bus_of(nats_url, workspace) as bus, opened(database_url) as pool:
        log, told = NatsLog(bus, workspace), NatsFeed(bus, workspace)
        await append(log, commits)
        await read_side.write_all(pool, stored(commits))
        filling = asyncio.create_task(feed.keep_feed(log, told, workspace))
        await read_side.until(lambda: _is_told(told, len(commits)))
        filling.cancel()
        status, said = await asyncio.to_thread(types, "verify")
        assert (status, "the chain value" in said) == (0, True), said
        await pool.execute("update jobs set name = 'Shot 011' where id = $1", job_id(3))
        status, said = await asyncio.to_thread(types, "verify", "--json")
        proof = msgspec.json.decode(said)
        parts = {part["name"]: part for part in proof["parts"]}
        assert (status, proof["same"], proof["sequence"]) == (1, False, len(commits))
        assert [name for name, part in parts.items() if part["difference"]] == ["jobs"]
        assert "Shot 011" in parts["jobs"]["difference"]
        assert parts["feed"]["count"] == sum(map(len, commits))
        status, said = await asyncio.to_thread(types, "rebuild", "queues", "instants")
        assert (status, "all as they were" in said) == (0, True)
        status, said = await asyncio.to_thread(types, "rebuild")
        assert f"commit {len(commits)} of {len(commits)}" in said
        assert "the first: jobs: " in said
        assert (await asyncio.to_thread(types, "verify"))[0] == 0
        assert await everything(pool) == expected(commits)
        strange = Told(f"haulage.{workspace}.workspace.opened", len(commits), 9, b"{}")
        await told.append([strange])
        status, said = await asyncio.to_thread(types, "verify")
        assert (status, "was to be no event" in said) == (1, True)


async def _is_told(told: NatsFeed, sequence: int) -> bool:
    return (await told.position())[0] == sequence
