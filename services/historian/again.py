"""A stretch of the log gone through again: what each event changed, or whether this version's
scheduler decides what is recorded. Each answer is bounded; it says from where to go on.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

from msgspec.structs import replace

from events.codec import Recorded
from projections.past import Past
from services.historian.checking import Check, Difference
from services.historian.commands import (
    CheckAgain,
    CheckFound,
    Instant,
    Replay,
    ReplayFound,
    Side,
    Step,
    When,
)
from services.historian.instants import Instants
from services.historian.replaying import steps
from services.scheduler import explain
from services.scheduler.commands import Rejected, Why

BYTES_MAX = 400_000
WORK_S = 4.0


async def replay(asked: Replay, instants: Instants, newest: int) -> ReplayFound | Rejected:
    """Raises NoAnswer."""
    stretch = await _stretch(asked.when, asked.until, instants, newest)
    if isinstance(stretch, Rejected):
        return stretch
    first, last = stretch
    going, found, size = await instants.before(first), list[Step](), 0
    ends_s, following = time.monotonic() + WORK_S, None
    async with contextlib.aclosing(instants.commits(going, last)) as commits:
        async for commit in commits:
            told = list(steps(commit, going.past, asked.job))
            found += told
            size += sum(_size(step) for step in told)
            is_full = len(found) >= asked.limit or size > BYTES_MAX or time.monotonic() > ends_s
            if is_full and going.past.sequence < last:
                following = going.past.sequence + 1
                break
    at = Instant(going.past.sequence, going.past.board.at, newest)
    return ReplayFound(at, found, names_of(going.past, found), following)


def _size(step: Step) -> int:
    changed = (len(bytes(one.before)) + len(bytes(one.after)) for one in step.changes)
    return 300 + len(bytes(step.data)) + sum(changed)


def names_of(past: Past, found: Sequence[Step]) -> dict[str, str]:
    """What people call the queues and endpoints, and the jobs of these steps."""
    rows = past.rows
    jobs = {step.job for step in found if step.job}
    named = {one: rows.jobs[one].name for one in jobs if one in rows.jobs}
    named |= {row.id: row.code for row in rows.queues.values()}
    return named | {row.id: row.name for row in rows.endpoints.values()}


async def check(asked: CheckAgain, instants: Instants, newest: int) -> CheckFound | Rejected:
    """Raises NoAnswer."""
    stretch = await _stretch(asked.when, asked.until, instants, newest)
    if isinstance(stretch, Rejected):
        return stretch
    first, last = stretch
    going, events, following = await instants.before(first), 0, None
    checking, ends_s = Check(going.past.board), time.monotonic() + WORK_S
    async with contextlib.aclosing(instants.commits(going, last)) as commits:
        async for commit in commits:
            differs = checking.look(commit)
            if differs is not None:
                return await _told(differs, commit, checking, events, instants, newest)
            events += len(commit)
            if time.monotonic() > ends_s and commit[0].sequence < last:
                following = commit[0].sequence + 1
                break
    board = checking.board
    at = Instant(board.sequence, board.at, newest)
    return CheckFound(at, events, checking.decisions, following, at=board.sequence)


async def _told(
    differs: Difference,
    commit: Sequence[Recorded],
    checking: Check,
    events: int,
    instants: Instants,
    newest: int,
) -> CheckFound:
    """With the two boards: as it is recorded, and as this version decides."""
    decisions = [one for one in (differs.recorded, differs.decided) if one is not None]
    jobs = dict.fromkeys(getattr(one.event, "job", "") for one in decisions)
    sides, names, at = [], dict[str, str](), commit[0].at
    for decision in (differs.recorded, differs.decided):
        past = (await instants.before(differs.sequence)).past
        past.apply(commit[: differs.index])
        before = list(steps([decision] if decision else [], past, None))
        known = [past.board.jobs[job] for job in jobs if job in past.board.jobs]
        sides.append(Side(before[0] if before else None, explain.reasons(known, past.board)))
        names |= names_of(past, before)
    return CheckFound(
        instant=Instant(differs.sequence, at, newest),
        events=events,
        decisions=checking.decisions,
        next=None,
        recorded=sides[0],
        decided=sides[1],
        names=names,
        at=differs.sequence,
    )


async def _stretch(
    begins: When, ends: When, instants: Instants, newest: int
) -> tuple[int, int] | Rejected:
    """The first and the last commit of it: of a time those that were stored after it."""
    first, last = await instants.place(begins), await instants.place(ends)
    if isinstance(first, Rejected):
        return replace(first, field="from")
    if isinstance(last, Rejected):
        return replace(last, field="to")
    if begins.time is not None:
        first = min(first + 1, newest)
    if instants.first > 1:  # Of a stretch: what was before that is not here.
        first = max(first, instants.first + 1)
    if last < first:
        detail = f"commit {last} is before {first}: name the earlier one first"
        return Rejected(Why.INVALID, detail, "to")
    return first, last
