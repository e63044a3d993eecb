"""An agent that waits for files to be left alone: on a bus, with files that grow and go."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from services.agent.commands import Choice, List
from services.runtime.memory import MemoryBus
from services.scheduler.commands import ListingAwaits, ListingEnded, ListingFound
from tests.services.agent_scheduler import HQ, JOB, Scheduler, until
from tests.services.test_agent_orders import agent

GROWS_S, STABLE_S = 1.5, 1


@pytest.fixture
async def scheduler() -> Scheduler:
    scheduler = Scheduler(MemoryBus())
    await scheduler.open()
    return scheduler


async def grow(file: Path) -> float:
    """When it was written to last."""
    ends_s = time.monotonic() + GROWS_S
    while time.monotonic() < ends_s:
        with file.open("ab") as open_file:
            open_file.write(b"x" * 1000)
        await asyncio.sleep(0.1)
    return time.monotonic()


@pytest.mark.parametrize("path", ["", "grows"])
async def test_a_file_that_grows_is_listed_when_it_is_left_alone(
    scheduler: Scheduler, tmp_path: Path, path: str
) -> None:
    async with agent(scheduler, HQ, tmp_path / "hq"):
        file = tmp_path / "hq/grows"
        file.touch()
        (tmp_path / "hq/steady").symlink_to("grows")
        growing = asyncio.create_task(grow(file))
        await asyncio.sleep(0.1)
        choice = Choice(stable_s=STABLE_S)
        await scheduler.order(HQ, List(JOB, 1, "v", path, stall_s=1, choice=choice))
        await until(lambda: scheduler.last(1) is ListingAwaits)
        assert scheduler.of(1)[-1] == ListingAwaits(JOB, 1, 1)
        early = [entry.uri for entry in scheduler.entries]
        assert early == ([] if path else ["", "steady"]), "others are told before the wait"
        left_alone_s = await growing
        await until(lambda: scheduler.last(1) is ListingEnded)
        assert time.monotonic() - left_alone_s > STABLE_S / 2
        last = scheduler.entries[-1]
        assert (last.uri, last.size) == ("grows", file.stat().st_size)
        assert ListingAwaits(JOB, 1, 0) in scheduler.of(1)


async def test_a_file_that_is_awaited_may_go_and_the_setting_too(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    async with agent(scheduler, HQ, tmp_path / "hq"):
        for name in ("goes", "stays"):
            (tmp_path / "hq" / name).write_text(name)
        duty = List(JOB, 1, "v", "", choice=Choice(stable_s=3600))
        await scheduler.order(HQ, duty)
        await until(lambda: scheduler.last(1) is ListingAwaits)
        (tmp_path / "hq/goes").unlink()
        await scheduler.order(HQ, replace(duty, choice=Choice()))
        await until(lambda: scheduler.last(1) is ListingEnded)
        assert [entry.uri for entry in scheduler.entries] == ["", "stays"]
        assert isinstance(scheduler.of(1)[0], ListingFound)


async def test_who_waits_for_files_stops_at_once(scheduler: Scheduler, tmp_path: Path) -> None:
    async with agent(scheduler, HQ, tmp_path / "hq"):
        (tmp_path / "hq/fresh").write_text("fresh")
        waiting = List(JOB, 1, "v", "", choice=Choice(stable_s=3600))
        await scheduler.order(HQ, waiting)
        await until(lambda: scheduler.last(1) is ListingAwaits)
        await scheduler.order(HQ, List(JOB, 2, "v", ""))
        await until(lambda: scheduler.last(2) is ListingEnded)
