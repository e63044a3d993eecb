"""A machine with two agents of its own, hq and stockholm, and files to move between them."""

from __future__ import annotations

import asyncio
import filecmp
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Self

from msgspec import Struct

from events import codec, tasks
from events.codec import Recorded
from projections.board import Board
from services.runtime import database
from services.runtime.bus import open_bus
from services.runtime.embedded import postgres_at
from services.runtime.nats_log import NatsLog
from services.supervisor.api import NoSuccess
from services.supervisor.directory import load_connect, load_secrets
from tests.live.machine import ROOT, Machine

MIB = 1 << 20


class Row(Struct, frozen=True):
    """What these tests look at in a job."""

    id: str
    status: str
    progress: float
    bytes_done: int
    size: int
    tries: int
    error_class: str | None


class Accepted(Struct, frozen=True):
    sequence: int
    jobs: list[str]


def make_files(root: Path, *, large_mib: int, small: int) -> None:
    """One file of `large_mib` that no block repeats in, and `small` little ones in a folder."""
    chance = random.Random(7)
    (root / "small" / "empty").mkdir(parents=True)
    block = chance.randbytes(MIB)
    with (root / "large.bin").open("wb") as file:
        for number in range(large_mib):
            file.write(number.to_bytes(8, "big") + block[8:])
    for number in range(small):
        (root / "small" / f"{number:04}.exr").write_bytes(chance.randbytes(number * 7))
    (root / "small" / "link").symlink_to("0001.exr")


def differences(one: Path, other: Path) -> list[str]:
    """Names that are missing, spare or of other bytes anywhere below."""
    compared = filecmp.dircmp(one, other, ignore=[])
    found = compared.left_only + compared.right_only + compared.funny_files
    files = compared.common_files
    found += filecmp.cmpfiles(one, other, files, shallow=False)[1]
    for folder in compared.common_dirs:
        found += differences(one / folder, other / folder)
    return found


class Studio(Machine):
    def __init__(self, directory: Path) -> None:
        super().__init__(directory / "data")
        self.projects = directory / "projects"
        self.incoming = directory / "incoming"
        self._agents: dict[str, subprocess.Popen[bytes]] = {}
        self.stored = 0

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self.incoming.mkdir(exist_ok=True)
            self.start_agent("hq")
            self.start_agent("stockholm")
            self.until(lambda: {"hq", "stockholm"} <= self.online())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._agents):
            self.kill_agent(name)
        super().__exit__()

    def start_agent(self, name: str, *options: str) -> None:
        """One that is not hq or stockholm serves no folder."""
        serves = {"hq": f"projects={self.projects}", "stockholm": f"incoming={self.incoming}"}
        volume = ["--volume", serves[name]] if name in serves else []
        with self.data.with_name(f"{name}.log").open("ab") as log:
            self._agents[name] = subprocess.Popen(
                [
                    *(sys.executable, "-m", "services.cli.main", "agent", "--name", name),
                    *(*volume, "--data", str(self.data), *options),
                ],
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=self.environ,
            )

    def restart_agent(self, name: str, *options: str) -> None:
        """Stopped in order, and started again."""
        self._agents[name].terminate()
        self._agents.pop(name).wait(10)
        self.start_agent(name, *options)
        self.until(lambda: name in self.online())

    def kill_agent(self, name: str) -> None:
        """SIGKILL, reaped."""
        process = self._agents.pop(name)
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        process.wait(10)

    def services(self) -> list[int]:
        """The children of `up`, without the agents that were started by hand."""
        by_hand = {process.pid for process in self._agents.values()}
        return [pid for pid in self.processes() if pid not in by_hand]

    def online(self) -> set[str]:
        listed = self.get("/api/endpoints", list[dict[str, object]])
        return {str(one["name"]) for one in listed if one["status"] == "online"}

    def post(self, path: str, body: object, key: str) -> Accepted:
        """Patient: the same key makes a repeat harmless, as a person's client would do it."""
        for _ in range(100):
            try:
                accepted = asyncio.run(self.api.post(path, body, Accepted, key=key))
            except NoSuccess as error:
                if error.status not in (0, 503):
                    raise
                time.sleep(0.1)
            else:
                self.stored = accepted.sequence
                return accepted
        raise AssertionError(f"{path}: no answer")

    def submit(self, source: str, destination: str, key: str = "submit") -> str:
        body = {
            "source": f"hq:projects/{source}",
            "destination": f"stockholm:incoming/{destination}",
        }
        return self.post("/api/jobs", body, key).jobs[0]

    def job(self, job: str) -> Row:
        """As it is after all that was asked for here."""
        return self.get(f"/api/jobs/{job}?at_least={self.stored}", Row)

    def settles(self, job: str, limit_s: float = 90.0) -> Row:
        """Wait for the end of a job, automatic retries included."""
        self.until(lambda: self.job(job).status in ("done", "aborted"), limit_s)
        return self.job(job)

    def moves(self, job: str) -> bool:
        """Whether the job is in the middle of its bytes."""
        row = self.job(job)
        assert row.status != "done", "the job was over before it could be disturbed"
        return 0.03 < row.progress < 0.9

    # What the log says.

    def history(self) -> list[Recorded]:
        """Everything in the log, read afresh; the reader checks sequences and the chain."""
        return asyncio.run(self._read_log())

    async def _read_log(self) -> list[Recorded]:
        connect, secret = load_connect(self.data), load_secrets(self.data).backend_password
        url = connect.nats_url.replace("://", f"://backend:{secret}@")
        bus = await open_bus(url, name="test")
        try:
            log = NatsLog(bus, "main")
            last = await log.last()
            assert last is not None
            recorded: list[Recorded] = []
            async for batch in log.follow(0, codec.CHAIN_START):
                recorded += [one for stored in batch for one in codec.decode(stored.payload)]
                if batch[-1].sequence >= last.sequence:
                    break
            return recorded
        finally:
            await bus.close()

    def rows_of_the_log(self) -> list[tuple[int, int, str]]:
        """(sequence, index, type) of all that PostgreSQL holds of the log."""
        return asyncio.run(self._rows())

    async def _rows(self) -> list[tuple[int, int, str]]:
        url = postgres_at(self.data / "postgres").url()
        pool = await database.open_database(url, name="test", size=1)
        try:
            found = await pool.fetch(
                "select sequence, index, type from haulage.job_log order by sequence, index"
            )
            return [(row["sequence"], row["index"], row["type"]) for row in found]
        finally:
            await pool.close()


def fold(history: list[Recorded]) -> Board:
    board = Board()
    for recorded in history:
        board.apply(recorded)
    return board


def check_history(history: list[Recorded]) -> None:
    """No commit is missing, none was written twice, no report or command counted twice."""
    sequences = list(dict.fromkeys(one.sequence for one in history))
    assert sequences == list(range(1, len(sequences) + 1))
    assert all(one.at <= other.at for one, other in pairwise(history))
    stored_by: dict[str, set[int]] = {}
    for one in history:
        if one.cause and one.actor != codec.SCHEDULER:
            stored_by.setdefault(one.cause, set()).add(one.sequence)
    assert [cause for cause, commits in stored_by.items() if len(commits) > 1] == []
    done = [one.event for one in history if isinstance(one.event, tasks.Done)]
    assert len({(one.job, one.run, one.numbers) for one in done}) == len(done)
