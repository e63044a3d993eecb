"""Delete a folder with all that is in it, from below, each thing by its name in an open folder.

No link is followed and no other file system is entered. The first thing that cannot be deleted ends
it; what went before that is counted.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from events import names
from events.jobs import ErrorClass
from services.agent.beneath import FOLDER, open_beneath
from services.agent.faults import Fault, about
from services.scheduler.commands import ChangeEnded

DEPTH_MAX = 1_000
NAMES_MAX = 10_000


class Felled(Struct):
    """What was deleted."""

    files: int = 0
    folders: int = 0
    links: int = 0
    size: int = 0

    def add(self, found: os.stat_result) -> None:
        if stat.S_ISDIR(found.st_mode):
            self.folders += 1
        elif stat.S_ISLNK(found.st_mode):
            self.links += 1
        else:
            self.files += 1
            self.size += found.st_size

    def told(self, ended: ChangeEnded) -> ChangeEnded:
        counts = {"files": self.files, "folders": self.folders, "links": self.links}
        return replace(ended, size=self.size, **counts)


class _Level:
    """A folder that is being emptied. Names in it are looked for anew when those that were found
    are gone: others may come meanwhile, and not all are held at once.
    """

    def __init__(self, name: bytes, above: int) -> None:
        self.name = name
        self.opened = open_beneath(above, (name,), FOLDER)
        self.found = os.fstat(self.opened)
        self._left: Iterator[bytes] = iter(())

    def next(self) -> bytes | None:
        """None when it is empty."""
        name = next(self._left, None)
        if name is None:
            with os.scandir(self.opened) as listed:
                self._left = iter([os.fsencode(one.name) for one in islice(listed, NAMES_MAX)])
            name = next(self._left, None)
        return name


class Felling:
    """The folder `name` in the open folder `above`, which messages call `shown`."""

    def __init__(self, above: int, name: bytes, shown: str, felled: Felled) -> None:
        self._above = above
        self._name = name
        self._shown = shown
        self._felled = felled
        self._levels: list[_Level] = []

    def fell(self, step: Callable[[], None]) -> None:
        """Delete it. Raises Fault, and what `step` raises."""
        try:
            with about(self._shown):
                self._enter(self._above, self._name)
            while self._levels:
                step()
                with about(self._here):
                    inner = self._levels[-1].next()
                    if inner is None:
                        self._leave()
                    else:
                        self._delete(inner)
        finally:
            for level in self._levels:
                os.close(level.opened)

    @property
    def _here(self) -> str:
        inner = (names.to_text(level.name) for level in self._levels[1:])
        return "/".join((self._shown, *inner))

    def _enter(self, above: int, name: bytes) -> None:
        if len(self._levels) >= DEPTH_MAX:
            message = (
                f"{self._shown}: more than {DEPTH_MAX} folders deep: delete what is below first"
            )
            raise Fault(ErrorClass.PERMISSION, message)
        level = _Level(name, above)
        self._levels.append(level)
        if level.found.st_dev != os.fstat(above).st_dev:
            raise Fault(
                ErrorClass.PERMISSION, f"{self._here}: another file system is mounted there"
            )

    def _leave(self) -> None:
        level = self._levels.pop()
        try:
            above = self._levels[-1].opened if self._levels else self._above
            os.rmdir(level.name, dir_fd=above)
        finally:
            os.close(level.opened)
        self._felled.add(level.found)

    def _delete(self, name: bytes) -> None:
        """What somebody else deletes meanwhile is gone as well."""
        here = self._levels[-1].opened
        with suppress(FileNotFoundError):
            found = os.stat(name, dir_fd=here, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                self._enter(here, name)
                return
            os.unlink(name, dir_fd=here)
            self._felled.add(found)
