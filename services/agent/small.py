"""Files of one piece: each is verified in memory before anything of it is on the disk.

Nothing is kept of one that fails, and none needs a journal. For one thread.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from blake3 import blake3

from events.tasks import Entry
from services.agent.beneath import open_beneath
from services.agent.destination import Destination
from services.agent.faults import Fault
from services.agent.frames import Head, Inflow
from services.agent.landing import Landing
from services.agent.partial import partial_names
from services.agent.reserve import claim
from services.agent.run import Run
from services.agent.spent import SPENT
from services.agent.stretch import Damaged

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL


class Smalls:
    """`piece` is memory for the longest of them."""

    def __init__(
        self, run: Run, destination: Destination, landing: Landing, piece: memoryview
    ) -> None:
        self._run = run
        self._destination = destination
        self._landing = landing
        self._piece = piece
        self.moved = 0  # Bytes.

    def take(self, number: int, entry: Entry, head: Head, inflow: Inflow, hands: int) -> None:
        """Put one on its way to be landed, after `begin_file`. Raises Fault and OSError for what is
        its own failure, with all its bytes read, and what the connection raises."""
        started, content = time.monotonic(), self._piece[: head.size]
        digest = blake3(b"")
        while length := inflow.read_block_length():
            self._read(number, content[:length], inflow)
            began = time.perf_counter()
            digest = blake3(content)
            SPENT.verifying += time.perf_counter() - began
            if digest.digest() != inflow.read_hash():
                raise Damaged
        end = inflow.read_end()
        if end.error_class is not None:
            raise Fault(end.error_class, end.message)
        if self._run.is_overruled(number, hands):
            self._run.progress.failed(number)
            return
        self._run.halt.check()
        claim(self._run, self._destination, entry.uri, len(content), take=True)
        began = time.perf_counter()
        small = self._filled(number, entry, head, content)
        SPENT.writing += time.perf_counter() - began
        size, text = len(content), str(digest.hexdigest())
        owner = self._destination.owner(entry)
        self._landing.add(number, entry.uri, small, size, text, owner=owner, started=started)

    def _filled(self, number: int, entry: Entry, head: Head, content: memoryview) -> _Small:
        parts, name = self._destination.place(entry.uri)
        folder, giving = self._landing.folder(parts), self._destination.giving
        small = _Small(folder, name, self._run.duty.job, number)
        try:
            small.fill(content)
            giving.dress(small.descriptor, head, folder, name, self._destination.named(entry.uri))
            self._destination.owner(entry).give(small.descriptor)
        except (OSError, Fault):
            small.discard(folder)
            raise
        return small

    def _read(self, number: int, into: memoryview, inflow: Inflow) -> None:
        while into:
            piece = into[: self._run.throttle.portion(len(into))]  # So that it is seen to move.
            inflow.read_into(piece)
            self._run.halt.check()
            self._run.progress.moved(number, len(piece))
            self.moved += len(piece)
            into = into[len(piece) :]


class _Small:
    """The file under the name of a partial; `Hidden` for a landing."""

    def __init__(self, folder: int, name: bytes, job: str, number: int) -> None:
        self.name, _ = partial_names(name, job, number)
        self.descriptor = self._make(folder)

    def _make(self, folder: int) -> int:
        try:
            return open_beneath(folder, (self.name,), _FLAGS, mode=0o600)
        except FileExistsError:
            os.unlink(self.name, dir_fd=folder)
            return open_beneath(folder, (self.name,), _FLAGS, mode=0o600)

    def fill(self, content: memoryview) -> None:
        while content:
            content = content[os.write(self.descriptor, content) :]

    def discard(self, folder: int) -> None:
        self.close()
        with suppress(OSError):
            os.unlink(self.name, dir_fd=folder)

    def forget_journal(self) -> None:
        """There is none."""

    def close(self) -> None:
        os.close(self.descriptor)
