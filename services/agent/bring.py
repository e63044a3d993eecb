"""Bring the content of files: the parts that one thread takes of them, from frames to the disk.

A file is taken in stretches; a large one is offered to the other threads once its first head has
come. What a connection did not finish is asked for again from its last verified block.
"""

from __future__ import annotations

import time

from msgspec.structs import replace

from events.jobs import ErrorClass
from events.tasks import Entry
from services.agent import pace
from services.agent.arrival import Arrival, Elsewhere, Over
from services.agent.blocks import Blocks
from services.agent.commands import BLOCK_BYTES
from services.agent.crew import Crew
from services.agent.destination import Destination
from services.agent.faults import Fault
from services.agent.frames import Head, Inflow, Item
from services.agent.landing import Landing
from services.agent.partial import Partial
from services.agent.reserve import claim
from services.agent.run import Overruled, Run
from services.agent.settling import settle
from services.agent.small import Smalls
from services.agent.stretch import Stretch

PIECE_BYTES = 256 << 10  # Stays in the cache while it is hashed and written.
LARGE_BYTES = 64 << 20  # From here on a file is brought by several threads at once.


class Bringing:
    def __init__(self, run: Run, destination: Destination, landing: Landing, crew: Crew) -> None:
        self._run = run
        self._destination = destination
        self._landing = landing
        self._crew = crew
        self._arrivals: dict[int, Arrival] = {}
        self._stretches: dict[int, Stretch] = {}
        self._last: Stretch | None = None  # That this thread's connection brought.
        piece = memoryview(bytearray(PIECE_BYTES))
        self._smalls = Smalls(run, destination, landing, piece)
        self._blocks = Blocks(run, destination, crew, piece)
        self.hands = 0  # The hand under which the tasks were given.

    @property
    def steps(self) -> int:
        """Blocks that were verified."""
        return self._blocks.steps

    @property
    def moved(self) -> int:
        """Bytes, by this thread."""
        return self._blocks.moved + self._smalls.moved

    def close(self) -> None:
        """Keep what has come for a later run; also what is complete is not settled any more."""
        self._blocks.close()
        for arrival in self._arrivals.values():
            if arrival.leave():
                arrival.partial.close()
        self._arrivals.clear()

    def join(self, arrival: Arrival) -> bool:
        """Help with a file that another thread offered, and that was joined already."""
        self._arrivals[arrival.number] = arrival
        try:
            self._landing.folder(self._destination.place(arrival.entry.uri)[0])
        except OSError as error:
            self.fail(arrival.number, self._destination.fault(arrival.entry.uri, error))
            return False
        return True

    def leave(self, number: int) -> None:
        """Take no more part in a file, if this thread does; what it took is for others."""
        arrival = self._arrivals.pop(number, None)
        stretch = self._stretches.pop(number, None)
        if arrival is None:
            return
        if stretch is not None:
            self._run.progress.lost(number, stretch.roll_back())
            arrival.partial.put_back(stretch.at, stretch.end)
        if arrival.leave():
            self._crew.settled(arrival)
            settle(arrival, self._run, self._destination, self._landing)

    def leave_to_others(self) -> list[int]:
        """Leave the files that others know of: this thread's connection is of no use to them."""
        shared = [number for number, one in self._arrivals.items() if one.is_shared]
        for number in shared:
            self.leave(number)
        return shared

    def drop(self, number: int) -> None:
        """A hand took the task away."""
        if number in self._arrivals:
            self._arrivals[number].drop()
            self.leave(number)

    def fail(self, number: int, fault: Fault, *, discard: bool = False) -> None:
        if number in self._arrivals:
            self._arrivals[number].fail(fault, discard=discard)
            self.leave(number)
        else:
            self._landing.add_failure(number, fault)

    # Asking.

    def item(self, number: int, entry: Entry) -> Item | None:
        """What to ask for next of a file; None when nothing of it is left for this thread."""
        arrival = self._arrivals.get(number) or self._earlier(number, entry)
        if arrival is None or arrival.partial.version is None:
            item = Item(number, entry.uri, size=entry.size, mtime_ns=entry.mtime_ns)
            large = entry.size > LARGE_BYTES
            return replace(item, length=pace.TAKE_MIN_BYTES) if large else item
        stretch = self._stretch(arrival)
        if stretch is None:
            self.leave(number)
            return None
        size, mtime_ns, ctime_ns = arrival.partial.version
        return Item(
            number,
            entry.uri,
            offset=stretch.at,
            size=size,
            mtime_ns=mtime_ns,
            ctime_ns=ctime_ns,
            length=stretch.end - stretch.at,
            file=arrival.head.file if arrival.head else "",
        )

    def _stretch(self, arrival: Arrival) -> Stretch | None:
        """The one that is not finished, or another."""
        stretch = self._stretches.get(arrival.number)
        if stretch is None:
            left = arrival.partial.left
            stretch = arrival.take(pace.share(self._blocks.rate, left, self._crew.size))
            if stretch is None and arrival.head is None:
                stretch = arrival.nothing()
            if stretch is not None:
                self._stretches[arrival.number] = stretch
        if stretch is not None:
            self._run.progress.lost(arrival.number, stretch.roll_back())
        return stretch

    def _earlier(self, number: int, entry: Entry) -> Arrival | None:
        """What an earlier run left of a file that is large enough for a journal."""
        if entry.size <= BLOCK_BYTES:
            return None
        try:
            arrival = self._arrival(number, entry)
            arrival.partial.take_up(self._run.step)
        except (OSError, Fault):
            return None  # It fails, with its reason, when its bytes come.
        self._run.progress.have(number, arrival.partial.verified)
        return arrival

    def _arrival(self, number: int, entry: Entry) -> Arrival:
        parts, name = self._destination.place(entry.uri)
        duty, folder = self._run.duty, self._landing.folder(parts)
        partial = Partial(folder, name, duty.job, number, keep=duty.rules.resumes)
        return self._arrivals.setdefault(number, Arrival(number, entry, self.hands, partial))

    # As its bytes come.

    def take(self, number: int, entry: Entry, head: Head, inflow: Inflow) -> bool:
        """Write what comes of a file. Whether this thread is through with it, or else to ask for
        more. Raises what the connection raises, Damaged, Elsewhere."""
        inflow.begin_file(head.end - head.offset)
        small = head.end - head.offset == head.size <= PIECE_BYTES and not head.sparse
        if small and number not in self._arrivals:
            try:
                self._smalls.take(number, entry, head, inflow, self.hands)
            except (OSError, Fault) as error:
                self.fail(number, self._destination.fault(entry.uri, error))
            return True
        try:
            stretch = self._begin(number, entry, head)
            self._blocks.take(self._arrivals[number], stretch, inflow)
        except Overruled as overruled:
            self.drop(number)
            self._pass_over(inflow, overruled)
            return True
        except Over as over:
            self.leave(number)
            self._pass_over(inflow, over)
            return True
        except (OSError, Fault) as error:
            fault = self._destination.fault(entry.uri, error)
            self.fail(number, fault, discard=fault.error_class is ErrorClass.CHANGED)
            self._pass_over(inflow, error)
            return True
        end = inflow.read_end()
        if end.error_class is not None:
            self.fail(number, Fault(end.error_class, end.message), discard=True)
            return True
        self._last = self._stretches.pop(number)
        if self._arrivals[number].partial.left:
            return False
        self.leave(number)
        return True

    def _pass_over(self, inflow: Inflow, why: Exception) -> None:
        """The rest of a file that is not wanted; raises Elsewhere when it is long."""
        if inflow.file_left > BLOCK_BYTES:
            raise Elsewhere from why
        inflow.skip_file()

    def _begin(self, number: int, entry: Entry, head: Head) -> Stretch:
        arrival = self._arrivals.get(number)
        if arrival is None:
            arrival = self._arrival(number, entry)
            arrival.partial.start_anew()
        else:
            self._landing.folder(self._destination.place(entry.uri)[0])  # Held while it changes.
        if arrival.head is None:
            self._begin_file(arrival, head)
        elif not arrival.is_of(head):
            message = f"{self._destination.named(entry.uri)}: changed while it was read"
            raise Fault(ErrorClass.CHANGED, message)
        stretch = self._stretches.get(number)
        assert stretch is not None
        if self._last is not None:
            stretch.follow(self._last)
        stretch.begin(head)
        return stretch

    def _begin_file(self, arrival: Arrival, head: Head) -> None:
        number = arrival.number
        if not arrival.is_of(head):
            self._stretches.pop(number, None)  # It was to go on with another version.
        if not head.sparse:  # How much of one that is takes room only its blocks will say.
            need = head.size - arrival.partial.allocated
            claim(self._run, self._destination, arrival.entry.uri, need, take=False)
        arrival.begin(head, time.monotonic())
        named = self._destination.named(arrival.entry.uri)
        self._destination.giving.put_xattrs(arrival.partial.descriptor, head.xattrs, named)
        if number not in self._stretches:
            found = arrival.partial.take(head.end)
            self._stretches[number] = Stretch(arrival.partial, *(found or (0, 0)))
        self._run.progress.have(number, arrival.partial.verified)
        if head.size > LARGE_BYTES:
            arrival.is_shared = True
            self._crew.offer(arrival)
