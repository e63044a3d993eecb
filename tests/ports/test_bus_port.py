"""What every bus promises, in memory and on NATS."""

from __future__ import annotations

import asyncio
import time

import pytest

from services.runtime.ports import Handler, NoAnswer
from tests.ports.conftest import Kind

WITHIN_S = 5.0


async def _echo(subject: str, payload: bytes) -> bytes:
    return subject.encode() + b" " + payload


class Heard:
    """What handlers were given; `until` waits for so many, and for what is too much."""

    def __init__(self) -> None:
        self.all: list[bytes] = []
        self._came = asyncio.Event()

    def handler(self, who: bytes = b"") -> Handler:
        async def hear(_subject: str, payload: bytes) -> None:
            self.all.append(who + payload)
            self._came.set()

        return hear

    async def until(self, count: int) -> list[bytes]:
        async with asyncio.timeout(WITHIN_S):
            while len(self.all) < count:
                self._came.clear()
                await self._came.wait()
        await asyncio.sleep(0.05)
        return self.all


async def test_a_request_gets_the_handlers_answer(kind: Kind) -> None:
    await (await kind.bus()).serve("a.*.c", _echo)
    assert await (await kind.bus()).request("a.b.c", b"\x00x") == b"a.b.c \x00x"


async def test_a_request_that_nobody_serves_ends_at_once(kind: Kind) -> None:
    bus = await kind.bus()
    await bus.serve("a.b", _echo)
    started = time.monotonic()
    for subject in ("a", "a.c", "a.b.c"):
        with pytest.raises(NoAnswer):
            await bus.request(subject, b"", timeout_s=WITHIN_S)
    assert time.monotonic() - started < 1


async def test_a_handler_may_give_no_answer_or_fail_and_serves_on(kind: Kind) -> None:
    async def handler(_subject: str, payload: bytes) -> bytes | None:
        if payload == b"fail":
            raise RuntimeError("on purpose")
        return None if payload == b"silent" else payload

    bus = await kind.bus()
    await bus.serve("a", handler)
    for payload in (b"fail", b"silent"):
        started = time.monotonic()
        with pytest.raises(NoAnswer):
            await bus.request("a", payload, timeout_s=0.3)
        assert 0.2 < time.monotonic() - started < 2
    assert await bus.request("a", b"fine") == b"fine"


async def test_an_announcement_reaches_all_and_one_of_each_queue_group(kind: Kind) -> None:
    heard = Heard()
    for who, queue in ((b"x", ""), (b"y", ""), (b"g", "g"), (b"g", "g"), (b"h", "h")):
        await (await kind.bus()).serve("news.>", heard.handler(who), queue=queue)
    await (await kind.bus()).publish("news.of.today", b"1")
    assert sorted(await heard.until(4)) == [b"g1", b"h1", b"x1", b"y1"]


async def test_announcements_of_one_sender_arrive_in_order(kind: Kind) -> None:
    heard, bus = Heard(), await kind.bus()
    await bus.serve("news", heard.handler())
    sent = [b"%d" % number for number in range(2_000)]
    for payload in sent:
        await bus.publish("news", payload)
    assert await heard.until(len(sent)) == sent


async def test_an_announcement_that_nobody_hears_is_no_error(kind: Kind) -> None:
    await (await kind.bus()).publish("news", b"")


async def test_handlers_run_at_the_same_time_but_not_without_bound(kind: Kind) -> None:
    running, most = 0, 0
    gate = asyncio.Event()

    async def handler(_subject: str, payload: bytes) -> bytes:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 1_000:
            asyncio.get_running_loop().call_later(0.2, gate.set)
        await gate.wait()
        running -= 1
        return payload

    bus = await kind.bus()
    await bus.serve("slow", handler)
    asking = [bus.request("slow", b"%d" % number, timeout_s=20) for number in range(1_100)]
    answers = await asyncio.gather(*asking)
    assert answers == [b"%d" % number for number in range(1_100)]
    assert most == 1_000


async def test_stopping_finishes_what_is_begun_and_takes_no_more(kind: Kind) -> None:
    begun = asyncio.Event()

    async def handler(_subject: str, payload: bytes) -> bytes:
        begun.set()
        await asyncio.sleep(0.2)
        return payload

    bus = await kind.bus()
    serving = await bus.serve("slow", handler)
    asking = asyncio.create_task(bus.request("slow", b"x"))
    await begun.wait()
    await serving.stop()
    assert await asking == b"x"
    with pytest.raises(NoAnswer):
        await bus.request("slow", b"y", timeout_s=1)
