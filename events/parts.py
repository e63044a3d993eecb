"""The parts of a source: paths below its folder, each of which arrives under its last name.

A part may be a sequence: then the `%04d` (or `%d`) of its last name stands for the number of each
of its `frames`. Two parts never arrive under one name; `clash` finds those that would.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from events import frames
from events.work import Part

PARTS_MAX = 1_000
BYTES_MAX = 65_536
NAMES_MAX = 100_000
SHOWN_MAX = 200
COUNTER = re.compile(r"%(?:0([1-9]))?d")


def names(part: Part) -> Iterator[str]:
    """What arrives of it. Raises frames.BadFrames."""
    last = part.path.rpartition("/")[2]
    if not part.frames:
        yield last
        return
    before, counter, behind = _split(last)
    for frame in frames.read(part.frames):
        yield f"{before}{_written(frame, counter)}{behind}"


def _split(last: str) -> tuple[str, re.Match[str], str]:
    found = COUNTER.search(last)
    assert found is not None, "a sequence has a place for its number"
    return last[: found.start()], found, last[found.end() :]


def _written(frame: int, counter: re.Match[str]) -> str:
    return f"{frame:0{counter[1] or 1}d}"


def clash(parts: Sequence[Part]) -> tuple[str, Part, Part] | None:
    """A name under which two of them arrive. Raises frames.BadFrames."""
    taken: dict[str, int] = {}
    for at, part in enumerate(parts):
        for name in names(part):
            other = taken.setdefault(name, at)
            if other != at:
                return name, parts[other], part
    return None


def written(part: Part) -> str:
    return f"{part.path}[{part.frames}]" if part.frames else part.path


def shown(path: str, parts: Sequence[Part]) -> str:
    """For people: `shots/{a,b/plate,… 7 more}`, `shots/plate.%04d.exr[1-10]`."""
    told = [_cut(written(part)) for part in parts[:3]]
    if len(parts) < 2:
        return path + "".join(told)
    more = [f"… {len(parts) - 3} more"] if len(parts) > 3 else []
    return f"{path}{{{','.join(told + more)}}}"


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"


class Places:
    """Where below the source's folder what arrives as some uri lies."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._paths = {name: part.path for part in parts if not part.frames for name in names(part)}
        self._sequences = [_Sequence(part) for part in parts if part.frames]

    def path(self, uri: str) -> str | None:
        """None where no part brings it."""
        first, slash, rest = uri.partition("/")
        if first in self._paths:
            return f"{self._paths[first]}{slash}{rest}"
        if slash:
            return None
        found = (one.path(first) for one in self._sequences)
        return next((path for path in found if path is not None), None)


class _Sequence:
    def __init__(self, part: Part) -> None:
        folder, slash, last = part.path.rpartition("/")
        self._folder = folder + slash
        self._before, self._counter, self._behind = _split(last)
        self._spans = frames.spans(part.frames)

    def path(self, name: str) -> str | None:
        number = name.removeprefix(self._before).removesuffix(self._behind)
        if not (number.isascii() and number.isdecimal() and len(number) < 10):
            return None
        frame = int(number)
        same = f"{self._before}{_written(frame, self._counter)}{self._behind}" == name
        return self._folder + name if same and any(frame in one for one in self._spans) else None
