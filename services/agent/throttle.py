"""How fast the bytes of a run may come in: one for all its threads, changed while they wait."""

from __future__ import annotations

import threading
import time

from services.agent.halt import Halt
from services.agent.spent import SPENT

STEP_S = 0.05
CREDIT_S = 0.25


class Throttle:
    """`rate` in bytes per second, 0 for no limit.

    Bytes are paid for after they came, by waiting as long as they may take; who waited too long, or
    had nothing to read, has credit for at most CREDIT_S. Portions are small and waits are short, so
    that a stop and a change are felt at once. Methods are for any thread.
    """

    def __init__(self, rate: int = 0) -> None:
        self._lock = threading.Lock()
        self._rate = rate
        self._owed = 0.0
        self._came = 0
        self._at = self._asked = time.monotonic()

    def change(self, rate: int) -> None:
        """What is still to be paid at the old rate is not waited for at a lower one."""
        with self._lock:
            self._settle()
            self._rate = rate
            self._owed = min(self._owed, rate * STEP_S)

    def portion(self, wanted: int) -> int:
        """How many bytes to read at once, at least one."""
        rate = self._rate
        return min(wanted, max(1, int(rate * STEP_S))) if rate else wanted

    def pay(self, size: int, halt: Halt) -> None:
        """For bytes that came. Raises Stopped."""
        if not self._rate:
            return
        with self._lock:
            self._owed += size
            self._came += size
        began = time.perf_counter()
        while (wait_s := self._wait_s()) > 0:
            halt.sleep(min(wait_s, STEP_S))
        SPENT.limited += time.perf_counter() - began

    def used(self) -> float:
        """Bytes per second since this was asked last; those without a limit are not counted."""
        with self._lock:
            now, came = time.monotonic(), self._came
            passed_s, self._asked, self._came = now - self._asked, now, 0
            return came / passed_s if passed_s > 0 else 0.0

    def _wait_s(self) -> float:
        with self._lock:
            self._settle()
            return self._owed / self._rate if self._rate else 0.0

    def _settle(self) -> None:
        now = time.monotonic()
        paid = self._owed - (now - self._at) * self._rate
        self._owed = max(paid, -CREDIT_S * self._rate)
        self._at = now
