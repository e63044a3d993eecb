"""Files that have several names (hard links): by which of them a listing told each first."""

from __future__ import annotations

import os

from msgspec.structs import replace

from events.tasks import Entry

KNOWN_MAX = 100_000


class Twins:
    """Remembers a file until all its names were told, and of no more than so many at a time; the
    names of others are told as files of their own.
    """

    def __init__(self, known_max: int) -> None:
        self._known_max = known_max
        self._known: dict[tuple[int, int], tuple[str, int]] = {}

    def told(self, entry: Entry, found: os.stat_result) -> Entry:
        """The entry, with the name that its file was told by if there was one."""
        if entry.kind != "file" or found.st_nlink < 2:
            return entry
        key = (found.st_dev, found.st_ino)
        first, left = self._known.pop(key, ("", found.st_nlink))
        if left > 1 and len(self._known) < self._known_max:
            self._known[key] = (first or entry.uri, left - 1)
        return replace(entry, same_as=first) if first else entry
