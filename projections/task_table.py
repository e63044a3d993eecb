"""The tasks of one job as the board keeps them: 25 bytes each, and where the log names them."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from events import ranges, tasks
from events.codec import Recorded
from events.jobs import ErrorClass
from projections.uris import digests

QUEUED, EXECUTING, DONE, FAILED, ONHOLD, EXCLUDED, BOOTING = map(int, tasks.Status)
_FAILED_FROM = 16
SIZE_BYTES = 8
SPANS_MAX = 1_000
_QUEUED_STRETCH = re.compile(b"\\x00+")
_STOPPED = bytes.maketrans(bytes([EXECUTING, BOOTING]), bytes([QUEUED, QUEUED]))
_FAILED_AS = {error_class: _FAILED_FROM + number for number, error_class in enumerate(ErrorClass)}


class Page(Struct, frozen=True, gc=False):
    """Tasks from `first` on are named by event `index` of the commit at `sequence`.

    The first of them is entry `offset` of that event.
    """

    first: int
    sequence: int
    index: int
    offset: int = 0

    def begun_at(self, number: int) -> Page:
        """The same from a later task on."""
        return replace(self, first=number, offset=self.offset + number - self.first)


class FirstFailure(Struct, frozen=True):
    """The first failure of its class among the tasks: it speaks for them."""

    error_class: ErrorClass
    message: str


class Stretch(Struct, frozen=True):
    """Tasks of a compute job from number `first` on: one a frame ("" for one without a frame)."""

    first: int
    frames: str


class Bucket(Struct, frozen=True):
    """Tasks that took a lane of an endpoint together, and since when."""

    endpoint: str
    numbers: str
    since: datetime


class Touch(Struct, frozen=True):
    """Hand number `hand` changed these tasks."""

    hand: int
    numbers: str


class TaskTable(Struct, gc=False):
    """Statuses by task number. A failed task's byte carries its class of failure.

    `sizes` are bytes of content, eight bytes a task; `size` is their sum, `size_done` that over the
    done tasks.
    `digests` are sixteen bytes a task of a transfer, of its uri (projections/uris.py).
    `pages` name the tasks of a transfer, `stretches` those of a compute job; `buckets` are, by run,
    the lanes that a compute job has now; `failures` one a class, in the order of their coming;
    `failed_on` how many buckets failed in a row, by endpoint. `hands` counts the changes by hand,
    and `touches` are those since the run began: what was under way in it has been overruled.
    """

    statuses: bytearray
    sizes: bytearray
    pages: list[Page] = []
    stretches: list[Stretch] = []
    buckets: dict[int, Bucket] = {}
    size_done: int = 0
    failures: list[FirstFailure] = []
    failed_on: dict[str, int] = {}
    digests: bytearray = msgspec.field(default_factory=bytearray)
    hands: int = 0
    touches: list[Touch] = []
    size: int = 0

    @classmethod
    def empty(cls) -> TaskTable:
        return cls(bytearray(), bytearray())

    def __len__(self) -> int:
        return len(self.statuses)

    def status(self, number: int) -> tasks.Status:
        byte = self.statuses[number]
        return tasks.Status.FAILED if byte >= _FAILED_FROM else tasks.Status(byte)

    def count(self, status: int) -> int:
        if status == FAILED:
            return sum(self.statuses.count(byte) for byte in _FAILED_AS.values())
        return self.statuses.count(status)

    def apply(self, event: tasks.Event, recorded: Recorded) -> None:
        """Move the tasks by one event. Total: what has happened cannot be refused."""
        match event:
            case tasks.Found():
                self.found(event, recorded.sequence, recorded.index)
            case tasks.Started(numbers=numbers):
                self.set(numbers, EXECUTING)
            case tasks.Failed(run=run, failures=failures):
                self.fail(failures)
                if (bucket := self.buckets.get(run)) is not None:
                    self.failed_on[bucket.endpoint] = self.failed_on.get(bucket.endpoint, 0) + 1
            case tasks.Done(run=run) if (bucket := self.buckets.get(run)) is not None:
                self.set(event.numbers, DONE)
                self.failed_on.pop(bucket.endpoint, None)
            case tasks.Done(numbers=numbers, size=size, versions=versions):
                self.set(numbers, DONE)
                self.size_done += size
                self._resize(versions)
            case tasks.MarkedDone(numbers=numbers, size=size):
                self._touch(numbers)
                self.set(numbers, DONE)
                self.size_done += size
            case tasks.Queued() | tasks.Held() | tasks.Excluded() | tasks.MarkedFailed():
                self._taken_back(event)
            case tasks.Ranged(frames=frames, count=count):
                self.ranged(frames, count)
            case tasks.Dispatched(run=run, endpoint=endpoint, numbers=numbers):
                self.set(numbers, BOOTING)
                self.buckets[run] = Bucket(endpoint, numbers, recorded.at)
            case tasks.Exited(run=run):
                del self.buckets[run]
            case tasks.Released(run=run, numbers=numbers):
                del self.buckets[run]
                self.set(numbers, QUEUED)

    def _resize(self, versions: Iterable[tasks.Version]) -> None:
        sizes = memoryview(self.sizes).cast("q")
        for one in versions:
            self.size += one.size - sizes[one.number]
            sizes[one.number] = one.size

    def _touch(self, numbers: str) -> None:
        self.hands += 1
        self.touches.append(Touch(self.hands, numbers))

    def overruled(self, numbers: str, hand: int) -> set[int]:
        """Those of `numbers` that were changed by a later hand than this one."""
        overruling = (one.numbers for one in self.touches if one.hand > hand)
        later = [span for changed in overruling for span in ranges.spans(changed)]
        asked = sorted(ranges.read(numbers)) if later else []
        return {
            number
            for first, last in later
            for number in asked[bisect_left(asked, first) : bisect_right(asked, last)]
        }

    def _taken_back(
        self, event: tasks.Queued | tasks.Held | tasks.Excluded | tasks.MarkedFailed
    ) -> None:
        """What was done among these is not any more."""
        self._touch(event.numbers)
        self.size_done -= event.size
        match event:
            case tasks.Queued(numbers=numbers):
                self.set(numbers, QUEUED)
            case tasks.Held(numbers=numbers):
                self.set(numbers, ONHOLD)
            case tasks.Excluded(numbers=numbers):
                self.set(numbers, EXCLUDED)
            case tasks.MarkedFailed(numbers=numbers):
                self.fail_by_hand(numbers)

    def found(self, event: tasks.Found, sequence: int, index: int) -> None:
        """New tasks, or ones that are there as the source has them now."""
        page, count = Page(event.first, sequence, index), len(event.entries)
        sizes = array("q", [entry.size for entry in event.entries])
        self.size += sum(sizes)
        if event.first < len(self.statuses):
            begin, end = event.first * SIZE_BYTES, (event.first + count) * SIZE_BYTES
            self.size -= sum(array("q", bytes(self.sizes[begin:end])))
            self.sizes[begin:end] = sizes.tobytes()
            self._turn_over(page, event.first + count)
            return
        self.pages.append(page)
        self.statuses.extend(bytes(count))
        self.sizes.extend(sizes.tobytes())
        self.digests.extend(digests(entry.uri for entry in event.entries))

    def _turn_over(self, page: Page, end: int) -> None:
        """Put a page in place of those that named the tasks from its first to before `end`."""
        begin = bisect_left(self.pages, page.first, key=_first)
        beyond = bisect_left(self.pages, end, key=_first)
        left_over = self.pages[beyond - 1]
        following = self.pages[beyond].first if beyond < len(self.pages) else len(self.statuses)
        rest = [left_over.begun_at(end)] if end < following else []
        self.pages[begin:beyond] = [page, *rest]

    def ranged(self, frames: str, count: int) -> None:
        self.stretches.append(Stretch(len(self.statuses), frames))
        self.statuses.extend(bytes(count))
        self.sizes.extend(bytes(count * SIZE_BYTES))

    def size_of(self, numbers: str, statuses: Iterable[int]) -> int:
        """The bytes of those of `numbers` that have one of these statuses."""
        wanted, sizes = set(statuses), memoryview(self.sizes).cast("q")
        return sum(sizes[n] for n in ranges.read(numbers) if int(self.status(n)) in wanted)

    def set(self, numbers: str, status: int) -> None:
        for first, last in ranges.spans(numbers):
            assert last < len(self.statuses), "a task that was listed"
            self.statuses[first : last + 1] = bytes([status]) * (last + 1 - first)

    def fail_by_hand(self, numbers: str) -> None:
        self.set(numbers, _FAILED_AS[ErrorClass.BY_HAND])
        self._note(ErrorClass.BY_HAND, "set failed by hand")

    def fail(self, failures: Iterable[tasks.Failure]) -> None:
        for failure in failures:
            self.statuses[failure.number] = _FAILED_AS[failure.error_class]
            self._note(failure.error_class, failure.message)

    def _note(self, error_class: ErrorClass, message: str) -> None:
        if all(one.error_class is not error_class for one in self.failures):
            self.failures.append(FirstFailure(error_class, message))

    def failed_among(self, first: int, end: int) -> int:
        """How many of the tasks from `first` to before `end` failed."""
        return sum(byte >= _FAILED_FROM for byte in self.statuses[first:end])

    def begin(self) -> None:
        """A run begins: hands before it are in what it is given. A class of failure of which no
        task is failed any more is forgotten.
        """
        self.touches.clear()
        self.failures = [one for one in self.failures if self.failed_as(one.error_class)]

    def failed_as(self, error_class: ErrorClass) -> int:
        """How many tasks failed with this class."""
        return self.statuses.count(_FAILED_AS[error_class])

    def stop_executing(self) -> None:
        """The job's execution ended: what was under way is queued again, every lane is free."""
        self.statuses = self.statuses.translate(_STOPPED)
        self.buckets.clear()

    def are(self, numbers: str, allowed: Iterable[int]) -> bool:
        """Whether all of `numbers` exist and have one of these statuses."""
        bytes_allowed = bytes(allowed)
        return all(
            last < len(self.statuses)
            and not self.statuses[first : last + 1].translate(None, bytes_allowed)
            for first, last in ranges.spans(numbers)
        )

    def next_queued(self, after: int, count: int) -> tuple[str, int]:
        """The next `count` queued tasks past `after` as ranges, and the last of them; "" for none.

        At most SPANS_MAX ranges.
        """
        parts: list[str] = []
        while count and len(parts) < SPANS_MAX:
            first = self.statuses.find(QUEUED, after + 1)
            if first < 0:
                break
            stretch = _QUEUED_STRETCH.match(self.statuses, first, first + count)
            assert stretch is not None, "it begins with a queued task"
            after = stretch.end() - 1
            count -= after - first + 1
            parts.append(f"{first}-{after}" if after > first else str(first))
        return ",".join(parts), after

    def queued_after(self, number: int) -> Iterator[int]:
        while (number := self.statuses.find(QUEUED, number + 1)) >= 0:
            yield number

    def failed(self, classes: Iterable[ErrorClass] = tuple(ErrorClass)) -> str:
        """The numbers that failed with one of these classes, as ranges."""
        wanted = {_FAILED_AS[error_class] for error_class in classes}
        return ranges.write(n for n, byte in enumerate(self.statuses) if byte in wanted)

    def page_of(self, number: int) -> Page:
        return self.pages[bisect_right(self.pages, number, key=_first) - 1]


def _first(page: Page) -> int:
    return page.first
