"""A volume: a named root folder of this endpoint, and the only way to the files in it.

It is opened anew for each piece of work, so one that was mounted again is found. Everything in it
is reached by descriptors below its root; `beneath` keeps them there.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from events import names
from events.jobs import ErrorClass, Part
from events.parts import Places
from services.agent import paths
from services.agent.beneath import FOLDER, PATH, open_beneath, opened_beneath, resolve
from services.agent.commands import Found, Room
from services.agent.faults import Fault, about, fault_of
from services.agent.readable import LocalFile, Readable
from services.agent.xattrs import Xattrs, read


class Volume:
    def __init__(self, code: str, root: Path) -> None:
        self.code = code
        self.root = root
        self._was_mounted = False

    def room(self) -> Room | None:
        """What is left of it; None while it is not there."""
        try:
            root = self._open()
            try:
                return Room(self.code, *room_at(root))
            finally:
                os.close(root)
        except OSError:
            return None

    def _open(self) -> int:
        """Raises OSError; also when it was a file system of its own, and now is the empty folder
        that this was mounted on.
        """
        root = os.open(self.root, FOLDER | os.O_CLOEXEC)
        try:
            is_mounted = os.fstat(root).st_dev != os.stat("..", dir_fd=root).st_dev
            if self._was_mounted and not is_mounted:
                raise OSError(errno.ENODEV, "nothing is mounted there any more")
            self._was_mounted = is_mounted
        except OSError:
            os.close(root)
            raise
        return root

    @contextmanager
    def opened(self) -> Iterator[OpenVolume]:
        """Raises Fault (volume) when the root folder cannot be opened."""
        try:
            root = self._open()
        except OSError as error:
            message = f"volume {self.code}: its folder cannot be opened: {error.strerror}"
            raise Fault(ErrorClass.VOLUME, message) from error
        try:
            yield OpenVolume(self.code, root)
        finally:
            os.close(root)


def room_at(descriptor: int) -> tuple[int, int]:
    """Bytes free for others than the superuser, and all there are. Raises OSError."""
    found = os.fstatvfs(descriptor)
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize


class OpenVolume:
    """`root` is the descriptor of the root folder."""

    def __init__(self, code: str, root: int) -> None:
        self.code = code
        self.root = root

    def named(self, path: str) -> str:
        """How messages name a path in this volume."""
        return f"{self.code}/{path}"

    def stat(self, path: str) -> Found:
        with self.source(path) as source:
            found, kind = source.found, _kind(source.found)
            size = found.st_size if kind == "file" else 0
            return Found(kind, size, stat.S_IMODE(found.st_mode), found.st_mtime_ns)

    @contextmanager
    def source(
        self, path: str, follows: bool = False, parts_of_it: Sequence[Part] = ()
    ) -> Iterator[Source]:
        """What is at `path`, links inside the volume followed; nothing is read yet.

        Links below it are followed likewise if it `follows`. With parts it is only these.
        """
        parts = paths.split(path)
        try:
            opened = open_beneath(self.root, parts, PATH, follow=True)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise Fault(
                ErrorClass.MISSING,
                f"{self.named(path)}: there is nothing there: check the path on the endpoint",
            ) from error
        except OSError as error:
            raise fault_of(error, self.named(path)) from error
        try:
            found = os.fstat(opened)
            if path.endswith("/") and not stat.S_ISDIR(found.st_mode):
                message = f"{self.named(path)}: is a file, not a folder: leave out the last slash"
                raise Fault(ErrorClass.MISSING, message)
            places = Places(parts_of_it) if parts_of_it else None
            yield Source(self, path, parts, opened, found, follows, places)
        finally:
            os.close(opened)

    def check_link(self, folder: Sequence[bytes], name: bytes, target: bytes) -> None:
        """Raises Fault (permission) when the link `name` in the real `folder` leads outside."""
        try:
            resolve(self.root, folder, target)
        except OSError as error:
            shown = self.named(paths.join([*folder, name]))
            message = f"{shown}: the link to {names.to_text(target)} leads out of the volume"
            raise Fault(ErrorClass.PERMISSION, message) from error


class Source:
    """A file or folder of a volume; `opened` is a descriptor that names it but cannot read it."""

    def __init__(
        self,
        volume: OpenVolume,
        path: str,
        parts: list[bytes],
        opened: int,
        found: os.stat_result,
        follows: bool,
        places: Places | None,
    ) -> None:
        self.volume = volume
        self.path = path
        self.parts = parts
        self.opened = opened
        self.found = found
        self._follows = follows
        self._places = places

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.found.st_mode)

    def named(self, uri: str) -> str:
        uri = (self._places and self._places.path(uri)) or uri
        inner = "/".join(piece for piece in (self.path.rstrip("/"), uri) if piece)
        return self.volume.named(inner if self.is_folder else self.path)

    @cached_property
    def real(self) -> list[bytes]:
        """The names that lead here without a link. Raises Fault."""
        with about(self.volume.named(self.path)):
            return resolve(self.volume.root, (), b"/".join(self.parts))

    def look(self) -> os.stat_result:
        """What is at the path now. Raises Fault."""
        with (
            about(self.volume.named(self.path)),
            opened_beneath(self.volume.root, self.parts, PATH, follow=True) as found,
        ):
            return os.fstat(found)

    def find(self, uri: str) -> list[bytes]:
        """Where below what arrives as `uri` lies. Raises Fault."""
        path = uri if self._places is None else self._places.path(uri)
        if path is None:
            raise self._strange(uri)
        return paths.split(path)

    def _strange(self, uri: str) -> Fault:
        return Fault(ErrorClass.MISSING, f"{self.named(uri)}: is not part of this transfer")

    def open_file(self, uri: str) -> Readable:
        """The regular file `uri`. Raises Fault, OSError."""
        if self.is_folder:
            opened = self._open_below(self.find(uri))
        elif paths.split(uri) == self.parts[-1:]:
            opened = open_beneath(self.volume.root, self.parts, os.O_RDONLY, follow=True)
        else:
            raise self._strange(uri)
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            os.close(opened)
            raise Fault(ErrorClass.CHANGED, f"{self.named(uri)}: is not a file any more")
        return LocalFile(opened)

    def _open_below(self, parts: list[bytes]) -> int:
        if self._follows:
            return self.open_followed(parts, os.O_RDONLY)
        return open_beneath(self.opened, parts, os.O_RDONLY)

    def open_followed(self, parts: Sequence[bytes], flags: int) -> int:
        """What is at `parts` below, links followed as far as the volume goes. Raises OSError."""
        return open_beneath(self.volume.root, [*self.real, *parts], flags, follow=True)

    def is_around(self, parts: Sequence[bytes], found: os.stat_result) -> bool:
        """Whether it is one of the folders that `parts` below is in. Raises OSError."""
        whole = [*self.real, *parts]
        for depth in range(len(whole)):
            with opened_beneath(self.volume.root, whole[:depth], PATH, follow=True) as folder:
                if os.path.samestat(os.fstat(folder), found):
                    return True
        return False

    def read_link(self, uri: str) -> tuple[bytes, os.stat_result]:
        """The target of the link `uri`, checked to stay inside. Raises Fault, OSError."""
        parts = self.find(uri)
        if not self.is_folder or not parts:
            raise self._strange(uri)
        if self._follows:
            raise self._not_followed(parts, uri)
        with opened_beneath(self.opened, parts[:-1], FOLDER) as folder:
            found = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
            if not stat.S_ISLNK(found.st_mode):
                raise Fault(ErrorClass.CHANGED, f"{self.named(uri)}: is not a link any more")
            target = os.readlink(parts[-1], dir_fd=folder)
        self.volume.check_link([*self.real, *parts[:-1]], parts[-1], target)
        return target, found

    def folder_xattrs(self, uri: str) -> Xattrs:
        """Of the folder `uri`. Raises Fault, OSError."""
        parts = self.find(uri)
        if self._follows:
            opened = self.open_followed(parts, FOLDER)
        else:
            opened = open_beneath(self.opened, parts, FOLDER)
        try:
            return read(opened, self.named(uri))
        finally:
            os.close(opened)

    def _not_followed(self, parts: list[bytes], uri: str) -> Fault:
        """Why a link was listed as what cannot be followed."""
        link = f"{self.named(uri)}: the link leads"
        try:
            opened = self.open_followed(parts, PATH)
        except FileNotFoundError:
            return Fault(ErrorClass.MISSING, f"{link} to nothing")
        except OSError as error:
            in_a_circle = error.errno == errno.ELOOP
            return _circle(link) if in_a_circle else fault_of(error, self.named(uri))
        try:
            around = self.is_around(parts, os.fstat(opened))
        finally:
            os.close(opened)
        elsewhere = f"{link} elsewhere than when it was listed"
        return _circle(link) if around else Fault(ErrorClass.CHANGED, elsewhere)


def _circle(link: str) -> Fault:
    return Fault(ErrorClass.PERMISSION, f"{link} in a circle")


def _kind(found: os.stat_result) -> str:
    if stat.S_ISDIR(found.st_mode):
        return "folder"
    return "file" if stat.S_ISREG(found.st_mode) else "other"
