"""A stretch of a log read for a capsule: its commits, and what they go on from."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from msgspec import Struct

from events import codec, tasks
from events.codec import Recorded
from projections import capsule, past
from projections.capsule import Before, Body, Commit, Header
from projections.pseudonyms import Pseudonyms
from projections.tables import Tables
from services.cli.failures import Failure, Usage
from services.gateway import as_of
from services.historian.answers import find
from services.historian.archive import Archive
from services.historian.commands import When
from services.historian.instants import Instants
from services.runtime.ports import Log
from services.scheduler.commands import Rejected

KEY_BYTES = 32
INSTANT = timedelta(microseconds=1)


class Wanted(Struct, frozen=True):
    """Of a job from its submission on, or from `begins` to `ends`, as `as_of` is written."""

    job: str | None = None
    begins: str | None = None
    ends: str = "now"
    pseudonyms: bool = False


async def packed(
    log: Log, archive: Archive, workspace: str, wanted: Wanted
) -> tuple[Header, bytes]:
    """The capsule as a file. Raises Failure, Usage, NoAnswer, Broken."""
    instants = Instants(log, archive)
    last = _there(await instants.place(_when(wanted.ends, "--to")))
    job, first = None, 1
    if wanted.job is not None:
        job, first = await _job(wanted.job, last, instants)
    if wanted.begins is not None:
        begins = _when(wanted.begins, "--from")
        first = _there(await instants.place(begins))
        first = min(first + 1, last) if begins.time else first
    if last < first:
        raise Usage(f"commit {last} is before {first}: name the earlier one with --from")
    first = 1 if wanted.pseudonyms else first
    before, chain = await _before(instants, first)
    commits = await _commits(log, first - 1, chain, last)
    if before is not None:
        before = await _with_tasks(before, commits, log)
    if wanted.pseudonyms:
        made_up = Pseudonyms(os.urandom(KEY_BYTES))
        commits = capsule.chained(made_up.payload(one.payload) for one in commits)
    header = Header(
        capsule=capsule.VERSION,
        version=version("haulage"),
        form=past.FORM,
        workspace=workspace,
        epoch=(await instants.before(last)).past.board.epoch,
        first=first,
        last=last,
        made_at=datetime.now(UTC),
        job=job,
        pseudonyms=wanted.pseudonyms,
    )
    content = await asyncio.to_thread(capsule.write, header, Body(before, commits))
    return capsule.head(content), content


def _when(written: str, option: str) -> When:
    found = as_of.read(written, datetime.now(UTC), option)
    if isinstance(found, Rejected):
        raise Usage(found.detail)
    return found


def _there(found: int | Rejected) -> int:
    if isinstance(found, Rejected):
        raise Failure(found.detail)
    return found


async def _job(beginning: str, last: int, instants: Instants) -> tuple[str, int]:
    """Its id, and the commit in which it was submitted or one just before that."""
    opened = await instants.open(When(sequence=last))
    found = opened if isinstance(opened, Rejected) else find(beginning, None, opened)
    if isinstance(found, Rejected):
        raise Failure(found.detail)
    earlier = await instants.place(When(time=found.created_at - INSTANT))
    return found.id, 1 if isinstance(earlier, Rejected) else earlier + 1


async def _before(instants: Instants, first: int) -> tuple[Before | None, str]:
    if first == 1:
        return None, codec.CHAIN_START
    going = await instants.before(first)
    return Before(first - 1, going.chain, past.save(going.past)), going.chain


async def _commits(log: Log, after: int, chain: str, last: int) -> list[Commit]:
    commits: list[Commit] = []
    async with aclosing(log.follow(after, chain)) as batches:
        async for batch in batches:
            commits += [Commit(one.sequence, one.chain, one.payload) for one in batch]
            if commits[-1].sequence >= last:
                break
    return commits[: last - after]


async def _with_tasks(before: Before, commits: list[Commit], log: Log) -> Before:
    """With the rows of the jobs that were there before and whose tasks are spoken of."""
    there = past.load(before.instant).rows.jobs
    events = (one for commit in commits for one in codec.decode(commit.payload))
    jobs = {one.event.job for one in events if isinstance(one.event, tasks.Event)}
    jobs &= there.keys()
    if not jobs:
        return before
    tables = Tables()
    async with aclosing(log.follow(0, codec.CHAIN_START)) as batches:
        async for batch in batches:
            for stored in batch:
                if stored.sequence > before.sequence:
                    return _filled(before, tables)
                _apply(tables, codec.decode(stored.payload), jobs)
    raise AssertionError("the log goes on for ever")


def _apply(tables: Tables, commit: Iterable[Recorded], jobs: set[str]) -> None:
    for recorded in commit:
        if getattr(recorded.event, "job", None) in jobs:
            tables.apply(recorded)


def _filled(before: Before, tables: Tables) -> Before:
    return Before(
        before.sequence,
        before.chain,
        before.instant,
        [row for rows in tables.tasks.values() for row in rows.values()],
        [row for rows in tables.attempts.values() for row in rows],
        list(tables.runs.values()),
        list(tables.timings.values()),
    )
