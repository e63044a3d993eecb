"""Proves what is kept of the past: every instant, and the scheduler's newest snapshot, against the
log folded anew. What is another can be kept anew; what is of another version is not looked at.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import msgspec
from msgspec import Raw, Struct

from projections import past, snapshot
from projections.past import Past
from services.historian.archive import Archive, Kept
from services.historian.instants import Instants, load
from services.runtime.ports import Log, Snapshot, Snapshots

EACH = 500


class Compared(Struct, frozen=True):
    """So many are kept; `difference` says which is the first that is another, "" for none."""

    name: str
    count: int
    difference: str = ""


async def verify(
    log: Log,
    archive: Archive,
    snapshots: Snapshots | None,
    told: Callable[[int], None],
    *,
    mend: bool = False,
) -> list[Compared]:
    """`told` hears of the commit that it is at; with `mend` what is another is kept anew.

    Raises Broken, Corrupt, NoAnswer.
    """
    kept = await archive.sequences() if await archive.is_there() else set()
    saved = await snapshots.newest() if snapshots else None
    wrong: dict[str, str] = {}
    going, last = load(None), max([*kept, saved.sequence if saved else 0], default=0)
    newest = await Instants(log, archive).newest()
    moving = Instants(log, archive).move(going, min(last, newest))
    async with contextlib.aclosing(moving) as commits:
        async for _ in commits:
            at = going.past.sequence
            if at in kept and not await _is_same(going.past, going.chain, archive):
                wrong.setdefault("instants", f"instants: that of commit {at} is another")
                if mend:
                    body = Kept(at, going.chain, past.save(going.past))
                    await archive.keep(body, going.past.board.at)
            if saved and at == saved.sequence and not _is_board(going.past, going.chain, saved):
                wrong["snapshot"] = f"snapshot: that of commit {at} is another"
            if at % EACH == 0:
                told(at)
    for name, sequence in [("instants", one) for one in kept if one > newest]:
        wrong.setdefault(name, f"{name}: one is of commit {sequence}, which the log does not have")
    counts = {"instants": len(kept)} | ({"snapshot": 1} if saved else {})
    return [Compared(name, count, wrong.get(name, "")) for name, count in counts.items()]


async def _is_same(fresh: Past, chain: str, archive: Archive) -> bool:
    kept = await archive.nearest(fresh.sequence)
    if kept is None or (kept.sequence, kept.chain) != (fresh.sequence, chain):
        return False
    saved = past.save(fresh)
    return kept.body == saved or _values(kept.body) == _values(saved)


def _values(saved: bytes) -> object:
    """In what order things came to be known does not matter."""
    board, rows = msgspec.msgpack.decode(saved, type=tuple[bytes, Raw])
    return _decoded(board), msgspec.msgpack.decode(rows)


def _decoded(board: bytes) -> object:
    return msgspec.msgpack.decode(board, ext_hook=lambda code, data: (code, bytes(data)))


def _is_board(fresh: Past, chain: str, saved: Snapshot) -> bool:
    form, _ = msgspec.msgpack.decode(saved.board, type=tuple[str, Raw])
    if form != snapshot.FORM:
        return True  # Another version kept it, and this one will not read it.
    if saved.chain not in ("", chain):
        return False
    board = snapshot.save(fresh.board)
    return board == saved.board or _decoded(board) == _decoded(saved.board)
