"""Counts, sizes and times in people's words."""

from __future__ import annotations

from datetime import datetime

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size(size_bytes: int) -> str:
    amount, unit = float(size_bytes), 0
    while amount >= 1000 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{size_bytes} bytes" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"


def time(moment: datetime, now: datetime) -> str:
    """The time of day, with the date when it is another day."""
    return f"{moment:%H:%M:%S}" if moment.date() == now.date() else f"{moment:%Y-%m-%d %H:%M:%S}"
