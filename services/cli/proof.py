"""`verify` without a manifest, and `rebuild`: the log folded anew, held against what is in use.

Both ask the servers themselves, not the gateway.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from services.cli import screen
from services.cli.addresses import complete, own_settings
from services.cli.failures import FAILED, Failure, Usage
from services.cli.processes import BOTH, log
from services.projector.compare import PARTS
from services.projector.fold import Folded
from services.projector.verify import Part, Verdict
from services.runtime.ports import NoAnswer, Refused
from services.runtime.settings import Settings

INSTANTS = "instants"
PATIENCE_S = 20.0
SHOWN_MAX = 2_000

Told = Callable[[Folded], None]
T = TypeVar("T")


class Proof(Struct, frozen=True):
    """As JSON: `chain` is the chain value of the last commit that fits, `sequence` its number."""

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
        proof = _run(_proved(settings, told))
    if json:
        screen.emit(proof)
    else:
        _say(proof)
    return 0 if proof.same else FAILED


async def _proved(settings: Settings, told: Told) -> Proof:
    from services.historian import verify as past
    from services.historian.archive import Archive
    from services.historian.instants import epoch_of
    from services.projector import rebuild
    from services.projector.verify import CHECK, verify_beside, verify_feed
    from services.runtime.bus import open_bus
    from services.runtime.database import open_database
    from services.runtime.nats_feed import NatsFeed
    from services.runtime.nats_log import NatsLog, NatsSnapshots

    async with AsyncExitStack() as stack:
        bus = await open_bus(settings.nats_url, name="verify")
        stack.push_async_callback(bus.close)
        live = await open_database(settings.database_url, name="verify", size=3)
        stack.callback(live.terminate)
        beside = await rebuild.open_beside(settings.database_url, CHECK)
        stack.callback(beside.terminate)
        log_, workspace = NatsLog(bus, settings.workspace), settings.workspace
        last: list[Folded] = []

        def heard(folded: Folded) -> None:
            last[:] = [folded]
            told(folded)

        verdict = await verify_beside(log_, live, beside, heard)
        seconds = last[0].seconds if last else 0.0
        if verdict.broken:
            return _proof(verdict, seconds, [])
        parts = [await verify_feed(log_, NatsFeed(bus, workspace), workspace)]
        archive = Archive(live, epoch_of((await log_.get(1)).payload))
        await archive.install()
        snapshots = NatsSnapshots(bus, workspace)
        compared = await past.verify(log_, archive, snapshots, lambda _: None)
        parts += [Part(one.name, one.count, one.difference) for one in compared]
        return _proof(verdict, seconds, parts)


def _proof(verdict: Verdict, seconds: float, more: list[Part]) -> Proof:
    parts = [*verdict.parts, *more]
    same = not verdict.broken and not any(part.difference for part in parts)
    return Proof(
        same, verdict.sequence, verdict.chain, verdict.events, seconds, verdict.broken, parts
    )


def _say(proof: Proof) -> None:
    made = screen.table("WHAT", "COUNT", "HASH", "", right=("COUNT",))
    chain = screen.plain("broken" if proof.broken else "whole", "red" if proof.broken else "green")
    made.add_row("log", f"{proof.sequence:,}", screen.plain(proof.chain[:16], "dim"), chain)
    for part in proof.parts:
        word = screen.plain(*(("differs", "red") if part.difference else ("the same", "green")))
        made.add_row(part.name, f"{part.count:,}", screen.plain(part.digest, "dim"), word)
    screen.draw(made)
    if proof.broken:
        screen.say(
            f"behind commit {proof.sequence:,} the log is not what was stored: {proof.broken}"
        )
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
    from services.projector.rebuild import Report
    from services.projector.rebuild import rebuild as run

    tables = [part for part in parts if part != INSTANTS]
    reports: list[Report] = []
    if tables or not parts:
        with folding() as told:
            reports.append(_run(run(settings, told, parts=tables)))
    said = _reported(reports)
    if INSTANTS in parts:
        said.append(_run(_instants_anew(settings)))
    if json:
        screen.emit({"events": sum(one.folded.events for one in reports), "said": said})
    else:
        for line in said:
            screen.draw(screen.plain(line))
    return 0


def _reported(reports: list[Any]) -> list[str]:
    said = []
    for report in reports:
        folded = report.folded
        said.append(f"{_far(folded)}, {folded.events:,} events, {_rate(folded)}")
        match report.difference:
            case None:
                said.append("there were no rows to compare with")
            case "":
                said.append("the rows were the same as those in use")
            case difference:
                said.append(
                    f"the rows in use were others and are replaced; the first: {difference}"
                )
    return said


async def _instants_anew(settings: Settings) -> str:
    from services.historian import verify as past
    from services.historian.archive import Archive
    from services.historian.instants import epoch_of
    from services.runtime.bus import open_bus
    from services.runtime.database import open_database
    from services.runtime.nats_log import NatsLog

    async with AsyncExitStack() as stack:
        bus = await open_bus(settings.nats_url, name="rebuild")
        stack.push_async_callback(bus.close)
        pool = await open_database(settings.database_url, name="rebuild", size=2)
        stack.callback(pool.terminate)
        log_ = NatsLog(bus, settings.workspace)
        archive = Archive(pool, epoch_of((await log_.get(1)).payload))
        await archive.install()
        (found,) = await past.verify(log_, archive, None, lambda _: None, mend=True)
    was = f"; {found.difference}, and is replaced" if found.difference else ", all as they were"
    return f"{found.count:,} instants were made again{was}"


def _run(work: Coroutine[Any, Any, T]) -> T:
    from services.projector.fold import Refused as InUse
    from services.runtime.database import is_passing

    try:
        return asyncio.run(work)
    except InUse as error:
        raise Failure(str(error)) from None
    except LookupError:
        raise Failure("the log is empty: there is nothing to prove yet") from None
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
