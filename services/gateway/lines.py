"""What moved without an event of its own: positions and reasons of waiting jobs, counts of queues.

A job that starts, ends or moves changes the standing of others in any queue. So after a change,
twice a second at most, the first jobs in line of every queue (`HEADS_MAX` together) are read again,
and those whose position or reason is not what was told last, or whose estimate is well off it, are
told anew; so are queues and endpoints whose counts differ. Estimates move with the clock alone, so
now and then it is looked without a change. What lies deeper in a line is as old as when it was
last read: a page that shows it asks again for what is in sight.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from typing import TypeVar

from msgspec import Struct

from services.gateway import changes
from services.gateway.asking import Asking
from services.gateway.changes import Change
from services.gateway.jobs import Shown, shown
from services.gateway.messages import Batch, Message, Stood
from services.gateway.queues import there_are
from services.gateway.rows import JOBS, WORKSPACE, Picture, Row, Rows

EVERY_S = 0.5
STILL_S = 15.0
HEADS_MAX = 200
FEW = 5
KNOWN_MAX = 10_000

Value = TypeVar("Value")


class Looked(Struct, frozen=True):
    queues: list[Row]
    endpoints: list[Row]
    heads: Shown


class Lines:
    def __init__(self, rows: Rows, asking: Asking) -> None:
        self._rows, self._asking = rows, asking
        self._stale = True
        self._looked_s = 0.0
        self._told: OrderedDict[str, object] = OrderedDict()
        self._known: OrderedDict[str, Row] = OrderedDict()

    def note(self, change: Change, batch: Batch) -> None:
        """What a batch tells is told; whom else it concerns is to be seen."""
        for row in change.jobs.rows:
            _keep(self._known, row["id"], row)
        for message in batch.messages:
            self._is_news(message)
        self._stale = self._stale or bool(batch.messages)

    async def moved(self) -> Batch:
        """What is no longer as it was told; empty when it is too early to look. Raises Refusal."""
        if time.monotonic() - self._looked_s < (EVERY_S if self._stale else STILL_S):
            return Batch([])
        self._stale, self._looked_s = False, time.monotonic()
        looked = await self._rows.read(self._look)
        told = [
            *(changes.of_queue(row, logged=False) for row in looked.queues),
            *(changes.of_endpoint(row, logged=False) for row in looked.endpoints),
            *await changes.jobs_told(looked.heads, self._rows, self._asking, logged=False),
        ]
        return Batch([message for message in told if self._is_news(message)])

    async def _look(self, picture: Picture) -> Looked:
        queues = await there_are(picture)
        most = shares({row["id"]: row["jobs_waiting"] + row["jobs_running"] for row in queues})
        heads = await picture.all(JOBS["heads"], list(most), list(most.values()))
        return Looked(
            queues=queues,
            endpoints=await picture.all(WORKSPACE["endpoints"]),
            heads=await shown(picture, [row["id"] for row in heads[:HEADS_MAX]]),
        )

    def _is_news(self, message: Message) -> bool:
        """Of what stands somewhere: whether it stands otherwise than was told; then it is told."""
        if not message.about or _is_told(message.standing, self._told.get(message.about)):
            return False
        _keep(self._told, message.about, message.standing)
        return True

    async def known(self, jobs: Iterable[str]) -> dict[str, Row]:
        """Rows of jobs for what does not change while they run: sizes and users. Raises Refusal."""
        asked = list(jobs)
        unknown = [job for job in asked if job not in self._known]

        async def question(picture: Picture) -> list[Row]:
            return await picture.all(JOBS["rows"], unknown)

        for row in await self._rows.read(question) if unknown else []:
            _keep(self._known, row["id"], row)
        return {job: self._known[job] for job in asked if job in self._known}


def shares(lines: dict[str, int]) -> dict[str, int]:
    """How many of each line are looked at, by its length: what short ones leave long ones have.

    Counts may be a little behind the rows, so that of each a few more are looked at.
    """
    left, given = HEADS_MAX, dict[str, int]()
    for number, queue in enumerate(sorted(lines, key=lambda queue: lines[queue])):
        given[queue] = min(lines[queue] + FEW, left // (len(lines) - number))
        left -= given[queue]
    return {queue: given[queue] for queue in lines}


def _is_told(standing: object, told: object) -> bool:
    return standing.is_as(told) if isinstance(standing, Stood) else standing == told


def _keep(kept: OrderedDict[str, Value], key: str, value: Value) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > KNOWN_MAX:
        kept.popitem(last=False)
