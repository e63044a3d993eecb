"""The tables in PostgreSQL: a batch of events in, rows and checkpoint out, in one transaction.

Only one writer is at it at a time (an advisory lock of the database), whichever process it is in.
Each transaction looks up where the rows stand; when that is not where the batch begins, nothing
is written and the writer is told so.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct

from events import codec, jobs, tasks
from events.codec import Event, Recorded
from projections import (
    attempt_rows,
    job_rows,
    queue_rows,
    run_rows,
    task_rows,
    timing_rows,
)
from projections.tables import CountKey, Tables, Touched, counted, touched
from services.projector import batches, bulk, columns
from services.projector.batches import Batch
from services.projector.commands import Changed
from services.projector.queries import QUERIES as QUERIES
from services.projector.queries import SCHEMA as SCHEMA
from services.runtime.database import Connection, Pool

COPY_FROM = 100
TIMEOUT_S = 300.0


class Stale(Exception):
    """The rows do not stand where the batch begins: read the checkpoint again."""


class Checkpoint(Struct, frozen=True):
    """The last commit in the rows, and the last one whose rows were announced."""

    sequence: int
    chain: str
    announced: int


def fingerprint() -> str:
    """Names the tables' definition: rows of another one have to be made again."""
    return hashlib.sha256(SCHEMA.read_bytes()).hexdigest()


async def install(pool: Pool, schema: str) -> bool:
    """Make the schema and its tables where they are missing.

    False when there are tables of another definition.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(QUERIES["create_schema"].format(schema=schema))
        await connection.execute(QUERIES["take_turn"])
        if not await connection.fetchval(QUERIES["has_tables"]):
            await connection.execute(SCHEMA.read_text())
            await connection.execute(f"comment on schema \"{schema}\" is '{fingerprint()}'")
        await connection.execute(QUERIES["start_checkpoint"], codec.CHAIN_START)
        return bool(await connection.fetchval(QUERIES["fingerprint"]) == fingerprint())


async def checkpoint(connection: Connection | Pool) -> Checkpoint:
    row = await connection.fetchrow(QUERIES["checkpoint"])
    assert row is not None, "installed"
    return Checkpoint(*row)


async def write(
    connection: Connection,
    batch: Batch,
    *,
    after: int,
    announced: int,
    tasks_max: int = batches.TASKS_MAX,
) -> Changed:
    """Fold a batch that begins behind commit `after` into the tables. Raises Stale."""
    async with connection.transaction():
        await connection.execute(QUERIES["take_turn"])
        row = await connection.fetchrow(QUERIES["checkpoint_for_update"])
        if row is None or row["sequence"] != after:
            raise Stale
        changed = await _fold(connection, batch, tasks_max)
        move = QUERIES["move_checkpoint"]
        await connection.execute(move, batch.sequence, batch.chain, announced)
    return changed


async def begin(
    pool: Pool,
    tables: Tables,
    tasks_known: list[task_rows.Row],
    attempts: list[attempt_rows.Row],
    sequence: int,
    chain: str,
) -> None:
    """Tables that are empty, as they were after some commit of a log that is not all here."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(QUERIES["take_turn"])
        await _save_rows(connection, tables)
        await _put_attempts(connection, attempts)
        await _put_tasks(connection, tasks_known, [])
        await _save_counts(connection, {}, tables.jobs)
        await connection.execute(QUERIES["move_checkpoint"], sequence, chain, sequence)


async def _fold(connection: Connection, batch: Batch, tasks_max: int) -> Changed:
    rows = touched(batch.events)
    tables = await _load(connection, rows)
    before = dict(tables.jobs)
    for portion in batches.portions(batch.events, tasks_max=tasks_max):
        await _fold_portion(connection, tables, portion, tasks_max)
    await _save_rows(connection, tables)
    await _forget_progress(connection, tables, [recorded.event for recorded in batch.events])
    moved = await _save_counts(connection, before, tables.jobs)
    return _changed(batch.sequence, rows, moved, before, tables)


