"""Process logs on their way: whole while the bus is up, bounded when long or the bus is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from events import subjects
from services.agent import outlet as outlets
from services.agent.lines import LINE_BYTES_MAX, Lines
from services.agent.outlet import Outlet
from services.agent.reports import Post
from services.gateway.log_resources import OutputLine
from services.gateway.output import Where, page
from services.runtime.memory import MemoryBus, MemoryOutputs
from tests.services.agent_scheduler import HQ, JOB

WHERE = Where(HQ, JOB, 1)
ALL = 10**6


@asynccontextmanager
async def sending(bus: MemoryBus) -> AsyncIterator[Outlet]:
    outlet = Outlet(Post(bus, "main", HQ, "session"), JOB, 1)
    delivery = asyncio.create_task(outlet.deliver())
    yield outlet
    outlet.finish()
    async with asyncio.timeout(30):
        await delivery


async def read(
    outputs: MemoryOutputs, after: int = -1, tail: int | None = None
) -> list[OutputLine]:
    lines: list[OutputLine] = []
    while True:
        found = await page(outputs, WHERE, after=after, limit=ALL, tail=tail)
        lines += found.lines
        after, tail = found.after, None
        if not found.more:
            return lines


async def kept(bus: MemoryBus) -> MemoryOutputs:
    outputs = MemoryOutputs(bus, "main")
    await outputs.open()
    return outputs


async def test_lines_arrive_numbered_soon_and_once() -> None:
    bus = MemoryBus()
    outputs = await kept(bus)
    async with sending(bus) as outlet:
        for number in range(300):
            await asyncio.to_thread(outlet.put, [f"line {number}", ""])
            if number == 0:
                await asyncio.sleep(2 * outlets.FLUSH_S)
                assert [line.text for line in await read(outputs)] == ["line 0", ""]
    lines = await read(outputs)
    assert [line.number for line in lines] == list(range(600))
    assert [line.text for line in lines[::2]] == [f"line {number}" for number in range(300)]
    assert not any(line.dropped for line in lines)
    assert [line.number for line in await read(outputs, after=597)] == [598, 599]
    assert [line.number for line in await read(outputs, tail=3)] == [597, 598, 599]


async def test_of_a_long_log_the_newest_sixteen_mebibytes_are_kept() -> None:
    bus = MemoryBus()
    outputs = await kept(bus)
    async with sending(bus) as outlet:
        for first in range(0, 40_000, 100):
            lines = [f"{number} {'x' * 500}" for number in range(first, first + 100)]
            await asyncio.to_thread(outlet.put, lines)
        await asyncio.to_thread(outlet.end)
    found = await read(outputs)
    assert [line.number for line in found] == list(range(found[0].number, 40_000))
    assert all(line.text.startswith(f"{line.number} ") for line in found)
    assert found[0].dropped == found[0].number > 0
    assert 15 << 20 < sum(len(line.text) for line in found) <= 17 << 20
    assert [line.number for line in await read(outputs, tail=2)] == [39_998, 39_999]


async def test_a_slow_bus_holds_the_command_up_and_loses_nothing() -> None:
    bus = MemoryBus()
    outputs = MemoryOutputs(bus, "main")

    async def slowly(subject: str, payload: bytes) -> bytes:
        await asyncio.sleep(0.005)
        return await outputs._keep(subject, payload)

    await bus.serve(subjects.output("main", "*", "*", "*", "*"), slowly)
    async with sending(bus) as outlet:
        lines = ["y" * 4_000 for _ in range(1_000)]
        await asyncio.to_thread(outlet.put, lines)
        await asyncio.to_thread(outlet.end)
    found = await read(outputs)
    assert len(found) == 1_000
    assert not any(line.dropped for line in found)


async def test_while_the_bus_is_away_the_oldest_lines_give_way_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outlets, "END_S", 0.1)
    bus = MemoryBus()
    async with sending(bus) as outlet:
        for number in range(3_000):
            await asyncio.to_thread(outlet.put, [f"{number} {'z' * 1_000}"])
        await asyncio.to_thread(outlet.end)
        outputs = await kept(bus)
    found = await read(outputs)
    assert found[-1].number == 2_999
    assert 500 < len(found) < 1_500
    assert found[0].dropped == found[0].number == 3_000 - len(found)


def test_output_is_cut_into_lines() -> None:
    lines = Lines()
    assert lines.feed(b"one\ntw") == ["one"]
    assert lines.feed(b"o\r") == ["two"]
    assert lines.feed(b"\n10%\r20%\rthr\xc3") == ["10%", "20%"]
    assert lines.feed(b"\xa9\xff\n\n") == ["thr\u00e9\\xff", ""]
    assert lines.feed(b"") == []
    assert lines.end() == []
    lines.feed(b"no end")
    assert lines.end() == ["no end"]


def test_a_line_without_end_is_cut() -> None:
    lines = Lines()
    for _ in range(100):
        assert lines.feed(b"x" * 1_000) == []
    (line,) = lines.feed(b"\n")
    assert line.startswith("x" * LINE_BYTES_MAX + " […")
    assert f"{100_000 - LINE_BYTES_MAX} bytes" in line
