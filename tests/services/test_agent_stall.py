"""A run that does not get on is failed by its agent, with its class, and the next one goes on."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from events.jobs import ErrorClass
from services.agent import reports
from services.agent.commands import List
from services.agent.listing import Listing
from services.scheduler.commands import AgentsReport, ListingEnded, RunEnded, RunFailed
from tests.services.agent_planes import Proxy, tree
from tests.services.agent_scheduler import FAR, HQ, JOB, OTHER, WAIT_S, Scheduler, until
from tests.services.test_agent_orders import both, fill, listed, scheduler

__all__ = ["scheduler"]
STALL_S = 1


class Mute(Proxy):
    """A sender that says no more after the first megabyte."""

    def __init__(self, url: str) -> None:
        self.woken = threading.Event()
        super().__init__(int(url.rpartition(":")[2]), [])

    def passed(self, data: bytes) -> bytes:
        if self.came > 1 << 20:
            self.woken.wait(WAIT_S)
        return data

    def close(self) -> None:
        self.woken.set()
        super().close()


def failure(told: list[AgentsReport]) -> RunFailed:
    (failed,) = (one for one in told if isinstance(one, RunFailed))
    assert told[-1] is failed
    return failed


@pytest.mark.parametrize("first_s", [STALL_S, 300])
async def test_a_sender_that_stops_sending_fails_the_run_and_holds_up_no_other(
    scheduler: Scheduler, tmp_path: Path, first_s: int
) -> None:
    """The limit counts as it is now: also for a run that began under another."""
    async with both(scheduler, tmp_path) as (hq, far):
        (hq / "big").write_bytes(os.urandom(20 << 20))
        await listed(scheduler)
        mute = Mute(scheduler.beats[HQ][-1].url)
        duty, found = scheduler.receive(2, url=mute.url), list(scheduler.entries)
        await scheduler.order(FAR, replace(duty, stall_s=first_s))
        await until(lambda: mute.came > 1 << 20)
        began = time.monotonic()
        await scheduler.order(FAR, replace(duty, stall_s=STALL_S), List(OTHER, 2, "v", ""))
        await until(lambda: scheduler.last(2) is RunFailed)
        assert STALL_S - 0.1 < time.monotonic() - began < STALL_S + 1.5
        failed = failure(scheduler.of(2))
        assert failed.error_class is ErrorClass.NETWORK
        assert mute.url in failed.message
        assert "1 s" in failed.message
        await until(lambda: scheduler.last(2, OTHER) is ListingEnded)
        scheduler.entries = found
        await scheduler.order(FAR, scheduler.receive(3))
        await until(lambda: scheduler.last(3) is RunEnded)
        assert tree(far / "in") == tree(hq)
        mute.close()


async def test_a_listing_that_hangs_fails_as_its_volume_does(
    scheduler: Scheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that never answers: the thread cannot be helped, the job can."""
    answered, look = threading.Event(), Listing._look

    def hangs(listing: Listing, *arguments: Any) -> Any:
        answered.wait(WAIT_S)
        return look(listing, *arguments)

    monkeypatch.setattr(Listing, "_look", hangs)
    async with both(scheduler, tmp_path) as (hq, _):
        fill(hq)
        await scheduler.order(HQ, List(JOB, 1, "v", "folder", STALL_S))
        await until(lambda: scheduler.last(1) is RunFailed)
        failed = failure(scheduler.of(1))
        assert failed.error_class is ErrorClass.VOLUME
        assert "v/folder" in failed.message
        answered.set()
        await scheduler.order(HQ, List(JOB, 2, "v", "folder", STALL_S))
        await until(lambda: scheduler.last(2) is ListingEnded)


async def test_waiting_for_the_scheduler_is_no_stall(
    scheduler: Scheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "ANSWER_S", 0.2)
    async with both(scheduler, tmp_path) as (hq, far):
        fill(hq)
        await listed(scheduler)
        await scheduler.order(FAR, replace(scheduler.receive(), stall_s=STALL_S))
        scheduler.answers = False
        await asyncio.sleep(2 * STALL_S)
        scheduler.answers = True
        await until(lambda: scheduler.last(2) in (RunEnded, RunFailed))
        assert scheduler.last(2) is RunEnded
        assert tree(far / "in") == tree(hq)
