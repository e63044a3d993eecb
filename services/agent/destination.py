"""Where a run writes: a folder of a volume, made if missing, and nothing outside of it.

A source that is a folder brings its contents below the destination path. A source that is one
file goes into the path if that is a folder (or is written as one), else exactly there. Links on
the destination path itself are followed inside the volume; below it none is. Moves no content.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from events import names
from events.attributes import Attribute
from events.jobs import ErrorClass
from events.rules import Comparison
from events.tasks import Entry
from services.agent import paths
from services.agent.attributes import Giving, Owner
from services.agent.beneath import FOLDER, open_beneath, opened_beneath, resolve
from services.agent.faults import Fault, Full, about, fault_of
from services.agent.held import HeldFolder
from services.agent.making import is_folder, make_folder, make_folders, touch
from services.agent.spelling import Clash, Folding, Spelling, probe
from services.agent.volume import OpenVolume
from services.agent.xattrs import Xattrs

if TYPE_CHECKING:
    from services.agent.compare import Candidate

CHECKED_MAX = 100_000


class Beyond(Protocol):
    """Where files go on to: it has no folders and no links. Raises Fault."""

    def find(self, path: Sequence[bytes], entry: Entry, comparison: Comparison) -> Candidate | None:
        """What is there already, if it may be the entry's."""
        ...

    def holds(self, path: Sequence[bytes]) -> bool:
        """Whether anything is there."""
        ...

    def put(
        self, path: Sequence[bytes], descriptor: int, digest: str, check: Callable[[], None]
    ) -> None:
        """Keep the file at `path` durably; `check` may raise to stop."""
        ...


