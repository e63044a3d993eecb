"""List what is at a path of a volume: depth first, names in the order of their bytes.

Lazy: memory holds the names of the folders on the way to the current entry and nothing else.
Pipes, devices, sockets and our own partial files are skipped and counted; what vanishes while we
look was never there. What is excluded is not looked into. Where something is picked, a folder is
told only before what is picked of it. Reads no file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from events import attributes, names
from events.jobs import ErrorClass, Part
from events.parts import names as part_names
from events.tasks import Entry
from services.agent import paths
from services.agent.attributes import Noting
from services.agent.beneath import FOLDER, PATH, open_beneath
from services.agent.chosen import Chosen
from services.agent.commands import Choice
from services.agent.faults import Fault, about
from services.agent.levels import Level, Levels, Parts
from services.agent.partial import is_ours
from services.agent.twins import KNOWN_MAX, Twins
from services.agent.volume import Source

MODE_BITS = 0o7777
ALL = Choice()


class Listing:
    """Iterate once. Raises Fault: missing, or permission for a folder that cannot be read.

    A source that is one file was named by hand: no pattern is held against it. `step` is called
    for each name that is looked at, and may raise to stop. `parts` are those of the source. `depth`
    is how far down it goes, 0 for all the way. With `lenient` a folder that cannot be read is told
    and counted as `unread`.
    """

    def __init__(
        self,
        source: Source,
        choice: Choice = ALL,
        step: Callable[[], None] = lambda: None,
        parts: Sequence[Part] = (),
        *,
        depth: int = 0,
        lenient: bool = False,
    ) -> None:
        self._source = source
        self._step = step
        self._parts = parts
        self._chosen = Chosen(choice)
        self._symlinks = choice.symlinks
        self._noting = Noting(attributes.read(choice.attributes))
        self._twins = Twins(KNOWN_MAX if choice.hardlinks == "on" else 0)
        self._levels = Levels(self._open)
        self._above: list[Entry] = []  # Folders on the way to the levels that are still untold.
        self._depth = depth
        self._lenient = lenient
        self.skipped = 0
        self.unread = 0

    def __iter__(self) -> Iterator[Entry]:
        found = self._source.found
        if self._parts:
            yield from self._of_parts()
        elif stat.S_ISDIR(found.st_mode):
            yield from self._folder()
        elif stat.S_ISREG(found.st_mode):
            yield self._entry_of(names.to_text(self._source.parts[-1]), "file", found)
        else:
            message = f"{self._source.named('')}: is neither a file nor a folder"
            raise Fault(ErrorClass.MISSING, message)

    def _folder(self) -> Iterator[Entry]:
        yield self._entry_of("", "folder", self._source.found)
        try:
            opened = open_beneath(self._source.opened, (), FOLDER)
            self._levels.descend((), "", opened, whole=not self._chosen.picks)
            yield from self._walk()
        finally:
            self._levels.leave()

    def some(self, only: Iterable[str]) -> Iterator[Entry]:
        """These paths below the source and what is in them, each after the folders it is in.

        Raises Fault: missing for a source that is one file.
        """
        if not self._source.is_folder:
            message = f"{self._source.named('')}: is one file, nothing is below it"
            raise Fault(ErrorClass.MISSING, message)
        told: set[str] = set()
        try:
            for uri in only:
                above = self._on_the_way(uri)
                if any(self._chosen.is_out(one, folder=True) for one in above if one):
                    continue
                picked = (self._chosen.is_in(one, folder=True) for one in above if one)
                whole = not self._chosen.picks or any(picked)
                untold = [one for one in above if one not in told]
                entry = self._found(uri, whole=whole, above=untold)
                yield from self._tell(entry) if entry is not None else ()
                yield from self._walk()
                if not self._above:
                    told.update(above)
        finally:
            self._levels.leave()

    def again(self, uri: str) -> Iterator[Entry]:
        """What is there now; nothing when it is gone."""
        if not self._source.is_folder:
            yield self._entry_of(uri, "file", self._source.look())
            return
        try:
            entry = self._named(uri, whole=True)
        except Fault as fault:
            if fault.error_class is not ErrorClass.MISSING:
                raise
            return
        if entry is not None:
            yield entry
        yield from self._walk()

    def _on_the_way(self, uri: str) -> list[str]:
        """The folders that are told before it: of a part none above it is."""
        names_ = paths.split(uri)
        return [paths.join(names_[:depth]) for depth in range(bool(self._parts), len(names_))]

    def _of_parts(self) -> Iterator[Entry]:
        try:
            for uri in chain.from_iterable(map(part_names, self._parts)):
                entry = self._found(uri, whole=not self._chosen.picks)
                yield from self._tell(entry) if entry is not None else ()
                yield from self._walk()
        finally:
            self._levels.leave()

    def _found(self, uri: str, *, whole: bool, above: Iterable[str] = ()) -> Entry | None:
        """What is at a path that was named, to be told after the folders `above` it, None if it is
        not chosen. What is missing is told as a file that its sender will not find.
        """
        self._above = []
        try:
            for one in above:
                self._above.append(self._folder_at(one))
            return self._named(uri, whole=whole)
        except Fault as fault:
            if fault.error_class is not ErrorClass.MISSING:
                raise
            return Entry(uri) if self._takes(uri) else None

    def _takes(self, uri: str) -> bool:
        return self._chosen.is_in(uri) and not self._chosen.is_out(uri)

    def _folder_at(self, uri: str) -> Entry:
        with about(self._source.named(uri)):
            opened = self._open(tuple(self._source.find(uri)))
            try:
                return self._entry_of(uri, "folder", os.fstat(opened))
            finally:
                os.close(opened)

    def _named(self, uri: str, *, whole: bool) -> Entry | None:
        """The entry at a path, None if it is not chosen; the walk goes on in it when it is a
        folder."""
        self._step()
        *above, name = self._source.find(uri)
        level = Level(tuple(above), uri.rpartition("/")[0], [], None, whole)
        skipped = self.skipped
        try:
            with about(self._source.named(uri)):
                entry = self._entry(level, name, uri)
        finally:
            level.close()
        if self.skipped > skipped:
            message = f"{self._source.named(uri)}: is neither a file, a folder nor a link"
            raise Fault(ErrorClass.MISSING, message)
        return entry

    def _walk(self) -> Iterator[Entry]:
        while self._levels:
            level = self._levels.last
            if not level.names:
                self._levels.ascend()
                continue
            entry = self._look(level, level.names.pop())
            if entry is not None:
                yield from self._tell(entry)

    def _tell(self, entry: Entry) -> Iterator[Entry]:
        """The entry, after the folders that it is in."""
        if self._above:
            yield from self._above
            self._above = []
        if self._chosen.picks:
            for level in self._levels:
                if level.untold is not None:
                    yield level.untold
                    level.untold = None
        yield entry

    def _look(self, level: Level, name: bytes) -> Entry | None:
        """The entry of one name; a folder becomes the level below."""
        self._step()
        uri = f"{level.uri}/{names.to_text(name)}".lstrip("/")
        with about(self._source.named(uri)):
            try:
                return self._entry(level, name, uri)
            except FileNotFoundError:
                return None

    def _entry(self, level: Level, name: bytes, uri: str) -> Entry | None:
        folder, parts = self._levels.descriptor(level), (*level.parts, name)
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        is_link = stat.S_ISLNK(found.st_mode)
        if is_link and self._symlinks == "skip":
            return None
        if is_link and self._symlinks == "follow":
            found = self._behind(parts) or found
        is_folder = stat.S_ISDIR(found.st_mode)
        is_whole = level.whole or self._chosen.is_in(uri, folder=is_folder)
        if self._chosen.is_out(uri, folder=is_folder) or not (is_folder or is_whole):
            return None
        if is_folder:
            entry = self._entry_of(uri, "folder", found)
            if self._enter(folder, parts, uri, is_link=is_link, whole=is_whole) and not is_whole:
                self._levels.last.untold = entry
            return entry if is_whole else None
        told = leaf(folder, name, uri, found)
        self.skipped += told is None
        return told and self._twins.told(self._noting.noted(told, found), found)

    def _entry_of(self, uri: str, kind: str, found: os.stat_result) -> Entry:
        return self._noting.noted(entry_of(uri, kind, found), found)

    def _enter(self, above: int, parts: Parts, uri: str, *, is_link: bool, whole: bool) -> bool:
        """Whether what is in the folder comes next."""
        if self._depth and len(parts) >= self._depth:
            return False
        try:
            opened = self._open(parts) if is_link else open_beneath(above, parts[-1:], FOLDER)
        except PermissionError:
            if not self._lenient:
                raise
            self.unread += 1
            return False
        self._levels.descend(parts, uri, opened, whole=whole)
        return True

    def _behind(self, parts: Parts) -> os.stat_result | None:
        """What a link leads to; None where it cannot be followed, for which its task fails."""
        try:
            opened = self._source.open_followed(parts, PATH)
        except OSError:
            return None
        try:
            found = os.fstat(opened)
        finally:
            os.close(opened)
        leads_in_a_circle = stat.S_ISDIR(found.st_mode) and self._source.is_around(parts, found)
        return None if leads_in_a_circle else found

    def _open(self, parts: Parts) -> int:
        if self._symlinks == "follow":
            return self._source.open_followed(parts, FOLDER)
        return open_beneath(self._source.opened, parts, FOLDER)


def leaf(folder: int, name: bytes, uri: str, found: os.stat_result) -> Entry | None:
    """A link or a file in an open folder; None for what is neither, or is ours. Raises OSError."""
    if stat.S_ISLNK(found.st_mode):
        target = names.to_text(os.readlink(name, dir_fd=folder))
        return Entry(uri, "link", mtime_ns=found.st_mtime_ns, target=target)
    if stat.S_ISREG(found.st_mode) and not is_ours(name):
        return entry_of(uri, "file", found)
    return None


def entry_of(uri: str, kind: str, found: os.stat_result) -> Entry:
    size = found.st_size if kind == "file" else 0
    return Entry(uri, kind, size, found.st_mode & MODE_BITS, found.st_mtime_ns)
