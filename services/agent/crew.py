"""The threads of a receiving run: what there is to do, and how many of them do it.

Batches are handed out in their order; a large file that one thread has begun comes first, for
whoever is free helps with it, once `pace` found that more connections than the first few help: a
file that one brings is hashed once, and of what several bring most is hashed twice. As many threads
work as help, and no more than the newest orders allow; one that is too many ends after what it has
in hand.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from services.agent.arrival import Arrival
from services.agent.halt import Stopped
from services.agent.pace import FIRST, Pace, Used
from services.agent.run import Run
from services.scheduler.commands import GivenTask

BATCHES_AHEAD_MAX = 4
LOOK_S = 0.1
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")  # A second.


def used() -> Used:
    """Of this machine, as far as it tells how idle it is (Linux); else there is always time."""
    try:
        idle, waiting = Path("/proc/stat").read_text().split(maxsplit=6)[4:6]
        idle_s = (int(idle) + int(waiting)) / CLOCK_TICKS
    except (OSError, ValueError):
        idle_s = time.monotonic() * (os.cpu_count() or 1)
    return Used(time.process_time(), idle_s)


class Batch(NamedTuple):
    """Tasks that were given under hand number `hands`."""

    hands: int
    tasks: list[GivenTask]


class _Place(threading.local):
    """A thread's own."""

    number = 0
    dismissed = False


class Crew:
    """`work` is what a thread does: it takes from here until there is no more."""

    def __init__(self, run: Run, work: Callable[[], None]) -> None:
        self._run = run
        self._work = work
        self._changed = threading.Condition()
        self._batches: deque[Batch] = deque()
        self._offered: list[Arrival] = []
        self._in_hand: set[int] = set()  # Threads at work: they may offer something yet.
        self._closed = False
        self._pace = Pace(time.monotonic(), run.duty.sockets)
        self._threads: dict[int, threading.Thread] = {}
        self._place = _Place()
        self.steps = 0  # Blocks verified and files settled, by any thread.

    @property
    def size(self) -> int:
        """How many may bring one file."""
        wanted = self._pace.wanted
        return wanted if wanted > FIRST or self._run.duty.sockets <= FIRST else 1

    def start(self) -> None:
        with self._changed:
            self._fill()

    def put(self, batch: Batch) -> None:
        """Waits while enough is in line. Raises Stopped."""
        with self._changed:
            self._run.halt.check()
            while len(self._batches) >= BATCHES_AHEAD_MAX:
                self._changed.wait(LOOK_S)
                self._run.halt.check()
            self._batches.append(batch)
            self._changed.notify_all()

    def settle(self) -> None:
        """Waits until nothing is in hand. Raises Stopped."""
        with self._changed:
            while self._batches or self._offered or self._in_hand:
                self._run.halt.check()
                self._changed.wait(LOOK_S)

    def end(self) -> None:
        """Nothing more is put; returns when all is done or stopped, with no thread left."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        while self._threads:
            for thread in list(self._threads.values()):
                thread.join()
        for arrival in self._offered:
            arrival.partial.close()

    # From the threads.

    def take(self) -> Batch | Arrival | None:
        """What to do next; None when this thread is to end. Raises Stopped."""
        with self._changed:
            self._in_hand.discard(self._place.number)
            self._changed.notify_all()
            while True:
                if self._run.halt.called:
                    raise Stopped
                if self._is_spare():
                    return None
                for arrival in self._offered:
                    if (self.size > 1 or arrival.is_free) and arrival.join():
                        self._in_hand.add(self._place.number)
                        return arrival
                if self._batches:
                    self._in_hand.add(self._place.number)
                    return self._batches.popleft()
                if self._closed and not self._offered and not self._in_hand:
                    return None
                self._changed.wait(LOOK_S)

    def offer(self, arrival: Arrival) -> None:
        """Whoever is free may help."""
        with self._changed:
            self._offered.append(arrival)
            self._changed.notify_all()

    def settled(self, arrival: Arrival) -> None:
        with self._changed:
            if arrival in self._offered:
                self._offered.remove(arrival)
                self._changed.notify_all()

    def dismiss(self) -> None:
        """The thread that asks is of no use here."""
        self._place.dismissed = True

    def step(self) -> None:
        with self._changed:
            self.steps += 1

    def is_spare(self, arrival: Arrival) -> bool:
        """Whether the thread that asks is one too many for a file. To be asked often: it is the
        clock."""
        with self._changed:
            is_spare = self._is_spare()
            if arrival.is_alone:  # As long as others are idle, it may as well be this one.
                idle = len(self._in_hand) <= self._pace.wanted
                return is_spare and (self._place.dismissed or not idle)
            return is_spare or (self.size == 1 and self._place.number > 0)

    def _is_spare(self) -> bool:
        moved, limit = self._run.progress.bytes_moved, self._run.duty.sockets
        before = self._pace.wanted
        if self._pace.look(time.monotonic(), moved, limit, used) > before:
            self._fill()
        return self._place.dismissed or self._place.number >= self._pace.wanted

    def _fill(self) -> None:
        for number in range(self._pace.wanted):
            if number not in self._threads:
                thread = threading.Thread(
                    target=self._man, args=(number,), name=f"bytes.pull.{number}", daemon=True
                )
                self._threads[number] = thread
                thread.start()

    def _man(self, number: int) -> None:
        self._place.number = number
        try:
            self._work()
        finally:
            with self._changed:
                self._in_hand.discard(number)
                del self._threads[number]
