"""The children of `haulage up`: they start, and they end, when they are told to."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest
from structlog.testing import capture_logs

from services.supervisor import children
from services.supervisor.children import Child, Kept

STUBBORN = "trap '' TERM; while :; do sleep 0.05; done"


def child(script: str, ready: Callable[[], Awaitable[bool]]) -> Child:
    return Child("child", lambda: ["/bin/sh", "-c", script], dict(os.environ), ready)


async def _at_once() -> bool:
    return True


async def test_told_to_end_at_the_moment_a_child_is_ready_it_ends() -> None:
    async def ready() -> bool:
        starting.cancel()
        return True

    kept = Kept(child("sleep 60", ready))
    starting = asyncio.create_task(kept.start())
    try:
        with pytest.raises(asyncio.CancelledError):
            await starting
    finally:
        await kept.stop()
    assert kept.pid is None


async def test_a_child_that_was_started_again_is_said_to_be_ready_again() -> None:
    kept = Kept(child("exec sleep 60", _at_once))
    try:
        with capture_logs() as logged:
            await kept.start()
            first = kept.pid
            assert first is not None
            os.kill(first, signal.SIGKILL)
            async with asyncio.timeout(30):
                while _ready(logged) == [first]:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert _ready(logged) == [first, kept.pid]
    finally:
        await kept.stop()


def _ready(logged: Sequence[Mapping[str, object]]) -> list[object]:
    return [line["pid"] for line in logged if line["event"] == "child.ready"]


async def test_a_child_that_does_not_end_is_made_to_even_by_who_is_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(children, "STOP_S", 0.3)
    kept = Kept(child(STUBBORN, _at_once))

    async def supervise() -> None:
        try:
            await kept.start()
            await kept.watch()
        finally:
            await kept.stop()

    supervising = asyncio.create_task(supervise())
    await asyncio.sleep(0.5)
    pid = kept.pid
    assert pid is not None
    supervising.cancel()
    done, _ = await asyncio.wait([supervising], timeout=3)
    assert done
    assert kept.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
