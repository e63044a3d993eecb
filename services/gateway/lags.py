"""How far each projection is behind the log, in events and in milliseconds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

import msgspec
from msgspec import Raw

from events import codec
from services.gateway.resources import Lag
from services.runtime.ports import Log, NoAnswer

COUNTED_MAX = 20
"""Commits whose events are counted; of those behind them there are about as many in each."""
Position = Callable[[], Awaitable[int]]
_events = msgspec.json.Decoder(list[Raw])


async def lags(log: Log, positions: Mapping[str, Position], now: datetime) -> list[Lag]:
    """Of those that answer. A projection is late since the oldest commit that it does not have."""
    try:
        last = await log.last()
        head = last.sequence if last else 0
        return [await _lag(name, await at(), head, log, now) for name, at in positions.items()]
    except (NoAnswer, LookupError):
        return []


async def _lag(name: str, position: int, head: int, log: Log, now: datetime) -> Lag:
    if position >= head:
        return Lag(name, position, 0, 0)
    counted = range(position + 1, min(head, position + COUNTED_MAX) + 1)
    payloads = [(await log.get(sequence)).payload for sequence in counted]
    events = sum(len(_events.decode(payload)) for payload in payloads)
    late_s = (now - codec.moment(payloads[0])).total_seconds()
    return Lag(
        projection=name,
        sequence=position,
        events=round(events * (head - position) / len(payloads)),
        ms=max(0, round(late_s * 1000)),
    )
