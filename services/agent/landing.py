"""Put verified files in place: flush, rename, flush the folder; only then are they done.

A landing gathers what one thread has received, so that the flushes of many small files share the
disk's work. Everything happens by descriptors below the destination folder, no link followed,
and every folder is held from its first use until it is settled: `held` puts back what it was.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol

from msgspec import Struct

from events.tasks import Entry, Failure
from services.agent import paths
from services.agent.attributes import Owner
from services.agent.beneath import FOLDER, opened_beneath
from services.agent.destination import Destination
from services.agent.disk import SyncAll, start_writing
from services.agent.faults import Fault, about, fault_of
from services.agent.held import HeldFolder
from services.agent.partial import partial_names
from services.agent.spent import SPENT

FILES_MAX = 1_000  # As many as are told done in one event.
SYNC_ALL_MIN = 8
BYTES_MAX = 64 << 20
WAIT_S = 1.0


class Landed(Struct, frozen=True):
    """A task that is done. `started` and `ended` are on the monotonic clock, in seconds."""

    number: int
    size: int
    hash: str
    started: float
    ended: float


class Hidden(Protocol):
    """A file that holds all its bytes, with mode and time set, under a name beside its own."""

    name: bytes
    descriptor: int

    def forget_journal(self) -> None: ...

    def close(self) -> None: ...


class _Waiting(Struct):
    number: int
    uri: str
    hidden: Hidden
    size: int
    digest: str
    owner: Owner
    folder: int
    name: bytes
    started: float


class Landing:
    def __init__(self, destination: Destination, job: str) -> None:
        self._destination = destination
        self._job = job
        self._folders: dict[tuple[bytes, ...], HeldFolder] = {}
        self._waiting: list[_Waiting] = []
        self._landed: list[Landed] = []
        self._failures: list[Failure] = []
        self._bytes = 0
        self._since = time.monotonic()
        self._sync_all = SyncAll(destination.root)

    @property
    def is_full(self) -> bool:
        settled = len(self._landed) + len(self._failures)
        count = max(len(self._waiting) + settled, len(self._folders))
        old = time.monotonic() - self._since > WAIT_S
        return count >= FILES_MAX or self._bytes >= BYTES_MAX or (old and count > 0)

    def folder(self, parts: list[bytes]) -> int:
        """The open folder that a file goes to, held until `settle`. Raises OSError."""
        held = self._folders.get(tuple(parts))
        if held is None:
            held = self._folders[tuple(parts)] = self._destination.hold_folder(parts)
        return held.descriptor

    def add(
        self,
        number: int,
        uri: str,
        hidden: Hidden,
        size: int,
        digest: str,
        *,
        owner: Owner,
        started: float,
    ) -> None:
        parts, name = self._destination.place(uri)
        folder = self.folder(parts)
        waiting = _Waiting(number, uri, hidden, size, digest, owner, folder, name, started)
        self._waiting.append(waiting)
        self._bytes += size

    def add_done(self, number: int, size: int, digest: str, started: float) -> None:
        """A task that left nothing to flush but its folder."""
        self._landed.append(Landed(number, size, digest, started, time.monotonic()))

    def add_failure(self, number: int, fault: Fault) -> None:
        self._failures.append(Failure(number, fault.error_class, fault.message))

    def add_link(self, number: int, entry: Entry, target: bytes, started: float) -> None:
        """Make the link beside its place and move it there. Raises OSError, Fault."""
        parts, name = self._destination.place(entry.uri)
        folder = self.folder(parts)
        hidden, _ = partial_names(name, self._job, number)
        with suppress(FileNotFoundError):
            os.unlink(hidden, dir_fd=folder)
        os.symlink(target, hidden, dir_fd=folder)
        times = (entry.mtime_ns, entry.mtime_ns)
        os.utime(hidden, ns=times, dir_fd=folder, follow_symlinks=False)
        self._destination.owner(entry).give_name(hidden, folder)
        self._put(entry.uri, folder, hidden, name)
        self.add_done(number, 0, "", started)

    def add_twin(self, number: int, entry: Entry, first: list[bytes], started: float) -> None:
        """Give the file at `first` the entry's name as well. Raises OSError, Fault."""
        parts, name = self._destination.place(entry.uri)
        folder = self.folder(parts)
        hidden, _ = partial_names(name, self._job, number)
        with suppress(FileNotFoundError):
            os.unlink(hidden, dir_fd=folder)
        with opened_beneath(self._destination.root, first[:-1], FOLDER) as other:
            os.link(first[-1], hidden, src_dir_fd=other, dst_dir_fd=folder, follow_symlinks=False)
        self._destination.owner(entry).give_name(hidden, folder)
        self._put(entry.uri, folder, hidden, name)
        with suppress(FileNotFoundError):  # It had that name already: nothing was renamed.
            os.unlink(hidden, dir_fd=folder)
        self.add_done(number, entry.size, "", started)

    def settle(
        self, check: Callable[[], None], dropped: Callable[[int], bool]
    ) -> tuple[list[Landed], list[Failure]]:
        """What became done and what failed since the last time, durably. Raises Fault.

        `check` may raise to stop: what is not in place by then stays partial, and so does what is
        `dropped`.
        """
        began = time.perf_counter()
        try:
            in_place = []
            waiting = [one for one in self._waiting if not dropped(one.number)]
            for one in self._given(self._flush(waiting, check), check):
                check()
                if self._rename(one) and self._go_on(one, check):
                    in_place.append(one)
            self._flush_folders()
            ended = time.monotonic()
            self._landed += [_landed(one, ended) for one in in_place]
            return self._landed, self._failures
        finally:
            self.close()
            SPENT.writing += time.perf_counter() - began

    def end(self) -> None:
        self.close()
        self._sync_all.close()

    def close(self) -> None:
        """Let go of everything; partials stay for a later run."""
        for one in self._waiting:
            one.hidden.close()
        for held in self._folders.values():
            held.release()
        self._folders, self._waiting, self._landed, self._failures = {}, [], [], []
        self._bytes, self._since = 0, time.monotonic()

    def _flush(self, waiting: list[_Waiting], check: Callable[[], None]) -> list[_Waiting]:
        """Those whose bytes are on the disk now."""
        if len(waiting) >= SYNC_ALL_MIN and self._sync_all.is_good:
            check()
            with suppress(OSError):  # Then it is asked for each of them.
                self._sync_all()
                return waiting
        for one in waiting:
            start_writing(one.hidden.descriptor, 0, one.size)
        return [one for one in waiting if self._flush_one(one, check)]

    def _given(self, flushed: list[_Waiting], check: Callable[[], None]) -> list[_Waiting]:
        """Those that have their owner. Until here each was ours, for a later run to go on with."""
        given, others = [], []
        for one in flushed:
            if one.owner.has(os.fstat(one.hidden.descriptor)):
                given.append(one)
            elif self._try(one, partial(one.owner.give, one.hidden.descriptor)):
                others.append(one)
        return given + self._flush(others, check)

    def _flush_one(self, one: _Waiting, check: Callable[[], None]) -> bool:
        check()
        return self._try(one, lambda: os.fsync(one.hidden.descriptor))

    def _rename(self, one: _Waiting) -> bool:
        def rename() -> None:
            self._put(one.uri, one.folder, one.hidden.name, one.name)
            one.hidden.forget_journal()

        return self._try(one, rename)

    def _go_on(self, one: _Waiting, check: Callable[[], None]) -> bool:
        """To where it is meant to be, if this is only on the way there."""
        beyond = self._destination.beyond
        if beyond is None:
            return True
        parts, name = self._destination.place(one.uri)
        try:
            beyond.put([*parts, name], one.hidden.descriptor, one.digest, check)
        except Fault as fault:
            self.add_failure(one.number, fault)
            return False
        return self._try(one, lambda: os.unlink(one.name, dir_fd=one.folder))

    def _try(self, one: _Waiting, step: Callable[[], None]) -> bool:
        try:
            step()
        except OSError as error:
            self.add_failure(one.number, fault_of(error, self._destination.named(one.uri)))
            return False
        except Fault as fault:  # Its name is another's: what has come is of no use.
            self.add_failure(one.number, fault)
            with suppress(OSError):
                os.unlink(one.hidden.name, dir_fd=one.folder)
                one.hidden.forget_journal()
            return False
        return True

    def _put(self, uri: str, folder: int, hidden: bytes, name: bytes) -> None:
        """Raises OSError, and Fault for a name that would take another's place."""

        def rename() -> None:
            os.rename(hidden, name, src_dir_fd=folder, dst_dir_fd=folder)

        self._destination.put(uri, folder, name, rename)

    def _flush_folders(self) -> None:
        while self._folders:
            parts, held = self._folders.popitem()
            with about(self._destination.named(paths.join(list(parts)))):
                held.release(flush=True)


def _landed(one: _Waiting, ended: float) -> Landed:
    return Landed(one.number, one.size, one.digest, one.started, ended)
