"""A read side of its own for a test: a real database, and a log and a bus in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec

from events import codec, subjects
from events.codec import Recorded
from projections import attempt_rows, job_rows, queue_rows, run_rows, task_rows, timing_rows
from projections.job_log import Line, decode
from projections.tables import Tables, counted
from services.projector import batches, columns, compare, store
from services.projector.commands import Changed
from services.projector.rebuild import CARRIED
from services.projector.rows import Ports
from services.runtime.database import open_database
from services.runtime.memory import MemoryBus, MemoryLog
from services.runtime.ports import Stored
from tests.projections.histories import stored

WORKSPACE = "main"
WAIT_S = 60.0

Everything = dict[str, object]


@asynccontextmanager
async def opened(url: str, schema: str = "haulage") -> AsyncIterator[asyncpg.Pool]:
    """A pool on tables that are there."""
    pool = await open_database(url, name="test", size=4, schema=schema)
    try:
        await store.install(pool, schema)
        yield pool
    finally:
        pool.terminate()


class Heard:
    """What the projector announced."""

    def __init__(self, bus: MemoryBus) -> None:
        self.changes: list[Changed] = []
        self._bus = bus

    async def listen(self) -> None:
        await self._bus.serve(subjects.rows(WORKSPACE), self._keep)

    async def _keep(self, subject: str, payload: bytes) -> None:
        self.changes.append(msgspec.json.decode(payload, type=Changed))


def ports(pool: asyncpg.Pool, log: MemoryLog | None = None, bus: MemoryBus | None = None) -> Ports:
    return Ports(WORKSPACE, log or MemoryLog(), bus or MemoryBus(), pool)


async def fill(log: MemoryLog, commits: Sequence[Sequence[Recorded]]) -> None:
    for one in stored(commits):
        await log.append(one.payload, chain=one.chain, after=one.sequence - 1)


async def write_all(
    pool: asyncpg.Pool, commits: Sequence[Stored], *, tasks_max: int = batches.TASKS_MAX
) -> None:
    """The commits as one batch behind what is there."""
    given = ((one.sequence, one.chain, one.payload) for one in commits)
    for batch in batches.cut(given, events_max=10**9, tasks_max=10**9):
        async with pool.acquire() as connection:
            at = await store.checkpoint(connection)
            await store.write(
                connection, batch, after=at.sequence, announced=0, tasks_max=tasks_max
            )


async def clear(pool: asyncpg.Pool) -> None:
    tables = (*compare.KEYS, "checkpoint", *CARRIED)
    await pool.execute(f"truncate {', '.join(tables)}")
    await pool.execute(store.QUERIES["start_checkpoint"], codec.CHAIN_START)


async def everything(pool: asyncpg.Pool) -> Everything:
    """All rows, as the pure folds know them."""
    return {
        "jobs": await _jobs(pool),
        "tasks": await _rows(pool, "tasks", task_rows.Row, columns.task_row),
        "attempts": await _rows(pool, "attempts", attempt_rows.Row, columns.attempt_row),
        "runs": await _rows(pool, "runs", run_rows.Row),
        "timings": await _rows(pool, "timings", timing_rows.Row),
        "queues": await _queues(pool),
        "endpoints": await _endpoints(pool),
        "log": await _log(pool),
        "counts": {
            (row["queue"], row["status"], row["user_name"], row["kind"]): row["jobs"]
            for row in await pool.fetch("select * from job_counts")
        },
    }


def expected(commits: Sequence[Sequence[Recorded]]) -> Everything:
    """The same, by the pure folds alone."""
    tables = Tables()
    for recorded in [one for events in commits for one in events]:
        tables.apply(recorded)
    return {
        "jobs": tables.jobs,
        "tasks": {row for rows in tables.tasks.values() for row in rows.values()},
        "attempts": {row for rows in tables.attempts.values() for row in rows},
        "runs": set(tables.runs.values()),
        "timings": set(tables.timings.values()),
        "queues": tables.queues,
        "endpoints": set(tables.endpoints.values()),
        "log": list(tables.log.values()),
        "counts": dict(counted(tables.jobs.values())),
    }


async def _rows(
    pool: asyncpg.Pool,
    table: str,
    kind: Callable[..., object],
    read: Callable[[Any], object] | None = None,
) -> set[object]:
    names = ", ".join(kind.__struct_fields__)  # type: ignore[attr-defined]
    found = await pool.fetch(f"select {names} from {table}")
    return {read(tuple(row)) if read else kind(*row) for row in found}


async def _jobs(pool: asyncpg.Pool) -> dict[str, job_rows.Row]:
    names = ", ".join(job_rows.Row.__struct_fields__)
    rows = await pool.fetch(f"select {names} from jobs")
    return {row["id"]: columns.job_row(dict(row)) for row in rows}


async def _queues(pool: asyncpg.Pool) -> dict[str, queue_rows.Row]:
    rows = await pool.fetch("select * from queues")
    metadata = [msgspec.json.decode(row["metadata"], type=dict[str, str]) for row in rows]
    return {
        row["id"]: queue_rows.Row(**{**row, "metadata": of_row})
        for row, of_row in zip(rows, metadata, strict=True)
    }


async def _endpoints(pool: asyncpg.Pool) -> set[object]:
    rows = await pool.fetch("select * from endpoints")
    return {columns.endpoint_row(dict(row)) for row in rows}


async def _log(pool: asyncpg.Pool) -> list[Line]:
    rows = await pool.fetch("select * from job_log order by sequence, index")
    told = [decode(row["data"]) for row in rows]
    return [
        Line(**{name: row[name] for name in Line.__struct_fields__[:-1]}, event=event)
        for row, event in zip(rows, told, strict=True)
    ]


@asynccontextmanager
async def running(*services: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Services that run as long as the block; one that fails ends the test."""
    tasks = [asyncio.create_task(service) for service in services]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    """Wait until it holds. Raises TimeoutError."""
    async with asyncio.timeout(WAIT_S):
        while not await condition():  # noqa: ASYNC110 - what it waits for is in a database
            await asyncio.sleep(0.02)


async def at_sequence(pool: asyncpg.Pool, sequence: int) -> None:
    async def is_there() -> bool:
        return (await store.checkpoint(pool)).sequence >= sequence

    await until(is_there)
