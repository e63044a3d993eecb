"""Files compared with a manifest: what is there first, then the BLAKE3 of it, in many threads.

Reads only, follows no link, and stays below the folder whatever the manifest says.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator, Sequence
from typing import Literal

from blake3 import blake3
from msgspec import Struct

from events import names
from projections.manifest import ManifestLine
from services.agent import paths
from services.agent.beneath import FOLDER, PATH, opened_beneath

THREADS = max(4, os.cpu_count() or 1)
PIECE_BYTES = 256 << 10  # Stays in the processor's cache between read and hash.
KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}

Parts = Sequence[bytes]
What = Literal["missing", "differs", "extra"]


class Finding(Struct, frozen=True):
    """What is not as the manifest says; `why` where something else is there."""

    what: What
    path: str
    why: str = ""


class Check:
    """`root` is the open folder; with `only`, the one line is about the file of that name.

    `lines` and `bytes` are counted as it goes on.
    """

    def __init__(self, root: int, left: Iterator[ManifestLine], only: bytes | None = None) -> None:
        self._root, self._left, self._only = root, left, only
        self._known: set[bytes] = set()
        self._lock = threading.Lock()
        self._error: Exception | None = None
        self._stopped = False
        self.findings: list[Finding] = []
        self.lines = self.bytes = 0

    def start(self) -> list[threading.Thread]:
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        return threads

    def stop(self) -> None:
        self._stopped = True

    def result(self, manifest: tuple[int, int]) -> list[Finding]:
        """Once the threads are through. What the manifest does not know is extra, but not folders,
        and not the manifest itself, told by its device and inode. Raises what ended a thread."""
        if self._error is not None:
            raise self._error
        if self._only is None:
            self._walk(manifest)
        return sorted(self.findings, key=lambda one: (one.what, one.path))

    # Threads.

    def _work(self) -> None:
        piece = memoryview(bytearray(PIECE_BYTES))
        try:
            while (line := self._take()) is not None:
                finding = self._compare(line, piece)
                if finding is not None:
                    self.findings.append(finding)
        except Exception as error:
            self._error, self._stopped = error, True

    def _take(self) -> ManifestLine | None:
        with self._lock:
            line = None if self._stopped else next(self._left, None)
            if line is not None:
                self.lines += 1
                self._known.add(b"/".join(paths.split(line.path)))
            return line

    def _compare(self, line: ManifestLine, piece: memoryview) -> Finding | None:
        parts = paths.split(line.path) if self._only is None else [self._only]
        try:
            why = self._difference(line, parts, piece)
        except (FileNotFoundError, NotADirectoryError):
            return Finding("missing", line.path)
        except OSError as error:
            why = _unreadable(error)
        return Finding("differs", line.path, why) if why else None

    def _difference(self, line: ManifestLine, parts: Parts, piece: memoryview) -> str:
        """Raises OSError."""
        found = self._stat(parts)
        kind = KINDS.get(stat.S_IFMT(found.st_mode), "special file")
        if kind != line.kind:
            return f"is a {kind}, not a {line.kind}"
        if kind != "file":
            return ""
        if line.size is not None and line.size != found.st_size:
            return f"has {found.st_size:,} bytes, not {line.size:,}"
        if line.blake3 is not None and self._hash(parts, piece) != line.blake3:
            return "has other content"
        return ""

    def _stat(self, parts: Parts) -> os.stat_result:
        if not parts:
            return os.fstat(self._root)
        with opened_beneath(self._root, parts[:-1], PATH | os.O_DIRECTORY) as above:
            return os.stat(parts[-1], dir_fd=above, follow_symlinks=False)

    def _hash(self, parts: Parts, piece: memoryview) -> str:
        hasher = blake3()
        with opened_beneath(self._root, parts, os.O_RDONLY) as descriptor:
            while not self._stopped and (count := os.readv(descriptor, [piece])):
                hasher.update(piece[:count])
                with self._lock:
                    self.bytes += count
        return str(hasher.hexdigest())

    # What else is there.

    def _walk(self, manifest: tuple[int, int]) -> None:
        left: list[tuple[bytes, ...]] = [()]
        while left:
            parts = left.pop()
            try:
                left += self._look(parts, manifest)
            except OSError as error:
                path = names.to_text(b"/".join(parts))
                self.findings.append(Finding("differs", path, _unreadable(error)))

    def _look(self, parts: tuple[bytes, ...], manifest: tuple[int, int]) -> list[tuple[bytes, ...]]:
        """The folders in a folder; the rest of it is known or extra. Raises OSError."""
        folders = []
        with opened_beneath(self._root, parts, FOLDER) as opened, os.scandir(opened) as entries:
            for entry in entries:
                inner = (*parts, os.fsencode(entry.name))
                path = b"/".join(inner)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(inner)
                elif path not in self._known and _identity(entry) != manifest:
                    self.findings.append(Finding("extra", names.to_text(path)))
        return folders


def _identity(entry: os.DirEntry[str]) -> tuple[int, int]:
    found = entry.stat(follow_symlinks=False)
    return found.st_dev, found.st_ino


def _unreadable(error: OSError) -> str:
    return f"cannot be read: {error.strerror}"
