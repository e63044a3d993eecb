"""A transfer of several sources, judged: each arrives under its last name, and no two under one.

Pure. What an endpoint alone can know, whether they are there, becomes of their tasks.
"""

from __future__ import annotations

from collections.abc import Sequence

from events import frames, parts
from events.jobs import Part, Party
from services.scheduler.commands import Rejected, Why
from services.scheduler.finding import leaves


def wrong(given: Sequence[Part], source: Party, destination: Party) -> Rejected | None:
    size = sum(len(one.path) + len(one.frames) for one in given)
    if len(given) > parts.PARTS_MAX or size > parts.BYTES_MAX:
        bounds = f"at most {parts.PARTS_MAX} of {parts.BYTES_MAX} together"
        return _no(f"{len(given)} sources of {size} characters: {bounds}; name their folder")
    for one in given:
        refusal = _no_part(one, source) or _onto_itself(one, source, destination)
        if refusal is not None:
            return refusal
    return _clash(given, source)


def _no_part(one: Part, source: Party) -> Rejected | None:
    path = one.path
    if not path or {"", "."} & set(path.split("/")):
        return _no(f"the path {path!r} has a part that is empty or `.`: leave that out")
    counters = parts.COUNTER.findall(path.rpartition("/")[2])
    if one.frames and len(counters) != 1:
        return _no(f"{path!r} has frames: write one %04d in its last name for their numbers")
    return leaves("source", source.volume, path)


def _onto_itself(one: Part, source: Party, destination: Party) -> Rejected | None:
    if (source.endpoint, source.volume) != (destination.endpoint, destination.volume):
        return None
    whole, to = f"{source.path}{one.path}", destination.path.strip("/")
    folder = whole.rpartition("/")[0]
    if to == folder or f"{to}/".startswith(f"{whole}/"):
        detail = f"{_named(one, source)} would arrive in itself: choose another folder"
        return Rejected(Why.INVALID, detail, "destination")
    return None


def _clash(given: Sequence[Part], source: Party) -> Rejected | None:
    try:
        count = sum(frames.once(one.frames)[1] if one.frames else 1 for one in given)
        if count > parts.NAMES_MAX:
            return _no(f"{count:,} files by name: at most {parts.NAMES_MAX:,}; name their folder")
        found = parts.clash(given)
    except frames.BadFrames as error:
        return _no(str(error))
    if found is None:
        return None
    name, one, other = found
    both = f"{_named(one, source)} and {_named(other, source)}"
    return _no(f"{both} would both arrive as {name}: submit a job for each, into other folders")


def _named(one: Part, source: Party) -> str:
    return f"{source.volume}/{source.path}{parts.written(one)}"


def _no(detail: str) -> Rejected:
    return Rejected(Why.INVALID, detail, "source")


def name(given: Sequence[Part]) -> str:
    """What a job of them is called."""
    first = parts.written(given[0]).rpartition("/")[2]
    return f"{first} and {len(given) - 1} more" if len(given) > 1 else first
