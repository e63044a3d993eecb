"""Files that change still are held back from a listing until they have been left alone for a while.

Whatever is steady goes first. A file is steady when its time of change lies so far back, or when it
was seen unchanged for so long, whatever its clock says. It is waited for a day, then it goes as it
is: if it changes while it is read, its task fails as `changed`. Reads no clock but those given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush

from msgspec import Struct

from events.tasks import Entry

HELD_MAX = 10_000
WAITED_MAX_S = 86_400.0
LOOK_EACH_S = 0.25
TOLD_EACH_S = 5.0


class Times(Struct, frozen=True):
    """`now_s` is monotonic, `since_1970_ns` the clock on the wall; `pause` may raise to stop."""

    now_s: Callable[[], float]
    since_1970_ns: Callable[[], int]
    pause: Callable[[float], None]


class _Held(Struct, frozen=True, order=True):
    """Unchanged since `since_s`, with this size and time of change; first seen at `first_s`."""

    since_s: float
    uri: str
    state: tuple[int, int]
    first_s: float


class Steady:
    """`again` looks at a path anew: nothing, when it is gone. `stable_s` is how long a file is to
    be left alone, 0 for not at all, and may change meanwhile. `told` hears how many are held.
    """

    def __init__(
        self,
        stable_s: Callable[[], int],
        again: Callable[[str], Iterator[Entry]],
        told: Callable[[int], None],
        times: Times,
    ) -> None:
        self._stable_s = stable_s
        self._again = again
        self._told = told
        self._times = times
        self._held: list[_Held] = []  # A heap: who is due first is first.
        self._last_told = 0
        self._told_s = -TOLD_EACH_S

    def entries(self, found: Iterable[Entry]) -> Iterator[Entry | None]:
        """All that is found, what changes still in the end, and None before each wait."""
        for entry in found:
            if not self._hold(entry, self._times.now_s()):
                yield entry
            while self._held and (len(self._held) > HELD_MAX or self._wait_s() <= 0):
                yield from self._next()
        while self._held:
            yield from self._next()
        self._tell()

    def _hold(self, entry: Entry, first_s: float) -> bool:
        """Whether it is held back: as long as it was left alone already, it is not to wait."""
        stable_s, now_s = self._stable_s(), self._times.now_s()
        if entry.kind != "file" or not stable_s or now_s - first_s > WAITED_MAX_S:
            return False
        alone_s = (self._times.since_1970_ns() - entry.mtime_ns) / 1e9
        if alone_s >= stable_s:
            return False
        since_s = now_s - max(0.0, alone_s)
        heappush(self._held, _Held(since_s, entry.uri, _state(entry), first_s))
        return True

    def _wait_s(self) -> float:
        return self._held[0].since_s + self._stable_s() - self._times.now_s()

    def _next(self) -> Iterator[Entry | None]:
        if self._wait_s() > 0:
            yield None
        while (wait_s := self._wait_s()) > 0:
            self._tell()
            self._times.pause(min(wait_s, LOOK_EACH_S))
        held = heappop(self._held)
        for entry in self._again(held.uri):
            same = (entry.uri, _state(entry)) == (held.uri, held.state)
            if same or not self._hold(entry, held.first_s):
                yield entry

    def _tell(self) -> None:
        """Now and then, and at once that nothing is waited for any more."""
        count, now_s = len(self._held), self._times.now_s()
        is_time = now_s - self._told_s >= TOLD_EACH_S or not count
        if count != self._last_told and is_time:
            self._told(count)
            self._last_told, self._told_s = count, now_s


def _state(entry: Entry) -> tuple[int, int]:
    return entry.size, entry.mtime_ns
