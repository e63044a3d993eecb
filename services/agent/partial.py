"""A file on its way: a hidden partial file beside its target, with a journal of what is verified.

The partial of `name` is `.name.haulage-<job>-<number>.part`; the journal, kept for files of more
than one block, is the same with `.journal` (`journal.py`). Both are found again by a later run of
the job. Nothing in them is believed: on resume the blocks are hashed anew and hold as far as they
agree with the journal, and what may not be ours (a link, a file with a second name) is put out of
the way and made anew. Several connections may fill it at once, each a stretch of its own
(`stretch.py`). Never touches the target; `landing` does.
"""

from __future__ import annotations

import os
import re
import stat
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from blake3 import blake3

from services.agent.beneath import open_beneath
from services.agent.commands import BLOCK_BYTES
from services.agent.direct import Direct, reopen
from services.agent.disk import punch, reserve
from services.agent.gaps import Gaps, Range
from services.agent.journal import Journal, Version, block_end
from services.agent.sparse import ZEROS, runs
from services.agent.spent import SPENT
from services.agent.whole import Whole

NAME_MAX = 255
_OURS = re.compile(rb"\..*\.haulage-[0-9a-f]{24}-[0-9]+\.(part|journal)", re.DOTALL)


def is_ours(name: bytes) -> bool:
    return _OURS.fullmatch(name) is not None


def partial_names(name: bytes, job: str, number: int) -> tuple[bytes, bytes]:
    """The names of the partial and its journal, cut at a character so that they stay names."""
    tail = f".haulage-{job}-{number}".encode()
    kept = name[: NAME_MAX - len(b".") - len(tail) - len(b".journal")]
    if len(kept) < len(name):
        kept = kept.decode(errors="ignore").encode()
    stem = b"." + kept + tail
    return stem + b".part", stem + b".journal"


def remove_partial(folder: int, name: bytes, job: str, number: int) -> None:
    """What may be left of it, with its journal. Raises OSError."""
    _remove(folder, partial_names(name, job, number))


def _remove(folder: int, names: tuple[bytes, bytes]) -> None:
    for name in names:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)


