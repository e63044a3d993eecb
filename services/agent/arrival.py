"""A file on its way and all who bring it, from its first byte until it is settled.

Whoever brings a part of it has joined and leaves again; the last to leave settles it, once all has
come or one of them found that it cannot be had.
"""

from __future__ import annotations

import threading

from events.tasks import Entry
from services.agent.faults import Fault
from services.agent.frames import Head
from services.agent.journal import Version
from services.agent.partial import Partial
from services.agent.spent import NOTHING, SPENT
from services.agent.stretch import Stretch


class Elsewhere(Exception):
    """Too much is left of what is not wanted: end this answer and ask for the rest anew."""


class Over(Exception):
    """The file is not to be brought on by this thread: it is over, or others are enough."""


class Arrival:
    """`head` is the first that came for it in this run; whoever made it has joined.

    `has_room`: what it takes on the disk is set aside.
    `is_shared`: others were told of it, and may take up what is left when nobody is in.
    """

    def __init__(self, number: int, entry: Entry, hands: int, partial: Partial) -> None:
        self.number = number
        self.entry = entry
        self.hands = hands
        self.partial = partial
        self.head: Head | None = None
        self.started = 0.0
        self.has_room = False
        self.fault: Fault | None = None
        self.discarded = False
        self.dropped = False
        self.is_shared = False
        self._spent = NOTHING  # By threads that have left it: who settles it tells of all.
        self._inside = 1
        self._lock = threading.Lock()

    @property
    def is_over(self) -> bool:
        """Nobody is to bring any more of it."""
        return self.dropped or self.fault is not None

    @property
    def is_alone(self) -> bool:
        """Whether one brings it."""
        return self._inside == 1

    @property
    def is_free(self) -> bool:
        """Whether nobody brings it."""
        return self._inside == 0

    def begin(self, head: Head, started: float) -> None:
        """The first bytes come. Raises OSError."""
        version = Version(head.size, head.mtime_ns, head.ctime_ns)
        self.partial.begin(version, sparse=head.sparse)
        self.head, self.started = head, started
        self.has_room = self.partial.allocated >= head.size

    def is_of(self, head: Head) -> bool:
        """Whether its bytes go with those that are here: of the same version and, in one run, of
        the same file."""
        same_file = self.head is None or self.head.file == head.file
        return same_file and self.partial.version == (head.size, head.mtime_ns, head.ctime_ns)

    def take(self, want: int) -> Stretch | None:
        """A part that nobody brings yet."""
        found = None if self.is_over else self.partial.take(want)
        return Stretch(self.partial, *found) if found else None

    def nothing(self) -> Stretch:
        """For the head alone, when all the bytes are here."""
        return Stretch(self.partial, self.partial.verified, self.partial.verified)

    def join(self) -> bool:
        """Whether there is something to do for one more."""
        with self._lock:
            if self.head is None or self.is_over or not self.partial.left:
                return False
            self._inside += 1
            return True

    def leave(self) -> bool:
        """Whether the caller has to settle it: nobody else is in, nor will be."""
        with self._lock:
            self._inside -= 1
            is_last = self.is_over or self.partial.is_complete or not self.is_shared
            settles = self._inside == 0 and is_last
            if settles:
                SPENT.add(self._spent)
            elif self.is_shared:
                self._spent = self._spent.plus(SPENT.take())
            return settles

    def fail(self, fault: Fault, *, discard: bool = False) -> None:
        """It cannot be had. The first reason counts; what is here stays unless `discard`."""
        with self._lock:
            self.fault = self.fault or fault
            self.discarded = self.discarded or discard

    def drop(self) -> None:
        """A hand took it away; what is here stays for another run."""
        self.dropped = True
