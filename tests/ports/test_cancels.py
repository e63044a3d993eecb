"""Who is told to end, ends: also when that comes together with what is waited for."""

from __future__ import annotations

import asyncio

import pytest

from services.runtime.bus import NatsBus, open_bus
from services.runtime.client import heeding_cancel
from tests.servers import Nats

WITHIN_S = 5


async def test_a_cancel_that_comes_with_the_result_is_heeded() -> None:
    came = asyncio.get_running_loop().create_future()

    async def wait() -> None:
        with heeding_cancel():
            await asyncio.wait_for(came, WITHIN_S)

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    came.set_result(None)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_cancel_that_comes_with_a_failure_is_heeded() -> None:
    came = asyncio.get_running_loop().create_future()

    async def wait() -> None:
        with heeding_cancel():
            await asyncio.wait_for(came, WITHIN_S)

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    came.set_exception(OSError("lost"))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_cancel_from_before_does_not_end_the_cleaning_up() -> None:
    cleaned = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            with heeding_cancel():
                await asyncio.sleep(0)
            cleaned.set()

    working = asyncio.create_task(work())
    await asyncio.sleep(0)
    working.cancel()
    await asyncio.wait([working])
    assert cleaned.is_set()


async def test_a_service_that_is_told_to_end_while_it_connects_ends(nats_server: Nats) -> None:
    """Told at the very moment when the server greets."""
    opening = asyncio.create_task(open_bus(nats_server.url, name="told to end"))
    async with asyncio.timeout(WITHIN_S):
        while not (reading := _reading()):  # noqa: ASYNC110
            await asyncio.sleep(0)
    reading[0].add_done_callback(lambda _: opening.cancel())
    with pytest.raises(asyncio.CancelledError):
        await opening


def _reading() -> list[asyncio.Task[object]]:
    """nats-py waiting for the server's next line."""
    return [task for task in asyncio.all_tasks() if "readline" in str(task.get_coro())]


async def test_a_service_that_is_told_to_end_while_it_settles_ends(shared_bus: NatsBus) -> None:
    client = shared_bus._connection._client
    assert client is not None
    settling = asyncio.create_task(shared_bus.settle())
    async with asyncio.timeout(WITHIN_S):
        while not client._pongs:  # noqa: ASYNC110
            await asyncio.sleep(0)
    client._pongs[0].add_done_callback(lambda _: settling.cancel())
    with pytest.raises(asyncio.CancelledError):
        await settling