async def _fold_portion(
    connection: Connection, tables: Tables, portion: Sequence[Recorded], tasks_max: int
) -> None:
    """Tasks are loaded, folded and written by the portion; all other rows stay in memory."""
    first = portion[0]
    if bulk.is_bulk(first.event) and batches.tasks_named(first) > tasks_max:
        tables.apply(first, tally=await bulk.move(connection, first))
        return
    await _load_tasks(connection, tables, touched(portion))
    for recorded in portion:
        tables.apply(recorded)
    await _save_tasks(connection, tables)


async def _load(connection: Connection, rows: Touched) -> Tables:
    tables = Tables()
    if rows.jobs:
        for row in await connection.fetch(QUERIES["load_jobs"], list(rows.jobs)):
            tables.jobs[row["id"]] = columns.job_row(dict(row))
    if rows.queues:
        for row in await connection.fetch(QUERIES["load_queues"], list(rows.queues)):
            metadata = msgspec.json.decode(row["metadata"], type=dict[str, str])
            tables.queues[row["id"]] = queue_rows.Row(**{**row, "metadata": metadata})
    if rows.endpoints:
        for row in await connection.fetch(QUERIES["load_endpoints"], list(rows.endpoints)):
            tables.endpoints[row["id"]] = columns.endpoint_row(dict(row))
    if rows.runs:
        of_jobs, runs = zip(*rows.runs, strict=True)
        for row in await connection.fetch(QUERIES["load_runs"], of_jobs, runs):
            tables.runs[row["job"], row["run"]] = run_rows.Row(*row)
    if rows.timings:
        for row in await connection.fetch(QUERIES["load_timings"], list(rows.timings)):
            tables.timings[row["job"]] = timing_rows.Row(*row)
    return tables


async def _load_tasks(connection: Connection, tables: Tables, rows: Touched) -> None:
    if not rows.tasks:
        return
    jobs, firsts, lasts = zip(*rows.tasks, strict=True)
    loaded = await connection.fetch(QUERIES["load_tasks"], jobs, firsts, lasts, timeout=TIMEOUT_S)
    for row in loaded:
        tables.tasks.setdefault(row["job"], {})[row["number"]] = columns.task_row(tuple(row))


async def _save_tasks(connection: Connection, tables: Tables) -> None:
    """Void tasks go first. Tasks are stopped in bulk last: of the rows written here, those that
    the end of a run found executing know it already, the others are newer or not executing.
    """
    cleared, stopped = list(tables.cleared), list(tables.stopped.items())
    if cleared:
        await connection.execute(QUERIES["clear_tasks"], cleared, timeout=TIMEOUT_S)
        await connection.execute(QUERIES["clear_attempts"], cleared, timeout=TIMEOUT_S)
    await _put_attempts(connection, [one for of_job in tables.attempts.values() for one in of_job])
    await _put_tasks(connection, *tables.take_tasks())
    if stopped:
        ends = [(job, end.sequence, end.index) for job, end in stopped]
        why = columns.columns(attempt_rows.cut(end) for _, end in stopped)
        which, at = list(zip(*ends, strict=True)), [end.at for _, end in stopped]
        await connection.execute(QUERIES["keep_interrupted"], *which, at, *why, timeout=TIMEOUT_S)
        await connection.execute(QUERIES["stop_tasks"], *which, timeout=TIMEOUT_S)


async def _put_attempts(connection: Connection, new: list[attempt_rows.Row]) -> None:
    if new:
        rows, fields = columns.records(new), attempt_rows.Row.__struct_fields__
        await connection.copy_records_to_table(
            "attempts", records=rows, columns=fields, timeout=TIMEOUT_S
        )


