"""The proof: whatever is not as the log has it is found, and what is proven is left as it is."""

from __future__ import annotations

import msgspec
import pytest

from projections import past as pasts
from projections import snapshot
from projections.past import Past
from services.historian import verify as historian
from services.historian.archive import Archive, Kept
from services.projector import rebuild
from services.projector.feed import told as in_feed
from services.projector.fold import Folded, Refused
from services.projector.queries import QUERIES
from services.projector.verify import CHECK, Verdict, verify_beside, verify_feed
from services.runtime.database import Pool
from services.runtime.memory import MemoryFeed, MemoryLog, MemorySnapshots
from services.runtime.ports import Snapshot, Stored
from tests.projections.histories import commit, stored
from tests.services import read_side
from tests.services.read_side import everything, expected, opened, write_all
from tests.services.spec import History, transfer
from tests.services.test_projector_rebuild import STORY

COMMITS = commit(STORY)


async def _log() -> MemoryLog:
    log = MemoryLog()
    await read_side.fill(log, COMMITS)
    return log


async def _verified(url: str, log: MemoryLog, live: Pool) -> Verdict:
    heard: list[Folded] = []
    beside = await rebuild.open_beside(url, CHECK)
    try:
        return await verify_beside(log, live, beside, heard.append)
    finally:
        beside.terminate()


async def test_what_follows_from_the_log_is_proven_and_left_as_it_is(database_url: str) -> None:
    log = await _log()
    async with opened(database_url) as pool:
        await write_all(pool, log.commits[:3])
        verdict = await _verified(database_url, log, pool)
        assert verdict.broken == ""
        assert [part.difference for part in verdict.parts] == [""] * 10
        assert (verdict.sequence, verdict.chain) == (len(COMMITS), log.commits[-1].chain)
        counts = {part.name: part.count for part in verdict.parts}
        assert (counts["checkpoint"], counts["job_log"]) == (3, sum(map(len, COMMITS[:3])))
        assert await everything(pool) == expected(COMMITS[:3])
        assert await pool.fetchval(f"select to_regnamespace('{CHECK}') is null")


@pytest.mark.parametrize(
    ("harm", "part"),
    [
        ("update jobs set size = size + 1", "jobs"),
        ("delete from tasks where number = 1", "tasks"),
        ("update endpoints set online = not online", "endpoints"),
        ("update job_counts set jobs = jobs + 1", "job_counts"),
        ("update job_log set actor = 'eve' where sequence = 4", "job_log"),
        ("update queues set priority = 1", "queues"),
        ("update runs set endpoint = 'x'", "runs"),
        ("update checkpoint set chain = 'x'", "checkpoint"),
    ],
)
async def test_a_row_that_is_another_is_named(database_url: str, harm: str, part: str) -> None:
    log = await _log()
    async with opened(database_url) as pool:
        await write_all(pool, log.commits)
        await pool.execute(harm)
        verdict = await _verified(database_url, log, pool)
        (wrong,) = [one for one in verdict.parts if one.difference]
        assert wrong.name == part
        assert wrong.difference.startswith(f"{part}: ")


async def test_a_commit_that_was_changed_breaks_the_chain(database_url: str) -> None:
    log = await _log()
    async with opened(database_url) as pool:
        await write_all(pool, log.commits)
        was = log.commits[3]
        log.commits[3] = msgspec.structs.replace(was, payload=was.payload.replace(b"ann", b"eve"))
        assert log.commits[3] != was
        verdict = await _verified(database_url, log, pool)
        assert verdict.broken
        assert verdict.sequence <= 3


async def test_two_proofs_do_not_get_in_each_others_way(database_url: str) -> None:
    log = await _log()
    async with opened(database_url) as pool, pool.acquire() as other:
        await other.fetchval(QUERIES["try_rebuild"])
        with pytest.raises(Refused):
            await _verified(database_url, log, pool)


async def test_the_feed_is_held_against_the_log_from_its_oldest_event_on() -> None:
    log, feed = await _log(), MemoryFeed()
    all_told = [in_feed("main", recorded) for one in COMMITS for recorded in one]
    feed.told = all_told[2:-1]
    proven = await verify_feed(log, feed, "main")
    assert (proven.count, proven.difference) == (len(feed.told), "")
    for harmed in (all_told[2:5] + all_told[6:], [*all_told, all_told[-1]]):
        feed.told = harmed
        assert (await verify_feed(log, feed, "main")).difference.startswith("feed: ")
    feed.told = [msgspec.structs.replace(all_told[0], payload=b"{}"), *all_told[1:]]
    assert "{}" in (await verify_feed(log, feed, "main")).difference
    feed.told = []
    assert (await verify_feed(log, feed, "main")).count == 0


def _history() -> tuple[History, list[Stored]]:
    history = History()
    for letter in "abc":
        history.ask(transfer(letter))
        history.listed(letter)
    history.finished("a")
    return history, stored(history.log)


async def test_what_is_kept_of_the_past_is_proven_and_mended(database_url: str) -> None:
    history, commits = _history()
    log, snapshots = MemoryLog(), MemorySnapshots()
    for one in commits:
        await log.append(one.payload, chain=one.chain, after=one.sequence - 1)
    async with opened(database_url) as pool:
        archive = Archive(pool, "an-epoch")
        await archive.install()
        past = Past()
        for sequence, recorded in enumerate(history.log, 1):
            past.apply(recorded)
            chain = commits[sequence - 1].chain
            if sequence == 3:  # Kept by one that began from a kept one, as a historian does.
                past = pasts.load(pasts.save(past))
            if sequence in (2, 3, 5):
                await archive.keep(Kept(sequence, chain, pasts.save(past)), past.board.at)
            if sequence == 5:
                board = snapshot.save(past.board)
                await snapshots.save(Snapshot(sequence, chain, board))
        heard: list[int] = []
        proven = await historian.verify(log, archive, snapshots, heard.append)
        assert [(one.name, one.count, one.difference) for one in proven] == [
            ("instants", 3, ""),
            ("snapshot", 1, ""),
        ]
        past.board.jobs.pop(next(iter(past.board.jobs)))
        await archive.keep(Kept(3, commits[2].chain, pasts.save(past)), past.board.at)
        snapshots.saved = [Snapshot(5, "x", snapshot.save(past.board))]
        instants, of_board = await historian.verify(
            log, archive, snapshots, heard.append, mend=True
        )
        assert "commit 3" in instants.difference
        assert "commit 5" in of_board.difference
        (instants,) = await historian.verify(log, archive, None, heard.append)
        assert instants.difference == ""
