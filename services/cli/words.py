"""Numbers and times as people read them. Pure; decides nothing about layout or colour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
SPENT = {
    "listing": "listing",
    "reading": "reading",
    "network": "network",
    "limited": "speed limit",
    "writing": "writing",
    "verifying": "hashing",
}
_MARKS = "▁▂▃▄▅▆▇█"
ID_SHOWN_MIN = 12  # An id starts with twelve digits of milliseconds.


def size(count_bytes: float) -> str:
    """Decimal units, three digits: `0 B`, `999 B`, `1.0 kB`, `12.3 MB`, `318 MB`."""
    value, unit = float(count_bytes), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    digits = 1 if unit and value < 99.95 else 0
    return f"{value:.{digits}f} {_UNITS[unit]}"


def rate(bytes_per_second: float) -> str:
    return f"{size(bytes_per_second)}/s"


def duration(seconds: float) -> str:
    """`0:42`, `12:07`, `3:05:00`, `2 d 4 h`."""
    whole = max(0, round(seconds))
    if whole >= 86400:
        return f"{whole // 86400} d {whole % 86400 // 3600} h"
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def percent(progress: float) -> str:
    """Never 100 % before it is: what is not finished rounds down."""
    return f"{int(progress * 100)} %"


def moment(at: datetime | None) -> str:
    """Date and time in the local zone; `-` for what has not been."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if at else "-"


def clock(at: datetime | None) -> str:
    """As `moment`, short: the day without its year."""
    return at.astimezone().strftime("%m-%d %H:%M:%S") if at else "-"


def about(at: datetime, now: datetime) -> str:
    """A time that is an estimate: `~14:05`, on another day `~11-26 14:05`."""
    return f"~{minute(at, now)}"


def between(earliest: datetime | None, latest: datetime | None, now: datetime) -> str:
    """`14:03–14:20`; empty where nobody knows, or where both are the same minute."""
    if earliest is None or latest is None:
        return ""
    first, last = minute(earliest, now), minute(latest, earliest)
    return f"{first}–{last}" if first != minute(latest, now) else ""


def minute(at: datetime, day: datetime) -> str:
    """In the local zone, with the date where it is another than that of `day`."""
    here, today = at.astimezone(), day.astimezone().date()
    return here.strftime("%H:%M" if here.date() == today else "%m-%d %H:%M")


def took(seconds: float | None) -> str:
    """How long something took: below a minute with tenths, else as `duration`."""
    if seconds is None:
        return "-"
    return f"{seconds:.1f} s" if seconds < 59.95 else duration(seconds)


def spark(values: Sequence[int], most: int) -> str:
    """A mark a value, as high as it is beside `most`; only nothing at all is the lowest."""
    top = len(_MARKS) - 1
    return "".join(_MARKS[-(-value * top // most) if value else 0] for value in values)


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def short(ids: Sequence[str]) -> dict[str, str]:
    """The beginnings of these ids that tell them apart."""
    length = ID_SHOWN_MIN
    while len({one[:length] for one in ids}) < len(set(ids)):
        length += 1
    return {one: one[:length] for one in ids}
