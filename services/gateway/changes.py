"""What changed in a stretch of the log, as a batch of messages: for the live hub, and for a client
that comes back. Both use this one reading, so that neither can know something the other misses.

A batch ends at a position such that every row and event up to it is in it or was before it; a row
that changed again since comes with a later batch. What it holds is bounded: the rest follows.
"""

from __future__ import annotations

import time

from msgspec import Struct

from services.gateway import messages, showing
from services.gateway.asking import Asking
from services.gateway.jobs import Shown, owners_of, shown
from services.gateway.messages import Batch, Message, View
from services.gateway.rows import QUEUES, WORKSPACE, Picture, Row, Rows

ROWS_MAX = 500
EVENTS_MAX = 2_000
CATCH_UP_ROWS_MAX = 20_000


class Change(Struct, frozen=True):
    """What was read; `there` is where the read side stands, `sequence` where this ends."""

    after: int
    sequence: int
    there: int
    jobs: Shown
    queues: list[Row]
    endpoints: list[Row]
    events: list[Row]

    @property
    def more(self) -> bool:
        return self.sequence < self.there


async def read(rows: Rows, after: int, view: View) -> Change:
    """Everything behind `after` that concerns a view, or the first part of it. Raises Refusal."""

    async def question(picture: Picture) -> Change:
        end = await _end(picture, after, view)
        scope = (after, end, view.job, view.user)
        changed = await picture.all(WORKSPACE["changed_jobs"], *scope) if view.rows else []
        others = view.rows and view.job is None
        queues = await picture.all(QUEUES["queues"], after) if others else []
        endpoints = await picture.all(WORKSPACE["endpoints"]) if others else []
        return Change(
            after=after,
            sequence=end,
            there=picture.sequence,
            jobs=await shown(picture, [row["id"] for row in changed]),
            queues=[row for row in queues if after < row["sequence"] <= end],
            endpoints=[row for row in endpoints if after < row["sequence"] <= end],
            events=await picture.all(WORKSPACE["events"], *scope) if view.events else [],
        )

    return await rows.read(question)


async def _end(picture: Picture, after: int, view: View) -> int:
    """Where a batch has to end: all of a commit or nothing, and not too many of them."""
    cuts = [picture.sequence]
    if view.rows:
        cuts.append(await _cut(picture, "row_cut", after, ROWS_MAX, view))
    if view.events:
        cuts.append(await _cut(picture, "event_cut", after, EVENTS_MAX, view))
    return min(cuts)


async def _cut(picture: Picture, query: str, after: int, limit: int, view: View) -> int:
    found = await picture.value(WORKSPACE[query], after, limit, view.job, view.user)
    return picture.sequence if found is None else max(found - 1, after + 1)


async def is_too_much(rows: Rows, after: int, view: View) -> bool:
    """Whether a screen does better to read its lists anew than to be told all that changed."""

    async def question(picture: Picture) -> bool:
        scope = (after, CATCH_UP_ROWS_MAX, view.job, view.user)
        return await picture.value(WORKSPACE["row_cut"], *scope) is not None

    return view.rows and not view.events and await rows.read(question)


async def batch(change: Change, rows: Rows, asking: Asking, workspace: str) -> Batch:
    """The change in messages, with the reasons of the jobs that wait."""
    made = [
        *await jobs_told(change.jobs, rows, asking, logged=True),
        *(of_queue(row, logged=True) for row in change.queues),
        *(of_endpoint(row, logged=True) for row in change.endpoints),
        *(messages.of_event(workspace, row) for row in change.events),
    ]
    return Batch(made, after=change.after, sequence=change.sequence)


def of_queue(row: Row, *, logged: bool) -> Message:
    return messages.of_queue(showing.queue(row), sequence=row["sequence"] if logged else 0)


def of_endpoint(row: Row, *, logged: bool) -> Message:
    return messages.of_endpoint(showing.endpoint(row), sequence=row["sequence"] if logged else 0)


async def jobs_told(found: Shown, rows: Rows, asking: Asking, *, logged: bool) -> list[Message]:
    """A message a job, for everyone and for its own user."""
    told = found.jobs(await asking.standing(found.in_line()))
    owners = await owners_of(rows, [job.reason for job in told])
    now = time.time()
    return [
        messages.of_job(
            job,
            showing.unnamed(job, owners),
            sequence=job.sequence if logged else 0,
            at=now,
        )
        for job in told
    ]
