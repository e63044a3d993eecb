"""What people commanded lately, found in the log, and what would take it back.

The board remembers the newest commands; their commits say who gave them and what was decided.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import islice

from msgspec import Struct

from events import codec
from events.codec import Recorded
from projections import snapshot
from projections.past import Past
from services.historian import scope, undo
from services.historian.commands import (
    UNDO_OF,
    Commanded,
    Commands,
    CommandsFound,
    UndoFound,
    Undoing,
    When,
)
from services.historian.instants import Instants
from services.runtime.ports import Log
from services.scheduler.commands import Rejected, Role, Undo, Why

LOOKED_MAX = 500
TOLD_MAX = 50


class Decided(Struct, frozen=True):
    """A command: `mine` of its commit is what the person decided, `actor`."""

    command: str
    actor: str
    commit: list[Recorded]
    mine: list[Recorded]


async def lately(asked: Commands, past: Past, log: Log) -> CommandsFound:
    """Raises NoAnswer."""
    ids = list(islice(reversed(past.board.recent), LOOKED_MAX))
    found: list[Commanded] = []
    async for one in _decided(ids, past, log):
        if one.actor == asked.actor.name and not one.command.startswith(UNDO_OF):
            found.append(_told(one, past))
        if len(found) == asked.limit:
            break
    return CommandsFound(found)


async def _decided(ids: list[str], past: Past, log: Log) -> AsyncIterator[Decided]:
    known: dict[int, list[Recorded]] = {}
    recent = dict(past.board.recent)
    for command in ids:
        sequence = recent[command].sequence
        if sequence not in known:
            known = {sequence: codec.decode((await log.get(sequence)).payload)}
        by = [one for one in known[sequence] if one.cause == command]
        mine = [one for one in by if one.actor != codec.SCHEDULER]
        if mine:
            yield Decided(command, mine[0].actor, known[sequence], mine)


def _told(one: Decided, past: Past) -> Commanded:
    first = one.mine[0]
    undone = UNDO_OF + one.command in past.board.recent
    said = undo.text(one.mine, _names(one, past))
    return Commanded(one.command, first.sequence, first.at, said, undo.can(one.mine), undone)


async def undoing(asked: Undoing, instants: Instants, log: Log) -> UndoFound | Rejected:
    """Raises NoAnswer."""
    past = await instants.open(When())
    assert isinstance(past, Past), "the newest is there"
    one = await _find(asked, past, log)
    if isinstance(one, Rejected):
        return one
    names, told = _names(one, past), _told(one, past)
    if told.undone:
        detail = f"it was undone already: to take that back, undo {UNDO_OF + one.command!r}"
        return Rejected(Why.CONFLICT, detail, "command")
    steps = await _steps(one, instants)
    if isinstance(steps, Rejected):
        return steps
    past = await instants.open(When())
    assert isinstance(past, Past), "the newest is there"
    named = undo.jobs_of(one.mine)
    everywhere = any(getattr(told.event, "job", None) is None for told in one.mine)
    touched = scope.of(named, past.board, everywhere=everywhere)
    saved, now = snapshot.part(past.board, touched.jobs), max(asked.now, past.board.at)
    does = await asyncio.to_thread(undo.preview, steps, asked.actor, saved, now, names, TOLD_MAX)
    return does if isinstance(does, Rejected) else UndoFound(told, steps, does)


async def _find(asked: Undoing, past: Past, log: Log) -> Decided | Rejected:
    if asked.command in past.board.recent:
        async for one in _decided([asked.command], past, log):
            if one.actor == asked.actor.name or asked.actor.role is Role.ADMIN:
                return one
    detail = f"you gave no command {asked.command[:80]!r} lately: see the list of your commands"
    return Rejected(Why.ABSENT, detail, "command")


async def _steps(one: Decided, instants: Instants) -> Undo | Rejected:
    first, named = one.mine[0], undo.jobs_of(one.mine)
    past = await instants.open(When(sequence=max(1, first.sequence - 1)))
    assert isinstance(past, Past), "the commit before is there"
    saved = snapshot.part(past.board, named)
    return undo.undo(one.command, one.mine, undo.before(saved, one.commit, first))


def _names(one: Decided, past: Past) -> dict[str, str]:
    """Of queues, endpoints, and the jobs that the command is about."""
    names = {row.id: row.code for row in past.rows.queues.values()}
    names |= {row.id: row.name for row in past.rows.endpoints.values()}
    return names | {job: past.board.jobs[job].name for job in undo.jobs_of(one.mine)}