async def _put_tasks(
    connection: Connection, new: list[task_rows.Row], changed: list[task_rows.Row]
) -> None:
    if len(new) < COPY_FROM:
        new, changed = [], new + changed
    if new:
        rows, fields = columns.records(new), task_rows.Row.__struct_fields__
        await connection.copy_records_to_table(
            "tasks", records=rows, columns=fields, timeout=TIMEOUT_S
        )
    if changed:
        rows_changed = columns.columns(changed)
        await connection.execute(QUERIES["save_tasks"], *rows_changed, timeout=TIMEOUT_S)


async def _save_rows(connection: Connection, tables: Tables) -> None:
    if tables.jobs:
        await connection.execute(QUERIES["save_jobs"], *columns.columns(tables.jobs.values()))
    if tables.queues:
        await connection.execute(QUERIES["save_queues"], *columns.columns(tables.queues.values()))
    if tables.endpoints:
        of_endpoints = columns.columns(tables.endpoints.values())
        await connection.execute(QUERIES["save_endpoints"], *of_endpoints)
    if tables.runs:
        await connection.execute(QUERIES["save_runs"], *columns.columns(tables.runs.values()))
    if tables.timings:
        timings = columns.columns(tables.timings.values())
        await connection.execute(QUERIES["save_timings"], *timings)
    lines = [columns.log_record(line) for line in tables.log.values()]
    await connection.copy_records_to_table("job_log", records=lines, timeout=TIMEOUT_S)


async def _forget_progress(connection: Connection, tables: Tables, events: Iterable[Event]) -> None:
    begun_anew = [job for job, row in tables.jobs.items() if row.status == "done"]
    begun_anew += _taken_back(events)
    if begun_anew:
        await connection.execute(QUERIES["forget_progress"], begun_anew)
    ended = [(one.job, one.run) for one in events if isinstance(one, tasks.Exited | tasks.Released)]
    if ended:
        which = zip(*ended, strict=True)
        await connection.execute(QUERIES["forget_command_progress"], *which)


def _taken_back(events: Iterable[Event]) -> Iterator[str]:
    """The jobs of which less is done than ticks said."""
    for event in events:
        match event:
            case jobs.ListingStarted(job=job, first=0):
                yield job
            case tasks.Queued() | tasks.Held() | tasks.Excluded() | tasks.MarkedFailed():
                if event.size:
                    yield event.job
            case _:
                pass


async def _save_counts(
    connection: Connection, before: dict[str, job_rows.Row], after: dict[str, job_rows.Row]
) -> Counter[CountKey]:
    """The counts that are other now."""
    more = counted(after.values())
    more.subtract(counted(before.values()))
    moved = Counter({key: count for key, count in more.items() if count})
    if moved:
        rows = [(*map(columns.text, key), count) for key, count in sorted(moved.items())]
        await connection.execute(QUERIES["add_counts"], *zip(*rows, strict=True))
        await connection.execute(QUERIES["drop_empty_counts"])
    return moved


def _changed(
    sequence: int,
    rows: Touched,
    moved: Counter[CountKey],
    before: dict[str, job_rows.Row],
    tables: Tables,
) -> Changed:
    """Queues show how many jobs they hold and endpoints how many run: these changed as well."""
    ends = {
        end
        for job, row in tables.jobs.items()
        for end in _changed_ends(before.get(job), row)
        if end
    }
    return Changed(
        sequence=sequence,
        jobs=sorted(rows.jobs),
        queues=sorted(rows.queues | {queue for queue, *_ in moved}),
        endpoints=sorted(rows.endpoints | ends),
    )


def _changed_ends(before: job_rows.Row | None, after: job_rows.Row) -> set[str]:
    """The endpoints on which more or fewer jobs run, or buckets of them, than before."""
    lanes = before.lanes if before else {}
    ends = {end for _, end in lanes.items() ^ after.lanes.items()}
    if (after.status == "running") != (before is not None and before.status == "running"):
        ends |= {after.source_endpoint, after.destination_endpoint}
    return ends
