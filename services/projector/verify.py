"""Proves the read side: walks the chain of the log and holds every table, and the feed, against a
fold of it that is made anew beside. Changes nothing that anybody reads.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from msgspec import Struct

from events.codec import Corrupt
from services.projector import batches, compare, feed
from services.projector.fold import Fold, Refused, Told, last_of
from services.projector.store import QUERIES, checkpoint, install
from services.runtime import ports
from services.runtime.database import Connection, Pool
from services.runtime.ports import Broken, Feed, Log, Stored

CHECK = "haulage_check"
TIMEOUT_S = 600.0


class Part(Struct, frozen=True):
    """A projection: `count` rows, events or boards were compared, `difference` "" for none."""

    name: str
    count: int
    difference: str = ""
    digest: str = ""


class Verdict(Struct, frozen=True):
    """`sequence` and `chain` are those of the last commit that was folded, `broken` says where the
    log is not what was stored, "" for nowhere.
    """

    sequence: int
    chain: str
    events: int
    seconds: float
    broken: str
    parts: list[Part]


async def verify_beside(log: Log, live: Pool, beside: Pool, told: Told) -> Verdict:
    """`beside` is of the schema `CHECK`. Raises Refused, NoAnswer."""
    if not await install(live, "haulage"):
        raise Refused("the tables in use are of another version: start its projector, or rebuild")
    async with live.acquire() as turn:
        if not await turn.fetchval(QUERIES["try_rebuild"]):
            raise Refused("a rebuild of this database is running: verify when it has ended")
        await turn.execute(f"drop schema if exists {CHECK} cascade", timeout=TIMEOUT_S)
        try:
            await install(beside, CHECK)
            async with beside.acquire() as connection:
                return await _verdict(Fold(log, connection, told), live)
        finally:
            await turn.execute(f"drop schema if exists {CHECK} cascade", timeout=TIMEOUT_S)


async def _verdict(fold: Fold, live: Pool) -> Verdict:
    parts: list[Part] = []
    broken = ""
    try:
        parts = [part async for part in _compared(fold, live)]
        await fold.up_to(await last_of(fold.log))
    except (Broken, Corrupt) as error:
        broken = str(error)
    at = await checkpoint(fold.connection)
    folded = fold.folded
    return Verdict(at.sequence, at.chain, folded.events, folded.seconds, broken, parts)


async def _compared(fold: Fold, live: Pool) -> AsyncIterator[Part]:
    """The tables as of the commit at which they stand, in one picture of them."""
    async with live.acquire() as connection:
        there = await last_of(fold.log)
        await fold.up_to(min((await checkpoint(connection)).sequence, there))
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            at = await checkpoint(connection)
            await fold.up_to(min(at.sequence, await last_of(fold.log)))
            yield await _place(connection, fold.connection)
            tables = compare.tables_of(())
            async for one in compare.compared(connection, fold.connection, tables):
                yield Part(one.table, one.rows, one.difference, one.digest)


async def _place(live: Connection, beside: Connection) -> Part:
    """Where the rows say that they stand."""
    mine, theirs = await checkpoint(live), await checkpoint(beside)
    is_same = (mine.sequence, mine.chain) == (theirs.sequence, theirs.chain)
    told = f"commit {mine.sequence} {mine.chain} was to be {theirs.sequence} {theirs.chain}"
    return Part("checkpoint", mine.sequence, "" if is_same else f"checkpoint: {told}")


# The feed.


async def verify_feed(log: Log, told: Feed, workspace: str) -> Part:
    """Whether the feed holds just what it is to hold of the log, from its oldest event on."""
    count = 0
    expected: AsyncIterator[ports.Told] | None = None
    async with aclosing(told.told_so_far()) as batches_told:
        async for batch in batches_told:
            for one in batch:
                if expected is None:
                    expected = _from(log, one.sequence, one.index, workspace)
                wanted = await anext(expected, None)
                if one != wanted:
                    return Part("feed", count, f"feed: {_shown(one)} was to be {_shown(wanted)}")
                count += 1
    return Part("feed", count)


def _shown(told: ports.Told | None) -> str:
    return f"{told.subject} {told.payload.decode()}" if told else "no event"


async def _from(log: Log, sequence: int, index: int, workspace: str) -> AsyncIterator[ports.Told]:
    """What the feed holds from an event on, as far as the log goes now."""
    last = await last_of(log)
    if not 1 <= sequence <= last:
        return
    first = await log.get(sequence)
    for one in _events(first, workspace):
        if one.index >= index:
            yield one
    if sequence == last:
        return
    async with aclosing(log.follow(sequence, first.chain)) as commits:
        async for stored in commits:
            for commit in stored:
                for one in _events(commit, workspace):
                    yield one
                if commit.sequence == last:
                    return


def _events(stored: Stored, workspace: str) -> list[ports.Told]:
    commit = batches.decode(stored.sequence, stored.payload)
    return [feed.told(workspace, recorded) for recorded in commit]
