"""What the leader tells agents by the clock and by their beats: limits, and room to try again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec

from events import subjects
from events.jobs import ErrorClass, Status
from events.settings import Value
from services.agent.commands import Orders, Receive, Room
from services.runtime.memory import MemoryBus, MemoryLog, MemorySnapshots
from services.scheduler.commands import Beat, RunFailed, Set
from services.scheduler.leader import Leader, Ports
from tests.services import test_leader as shell
from tests.services.spec import HQ, STOCKHOLM, beat, job_id, transfer

A = job_id("a")
GB = 1_000_000_000
WITHIN_S = 3.0


async def running() -> tuple[Leader, asyncio.Task[None]]:
    """Job a runs, from hq to stockholm."""
    ports = Ports("main", MemoryBus(), MemoryLog(), MemorySnapshots())
    leader = await shell.leader_of(ports)
    leading = asyncio.create_task(leader.lead())
    await shell.until(lambda: shell._leads(ports))
    for endpoint in (HQ, STOCKHOLM):
        await shell.beats(ports, endpoint)
    await shell.command(ports, transfer("a"), "a")
    await shell.listed(ports, "a")
    return leader, leading


async def ended(leading: asyncio.Task[None]) -> None:
    leading.cancel()
    with suppress(asyncio.CancelledError):
        await leading


async def test_when_a_window_ends_who_runs_is_told_within_a_second() -> None:
    leader, leading = await running()
    limits: list[int] = []
    changed = asyncio.Event()

    async def hear(_subject: str, payload: bytes) -> None:
        duties = msgspec.json.decode(payload, type=Orders).duties
        limits.extend(one.limit for one in duties if isinstance(one, Receive))
        changed.set()

    await leader.ports.bus.serve(subjects.orders("main", STOCKHOLM), hear)
    noon = datetime(2030, 1, 1, 12, tzinfo=UTC)
    now = [noon.timestamp()]
    leader.ordering.clock = lambda: now[0]
    limit: dict[str, Value] = {"transfer_speedlimit": "08:00-18:00 5, else full"}
    await shell.command(leader.ports, Set("endpoint", "hq", limit), "limit")
    async with asyncio.timeout(WITHIN_S):
        await changed.wait()
    assert limits == [5_000_000]
    changed.clear()
    now[0] = (noon + timedelta(hours=6)).timestamp()
    async with asyncio.timeout(WITHIN_S):
        await changed.wait()
    assert limits == [5_000_000, 0]
    await ended(leading)


async def test_a_beat_that_tells_of_more_room_lets_a_job_be_tried_again() -> None:
    leader, leading = await running()
    run = leader.board.jobs[A].run
    failed = RunFailed(A, run, ErrorClass.SPACE, "no room")
    await shell.report(leader.ports, STOCKHOLM, failed, "full")
    assert leader.board.jobs[A].status is Status.FAILED

    async def tells(free_bytes: int) -> None:
        said: Beat = beat(STOCKHOLM, rooms=[Room("incoming", free_bytes, 100 * GB)])
        subject = subjects.from_agent("main", STOCKHOLM, "beat")
        await leader.ports.bus.request(subject, msgspec.json.encode(said))

    await tells(GB)
    async with asyncio.timeout(WITHIN_S):
        while leader.board.jobs[A].status is Status.FAILED:
            await asyncio.sleep(0.1)
            await tells(2 * GB)
    assert leader.board.jobs[A].status is Status.RUNNING
    await ended(leading)
