"""Frames of a compute job as people write them: `1001-1100,1200-1300x5`, in the order they run.

A frame is a whole number from 0; `x5` is the step. The order is kept (key frames first is a custom
of the field), and a frame that is named twice counts where it is named first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

_SPAN = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9})(?:x([0-9]{1,9}))?)?")
SPANS_MAX = 100_000
FRAMES_MAX = 1_000_000
READ_MAX = 20_000


class BadFrames(ValueError):
    """The text is not a list of frames; `str()` says which part and what to write."""


def spans(text: str) -> list[range]:
    """The stretches of `1-10,20-30x5`, as written. Raises BadFrames."""
    parts = text.split(",")
    if len(parts) > SPANS_MAX:
        raise BadFrames(f"{len(parts)} ranges: at most {SPANS_MAX}")
    return [_span(part.strip()) for part in parts]


def _span(part: str) -> range:
    found = _SPAN.fullmatch(part)
    if found is None:
        raise BadFrames(f"{part!r} is no frame or range: write for example 1001-1100,1200-1300x5")
    first, last, step = int(found[1]), int(found[2] or found[1]), int(found[3] or 1)
    if last < first:
        raise BadFrames(f"{part!r} runs backwards: write {last}-{first}")
    if step == 0:
        raise BadFrames(f"{part!r} has a step of 0: the step is at least 1")
    return range(first, last + 1, step)


def read(text: str) -> list[int]:
    """Each frame once, in order. Raises BadFrames, also for more than FRAMES_MAX."""
    stretches = spans(text)
    count = sum(map(len, stretches))
    if count > FRAMES_MAX:
        raise BadFrames(f"{count:,} frames: at most {FRAMES_MAX:,} in one job")
    return list(dict.fromkeys(frame for stretch in stretches for frame in stretch))


def once(text: str) -> tuple[str, int]:
    """The same frames, each once, in short text, and how many there are. Raises BadFrames.

    Long ranges that have nothing in common are not counted through.
    """
    stretches = spans(text)
    count = sum(map(len, stretches))
    if READ_MAX < count <= FRAMES_MAX and _are_apart(stretches):
        return ",".join(map(_written, stretches)), count
    frames = read(text)
    return write(frames), len(frames)


def _are_apart(stretches: Sequence[range]) -> bool:
    """Whether each begins behind the end of the one before, taken in rising order."""
    rising = sorted(stretches, key=lambda stretch: stretch[0])
    return all(one[-1] < other[0] for one, other in pairwise(rising))


def _written(stretch: range) -> str:
    if len(stretch) == 1:
        return str(stretch[0])
    return f"{stretch[0]}-{stretch[-1]}" + (f"x{stretch.step}" if stretch.step > 1 else "")


def write(frames: Sequence[int]) -> str:
    """The short text of these frames in this order: `read(write(frames)) == list(frames)`."""
    parts: list[str] = []
    start = 0
    while start < len(frames):
        end = _end_of_stretch(frames, start)
        first, last = frames[start], frames[end - 1]
        step = frames[start + 1] - first if end - start > 1 else 1
        parts.append(f"{first}-{last}" if last > first else str(first))
        parts[-1] += f"x{step}" if step > 1 else ""
        start = end
    return ",".join(parts)


def _end_of_stretch(frames: Sequence[int], start: int) -> int:
    """Past the last frame that follows at the same step; two frames far apart are none."""
    if start + 1 == len(frames) or (step := frames[start + 1] - frames[start]) < 1:
        return start + 1
    end = start + 2
    while end < len(frames) and frames[end] - frames[end - 1] == step:
        end += 1
    return end if step == 1 or end - start > 2 else start + 1


def nth(stretches: Sequence[range], number: int) -> int:
    """The frame at `number` of these stretches, from 0."""
    for stretch in stretches:
        if number < len(stretch):
            return stretch[number]
        number -= len(stretch)
    raise IndexError(number)


def number_of(stretches: Sequence[range], frame: int) -> int | None:
    """Where a frame stands in these stretches, from 0; None when it is not among them."""
    before = 0
    for stretch in stretches:
        if frame in stretch:
            return before + stretch.index(frame)
        before += len(stretch)
    return None
