"""When an endpoint is away, as a person writes it. Pure.

`22:00-06:00` is the next such time by the clock of the workspace's `time_zone`, that which goes on
now included; `2h` is from now on for so long; two times with a slash between are those; nothing is
from now on and for good.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

from events.settings import find
from events.speed_limit import zone_of
from projections.board import Board
from services.historian.commands import Offline
from services.historian.forward import Absence
from services.scheduler.commands import Rejected, Why

_SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_FOR = re.compile(r"(\d{1,6}) ?([smhdw])", re.ASCII)
_CLOCK = re.compile(r"(\d\d?):(\d\d)-(\d\d?):(\d\d)", re.ASCII)
WRITTEN = "22:00-06:00, how long from now on (2h), two times with a slash between, or nothing"

Window = tuple[datetime, datetime | None]


def read(offline: Offline, board: Board, now: datetime) -> Absence | Rejected:
    named = board.endpoints.get(offline.endpoint) or board.endpoint_by_name(offline.endpoint)
    if named is None:
        names = ", ".join(sorted(one.name for one in board.endpoints.values())) or "none yet"
        detail = f"there is no endpoint {offline.endpoint[:48]!r}: there are {names}"
        return Rejected(Why.ABSENT, detail, "endpoint")
    if not named.online:
        detail = f"{named.name} is offline already: nobody knows until when, so it stays so"
        return Rejected(Why.CONFLICT, detail, "endpoint")
    window = _window(offline.when.strip(), now, str(find("time_zone", [board.settings])))
    if window is None:
        detail = f"when: {offline.when[:48]!r} is no time to be away: write {WRITTEN}"
        return Rejected(Why.INVALID, detail, "when")
    start, end = window
    if end is not None and end <= max(start, now):
        detail = f"when: {offline.when[:48]!r} is over before it begins"
        return Rejected(Why.INVALID, detail, "when")
    return Absence(named.id, max(start, now), end)


def _window(text: str, now: datetime, zone: str) -> Window | None:
    if not text:
        return now, None
    if found := _FOR.fullmatch(text):
        return now, now + timedelta(seconds=int(found[1]) * _SPANS[found[2]])
    if found := _CLOCK.fullmatch(text):
        return _by_the_clock([int(one) for one in found.groups()], now, zone)
    start, slash, end = text.partition("/")
    try:
        times = [datetime.fromisoformat(one) for one in (start, end)] if slash else []
    except ValueError:
        return None
    in_zone = [one if one.tzinfo else one.replace(tzinfo=zone_of(zone)) for one in times]
    return (in_zone[0], in_zone[1]) if in_zone else None


def _by_the_clock(said: list[int], now: datetime, zone: str) -> Window | None:
    try:
        start, end = time(said[0], said[1]), time(said[2], said[3])
    except ValueError:
        return None
    today = now.astimezone(zone_of(zone)).date()
    for ahead in range(-1, 3):
        begins = datetime.combine(today + timedelta(days=ahead), start, zone_of(zone))
        over = today + timedelta(days=ahead + (end <= start))
        ends = datetime.combine(over, end, zone_of(zone))
        if ends > now:
            return begins, ends
    return None
