"""What is in given places below a folder: told as a listing would, many at a time."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator

from events.jobs import ErrorClass
from events.tasks import Entry
from services.agent import listing, paths
from services.agent.beneath import FOLDER, open_beneath
from services.agent.cloud import CloudSource
from services.agent.cloud_store import Stored
from services.agent.faults import Fault
from services.agent.volume import Source
from services.agent.volumes import AnyVolume


def look_up(volume: AnyVolume, path: str, uris: Iterable[str]) -> Iterator[Entry | None]:
    """None for what is not there, is neither file, folder nor link, or is ours. Raises Fault,
    OSError."""
    with volume.opened() as opened:
        try:
            with opened.source(path) as source:
                if isinstance(source, CloudSource):
                    yield from _stored(source, uris)
                else:
                    yield from _Looking(source).each(uris)
        except Fault as fault:
            if fault.error_class is not ErrorClass.MISSING:
                raise
            yield from (None for _ in uris)


def _stored(source: CloudSource, uris: Iterable[str]) -> Iterator[Entry | None]:
    stored = Stored(source.volume, paths.split(source.path))
    for uri in uris:
        yield Entry("", "folder") if uri == "" and source.is_folder else stored.entry(uri)


class _Looking:
    """The folder that the last one was in stays open: the next one is mostly in it too."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._parts: list[bytes] | None = None
        self._folder = -1

    def each(self, uris: Iterable[str]) -> Iterator[Entry | None]:
        try:
            for uri in uris:
                try:
                    yield self._look(uri, paths.split(uri))
                except (FileNotFoundError, NotADirectoryError):
                    yield None
        finally:
            self._close()

    def _look(self, uri: str, parts: list[bytes]) -> Entry | None:
        if not parts:
            return self._told(-1, b"", uri, self._source.found)
        if parts[:-1] != self._parts:
            self._close()
            self._folder = open_beneath(self._source.opened, parts[:-1], FOLDER)
            self._parts = parts[:-1]
        found = os.stat(parts[-1], dir_fd=self._folder, follow_symlinks=False)
        return self._told(self._folder, parts[-1], uri, found)

    @staticmethod
    def _told(folder: int, name: bytes, uri: str, found: os.stat_result) -> Entry | None:
        if stat.S_ISDIR(found.st_mode):
            return listing.entry_of(uri, "folder", found)
        return listing.leaf(folder, name, uri, found)

    def _close(self) -> None:
        if self._folder >= 0:
            os.close(self._folder)
        self._folder, self._parts = -1, None
