"""`verify` without a manifest, and `rebuild`: the log folded anew, held against what is in use.

Both ask the servers themselves, not the gateway.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import asdict, replace

from services.cli import screen
from services.cli.addresses import complete, own_settings
from services.cli.failures import FAILED, Failure, Usage
from services.cli.processes import BOTH, log
from services.historian.archive import Archive
from services.historian.instants import epoch_of
from services.historian.verify import Compared
from services.historian.verify import verify as verify_past
from services.projector import rebuild as anew
from services.projector.compare import PARTS
from services.projector.fold import Folded
from services.projector.fold import Refused as InUse
from services.projector.rebuild import Report
from services.projector.verify import CHECK, Part, Verdict, verify_beside, verify_feed
from services.runtime.bus import NatsBus, open_bus
from services.runtime.database import Pool, is_passing, open_database
from services.runtime.nats_feed import NatsFeed
from services.runtime.nats_log import NatsLog, NatsSnapshots
from services.runtime.ports import NoAnswer, Refused
from services.runtime.settings import Settings

INSTANTS = "instants"
SHOWN_MAX = 2_000

Told = Callable[[Folded], None]
T = TypeVar("T")


class Proof(Struct, frozen=True):
    """As JSON: `chain` is the chain value of the commit at `sequence`, the last one; `broken` says
    where the log is not what was stored.
    """

    same: bool
    sequence: int
    chain: str
    events: int
    seconds: float
    broken: str
    parts: list[Part]


def verify(data: Path | None, json: bool) -> int:
    settings = complete(own_settings(data), *BOTH)
    log("verify", settings)
    with folding() as told:
        proof = run(_proved(settings, told))
    if json:
        screen.emit(proof)
    else:
        _say(proof)
    return 0 if proof.same else FAILED


async def _proved(settings: Settings, told: Told) -> Proof:
    async with servers(settings, "verify") as (bus, log, archive, live):
        beside = await anew.open_beside(settings.database_url, CHECK)
        try:
            verdict = await verify_beside(log, live, beside, told)
        finally:
            beside.terminate()
        if verdict.broken:
            return _proof(verdict, [])
        workspace = settings.workspace
        feed = await verify_feed(log, NatsFeed(bus, workspace), workspace)
        snapshots = NatsSnapshots(bus, workspace)
        compared = await verify_past(log, archive, snapshots, lambda _: None)
        kept = [Part(one.name, one.count, one.difference) for one in compared]
        return _proof(verdict, [feed, *kept])


@asynccontextmanager
async def servers(
    settings: Settings, name: str
) -> AsyncIterator[tuple[NatsBus, NatsLog, Archive, Pool]]:
    """Those of this machine, for a log that is not empty."""
    bus = await open_bus(settings.nats_url, name=name)
    try:
        log = NatsLog(bus, settings.workspace)
        if await log.last() is None:
            raise Failure("the log is empty: there is nothing to go on yet")
        epoch = epoch_of((await log.get(1)).payload)
        pool = await open_database(settings.database_url, name=name, size=3)
        try:
            yield bus, log, Archive(pool, epoch), pool
        finally:
            pool.terminate()
    finally:
        await bus.close()


def _proof(verdict: Verdict, more: list[Part]) -> Proof:
    parts = [*verdict.parts, *more]
    same = not verdict.broken and not any(part.difference for part in parts)
    return Proof(same=same, **asdict(replace(verdict, parts=parts)))


def _say(proof: Proof) -> None:
    made = screen.table("WHAT", "COUNT", "HASH", "", right=("COUNT",))
    chain = screen.plain("broken" if proof.broken else "whole", "red" if proof.broken else "green")
    made.add_row("log", f"{proof.sequence:,}", screen.plain(proof.chain[:16], "dim"), chain)
    for part in proof.parts:
        word = screen.plain(*(("differs", "red") if part.difference else ("the same", "green")))
        made.add_row(part.name, f"{part.count:,}", screen.plain(part.digest, "dim"), word)
    screen.draw(made)
    if proof.broken:
        screen.say(f"the log is not what was stored: {proof.broken}")
    for part in proof.parts:
        if part.difference:
            screen.draw(screen.plain(part.difference[:SHOWN_MAX]))
    if proof.same:
        screen.say(f"commit {proof.sequence:,} has the chain value {proof.chain}")


def rebuild(
    *parts: str,
    data: Path | None = None,
    json: bool = False,
) -> int:
    """Make the read side anew from the log, beside the one in use, and put it in its place.

    Parameters
    ----------
    parts
        Only these: queues, endpoints, jobs, tasks, log, instants; all tables if left out.
    data
        The data directory (also HAULAGE_DATA).
    json
        Print JSON.
    """
    for part in parts:
        if part not in (*PARTS, INSTANTS):
            known = ", ".join((*PARTS, INSTANTS))
            raise Usage(f"there is no part {part!r}: name some of {known}, or none for all tables")
    settings = complete(own_settings(data), *BOTH)
    log("rebuild", settings)
    tables = [part for part in parts if part != INSTANTS]
    report = kept = None
    if tables or not parts:
        with folding() as told:
            report = run(_tables_anew(settings, tables, told))
    if INSTANTS in parts:
        kept = run(_instants_anew(settings))
    if json:
        screen.emit(Rebuilt(report, kept))
        return 0
    for line in [*(_said(report) if report else []), *([_said_of(kept)] if kept else [])]:
        screen.draw(screen.plain(line))
    return 0


class Rebuilt(Struct, frozen=True):
    """As JSON, of what was asked for: the `difference` is null where nothing was compared."""

    tables: Report | None
    instants: Compared | None


async def _tables_anew(settings: Settings, parts: list[str], told: Told) -> Report:
    return await anew.rebuild(settings, told, parts=parts)


def _said(report: Report) -> list[str]:
    folded = report.folded
    far = f"{_far(folded)}, {folded.events:,} events, {_rate(folded)}"
    match report.difference:
        case None:
            return [far, "there were no rows to compare with"]
        case "":
            return [far, "the rows were the same as those in use"]
        case difference:
            return [far, f"the rows in use were others and are replaced; the first: {difference}"]


async def _instants_anew(settings: Settings) -> Compared:
    async with servers(settings, "rebuild") as (_, log, archive, _):
        (found,) = await verify_past(log, archive, None, lambda _: None, mend=True)
        return found


def _said_of(kept: Compared) -> str:
    was = f"; {kept.difference}, and is replaced" if kept.difference else ", all as they were"
    return f"{kept.count:,} instants were made again{was}"


def run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except InUse as error:
        raise Failure(str(error)) from None
    except Exception as error:
        if not isinstance(error, NoAnswer | Refused) and not is_passing(error):
            raise
        raise Failure(
            f"the bus or the database does not answer ({error}): see whether `haulage up` runs"
        ) from None


@contextmanager
def folding() -> Iterator[Told]:
    """How far it is: a bar on a terminal, else a line on stderr now and then."""
    if not sys.stderr.isatty():
        yield lambda folded: screen.note(f"{_far(folded)}, {_rate(folded)}")
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[said]}", markup=False),
    )
    console = Console(stderr=True, highlight=False, emoji=False)
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=None, said="")

        def show(folded: Folded) -> None:
            said = f"{_far(folded)}, {_rate(folded)}"
            progress.update(bar, total=folded.last, completed=folded.sequence, said=said)

        yield show


def _far(folded: Folded) -> str:
    return f"commit {folded.sequence:,} of {folded.last:,}"


def _rate(folded: Folded) -> str:
    return f"{folded.events_per_second:,.0f} events/s"
