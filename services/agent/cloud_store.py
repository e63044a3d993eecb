"""What goes to a store: put together and verified in a staging folder, then stored whole.

A run that was cut off finds its partial files there and goes on from their last verified block. An
object is stored in parts where it is large, with the time and the hash of its source beside it; it
counts as there only when the store has said so, and then leaves the staging folder.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import obstore
from obstore.store import ObjectStore

from events import names
from events.jobs import ErrorClass
from events.rules import Comparison, State
from events.tasks import Entry
from services.agent import paths
from services.agent.beneath import FOLDER
from services.agent.cloud import OpenCloud, about_store, key_of, version
from services.agent.compare import Candidate, is_like
from services.agent.destination import Destination
from services.agent.faults import Fault, about
from services.agent.making import make_folders
from services.agent.volume import OpenVolume

PART_BYTES = 8 << 20
PARTS_AT_ONCE = 4
MTIME, HASH = "haulage-mtime-ns", "haulage-blake3"


@contextmanager
def open_cloud(volume: OpenCloud, path: str, single: str | None) -> Iterator[Destination]:
    """As `open_destination`, with the store behind it. Raises Fault."""
    parts, only = paths.split(path), None
    if single is not None:
        is_folder = not parts or paths.names_a_folder(path) or _has_some(volume, path)
        name = paths.split(single)[-1]
        parts, only = (parts, name) if is_folder else (parts[:-1], parts[-1])
    with about(f"the staging folder {volume.staging}"):
        volume.staging.mkdir(mode=0o700, parents=True, exist_ok=True)
        staging = os.open(volume.staging, FOLDER | os.O_CLOEXEC)
    try:
        with about(volume.named(path)):
            root = make_folders(staging, parts)
        try:
            stored = Stored(volume, parts)
            place = (OpenVolume(volume.code, staging), root, parts, only)
            yield Destination(*place, frozenset(), stored)
        finally:
            os.close(root)
            _prune(volume.staging)
    finally:
        os.close(staging)


def _has_some(volume: OpenCloud, path: str) -> bool:
    with about_store(volume.named(path)):
        return any(obstore.list(volume.store, key_of(path), chunk_size=1))


def _prune(staging: Path) -> None:
    """Take folders away that hold nothing any more; others may just be using theirs."""
    for folder, _, _ in os.walk(staging, topdown=False):
        if Path(folder) != staging:
            with suppress(OSError):
                os.rmdir(folder)


class Stored:
    """`destination.Beyond`: the objects below the place that a run goes to."""

    def __init__(self, volume: OpenCloud, parts: Sequence[bytes]) -> None:
        self._volume = volume
        self._parts = list(parts)

    def find(self, path: Sequence[bytes], entry: Entry, comparison: Comparison) -> Candidate | None:
        """The object that may be the entry's. Raises Fault."""
        started, there = time.monotonic(), self._there(path)
        if there is None or not is_like(there[0], entry, comparison):
            return None
        state, digest = there
        if comparison == "hash" and not digest:
            return None  # Somebody else's: what it holds is not known.
        digest = digest if comparison == "hash" else ""
        return Candidate(comparison, digest, (state.size, state.mtime_ns), started)

    def holds(self, path: Sequence[bytes]) -> bool:
        """Raises Fault."""
        return self._there(path) is not None

    def entry(self, uri: str) -> Entry | None:
        """What is there, with the time that the file had that was put there. Raises Fault."""
        there = self._there(paths.split(uri))
        return (
            None if there is None else Entry(uri, "file", there[0].size, 0o644, there[0].mtime_ns)
        )

    def remove(self, uris: Sequence[str]) -> None:
        """Raises Fault."""
        keys = [self._key(paths.split(uri)) for uri in uris]
        with about_store(self._named(())):
            obstore.delete(self._store, keys)

    def _there(self, path: Sequence[bytes]) -> tuple[State, str] | None:
        """An object as the file that it was, and its hash, "" if nobody noted one."""
        with about_store(self._named(path)):
            try:
                got = obstore.get(self._store, self._key(path), options={"head": True})
            except FileNotFoundError:
                return None
            found, beside = version(got.meta), dict(got.attributes)
        mtime_ns = int(beside.get(MTIME, found.st_mtime_ns))
        return State(found.st_size, mtime_ns), str(beside.get(HASH, ""))

    def put(
        self, path: Sequence[bytes], descriptor: int, digest: str, check: Callable[[], None]
    ) -> None:
        """Store the file, whatever was there. `check` may raise to stop. Raises Fault."""
        found, key = os.fstat(descriptor), self._key(path)
        beside: Any = {MTIME: str(found.st_mtime_ns), HASH: digest}
        with about_store(self._named(path)):
            if found.st_size <= PART_BYTES:
                content = os.pread(descriptor, found.st_size, 0)
                obstore.put(self._store, key, content, attributes=beside)
            else:
                self._put_parts(key, descriptor, found.st_size, beside, check)
            stored = obstore.head(self._store, key)["size"]
        if stored != found.st_size:
            message = f"{self._named(path)}: {stored} of {found.st_size} bytes were stored"
            raise Fault(ErrorClass.VOLUME, message)

    def _put_parts(
        self, key: str, descriptor: int, size: int, beside: Any, check: Callable[[], None]
    ) -> None:
        """A writer that is not closed stores nothing."""
        writer = obstore.open_writer(
            self._store,
            key,
            attributes=beside,
            buffer_size=PART_BYTES,
            max_concurrency=PARTS_AT_ONCE,
        )
        for at in range(0, size, PART_BYTES):
            check()
            writer.write(os.pread(descriptor, PART_BYTES, at))
        check()
        writer.close()

    @property
    def _store(self) -> ObjectStore:
        return self._volume.store

    def _key(self, path: Sequence[bytes]) -> str:
        return key_of(paths.join([*self._parts, *path]))

    def _named(self, path: Sequence[bytes]) -> str:
        return self._volume.named(names.to_text(b"/".join([*self._parts, *path])))
