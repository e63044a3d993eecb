"""A row of the job log as a line that people read: what happened, to what, and because of what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from projections import job_log, words
from services.gateway import showing
from services.gateway.log_resources import LogLine
from services.gateway.rows import JOBS, WORKSPACE, Picture, Row

Causes = Mapping[tuple[int, str], tuple[int, str]]


def line(row: Row, names: Mapping[str, str], causes: Causes) -> LogLine:
    """`causes`: by commit and cause the index of the event that others came from, in words."""
    first, did = causes.get((row["sequence"], row["cause"]), (row["index"], ""))
    return LogLine(
        sequence=row["sequence"],
        index=row["index"],
        at=row["at"],
        actor=row["actor"],
        cause=row["cause"],
        type=row["type"],
        text=words.text(of(row), names),
        data=msgspec.json.decode(row["data"], type=dict[str, object]),
        who=words.who(row["actor"], names),
        subject=row["subject"],
        about=showing.about(row["subject"], names),
        because=did if first != row["index"] else "",
    )


def of(row: Row) -> job_log.Line:
    return job_log.Line(
        sequence=row["sequence"],
        index=row["index"],
        job=row["job"],
        subject=row["subject"],
        at=row["at"],
        actor=row["actor"],
        cause=row["cause"],
        event=job_log.decode(row["data"]),
    )


async def names_in(picture: Picture, lines: Sequence[Row], user: str | None) -> dict[str, str]:
    """What people call the queues, endpoints and jobs that these lines speak of."""
    named = await picture.all(WORKSPACE["names"])
    to = [job for row in lines if row["type"] == "job.gave_way" and (job := showing.gave_way(row))]
    spoken_of = {*to, *(row["job"] for row in lines if row["job"])}
    if spoken_of:
        named = [*named, *await picture.all(JOBS["names"], list(spoken_of), user)]
    return {row["id"]: row["name"] for row in named}
