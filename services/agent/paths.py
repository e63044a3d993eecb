"""Paths in a volume: escaped text with slashes, as events carry them, to the bytes of each name."""

from __future__ import annotations

from events import names
from events.jobs import ErrorClass
from services.agent.faults import Fault

PARTS_MAX = 10_000


def split(path: str) -> list[bytes]:
    """The names of a path. Raises Fault (permission) for one that is absolute, uses `..`, holds a
    NUL byte or is not an escaped name."""
    try:
        name = names.to_bytes(path)
    except names.BadEscape as error:
        raise _refused(path, str(error)) from error
    if name.startswith(b"/"):
        raise _refused(path, "a path starts below its volume, without a slash")
    if b"\0" in name:
        raise _refused(path, "a name cannot hold a NUL byte")
    parts = [part for part in name.split(b"/") if part not in (b"", b".")]
    if b".." in parts:
        raise _refused(path, "`..` is not allowed: name the folder itself")
    if len(parts) > PARTS_MAX:
        raise _refused(path[:100] + "…", f"more than {PARTS_MAX} folders deep")
    return parts


def _refused(path: str, reason: str) -> Fault:
    return Fault(ErrorClass.PERMISSION, f"{path}: {reason}")


def join(parts: list[bytes]) -> str:
    return "/".join(names.to_text(part) for part in parts)


def names_a_folder(path: str) -> bool:
    """Whether a person wrote it as a folder: a trailing slash, or the volume itself."""
    return path == "" or path.endswith("/")
