"""A file that may be here already: believed only when the sender says that its own is like it.

The rules of the job say how files are compared. By size and time nothing is read: the sender looks
at its own file as it is now. By hash the sender gets that of what we have with the item and reads
its own. Moves no bytes and asks nobody itself.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from blake3 import blake3
from msgspec import Struct
from msgspec.structs import replace

from events.rules import Comparison, State, alike
from events.tasks import Entry
from services.agent.beneath import PATH, opened_beneath
from services.agent.frames import Head
from services.agent.spent import SPENT
from services.agent.unchanged import identity

if TYPE_CHECKING:
    from services.agent.destination import Destination


class Candidate(Struct, frozen=True):
    """`hash` is of what is here ("" where it was not read), `found` how the file was meanwhile,
    `started` a monotonic time."""

    comparison: Comparison
    hash: str
    found: tuple[int, ...]
    started: float


def find(
    root: int, path: Sequence[bytes], entry: Entry, comparison: Comparison
) -> Candidate | None:
    """The file that is here if it may be the entry's; by hash it is to be read yet. Raises OSError,
    also when none is there."""
    started = time.monotonic()
    with opened_beneath(root, path, PATH) as seen:
        found = os.fstat(seen)
    here = State(found.st_size, found.st_mtime_ns)
    if not stat.S_ISREG(found.st_mode) or not is_like(here, entry, comparison):
        return None
    return Candidate(comparison, "", identity(found), started)


def is_like(file: State | Head, entry: Entry, comparison: Comparison) -> bool:
    told = State(entry.size, entry.mtime_ns)
    return alike(State(file.size, file.mtime_ns), told, comparison)


def hash_file(
    root: int,
    path: Sequence[bytes],
    candidate: Candidate,
    piece: memoryview,
    step: Callable[[int], None],
) -> Candidate | None:
    """The candidate with its hash; None when it changes under our hands.

    `step` is told how many bytes are read, again and again, and may raise to stop. Raises OSError.
    """
    began, hasher, at = time.perf_counter(), blake3(), 0
    with opened_beneath(root, path, os.O_RDONLY) as descriptor:
        while count := os.readv(descriptor, [piece]):
            hasher.update(piece[:count])
            at += count
            step(at)
        if identity(os.fstat(descriptor)) != candidate.found:
            return None
    SPENT.verifying += time.perf_counter() - began
    return replace(candidate, hash=str(hasher.hexdigest()))


def keep(
    candidate: Candidate, head: Head, entry: Entry, destination: Destination, folder: int
) -> bool:
    """Give the file the attributes and the time of the sender's, durably. Raises OSError, Fault.

    False when it is not any more what was hashed.
    """
    _, name = destination.place(entry.uri)
    with opened_beneath(folder, (name,), os.O_RDONLY) as descriptor:
        if identity(os.fstat(descriptor)) != candidate.found:
            return False
        destination.giving.dress(descriptor, head, folder, name, destination.named(entry.uri))
        destination.owner(entry).give(descriptor)
        os.fsync(descriptor)  # It may have been put there by a run that was cut off.
    return True
