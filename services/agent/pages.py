"""A listing run: what is at the source, reported in pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from events.tasks import TASKS_PER_EVENT_MAX, Entry
from services.agent.commands import List
from services.agent.desk import Desk
from services.agent.halt import Halt
from services.agent.pulse import Pulse
from services.agent.steady import Steady, Times
from services.agent.volumes import AnyVolume, listing_of
from services.scheduler.commands import AgentsReport, ListingAwaits, ListingEnded, ListingFound

PAGE_BYTES_MAX = 256 << 10
FIRST_PAGE_S = 0.2  # What is found slowly is told before a page is full.
PAGE_S = 1.0
ENTRY_BYTES = 80  # What an entry takes in a message beside its names.


def list_source(
    duty: List,
    volume: AnyVolume,
    desk: Desk,
    halt: Halt,
    pulse: Pulse,
    *,
    stable_s: Callable[[], int] = lambda: 0,
) -> None:
    """Report every entry, then that there are no more. Raises Fault, Stopped.

    `stable_s` is that of the duty's choice by the newest orders.
    """
    began, waited_s = time.monotonic(), 0.0  # For files to be ready, and for the scheduler.

    def step() -> None:
        halt.check()
        pulse.beat()

    def pause(duration_s: float) -> None:
        nonlocal waited_s
        halt.sleep(duration_s)
        pulse.beat()
        waited_s += duration_s

    def report(said: AgentsReport) -> None:
        nonlocal waited_s
        since = time.monotonic()
        desk.report(said)
        waited_s += time.monotonic() - since

    def told(files: int) -> None:
        report(ListingAwaits(duty.job, duty.run, files))

    first = 0
    with volume.opened() as opened, opened.source(duty.path, False, duty.parts) as source:
        listing = listing_of(source, duty.choice, step, duty.parts)
        again = listing_of(source, duty.choice, step, duty.parts).again
        steady = Steady(stable_s, again, told, Times(time.monotonic, time.time_ns, pause))
        for page in pages(steady.entries(listing.some(duty.only) if duty.only else listing)):
            report(ListingFound(duty.job, duty.run, first, page.entries, page.more))
            first += len(page.entries)
        took_ms = max(0, round((time.monotonic() - began - waited_s) * 1000))
        desk.report(ListingEnded(duty.job, duty.run, first, listing.skipped, took_ms))


class Page(NamedTuple):
    """`more` may follow."""

    entries: list[Entry]
    more: bool


def pages(entries: Iterable[Entry | None]) -> Iterator[Page]:
    """At most TASKS_PER_EVENT_MAX entries that fit a message; None ends a page early, and so does
    the time.
    """
    page: list[Entry] = []
    size, due_s = 0, time.monotonic() + FIRST_PAGE_S
    for entry in entries:
        if entry is not None:
            page.append(entry)
            size += weight(entry)
        is_full = len(page) >= TASKS_PER_EVENT_MAX or size >= PAGE_BYTES_MAX
        if page and (entry is None or is_full or time.monotonic() >= due_s):
            yield Page(page, more=True)
            page, size, due_s = [], 0, time.monotonic() + PAGE_S
    if page:
        yield Page(page, more=False)


def weight(entry: Entry) -> int:
    """About how many bytes an entry takes in a message."""
    texts = (entry.uri, entry.target, entry.same_as, entry.owner, entry.group)
    return ENTRY_BYTES + 2 * sum(map(len, texts))
