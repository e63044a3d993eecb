"""Fills the feed, the public face of the log: one message an event, in order, without gaps.

Where it stands is on the feed's own last message; what is there already is left out, so that it
may be stopped at any instant, or run twice, without harm.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from events import codec, subjects
from events.codec import Recorded
from services.projector import batches
from services.projector.rows import Pause
from services.runtime.log import logger
from services.runtime.ports import Feed, Log, NoAnswer, Stored, Told

EVENTS_MAX = 1_000


async def keep_feed(log: Log, feed: Feed, workspace: str) -> None:
    """Runs until cancelled. Raises Broken or Corrupt when the log cannot be read on."""
    pause = Pause()
    while True:
        try:
            await _follow(log, feed, workspace, pause)
        except NoAnswer as error:
            logger.warning("feed.again", error=str(error))
            await pause.sleep()


async def _follow(log: Log, feed: Feed, workspace: str, pause: Pause) -> None:
    sequence, index = await feed.position()
    after, chain = 0, codec.CHAIN_START
    if sequence:
        begun = await log.get(sequence)
        await _append(feed, [told for told in _told(workspace, begun) if told.index > index])
        after, chain = sequence, begun.chain
    logger.info("feed.following", sequence=after)
    async with aclosing(log.follow(after, chain)) as commits:
        async for stored in commits:
            await _append(feed, [told for one in stored for told in _told(workspace, one)])
            pause.reset()


async def _append(feed: Feed, told: list[Told]) -> None:
    for start in range(0, len(told), EVENTS_MAX):
        await feed.append(told[start : start + EVENTS_MAX])
        await asyncio.sleep(0)


def _told(workspace: str, stored: Stored) -> list[Told]:
    commit = batches.decode(stored.sequence, stored.payload)
    return [told(workspace, recorded) for recorded in commit]


def told(workspace: str, recorded: Recorded) -> Told:
    return Told(
        subject=subjects.feed(workspace, recorded.event),
        sequence=recorded.sequence,
        index=recorded.index,
        payload=codec.encode_one(workspace, recorded),
    )
