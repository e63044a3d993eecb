"""How fast bytes may move, as people write it: a rate, or rates by windows of the clock.

    limit  = rate | window ("," window)* ["," "else" rate]
    window = (days | times | days times) rate
    days   = day ["-" day]                mon, tue, wed, thu, fri, sat, sun
    times  = hh:mm "-" hh:mm              over midnight too: it belongs to the day it begins on
    rate   = number [unit] | "full" | "none"

A bare number is MB/s. The first window that holds counts; where none does, `else`, without it no
limit. Windows are of the wall clock: in an hour that is skipped or comes twice they go with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

FULL = 0
RATE_MIN = 10_000
RATE_MAX = 10**12
LENGTH_MAX = 500
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY = tuple(range(7))
MIDNIGHT = 24 * 60
LOOK_AHEAD_DAYS = 8

_UNITS = {"": 1e6, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9}
_UNITS |= {"kbit": 125.0, "Mbit": 125e3, "Gbit": 125e6}
_SHOWN = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("bytes", 1))
_RATE = re.compile(r"(\d{1,15}(?:\.\d{1,15})?) ?(?:([A-Za-z]+)(?:/s)?)?", re.ASCII)
_TIMES = re.compile(r"(\d\d?):(\d\d)-(\d\d?):(\d\d)", re.ASCII)


class Window(Struct, frozen=True):
    """On `days` (0 is Monday) from minute `start` to before `end`, of the next day if not later.

    `rate` is in bytes per second.
    """

    days: tuple[int, ...]
    start: int
    end: int
    rate: int

    def holds(self, day: int, minute: int) -> bool:
        if self.start < self.end:
            return day in self.days and self.start <= minute < self.end
        begun = day in self.days and minute >= self.start
        return begun or ((day - 1) % 7 in self.days and minute < self.end)


class SpeedLimit(Struct, frozen=True):
    """Bytes per second by windows, and `otherwise`; FULL is no limit."""

    windows: tuple[Window, ...]
    otherwise: int

    def at(self, wall: datetime) -> int:
        """The rate at a time of the wall clock."""
        day, minute = wall.weekday(), wall.hour * 60 + wall.minute
        return next((one.rate for one in self.windows if one.holds(day, minute)), self.otherwise)


class InForce(Struct, frozen=True):
    """The `rate` that holds now, and `until` when; None where it stays."""

    rate: int
    until: datetime | None = None


class Misread(Exception):
    """The text is no speed limit; the message says where and why."""


@lru_cache(maxsize=4096)
def read(text: str) -> SpeedLimit:
    """Raises Misread."""
    if len(text) > LENGTH_MAX:
        raise Misread(f"it has more than {LENGTH_MAX} characters")
    *clauses, last = (clause.split() for clause in text.split(","))
    if last[:1] == ["else"]:
        otherwise = _rate(last[1:])
    elif not clauses and not _is_window(last):
        return SpeedLimit((), _rate(last))
    else:
        clauses, otherwise = [*clauses, last], FULL
    if not clauses:
        raise Misread("before `else` stands no window")
    return SpeedLimit(tuple(map(_window, clauses)), otherwise)


def fault(text: str) -> str:
    """What is wrong with it, or ""."""
    try:
        read(text)
    except Misread as error:
        return str(error)
    return ""


def in_force(text: str, now: datetime, time_zone: str) -> InForce:
    """What a limit that was accepted comes to now."""
    limit, zone = read(text), zone_of(time_zone)
    rate = limit.at(now.astimezone(zone))
    edges = sorted(edge for edge in _edges(limit, now, zone) if edge > now)
    until = (edge for edge in edges if limit.at(edge.astimezone(zone)) != rate)
    return InForce(rate, next(until, None))


def shown(rate: int) -> str:
    """`20 MB/s`, `2.5 MB/s`, `333 kB/s`: three digits, as people say it."""
    unit, size = next((one for one in _SHOWN if rate >= one[1]), _SHOWN[-1])
    return f"{rate / size:.3g} {unit}/s" if rate < 999.5 * size else f"{rate / size:.0f} {unit}/s"


def zone_of(name: str) -> ZoneInfo:
    """A zone that this machine does not know (another accepted it) is taken for UTC."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def zone_fault(name: str) -> str:
    """Why it is no time zone, or ""."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"there is no time zone {name[:40]!r}"
    return ""


# Reading.


def _is_window(words: list[str]) -> bool:
    return len(words) > 1 and (_days(words[0]) is not None or ":" in words[0])


def _window(words: list[str]) -> Window:
    said = " ".join(words)
    if words[:1] == ["else"]:
        raise Misread("`else` comes last")
    days = _days(words[0]) if words else None
    rest = words if days is None else words[1:]
    times = _times(rest[0]) if rest and ":" in rest[0] else None
    if days is None and times is None:
        raise Misread(f"{said!r} is no window: write days, times, or both, and a rate")
    start, end = times or (0, MIDNIGHT)
    return Window(days or EVERY_DAY, start, end, _rate(rest if times is None else rest[1:]))


def _days(word: str) -> tuple[int, ...] | None:
    first, dash, last = word.lower().partition("-")
    if first not in DAYS or (dash and last not in DAYS):
        return None
    start = DAYS.index(first)
    length = (DAYS.index(last) - start) % 7 if dash else 0
    return tuple((start + after) % 7 for after in range(length + 1))


def _times(word: str) -> tuple[int, int]:
    found = _TIMES.fullmatch(word)
    if found is None:
        raise Misread(f"{word!r} is no time: write 22:00-06:00")
    hour, minute, to_hour, to_minute = map(int, found.groups())
    start, end = hour * 60 + minute, to_hour * 60 + to_minute
    if max(minute, to_minute) > 59 or start >= MIDNIGHT or end > MIDNIGHT:
        raise Misread(f"{word!r} is no time: a day has 24 hours of 60 minutes")
    if start == end:
        raise Misread(f"{word!r} is empty: for the whole day leave it out")
    return start, end


def _rate(words: list[str]) -> int:
    said = " ".join(words)
    if said in ("full", "none"):
        return FULL
    found = _RATE.fullmatch(said)
    if found is None:
        raise Misread(f"{said!r} is no rate: write 20, 2.5 MB/s, 500 kB/s, 100 Mbit/s or full")
    unit = found[2] or ""
    if unit not in _UNITS:
        raise Misread(f"{unit!r} is no unit: write kB/s, MB/s, GB/s, kbit/s, Mbit/s or Gbit/s")
    rate = round(float(found[1]) * _UNITS[unit])
    if not RATE_MIN <= rate <= RATE_MAX:
        raise Misread(f"{said!r} is not from 10 kB/s to 1000 GB/s: to stop a job, pause it")
    return rate


# When it changes.


def _edges(limit: SpeedLimit, now: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Where a window may begin or end next, in no order."""
    if not limit.windows:
        return
    today = now.astimezone(zone).date()
    minutes = {minute for one in limit.windows for minute in (one.start, one.end)}
    for ahead in range(-1, LOOK_AHEAD_DAYS + 1):
        for minute in minutes:
            yield from _instants(today + timedelta(days=ahead), minute, zone)
    for ahead in range(LOOK_AHEAD_DAYS):
        yield from _shift(now + timedelta(days=ahead), now + timedelta(days=ahead + 1), zone)


def _instants(day: date, minute: int, zone: ZoneInfo) -> Iterator[datetime]:
    """When the wall clock shows this; in an hour that comes twice it does so twice."""
    wall = datetime.combine(day, time(), zone) + timedelta(minutes=minute)
    yield from (wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))


def _shift(before: datetime, after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """When the clock is put forward or back between these two, if it is."""
    old = before.astimezone(zone).utcoffset()
    if after.astimezone(zone).utcoffset() == old:
        return
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    yield after.replace(second=0, microsecond=0)
