"""Reading a process log: which parts of a run's log hold the lines that are asked for.

A log is parts 0, 1, 2, … of numbered lines, of which the last OUTPUT_SLOTS are kept. Where a part
is no more, its lines were dropped, and the line behind them says how many. Says nothing of jobs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from services.agent.commands import OUTPUT_SLOTS, Output
from services.gateway.log_resources import OutputLine
from services.gateway.problems import later
from services.runtime.ports import NoAnswer, Outputs

PAGE_BYTES_MAX = 1 << 20


class Where(Struct, frozen=True):
    """The log of one run of a job on one endpoint."""

    endpoint: str
    job: str
    run: int


Get = Callable[[int], Awaitable[Output | None]]
"""The part of a number; None if it is no more, or not yet."""


class Page(Struct, frozen=True):
    """`after`: where to go on; `more`: there are lines behind it already."""

    lines: list[OutputLine]
    after: int
    more: bool


async def page(outputs: Outputs, where: Where, *, after: int, limit: int, tail: int | None) -> Page:
    """At most `limit` lines behind number `after`; with `tail` of the last so many. Raises Refusal.

    `after` is -1 for the beginning.
    """

    async def get(number: int) -> Output | None:
        slot = number % OUTPUT_SLOTS
        part = _read(await outputs.part(where.endpoint, where.job, where.run, slot), where)
        return part if part is not None and part.part == number else None

    try:
        newest = _read(await outputs.newest(where.endpoint, where.job, where.run), where)
        if newest is None:
            return Page([], after, more=False)
        if tail is not None:
            after = max(after, newest.first + len(newest.lines) - 1 - tail)
        first = await _part_behind(get, newest.part, after)
        return await _collect(get, first, newest.part, after, limit)
    except NoAnswer:
        raise later("the process logs do not answer now: ask again in a moment") from None


def _read(payload: bytes | None, where: Where) -> Output | None:
    """None also for what is no part of this log: an agent may say anything under its own id."""
    try:
        part = msgspec.json.decode(payload, type=Output) if payload is not None else None
    except msgspec.MsgspecError:
        return None
    return part if part is not None and (part.job, part.run) == (where.job, where.run) else None


async def _part_behind(get: Get, newest: int, after: int) -> int:
    """The first part that is kept and has a line behind `after`, else the newest."""
    low, high = max(0, newest - OUTPUT_SLOTS + 1), newest
    while low < high:
        middle = (low + high) // 2
        part = await get(middle)
        if part is not None and part.first + len(part.lines) > after + 1:
            high = middle
        else:
            low = middle + 1
    return low


async def _collect(get: Get, number: int, newest: int, after: int, limit: int) -> Page:
    lines: list[OutputLine] = []
    size_bytes = 0
    while number <= newest:
        part = await get(number)
        number += 1
        for index, (at_ms, text) in enumerate(part.lines if part else ()):
            at = part.first + index if part else 0
            if at <= after:
                continue
            if len(lines) == limit or size_bytes > PAGE_BYTES_MAX:
                return Page(lines, after, more=True)
            lines.append(OutputLine(at, _time(at_ms), text, dropped=at - after - 1))
            size_bytes += len(text)
            after = at
    return Page(lines, after, more=False)


def _time(ms: int) -> datetime:
    """An agent's clock may say anything."""
    return datetime.fromtimestamp(min(max(ms, 0), 253_402_300_799_000) / 1000, UTC)
