"""Compute jobs on the read side: their tasks in bulk, their lanes, and what commands say."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from events import endpoints, jobs, tasks
from events.codec import Event
from events.endpoints import Machine
from services.agent.commands import Tick
from services.projector import moving
from services.projector.commands import Moving
from services.projector.moving import Saying, write_said
from services.runtime.memory import MemoryBus
from services.runtime.ports import Ticked
from tests.projections.histories import (
    HQ,
    JOB,
    OPENING,
    STOCKHOLM,
    commit,
    stored,
    submitted,
)
from tests.services.read_side import Heard, everything, expected, opened, ports, write_all

MACHINE = Machine("render", "hq-01", 64, 256 << 30, site="hq", tags=("gpu",))
COMPUTES: list[Event] = [
    submitted(work=jobs.Compute("render {frames}", "1-8")),
    tasks.Ranged(JOB, 0, "1-8", 8),
]
TWO_BUCKETS: list[Event] = [
    jobs.Started(JOB, 1, HQ),
    tasks.Dispatched(JOB, 2, HQ, "0-3"),
    tasks.Dispatched(JOB, 3, STOCKHOLM, "4-7"),
]


async def test_very_many_frames_are_put_in_order_by_the_database(database_url: str) -> None:
    text, more = "5000-1x1,1-19999x2,2-20000x2,70000,50000-60000", "100000-130000x2"
    text = text.removeprefix("5000-1x1,")
    groups: list[Sequence[Event]] = [
        OPENING,
        [submitted(work=jobs.Compute("render {frame}", text))],
        [tasks.Ranged(JOB, 0, text, 30_002), tasks.Ranged(JOB, 30_002, more, 15_001)],
        [tasks.Ranged(JOB, 45_003, "1000000-1030000,1000007", 30_001)],
    ]
    commits = commit(groups)
    async with opened(database_url) as pool:
        await write_all(pool, stored(commits))
        assert await everything(pool) == expected(commits)
        assert await pool.fetchval("select tasks_total from jobs") == 75_004
        assert await pool.fetchval("select uri from tasks where number = 20000") == "70000"


async def test_the_lanes_of_a_job_come_and_go(database_url: str) -> None:
    ends: list[Sequence[Event]] = [
        [tasks.Started(JOB, 2, "0-3")],
        [tasks.Exited(JOB, 2, 0, 1000, 900, 1 << 20)],
        [tasks.Dispatched(JOB, 4, HQ, "0-3"), tasks.Released(JOB, 3, "4-7", "by_hand")],
        [jobs.Paused(JOB)],
    ]
    commits = commit([OPENING, COMPUTES, TWO_BUCKETS, *ends])
    there = [{}, {"2": HQ, "3": STOCKHOLM}, {"2": HQ, "3": STOCKHOLM}, {"3": STOCKHOLM}]
    there += [{"4": HQ}, {}]
    async with opened(database_url) as pool:
        for position, one in enumerate(stored(commits)):
            await write_all(pool, [one])
            assert await everything(pool) == expected(commits[: position + 1])
            if position:
                lanes = await pool.fetchval("select lanes from jobs")
                assert msgspec.json.decode(lanes) == there[position - 1]


async def test_an_endpoint_shows_its_machine_and_its_own_lanes(database_url: str) -> None:
    came = endpoints.CameOnline(HQ, "s2", "", [], MACHINE)
    four = endpoints.SettingsChanged(HQ, {"client_compute_lanes": 4, "endpoint_transfers": 2})
    unset = endpoints.SettingsChanged(HQ, {}, ("client_compute_lanes",))
    commits = commit([OPENING, [came], [four], [unset]])
    async with opened(database_url) as pool:
        for position, lanes in enumerate([None, None, 4, None], 1):
            await write_all(pool, stored(commits)[position - 1 : position])
            assert await everything(pool) == expected(commits[:position])
            assert await pool.fetchval("select lanes from endpoints where id = $1", HQ) == lanes


async def test_what_commands_say_counts_while_they_have_their_lanes(database_url: str) -> None:
    bus = MemoryBus()
    heard = Heard(bus)
    await heard.listen()
    ended = [tasks.Exited(JOB, 2, 0)]
    commits = stored(commit([OPENING, COMPUTES, TWO_BUCKETS, ended, [jobs.Done(JOB, 3)]]))
    half, stray = Saying(JOB, 2, 4, 50.0, "half"), Saying(JOB, 9, 4, 50.0, "")
    quarter, other = Saying(JOB, 3, 4, 25.0, ""), Saying(JOB, 3, 4, 90.0, "not its lane")
    async with opened(database_url) as pool:
        await write_all(pool, commits[:3])
        told = ports(pool, bus=bus)
        await write_said(told, {(HQ, JOB, 2): half, (HQ, JOB, 9): stray, (HQ, JOB, 3): other})
        await write_said(told, {(STOCKHOLM, JOB, 3): quarter})
        await write_all(pool, commits[3:4])
        assert await pool.fetchval("select array_agg(run) from command_progress") == [3]
        await write_all(pool, commits[4:])
        assert await pool.fetchval("select count(*) from command_progress") == 0
    await bus.idle()
    said = [one for change in heard.changes for one in change.moving]
    assert said == [Moving(JOB, 3, 0, 0.0, 0, 2.0), Moving(JOB, 3, 0, 0.0, 0, 3.0)]


def test_a_tick_of_a_command_is_read_within_its_bounds() -> None:
    def read(percent: float, numbers: str) -> Moving | Saying | None:
        tick = Tick(JOB, 2, 0, 0.0, 0, numbers=numbers, percent=percent, status="x\0" * 500)
        return moving.read(Ticked(HQ, JOB, msgspec.json.encode(tick)))

    assert read(42.0, "0-3") == Saying(JOB, 2, 4, 42.0, "x␀" * 250)
    assert [read(101.0, "0"), read(1.0, "9-1"), read(1.0, "x")] == [None] * 3
