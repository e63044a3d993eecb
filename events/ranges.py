"""Sets of task numbers as ranges: `0-99,120`. How one event names 80,000 tasks."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache

_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")
RANGES_MAX = 100_000


class BadRanges(ValueError):
    """The text is not a set of task numbers; `str()` says which part and what to write."""


def write(numbers: Iterable[int]) -> str:
    """The shortest text for a set of numbers: sorted, merged."""
    return ",".join(
        f"{first}-{last}" if last > first else str(first) for first, last in _spans(numbers)
    )


def _spans(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = last = -2
    for number in sorted(set(numbers)):
        if number != last + 1:
            if first >= 0:
                yield first, last
            first = number
        last = number
    if first >= 0:
        yield first, last


def spans(text: str) -> list[tuple[int, int]]:
    """The (first, last) pairs of `0-99,120`, as written. Raises BadRanges."""
    parts = text.split(",") if text else []
    if len(parts) > RANGES_MAX:
        raise BadRanges(f"{len(parts)} ranges: at most {RANGES_MAX}")
    return [_span(part.strip()) for part in parts]


def _span(part: str) -> tuple[int, int]:
    found = _RANGE.fullmatch(part)
    if found is None:
        raise BadRanges(f"{part!r} is no task number or range: write for example 0-99,120")
    first, last = int(found[1]), int(found[2] or found[1])
    if last < first:
        raise BadRanges(f"{part!r} runs backwards: write {last}-{first}")
    return first, last


def read(text: str) -> Iterator[int]:
    """Each number of `0-99,120`. Raises BadRanges."""
    for first, last in spans(text):
        yield from range(first, last + 1)


@lru_cache(maxsize=64)
def _sorted(text: str) -> tuple[list[int], list[int]]:
    """The first and the last numbers of the spans."""
    ordered = sorted(spans(text))
    return [first for first, _ in ordered], [last for _, last in ordered]


def holds(text: str, number: int) -> bool:
    """Whether a number is in a text of `write`, whose ranges do not overlap."""
    firsts, lasts = _sorted(text)
    at = bisect_right(firsts, number) - 1
    return at >= 0 and number <= lasts[at]


def count(text: str) -> int:
    return sum(last - first + 1 for first, last in spans(text))
