"""Reading the workspace as a whole: what stands where, what flowed where, what failed and why."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from projections.throughput import LEVELS, Grid
from services.gateway.overview_resources import Failure, Overview, PairFlow
from services.gateway.rows import SQL, WORKSPACE, Picture, Rows
from services.gateway.throughput import Asked
from services.runtime.database import load_queries

QUERIES = load_queries(SQL / "overview.sql")
DAY = timedelta(days=1)
PAIRS_MAX = 20
STEPS = [level.step_s for level in LEVELS]

Way = tuple[str, str]


async def read(rows: Rows, asked: Asked) -> Overview:
    """Of the last day, if nothing else is asked. Raises Refusal."""
    now = datetime.now(UTC)

    async def question(picture: Picture) -> Overview:
        of = asked.grid(now - DAY, now, now)
        span = (of.begins_at, of.ends_at)
        ended = {row["status"]: row["jobs"] for row in await picture.all(QUERIES["ended"], *span)}
        counted = await picture.all(WORKSPACE["jobs_by_status"])
        total, pairs = await _flows(picture, of)
        return Overview(
            *span,
            of.step_s,
            now={row["status"]: row["jobs"] for row in counted},
            done=ended.get("done", 0),
            aborted=ended.get("aborted", 0),
            failed=await picture.value(QUERIES["failed"], *span) or 0,
            bytes=total,
            pairs=pairs,
            failures=await _failures(picture),
        )

    return await rows.read(question)


async def _flows(picture: Picture, of: Grid) -> tuple[list[int], list[PairFlow]]:
    """Of all pairs together, and of the busiest; those that run count though nothing came yet."""
    by_way: dict[Way, list[tuple[datetime, int]]] = {}
    for row in await picture.all(QUERIES["flows"], of.begins_at, of.ends_at, of.step_s, STEPS):
        by_way.setdefault((row["source"], row["destination"]), []).append((row["at"], row["bytes"]))
    running = Counter[Way]()
    for row in await picture.all(QUERIES["running"]):
        running[row["source"], row["destination"]] = row["jobs"]
        by_way.setdefault((row["source"], row["destination"]), [])
    names = {row["id"]: row["name"] for row in await picture.all(WORKSPACE["endpoint_names"])}
    sums = {way: sum(count for _, count in found) for way, found in by_way.items()}
    busiest = sorted(by_way, key=lambda way: (-sums[way], way))[:PAIRS_MAX]
    pairs = [
        PairFlow(
            source=names.get(source, source),
            destination=names.get(destination, destination),
            total=sums[source, destination],
            bytes=of.laid(by_way[source, destination]),
            running=running[source, destination],
        )
        for source, destination in busiest
    ]
    return of.laid(one for found in by_way.values() for one in found), pairs


async def _failures(picture: Picture) -> list[Failure]:
    return [
        Failure(
            error_class=row["error_class"],
            jobs=row["jobs"],
            job=row["id"],
            name=row["name"],
            message=row["error_message"],
            at=row["since"],
        )
        for row in await picture.all(QUERIES["failures"])
    ]