class Partial:
    """`version` is what its bytes are of, `verified` how many of them are the source's.

    With `keep` it is taken up from an earlier run and left for a later one.
    """

    def __init__(
        self, folder: int, name: bytes, job: str, number: int, *, keep: bool = True
    ) -> None:
        self._keep = keep
        self.name, self.journal_name = partial_names(name, job, number)
        self.version: Version | None = None
        self.verified = 0
        self.descriptor = -1
        self.direct: Direct | None = None
        self._folder = os.dup(folder)
        self._journal: Journal | None = None
        self._lock = threading.Lock()  # For the gaps and what is verified.
        self._gaps = Gaps(0)
        self._reached = 0  # So many blocks from the start are verified,
        self._early: set[int] = set()  # and of those behind them these.
        self._whole = Whole()

    def start_anew(self) -> None:
        """Make the partial, with nothing in it."""
        self.descriptor = self._make(self.name)

    def take_up(self, check: Callable[[], None]) -> None:
        """Go on with what an earlier run left, as far as it agrees with its journal.

        `check` is called between blocks and may raise to stop the work.
        """
        self.descriptor = self._reopen(self.name) if self._keep else -1
        journal = self._reopen(self.journal_name) if self.descriptor >= 0 else -1
        if journal < 0:
            self._close_files()
            self.start_anew()
            return
        self._journal = Journal(journal)
        self.version = self._journal.version()
        if self.version is not None:
            if os.fstat(self.descriptor).st_size > self.version.size:
                os.ftruncate(self.descriptor, self.version.size)
            self._verify_again(self.version.size, check)

    def _verify_again(self, size: int, check: Callable[[], None]) -> None:
        assert self._journal is not None
        began = time.perf_counter()
        verified, first = self._journal.verify(self.descriptor, size, check)
        SPENT.verifying += time.perf_counter() - began
        self._gaps = Gaps(size, verified)
        for block in verified:
            self._add(block)
            self.verified += block_end(block, size) - block * BLOCK_BYTES
        if first is not None:
            self._whole.adopt(first.at, first.hasher)

    @property
    def allocated(self) -> int:
        """Bytes that it takes on the disk. Raises OSError."""
        return os.fstat(self.descriptor).st_blocks * 512

    def begin(self, version: Version, *, sparse: bool = False) -> None:
        """Expect bytes of this version; what is here of another is thrown away. Has room for all
        of them from now on, where the file system can promise that, unless holes are to come.
        Raises OSError."""
        if version != self.version:
            self._begin_anew(version)
        if sparse:
            os.ftruncate(self.descriptor, version.size)
        elif version.size > BLOCK_BYTES:
            reserve(self.descriptor, version.size)
            if self.direct is None:
                self.direct = reopen(self.descriptor)

    def _begin_anew(self, version: Version) -> None:
        os.ftruncate(self.descriptor, 0)
        self._gaps, self._whole, self.verified = Gaps(version.size), Whole(), 0
        self._reached, self._early = 0, set()
        if version.size > BLOCK_BYTES:
            if self._journal is None:
                self._journal = Journal(self._make(self.journal_name))
            self._journal.begin(version)
        self.version = version

    # Any thread that brings a part of it.

    @property
    def left(self) -> int:
        """Bytes that nobody has taken."""
        with self._lock:
            return self._gaps.left

    def take(self, want: int) -> Range | None:
        """About `want` of the bytes that are missing, for the caller to bring."""
        with self._lock:
            return self._gaps.take(want)

    def put_back(self, start: int, end: int) -> None:
        with self._lock:
            self._gaps.put_back(start, end)

    def leave_hole(self, start: int, end: int) -> None:
        """Nothing may be there but zeros, best of all nothing. Raises OSError."""
        is_hole = runs(self.descriptor, start, end) == [0, end - start]
        if not is_hole and not punch(self.descriptor, start, end):
            while start < end:
                start += os.pwrite(self.descriptor, ZEROS[: end - start], start)

    def note(self, start: int, end: int, since: int, hasher: blake3) -> None:
        """The block from `start` to `end` is written and verified; `hasher` has seen the bytes
        from `since` to its end, and is not updated any more."""
        block = start // BLOCK_BYTES
        if self._journal is not None:
            self._journal.note(block, since, hasher.digest())
        with self._lock:
            self._add(block)
            self.verified += end - start
        if since == 0:
            self._whole.adopt(end, hasher)

    def _add(self, block: int) -> None:
        self._early.add(block)
        while self._reached in self._early:
            self._early.remove(self._reached)
            self._reached += 1

    def see(self, start: int, block: memoryview) -> None:
        """A noted block while it is still in memory, so that it need not be read for `hash`."""
        self._whole.see(start, block)

    def hash_on(self, step: Callable[[], None]) -> None:
        """Hash what has come together since, unless another thread does. Raises OSError."""
        assert self.version is not None
        reached = min(self.version.size, self._reached * BLOCK_BYTES)
        self._whole.advance(self.descriptor, reached, step)

    # When all has come.

    @property
    def is_complete(self) -> bool:
        return self.version is not None and self.verified == self.version.size

    def hash(self, step: Callable[[], None]) -> str:
        """Of the whole file, in hex. Raises OSError."""
        return self._whole.digest(self.descriptor, self.verified, step)

    def close(self) -> None:
        self._close_files()
        if self._folder >= 0:
            if not self._keep:
                with suppress(OSError):
                    _remove(self._folder, (self.name, self.journal_name))
            os.close(self._folder)
        self._folder = -1

    def discard(self) -> None:
        """Remove both files and close."""
        _remove(self._folder, (self.name, self.journal_name))
        self.close()

    def forget_journal(self) -> None:
        """Once the partial has become the file."""
        if self._journal is not None:
            os.unlink(self.journal_name, dir_fd=self._folder)

    def _close_files(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
        if self.direct is not None:
            self.direct.close()
        if self._journal is not None:
            self._journal.close()
        self.descriptor, self.direct, self._journal = -1, None, None

    def _make(self, name: bytes) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        try:
            return open_beneath(self._folder, (name,), flags, mode=0o600)
        except FileExistsError:
            os.unlink(name, dir_fd=self._folder)
            return open_beneath(self._folder, (name,), flags, mode=0o600)

    def _reopen(self, name: bytes) -> int:
        """-1 for what is not there or may not be ours."""
        try:
            descriptor = open_beneath(self._folder, (name,), os.O_RDWR)
        except OSError:
            return -1
        found = os.fstat(descriptor)
        mine = found.st_uid == os.geteuid() and found.st_nlink == 1
        if stat.S_ISREG(found.st_mode) and mine:
            return descriptor
        os.close(descriptor)
        return -1
