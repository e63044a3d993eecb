"""Commands a second with 1,000,000 finished jobs behind, beside none.

Two leaders over one real NATS, in turns: each has 1,000 jobs waiting in its log and on its board,
one of them also what is left of a million jobs that are done (put on its board, not in its log).
The rounds are long enough for snapshots of the boards to be taken in them. What a finished job
takes in memory is measured beside.
"""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path

import msgspec

from events import codec, subjects
from events.job import Job
from events.jobs import Party, Status, Transfer
from projections.board import Board
from projections.task_table import DONE, TaskTable
from services.runtime.bus import NatsBus, open_bus
from services.runtime.nats_log import NatsLog
from services.runtime.snapshots import NatsSnapshots
from services.runtime.streams import declare
from services.scheduler.commands import (
    Accepted,
    Actor,
    Pause,
    Rejected,
    Request,
    Resume,
    Role,
)
from services.scheduler.leader import Leader, Ports
from services.scheduler.turn import Turn
from tests.bench import crowd
from tests.bench.crowd import Crowd, job_id
from tests.bench.load import Act, rate
from tests.bench.results import Row, alone, beside, percentiles
from tests.servers import Nats

COMMAND = "python -m tests.bench behind"
ANN = Actor("ann", Role.ADMIN)
CALLERS = 64
FINISHED = 1_000_000
CROWD = Crowd(1_000, pairs=100, queues=10)
ROUNDS = 4
ROUND_S = 6.0
STATM = Path("/proc/self/statm")


async def measure(nats: Nats) -> list[Row]:
    bus, caller = await open_bus(nats.url, name="bench"), await open_bus(nats.url, name="caller")
    leading: list[asyncio.Task[None]] = []
    try:
        fresh = await _leader(bus, "fresh", 0)
        before = _resident_bytes()
        old = await _leader(bus, "old", FINISHED)
        bytes_each = (_resident_bytes() - before) / FINISHED
        gc.collect()
        gc.freeze()
        leading = [asyncio.create_task(one.lead()) for one in (fresh, old)]
        rates, waits_s = await _rounds(caller)
    finally:
        for task in leading:
            task.cancel()
        await asyncio.gather(*leading, return_exceptions=True)
        gc.unfreeze()
        await caller.close()
        await bus.close()
    none = alone("commands/s, no finished job behind", rates["fresh"], "1/s", COMMAND)
    many = f"commands/s, {FINISHED:,} finished jobs behind"
    return [
        none,
        beside(many, rates["old"], "1/s", none, COMMAND),
        *percentiles("no finished job behind", waits_s["fresh"], COMMAND),
        *percentiles(f"{FINISHED:,} finished jobs behind", waits_s["old"], COMMAND),
        alone("scheduler, memory of a finished job", [bytes_each], "bytes", COMMAND),
    ]


async def _leader(bus: NatsBus, workspace: str, finished: int) -> Leader:
    """At the end of its log, which has the crowd and not what is finished."""
    await declare(bus, workspace)
    log, board, chain = NatsLog(bus, workspace), Board(), codec.CHAIN_START
    opening = Turn(board, crowd.NOON)
    opening.open(workspace, ["f" * 24, "b" * 24, "c" * 24, "d" * 24])
    payloads = [opening.payload()]
    for events in ([*crowd.scenery(CROWD)], *crowd.submitted(CROWD)):
        commit = crowd.recorded(events, board.sequence + 1)
        for one in commit:
            board.apply(one)
        payloads.append(codec.encode(workspace, commit))
    for after, payload in enumerate(payloads):
        chain = codec.chain(chain, payload)
        await log.append(payload, chain=chain, after=after)
    _finish(board, finished)
    return Leader(Ports(workspace, bus, log, NatsSnapshots(bus, workspace)), board, chain)


def _finish(board: Board, count: int) -> None:
    ends = CROWD.ends()
    for number in range(CROWD.jobs, CROWD.jobs + count):
        source, destination = ends[number % CROWD.pairs]
        work = Transfer(
            Party(source, "projects", f"shots/{number:07}"),
            Party(destination, "incoming", f"shots/{number:07}"),
        )
        job = Job(
            id=job_id(number),
            name=f"shot {number:07}",
            user="ann",
            queue=crowd.queue_id(number % CROWD.queues),
            place=f"a{number:07}",
            work=work,
            status=Status.DONE,
            run=2,
            listed=True,
            tasks=1,
            size=1_000,
            since=crowd.NOON,
            version=2,
        )
        board.jobs[job.id] = job
        table = TaskTable.empty()
        table.statuses.append(DONE)
        table.sizes.extend(bytes(8))
        board.tables[job.id] = table
        board.index(job)


async def _rounds(caller: NatsBus) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    rates: dict[str, list[float]] = {"fresh": [], "old": []}
    waits_s: dict[str, list[float]] = {"fresh": [], "old": []}
    await asyncio.sleep(1)
    for number in range(ROUNDS):
        for workspace in ("fresh", "old") if number % 2 else ("old", "fresh"):
            act = _toggling(caller, workspace, str(number))
            rates[workspace].append(await rate(CALLERS, act, waits_s[workspace], ROUND_S))
    return rates, waits_s


def _toggling(bus: NatsBus, workspace: str, key: str) -> Act:
    async def toggle(caller: int, count: int) -> None:
        job = job_id(caller + CALLERS * (count // 2 % (CROWD.jobs // CALLERS)))
        command = Pause(job) if count % 2 == 0 else Resume(job)
        request = msgspec.json.encode(Request(f"{key}.{caller}.{count}", ANN, command))
        answer = await bus.request(subjects.command(workspace), request, timeout_s=20)
        said = msgspec.json.decode(answer, type=Accepted | Rejected)
        assert isinstance(said, Accepted), said

    return toggle


def _resident_bytes() -> int:
    gc.collect()
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
