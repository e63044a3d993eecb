"""What snapshots, the feed and ticks promise, in memory and on NATS."""

from __future__ import annotations

import asyncio
import random
from contextlib import aclosing

from events import subjects
from services.runtime.ports import Feed, Snapshot, Ticked, Ticks, Told
from tests.ports.conftest import Kind, Real

ENDPOINT = "5f0000000000000000000001"
WITHIN_S = 10.0


async def test_without_a_snapshot_there_is_none(kind: Kind) -> None:
    assert await kind.snapshots().newest() is None


async def test_a_snapshot_of_megabytes_comes_back_as_it_was(kind: Kind) -> None:
    board = random.Random(1).randbytes(5_300_000)
    await kind.snapshots().save(Snapshot(7, "c" * 64, board))
    assert await kind.snapshots().newest() == Snapshot(7, "c" * 64, board)


async def test_the_newest_of_many_snapshots_is_given(kind: Kind) -> None:
    snapshots = kind.snapshots()
    for sequence in range(1, 8):
        await snapshots.save(Snapshot(sequence, f"{sequence}", b"%d" % sequence * 9))
        assert await kind.snapshots().newest() == await snapshots.newest()
        assert await snapshots.newest() == Snapshot(sequence, f"{sequence}", b"%d" % sequence * 9)


def _told(kind: Kind, commits: int) -> list[Told]:
    subject = f"haulage.{kind.workspace}.job.{ENDPOINT}.paused"
    return [
        Told(subject, sequence, index, b"%d.%d" % (sequence, index))
        for sequence in range(1, commits + 1)
        for index in range(5)
    ]


async def test_an_empty_feed_begins_before_the_first_event(kind: Kind) -> None:
    assert await kind.feed().position() < (1, 0)


async def test_the_feed_knows_where_it_ends(kind: Kind) -> None:
    feed, events = kind.feed(), _told(kind, 500)
    await feed.append(events[:3])
    assert await kind.feed().position() == (1, 2)
    await feed.append(events[3:])
    assert await feed.position() == await kind.feed().position() == (500, 4)


async def test_events_told_again_are_left_out(kind: Kind) -> None:
    feed, events = kind.feed(), _told(kind, 30)
    for until in (1, 40, 40, 20, 150):
        await feed.append(events[:until])
    await kind.feed().append(events)
    assert await feed.position() == (30, 4)
    if isinstance(kind, Real):
        assert await kind.fed() == [told.payload for told in events]


async def test_two_projectors_tell_each_event_once(kind: Kind) -> None:
    events = _told(kind, 400)

    async def tell(feed: Feed) -> None:
        for at in range(0, len(events), 150):
            await feed.append(events[at : at + 150])

    await asyncio.gather(tell(kind.feed()), tell(kind.feed()))
    assert await kind.feed().position() == (400, 4)
    if isinstance(kind, Real):
        assert await kind.fed() == [told.payload for told in events]


async def test_ticks_are_given_newest_first_and_then_as_they_come(kind: Kind) -> None:
    ticks, bus = await kind.ticks(), await kind.bus()
    one, two = (subjects.progress(kind.workspace, ENDPOINT, job) for job in ("one", "two"))
    for number in range(10):
        await bus.publish(one, b"one %d" % number)
    await bus.publish(two, b"two 0")
    await asyncio.sleep(0.2)
    seen = await _seen(ticks, 2)
    newest = {Ticked(ENDPOINT, "one", b"one 9"), Ticked(ENDPOINT, "two", b"two 0")}
    assert set(seen) == newest
    following = asyncio.create_task(_seen(ticks, 5))
    await asyncio.sleep(0.3)
    for number in range(1, 4):
        await bus.publish(two, b"two %d" % number)
    came = (await following)[2:]
    assert [ticked.payload for ticked in came] == [b"two 1", b"two 2", b"two 3"]


async def _seen(ticks: Ticks, count: int) -> list[Ticked]:
    seen: list[Ticked] = []
    async with asyncio.timeout(WITHIN_S), aclosing(ticks.follow()) as batches:
        async for batch in batches:
            seen += batch
            if len(seen) >= count:
                break
    return seen
