"""Take files and links in, as one thread does: from the frames of an answer to a landing.

What goes wrong on this side is the task's own failure, with its class; the bytes that came for it
are passed over. What goes wrong with the connection is raised to whoever holds it.
"""

from __future__ import annotations

import time
from contextlib import suppress

from msgspec.structs import replace

from events import names
from events.jobs import ErrorClass
from events.tasks import Entry, Version
from services.agent.bring import PIECE_BYTES, Bringing
from services.agent.compare import Candidate, find, hash_file, is_like, keep
from services.agent.destination import Destination
from services.agent.faults import Fault
from services.agent.frames import Head, Inflow, Item, Malformed
from services.agent.landing import Landing
from services.agent.partial import remove_partial
from services.agent.run import Overruled, Run
from services.agent.xattrs import OFF

NOT_TOLD = f"the sender's agent does not tell extended attributes: update it, or {OFF}"


class Intake:
    def __init__(
        self, run: Run, destination: Destination, landing: Landing, bringing: Bringing
    ) -> None:
        self._run = run
        self._destination = destination
        self._landing = landing
        self._bringing = bringing
        self._candidates: dict[int, Candidate] = {}
        self._piece = memoryview(bytearray(PIECE_BYTES))
        self._xattrs = run.duty.choice.xattrs == "on"
        self.hands = 0  # The hand under which the tasks were given.
        self.versions: dict[int, Version] = {}  # Of files that are others than listed.

    # Before its bytes are asked for.

    def look(self, number: int, entry: Entry) -> bool:
        """Find the file that may be the one wanted; False when the task is not to be done here."""
        if self.is_dropped(number):
            return False
        try:
            parts, name = self._destination.place(entry.uri)
            if self._is_left(number, entry, [*parts, name]):
                return False
            self._destination.check_place(entry.uri, parts, name)
            self._destination.owner(entry)
            if entry.same_as and self._is_twin(number, entry):
                return False
            found = self._find(entry, parts, name) if entry.kind == "file" else None
        except (OSError, Fault) as error:
            self._fail(number, entry, error)
            return False
        try:
            if found is not None and found.comparison == "hash" and not found.hash:
                found = self._hash(number, [*parts, name], found)
        except Overruled:
            return False
        if found is not None:
            self._candidates[number] = found
        return True

    def _is_left(self, number: int, entry: Entry, path: list[bytes]) -> bool:
        """Whether the rules have what is there left as it is. Raises OSError, Fault."""
        rules = self._run.duty.rules
        if not rules.ignores_files or self._destination.kind_at(path) != "file":
            return False
        self._landing.add_done(number, entry.size, "", time.monotonic())
        return True

    def _find(self, entry: Entry, parts: list[bytes], name: bytes) -> Candidate | None:
        """Raises OSError and Fault when nothing can be in its place."""
        comparison, beyond = self._run.duty.rules.comparison, self._destination.beyond
        if beyond is not None:
            return beyond.find([*parts, name], entry, comparison)
        mtime_ns = self._destination.spelling.folding.kept(entry.mtime_ns)
        as_kept = replace(entry, mtime_ns=mtime_ns)
        try:
            return find(self._destination.root, [*parts, name], as_kept, comparison)
        except FileNotFoundError:
            return None
        except OSError:
            self._landing.folder(parts)  # It may not be the file that is in the way.
            return None

    def _is_twin(self, number: int, entry: Entry) -> bool:
        """Whether it got to be a name of the file that it is the same as; else its bytes come."""
        if self._destination.beyond is not None:
            return False
        started = time.monotonic()
        with suppress(OSError, Fault):
            parts, name = self._destination.place(entry.same_as)
            first = [*parts, name]
            if find(self._destination.root, first, entry, "size+modified") is not None:
                self._landing.add_twin(number, entry, first, started)
                return True
        return False

    def _hash(self, number: int, path: list[bytes], found: Candidate) -> Candidate | None:
        """Reading it here is one half of the way, reading it there the other."""

        def step(at: int) -> None:
            self._run.step()
            self._check(number)
            self._run.progress.have(number, at // 2)

        hashed = None
        with suppress(OSError):  # Not to be read: its bytes replace it.
            hashed = hash_file(self._destination.root, path, found, self._piece, step)
        if hashed is None:
            self._run.progress.have(number, 0)
        return hashed

    def is_dropped(self, number: int) -> bool:
        """Whether a hand took the task away; what came of it stays for another run."""
        if not self._run.is_overruled(number, self.hands):
            return False
        self._candidates.pop(number, None)
        self._bringing.drop(number)
        self._run.progress.failed(number)
        return True

    def _check(self, number: int) -> None:
        if self.is_dropped(number):
            raise Overruled

    def item(self, number: int, entry: Entry) -> Item | None:
        """What to ask for; None when others bring what is left of a file."""
        if entry.kind == "link":
            return Item(number, entry.uri, "link")
        candidate = self._candidates.get(number)
        if candidate is not None:
            version, how = (entry.size, entry.mtime_ns), (candidate.hash, candidate.comparison)
            item: Item | None = Item(number, entry.uri, "file", 0, *version, *how)
        else:
            item = self._bringing.item(number, entry)
        return replace(item, xattrs=True) if item and self._xattrs else item

    # As its bytes come.

    def read_head(self, number: int, entry: Entry, inflow: Inflow) -> Head:
        """The head that the item's content is to follow. Raises what the connection raises."""
        looked = 0
        while True:
            head = inflow.read_head()
            if head.number != number:
                raise Malformed(f"task {head.number} came where {number} was due")
            if not head.looked:
                return head
            if not self._is_compared(number) or not looked < head.looked <= entry.size:
                raise Malformed(f"{head.looked} bytes compared after {looked} of {entry.size}")
            looked = head.looked
            self._run.halt.check()
            self._run.progress.have(number, (entry.size + looked) // 2)

    def _is_compared(self, number: int) -> bool:
        candidate = self._candidates.get(number)
        return candidate is not None and candidate.comparison == "hash"

    def take(self, number: int, entry: Entry, head: Head, inflow: Inflow) -> bool:
        """Whether the task is settled, or else to be asked for again.

        Raises what the connection raises, Damaged, Elsewhere; Fault for the run.
        """
        candidate = self._candidates.pop(number, None)
        self._compare(number, entry, head)
        if head.error_class is not None:
            self._fail(number, entry, Fault(head.error_class, head.message))
        elif self._xattrs and entry.kind == "file" and head.xattrs is None:
            raise Fault(ErrorClass.PERMISSION, NOT_TOLD)
        elif head.same:
            if candidate is None or not is_like(head, entry, candidate.comparison):
                raise Malformed("the same as something that was not shown")
            return self._keep(number, entry, head, candidate)
        elif entry.kind == "link":
            self._take_link(number, entry, head, time.monotonic())
        else:
            return self._bringing.take(number, entry, head, inflow)
        return True

    def _compare(self, number: int, entry: Entry, head: Head) -> None:
        """Is it what the listing said?"""
        self.versions.pop(number, None)
        is_file = entry.kind == "file" and head.error_class is None
        if is_file and (head.size, head.mtime_ns) != (entry.size, entry.mtime_ns):
            self.versions[number] = Version(number, head.size, head.mtime_ns)

    def _keep(self, number: int, entry: Entry, head: Head, candidate: Candidate) -> bool:
        """What is here is what was wanted; when it cannot be kept, its bytes are to replace it."""
        try:
            if not self._is_kept(number, entry, head, candidate):
                return False
        except OSError:
            return False
        except Fault as fault:
            self._fail(number, entry, fault)
            return True
        self._landing.add_done(number, entry.size, candidate.hash, candidate.started)
        return True

    def _is_kept(self, number: int, entry: Entry, head: Head, candidate: Candidate) -> bool:
        """Raises OSError, Fault."""
        destination = self._destination
        if destination.beyond is not None:
            named = destination.named(entry.uri)
            destination.giving.put_xattrs(destination.root, head.xattrs, named)
            return True
        parts, name = destination.place(entry.uri)
        folder = self._landing.folder(parts)
        if not keep(candidate, head, entry, destination, folder):
            return False
        with suppress(OSError):  # An earlier run may have been killed at its last step.
            remove_partial(folder, name, self._run.duty.job, number)
        return True

    def _take_link(self, number: int, entry: Entry, head: Head, started: float) -> None:
        try:
            target = names.to_bytes(head.target)
            self._destination.check_link(entry.uri, target)
            self._landing.add_link(number, entry, target, started)
        except names.BadEscape as error:
            raise Malformed(str(error)) from error
        except (OSError, Fault) as error:
            self._fail(number, entry, error)

    def _fail(self, number: int, entry: Entry, error: OSError | Fault) -> None:
        self._bringing.fail(number, self._destination.fault(entry.uri, error))
