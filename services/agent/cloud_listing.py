"""List what is at a path of a store, in the order of its keys. Lazy: memory holds one page of keys.

Folders are in no store: only the root is told, and the receiver makes those that files need. Keys
that no path can be (`a//b`, `..`) are skipped and counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import obstore

from events.tasks import Entry
from services.agent.chosen import Chosen
from services.agent.cloud import FILE_MODE, CloudSource, about_store, key_of, path_of, version
from services.agent.commands import Choice

PAGE = 1_000
FOLDER_MODE = 0o755


class CloudListing:
    """As `listing.Listing`. With `depth` deeper keys are told as the folders that they are in."""

    def __init__(
        self,
        source: CloudSource,
        choice: Choice,
        step: Callable[[], None] = lambda: None,
        *,
        depth: int = 0,
    ) -> None:
        self._source = source
        self._step = step
        self._chosen = Chosen(choice)
        self._depth = depth
        self.skipped = 0
        self.unread = 0

    def __iter__(self) -> Iterator[Entry]:
        if not self._source.is_folder:
            name, whole = self._source.key.rpartition("/")[2], self._source.whole
            yield Entry(path_of(name), "file", whole.st_size, FILE_MODE, whole.st_mtime_ns)
            return
        yield Entry("", "folder", mode=FOLDER_MODE, mtime_ns=time.time_ns())
        yield from self._below("")

    def some(self, only: Iterable[str]) -> Iterator[Entry]:
        for uri in only:
            found = False
            for entry in self._below(uri):
                found = True
                yield entry
            if not found and self._chosen.is_in(uri) and not self._chosen.is_out(uri):
                yield Entry(uri)

    def again(self, uri: str) -> Iterator[Entry]:
        """What is there now; nothing when it is gone."""
        root = f"{self._source.key}/".lstrip("/") if self._source.is_folder else ""
        key = f"{root}{key_of(uri)}" if self._source.is_folder else self._source.key
        with about_store(self._source.named(uri)):
            yield from self._one(key, key.removesuffix(key_of(uri)))

    def _below(self, uri: str) -> Iterator[Entry]:
        root = f"{self._source.key}/".lstrip("/")
        prefix = f"{root}{key_of(uri)}".rstrip("/")
        folders: set[str] = set()
        with about_store(self._source.named(uri)):
            if uri and not any(obstore.list(self._source.volume.store, prefix, chunk_size=1)):
                yield from self._one(prefix, root)
                return
            for page in obstore.list(self._source.volume.store, prefix or None, chunk_size=PAGE):
                for meta in page:
                    self._step()
                    yield from self._entry(meta, root, folders)

    def _one(self, key: str, root: str) -> Iterator[Entry]:
        try:
            meta = obstore.head(self._source.volume.store, key)
        except FileNotFoundError:
            return
        yield from self._entry(meta, root, set())

    def _entry(self, meta: obstore.ObjectMeta, root: str, folders: set[str]) -> Iterator[Entry]:
        below = meta["path"].removeprefix(root)
        pieces = below.split("/")
        if not all(piece not in ("", ".", "..") for piece in pieces):
            self.skipped += 1
            return
        uri = path_of(below)
        above = [path_of("/".join(pieces[:depth])) for depth in range(1, len(pieces))]
        if self._chosen.is_out(uri) or any(self._chosen.is_out(one, folder=True) for one in above):
            return
        if not self._chosen.is_in(uri) and not any(
            self._chosen.is_in(one, folder=True) for one in above if self._chosen.picks
        ):
            return
        if self._depth and len(pieces) > self._depth:
            folder = above[self._depth - 1]
            if folder not in folders:
                folders.add(folder)
                yield Entry(folder, "folder", mode=FOLDER_MODE)
            return
        found = version(meta)
        yield Entry(uri, "file", found.st_size, FILE_MODE, found.st_mtime_ns)
