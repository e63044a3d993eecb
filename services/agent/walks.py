"""Ways through folders that somebody looks at page by page, each kept open between its pages.

One that nobody comes back for is given up, and so is the oldest when there are too many. Who goes
on where none is kept, or asks for a page once more, gets what follows in the listing's order from a
new walk. Called from threads; a page takes not much longer than PAGE_S unless the disk hangs.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Generator

from msgspec.structs import replace

from events import names
from events.tasks import TASKS_PER_EVENT_MAX, Entry
from services.agent import paths
from services.agent.cloud import CloudVolume
from services.agent.cloud_listing import CloudListing
from services.agent.commands import Amount, Browse, Page
from services.agent.listing import Listing
from services.agent.pages import PAGE_BYTES_MAX, weight
from services.agent.volumes import AnyVolume, listing_of

PAGE_S = 1.5
KEPT_S = 60.0
WALKS_MAX = 16


class Walk:
    """`at` is the uri that was told last, None before the first."""

    def __init__(self, volume: AnyVolume, call: Browse) -> None:
        self.name = os.urandom(8).hex()
        self.at: str | None = None
        self.used = time.monotonic()
        self._volume, self._call = volume, call
        self._asked = replace(call, walk="", after=None, limit=0)
        self._listing: Listing | CloudListing | None = None
        self._entries = self._walk()

    def _walk(self) -> Generator[Entry, None, None]:
        call = self._call
        with self._volume.opened() as opened, opened.source(call.path, False, call.parts) as source:
            self._listing = listing_of(
                source, call.choice, parts=call.parts, depth=call.depth, lenient=True
            )
            yield from self._listing

    def is_for(self, call: Browse) -> bool:
        same = replace(call, walk="", after=None, limit=0) == self._asked
        return same and call.after == self.at

    def page(self, after: str | None, limit: int) -> Page:
        """What comes behind `after`; the walk is over when the page does not name it. Raises Fault,
        OSError."""
        page = _Gathering(min(limit, TASKS_PER_EVENT_MAX), measured=self._call.measured)
        ends_s = time.monotonic() + PAGE_S
        behind = after is None or after == self.at
        before = self._unread
        for entry in self._entries:
            if behind or self._is_behind(entry.uri, after):
                behind = True
                page.add(entry)
                self.at = entry.uri
            behind = behind or entry.uri == after
            if page.is_full or time.monotonic() > ends_s:
                at = after if self.at is None else self.at
                return page.made(self._unread - before, self.name, at)
        return page.made(self._unread - before)

    def _is_behind(self, uri: str, after: str | None) -> bool:
        """Parts come in an order of their own: there it is found by its name alone."""
        if after is None or self._call.parts:
            return after is None
        if isinstance(self._volume, CloudVolume):  # Its order is that of whole keys.
            return names.to_bytes(uri) > names.to_bytes(after)
        return paths.split(uri) > paths.split(after)

    def close(self) -> None:
        self._entries.close()

    @property
    def _unread(self) -> int:
        return self._listing.unread if self._listing is not None else 0


class _Gathering:
    """A page in the making."""

    def __init__(self, limit: int, *, measured: bool) -> None:
        self._limit = limit
        self._measured = measured
        self._entries: list[Entry] = []
        self._bytes = 0
        self._kinds = {"file": 0, "folder": 0, "link": 0}
        self._size = 0

    def add(self, entry: Entry) -> None:
        """The folder itself is not in what it holds."""
        self._kinds[entry.kind] += entry.uri != ""
        self._size += entry.size
        if not self._measured:
            self._entries.append(entry)
            self._bytes += weight(entry)

    @property
    def is_full(self) -> bool:
        return len(self._entries) >= self._limit or self._bytes >= PAGE_BYTES_MAX

    def made(self, unread: int, walk: str = "", after: str | None = None) -> Page:
        kinds = self._kinds
        amount = Amount(kinds["file"], kinds["folder"], kinds["link"], self._size, unread)
        return Page(self._entries, amount, walk, after)


class Walks:
    def __init__(self) -> None:
        self._kept: OrderedDict[str, Walk] = OrderedDict()
        self._lock = threading.Lock()

    def page(self, volume: AnyVolume, call: Browse) -> Page:
        """Raises Fault, OSError."""
        walk = self._take(call) or Walk(volume, call)
        page = walk.page(call.after, call.limit)
        if page.walk:
            self._keep(walk)
        return page

    def _take(self, call: Browse) -> Walk | None:
        """Nobody else goes on with it meanwhile. One that is elsewhere is of no use."""
        with self._lock:
            walk = self._kept.get(call.walk)
            if walk is None or not walk.is_for(call):
                return None
            return self._kept.pop(call.walk)

    def _keep(self, walk: Walk) -> None:
        walk.used = time.monotonic()
        with self._lock:
            self._kept[walk.name] = walk
            if len(self._kept) > WALKS_MAX:
                self._kept.popitem(last=False)[1].close()

    def give_up(self) -> None:
        """Close the walks that nobody came back for: they hold their volumes open."""
        since = time.monotonic() - KEPT_S
        with self._lock:
            for name in [walk.name for walk in self._kept.values() if walk.used <= since]:
                self._kept.pop(name).close()
