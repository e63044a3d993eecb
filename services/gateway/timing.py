"""Where the time of a transfer went, for whoever shows one job."""

from __future__ import annotations

from projections.bottleneck import PARTS, find
from services.gateway.resources import Timing
from services.gateway.rows import SQL, Picture, Row
from services.runtime.database import load_queries

QUERIES = load_queries(SQL / "timing.sql")


async def timing(picture: Picture, job: str) -> Timing | None:
    """None when nothing of it was measured."""
    row = await picture.one(QUERIES["timing"], job)
    return None if row is None else _timing(row)


def _timing(row: Row) -> Timing:
    spent_s = {part: row[f"{part}_ms"] / 1000 for part in PARTS}
    listing_s = row["listing_ms"] / 1000
    found = find(
        spent_s,
        listing_s=listing_s,
        moving_s=row["moving_s"],
        source=row["source"],
        destination=row["destination"],
    )
    return Timing(
        **{f"{part}_s": seconds for part, seconds in spent_s.items()},
        listing_s=listing_s,
        bytes_saved=row["saved"],
        bottleneck=found.part if found else None,
        share=found.share if found else None,
        text=found.text if found else None,
    )
