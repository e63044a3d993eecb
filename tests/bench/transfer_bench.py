"""Real jobs between two agents on this machine, beside what people copy with else.

Ours lists the source, reads it over HTTP on loopback, with TLS or without, hashes it on both sides,
and flushes every file and folder before the job is done: the time is from the submit to the end of
the job. Beside it, in turns and on the same files, is what the others do: `cp` and rsync told to
flush as well, and all of them as they are; they check nothing that was written. `far` is a line
with a round trip of 100 ms (`line.py`), `shaky` one that breaks every few seconds as well.

Sources are in the page cache; before each turn the disk has nothing left to write. Copies of large
files are removed before the next turn, others at the end: ext4 does not take the inode of a file
that was deleted minutes ago, and looking for another makes whoever comes next several times slower
(so it is, for all of them, when this is run twice within five minutes). `MB` is 10^6 bytes.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.bench import bare, loads, others
from tests.bench.client import Client
from tests.bench.line import Line
from tests.bench.loads import Load
from tests.bench.processes import cpu_by_service
from tests.bench.rclone import rclone
from tests.bench.results import Row, alone, beside
from tests.bench.ssh import Ssh, sshd
from tests.bench.timed import COPY_S, Took
from tests.live.studio import Studio, differences
from tests.servers import free_port

COMMAND = "python -m tests.bench transfer"
ROUNDS, FAR_ROUNDS = 5, 3
ROUNDS_S, FULL_ROUNDS_S = 70.0, 720.0  # Then no more are begun.
BREAKS_S = 3.0

PLAIN, TLS = "haulage, plain", "haulage, TLS"
FAR, SHAKY = "haulage, far", "haulage, far and shaky"
CP, CP_LAZY, PIPE = "cp -r, then sync of each", "cp -r, not flushed", "bare sendfile and fsync"
RSYNC, RSYNC_LAZY = "rsync daemon, --fsync", "rsync daemon, not flushed"
RSYNC_SSH, SCP, RCLONE = "rsync over ssh", "scp", "rclone http"
RSYNC_FAR, RSYNC_SHAKY = "rsync over ssh, far", "rsync over ssh, far and shaky"
COMPARED = {
    PLAIN: (RSYNC, RSYNC_LAZY, PIPE, CP, RCLONE),
    TLS: (RSYNC_SSH, SCP),
    FAR: (RSYNC_FAR,),
    SHAKY: (RSYNC_SHAKY,),
}

Way = Callable[[Path, Path], Took]


def make_sources(root: Path) -> None:
    for load in (*_near(), *_far()):
        load.make(root)


def _near() -> list[Load]:
    return loads.FULL if loads.is_full() else loads.QUICK


def _far() -> list[Load]:
    return loads.FAR_FULL if loads.is_full() else loads.FAR_QUICK


def measure(studio: Studio) -> list[Row]:
    with ExitStack() as stack:
        ssh = stack.enter_context(sshd())
        near = _beside(studio, ssh, stack) | {
            PLAIN: _ours(studio, "hq", "off"),
            TLS: _ours(studio, "hq", "on"),
        }
        rows = _rounds(studio, _near(), near, ROUNDS)
        far = _over_lines(studio, ssh, stack)
        return [*rows, *_rounds(studio, _far(), far, FAR_ROUNDS)]


def _beside(studio: Studio, ssh: Ssh | None, stack: ExitStack) -> dict[str, Way]:
    ways: dict[str, Way] = {CP: others.cp_flushed, CP_LAZY: others.cp, PIPE: bare.pipe}
    if (daemon := stack.enter_context(others.rsync(studio.projects))) is not None:
        ways |= {RSYNC: daemon.copy_flushed, RSYNC_LAZY: daemon.copy}
    if (cloned := stack.enter_context(rclone(studio.projects))) is not None:
        ways |= {RCLONE: cloned.copy}
    if ssh is not None:
        ways |= {RSYNC_SSH: ssh.rsync, SCP: ssh.scp}
    return ways


def _over_lines(studio: Studio, ssh: Ssh | None, stack: ExitStack) -> dict[str, Way]:
    """Two more agents with the same folder, each behind a line of its own; and sshd behind both.

    The receiver opens no port, so that nobody comes to it beside the line."""
    ways: dict[str, Way] = {}
    studio.start_agent("away", "--volume", f"incoming={studio.incoming}", "--no-listen")
    for ours, theirs, name, breaks_s in (
        (FAR, RSYNC_FAR, "far", 0.0),
        (SHAKY, RSYNC_SHAKY, "shaky", BREAKS_S),
    ):
        port = free_port()
        line = stack.enter_context(Line(port, breaks_s=breaks_s))
        where = ("--listen", f"127.0.0.1:{port}", "--url", f"http://127.0.0.1:{line.port}")
        studio.start_agent(name, "--volume", f"projects={studio.projects}", *where)
        ways[ours] = _ours(studio, name, "on", "away")
        if ssh is not None and shutil.which("rsync"):
            through = stack.enter_context(Line(ssh.port, breaks_s=breaks_s)).port
            ways[theirs] = lambda one, other, to=through: ssh.rsync_through(to, one, other)  # type: ignore[misc]
    studio.until(lambda: {"far", "shaky", "away"} <= studio.online())
    return ways


def _ours(studio: Studio, sender: str, encryption: str, receiver: str = "stockholm") -> Way:
    def way(source: Path, destination: Path) -> Took:
        body: dict[str, object] = {
            "source": f"{sender}:projects/{source.name}/",
            "destination": f"{receiver}:incoming/{destination.name}/",
            "settings": {"transfer_encryption": encryption},
        }
        used_ms = cpu_by_service(studio).total()
        elapsed_s = asyncio.run(_transfer(studio, destination.name, body))
        return Took(elapsed_s, (cpu_by_service(studio).total() - used_ms) / 1000)

    return way


async def _transfer(studio: Studio, key: str, body: dict[str, object]) -> float:
    async with Client(studio, COPY_S) as client:
        began = time.monotonic()
        done = await client.command("/api/jobs", key, body)
        ended_by = await client.end_of(done.jobs[0], done.sequence)
        assert ended_by == "job.done", studio.log
        return time.monotonic() - began


def _rounds(studio: Studio, moved: list[Load], ways: dict[str, Way], rounds: int) -> list[Row]:
    took: dict[tuple[str, str], list[Took]] = defaultdict(list)
    for load in moved:  # Memory that a virtual machine never used is slow for whoever is first.
        others.cp(studio.projects / load.folder, _fresh(studio, load, "warm"))
    ends = time.monotonic() + (FULL_ROUNDS_S if loads.is_full() else ROUNDS_S)
    for number in range(rounds):
        if number and time.monotonic() > ends:
            print(f"transfer: {number} of {rounds} rounds, for want of time")
            break
        for load in moved:
            for index in range(len(ways)):  # Who begins changes from round to round.
                name = list(ways)[(index + number) % len(ways)]
                took[load.folder, name].append(_turn(studio, load, name, ways[name], number))
    return [row for load in moved for row in _rows(load, took)]


def _turn(studio: Studio, load: Load, name: str, way: Way, number: int) -> Took:
    for copied in studio.incoming.glob("*large*"):
        shutil.rmtree(copied)
    os.sync()
    source, destination = studio.projects / load.folder, _fresh(studio, load, f"{name}.{number}")
    found = way(source, destination)
    if number == 0:
        assert differences(source, destination) == [], f"{name}: {load.title}"
    return found


def _fresh(studio: Studio, load: Load, key: str) -> Path:
    return studio.incoming / f"{load.folder}.{''.join(filter(str.isalnum, key))}"


def _rows(load: Load, took: dict[tuple[str, str], list[Took]]) -> Iterator[Row]:
    def speeds(name: str) -> list[float]:
        return [load.size / one.elapsed_s / 1e6 for one in took[load.folder, name]]

    names = [name for folder, name in took if folder == load.folder]
    plain = {name: alone(f"{load.title}: {name}", speeds(name), "MB/s", COMMAND) for name in names}
    yield from plain.values()
    for name, compared in COMPARED.items():
        for other in compared if name in plain else ():
            title = f"{load.title}: {name}"
            if other in plain:
                yield beside(title, speeds(name), "MB/s", plain[other], COMMAND)
            else:
                yield Row(title, 0.0, "MB/s", f"{other}: is not on this machine", None, COMMAND)
    for name in names:
        used = [one.cpu_s for one in took[load.folder, name]]
        yield alone(f"{load.title}: {name}: CPU", used, "s", COMMAND)
