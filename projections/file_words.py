"""Changes of files on endpoints in people's words: what was asked, and what became of it."""

from __future__ import annotations

from events.endpoints import FilesChanged, FilesChanging
from projections import figures

_DOES = {"mkdir": "makes the folder", "rename": "renames", "delete": "deletes"}
_IS_DONE = {"mkdir": "made", "rename": "renamed", "delete": "deleted"}
_WHOLE = {"mkdir": " with those above it", "rename": "", "delete": " with all that is in it"}


def begun(event: FilesChanging, who: str, endpoint: str) -> str:
    """`ann deletes hq:projects/old with all that is in it`."""
    said = f"{who or 'somebody'} {_DOES[event.act]} {_place(event, endpoint)}{_to(event, endpoint)}"
    return f"{said}{_WHOLE[event.act]}" if event.whole else said


def ended(event: FilesChanged, endpoint: str) -> str:
    """`hq:projects/old is deleted: 3 files, 1 folder, 20 bytes`."""
    place, done = _place(event, endpoint), f"{_IS_DONE[event.act]}{_to(event, endpoint)}"
    match event.outcome:
        case "done":
            return f"{place} is {done}{deleted(event, ': ')}"
        case "refused" | "failed":
            return f"{place} is not {done}: {event.message}{deleted(event, ', after ')}"
        case "unknown":
            return f"whether {place} is {done} is not known: {event.message}"


def _place(event: FilesChanging | FilesChanged, endpoint: str) -> str:
    return f"{endpoint}:{event.volume}/{event.path}"


def _to(event: FilesChanging | FilesChanged, endpoint: str) -> str:
    return f" to {endpoint}:{event.volume}/{event.to}" if event.to else ""


def deleted(event: FilesChanged, before: str) -> str:
    """How much, with what stands `before` it; "" for nothing."""
    kinds = ("file", event.files), ("folder", event.folders), ("link", event.links)
    counts = [figures.count(number, kind) for kind, number in kinds if number]
    counts += [figures.size(event.size)] if event.size else []
    return before + ", ".join(counts) if counts else ""