class Destination:
    """`root` is the open folder, `real` its names below the volume's root without links.

    `only` is the name that a single file gets, None when a tree arrives. What is in place goes on
    to what is `beyond`, where there is something: then this is only a stop on the way.
    """

    def __init__(
        self,
        volume: OpenVolume,
        root: int,
        real: list[bytes],
        only: bytes | None,
        kept: frozenset[Attribute],
        beyond: Beyond | None = None,
    ) -> None:
        self._volume = volume
        self.root = root
        self._real = real
        self.only = only
        self.beyond = beyond
        self.giving = Giving(kept, lambda: self._held([]), is_store=beyond is not None)
        self._given: set[int] = set()  # Hashes of their names: there may be a million of them.
        self._checked: set[tuple[bytes, ...]] = set()

    def named(self, uri: str) -> str:
        """How messages name what arrives as `uri`."""
        here = paths.join(self._real)
        last = uri if self.only is None else names.to_text(self.only)
        return self._volume.named("/".join(piece for piece in (here, last) if piece))

    def fault(self, uri: str, error: OSError | Fault) -> Fault:
        """Why `uri` failed. Raises Fault when it is not its own: the folder is gone, or the volume
        is full.
        """
        if isinstance(error, Full):
            raise error
        if not self.exists():
            message = f"{self.named('')}: was removed while files arrived"
            raise Fault(ErrorClass.VOLUME, message)
        return error if isinstance(error, Fault) else fault_of(error, self.named(uri))

    def owner(self, entry: Entry) -> Owner:
        """Whose it is to be here. Raises Fault when that cannot be."""
        return self.giving.owner(entry, self.named(entry.uri))

    def exists(self) -> bool:
        """False once the folder was removed, though its descriptor still is there."""
        return os.fstat(self.root).st_nlink > 0

    def place(self, uri: str) -> tuple[list[bytes], bytes]:
        """The folder and the name of a file or link. Raises Fault."""
        if self.only is not None:
            return [], self.only
        parts = paths.split(uri)
        if not parts:
            raise Fault(ErrorClass.PERMISSION, f"{self.named(uri)}: a file needs a name")
        return parts[:-1], parts[-1]

    @cached_property
    def spelling(self) -> Spelling:
        """Of the names here; how they behave is tried when it is first asked. Raises OSError."""
        if self.beyond is not None:
            return Spelling(Folding())
        with self._held([]) as root:
            return Spelling(probe(root.descriptor))

    def put(self, uri: str, folder: int, name: bytes, put: Callable[[], None]) -> None:
        """Have `put` make `name` in an open folder, unless it would take the place of another name.
        Raises Fault, and what it raises."""
        try:
            self.spelling.put(folder, name, put)
        except Clash as clash:
            raise self._clash(uri, clash) from None

    def check_place(self, uri: str, parts: Sequence[bytes], name: bytes) -> None:
        """As `check_name`, for a name in a folder below that may not be there yet."""
        if self.spelling.folding.folds:
            self._check_way(parts)
            with suppress(FileNotFoundError), opened_beneath(self.root, parts, FOLDER) as folder:
                self.check_name(uri, folder, name)

    def check_name(self, uri: str, folder: int, name: bytes) -> None:
        """Raises Fault when it would take the place of another name; OSError."""
        try:
            self.spelling.check(folder, name)
        except Clash as clash:
            raise self._clash(uri, clash) from None

    def _clash(self, uri: str, clash: Clash) -> Fault:
        message = (
            f"{self.named(uri)}: the file system here takes it for {names.to_text(clash.there)}"
        )
        message = f"{message}, which is there already: rename one of them at the source"
        return Fault(ErrorClass.PERMISSION, message)

    def hold_folder(self, parts: Sequence[bytes]) -> HeldFolder:
        """A folder below to change something in, made if missing; of a tree it has its mode and
        time again once it is released. Raises OSError."""
        held = HeldFolder(self._open_folder(parts))
        if self.only is not None:
            return held
        try:
            # What was not given to this run was finished by an earlier one, for good.
            held.keep(note=hash(paths.join(list(parts))) not in self._given)
        except OSError:
            held.release()
            raise
        return held

    def _open_folder(self, parts: Sequence[bytes]) -> int:
        """Raises OSError, and Fault where it is another folder that its name leads to."""
        if parts and self.spelling.folding.folds:
            self._check_way(parts)
        try:
            return open_beneath(self.root, parts, FOLDER)
        except FileNotFoundError:
            for depth, name in enumerate(parts):
                with self._held(parts[:depth]) as above:
                    os.close(make_folder(above.descriptor, name))
            return open_beneath(self.root, parts, FOLDER)

    def _check_way(self, parts: Sequence[bytes]) -> None:
        for depth, name in enumerate(parts):
            way = tuple(parts[: depth + 1])
            if way in self._checked:
                continue
            with suppress(FileNotFoundError), opened_beneath(self.root, way[:-1], FOLDER) as above:
                self.check_name(paths.join(list(way)), above, name)
            if len(self._checked) < CHECKED_MAX:
                self._checked.add(way)

    def kind_at(self, parts: Sequence[bytes]) -> str | None:
        """What is there: a folder, or a file (all else); None: nothing. Raises OSError, Fault."""
        if self.beyond is not None:
            return "file" if self.beyond.holds(parts) else None
        try:
            with opened_beneath(self.root, parts[:-1], FOLDER) as above:
                found = os.stat(parts[-1], dir_fd=above, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return "folder" if stat.S_ISDIR(found.st_mode) else "file"

    def was_there(self, uri: str, mark: bytes) -> bool:
        """Whether a folder was there before the job: it made none under this mark."""
        *above, name = paths.split(uri)
        try:
            return self.kind_at([*above, name]) == "folder" and not self.kind_at([*above, mark])
        except OSError:
            return False  # Who makes it there learns why that cannot be.

    def make_folder(self, entry: Entry, mark: bytes | None = None) -> None:
        """Make the folder of a task, writable until it is finished; with a hidden `mark` beside it
        that says until then that it is ours. Raises Fault."""
        parts = paths.split(entry.uri)
        self._given.add(hash(entry.uri))
        self.owner(entry)
        mode = (entry.mode | 0o700) & 0o777 if self.giving.gives_modes else 0o777
        if not parts or self.beyond is not None:
            return
        with about(self.named(entry.uri)), self._held(parts[:-1]) as above:
            if mark is not None:
                touch(above.descriptor, mark)
            try:
                os.mkdir(parts[-1], mode, dir_fd=above.descriptor)
            except FileExistsError:
                self._check_is_folder(above.descriptor, parts[-1], entry.uri)
                self.check_name(entry.uri, above.descriptor, parts[-1])

    def _check_is_folder(self, above: int, name: bytes, uri: str) -> None:
        found = os.stat(name, dir_fd=above, follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode):
            message = f"{self.named(uri)}: something else stands where a folder goes: move it away"
            raise Fault(ErrorClass.PERMISSION, message)

    def flush_folder(self, parts: Sequence[bytes]) -> None:
        """Make the names in a folder durable. Raises Fault."""
        if self.beyond is not None:
            return
        with about(self.named(paths.join(list(parts)))):
            self.hold_folder(parts).release(flush=True)

    def finish_folder(
        self, entry: Entry, mark: bytes | None = None, xattrs: Xattrs | None = None
    ) -> None:
        """Give a folder its attributes and time, after everything in it has arrived. Raises
        Fault."""
        parts, named, giving = paths.split(entry.uri), self.named(entry.uri), self.giving
        if self.beyond is not None:
            giving.put_xattrs(self.root, xattrs, named)
            return
        owner = self.owner(entry)
        with about(named):
            with self._held(parts) as folder:
                giving.put_xattrs(folder.descriptor, xattrs, named)
                folder.finish(giving.folder_mode(entry.mode), entry.mtime_ns)
                owner.give(folder.descriptor)
                os.fsync(folder.descriptor)
            if mark is not None and parts:
                with self._held(parts[:-1]) as above, suppress(FileNotFoundError):
                    os.unlink(mark, dir_fd=above.descriptor)

    def check_link(self, uri: str, target: bytes) -> None:
        """Raises Fault when a link at `uri` to `target` would lead out of the volume."""
        if self.beyond is not None:
            message = f"{self.named(uri)}: a store has no links: follow or skip them"
            raise Fault(ErrorClass.PERMISSION, f"{message} (transfer_symlinks)")
        folder, name = self.place(uri)
        self._volume.check_link([*self._real, *folder], name, target)

    @contextmanager
    def _held(self, parts: Sequence[bytes]) -> Iterator[HeldFolder]:
        folder = self.hold_folder(parts)
        try:
            yield folder
        finally:
            folder.release()


@contextmanager
def open_destination(
    volume: OpenVolume, path: str, single: str | None, kept: frozenset[Attribute]
) -> Iterator[Destination]:
    """`single` is the uri of a source that is one file. Raises Fault."""
    with about(volume.named(path)):
        real = resolve(volume.root, (), b"/".join(paths.split(path)))
        only = None
        if single is not None:
            real, only = _place_of_one(volume, path, real, single)
        root = make_folders(volume.root, real)
    try:
        yield Destination(volume, root, real, only, kept)
    finally:
        os.close(root)


def _place_of_one(
    volume: OpenVolume, path: str, real: list[bytes], single: str
) -> tuple[list[bytes], bytes]:
    parts = paths.split(single)
    if len(parts) != 1:
        raise Fault(ErrorClass.PERMISSION, f"{single}: a single file has one name")
    if paths.names_a_folder(path) or is_folder(volume.root, real):
        return real, parts[0]
    return real[:-1], real[-1]
