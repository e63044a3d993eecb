"""How far a bucket is, by what its command says: written by its thread, read for ticks."""

from __future__ import annotations

from services.agent.commands import Execute, Tick
from services.agent.openjd import Said

TELL_AGAIN_S = 5.0  # Whoever reads ticks may have begun after the last.

Told = tuple[float | None, str]


class Bucket:
    def __init__(self, duty: Execute) -> None:
        self.duty = duty
        self.said = Said()
        self._told: Told = (None, "")
        self._told_at = 0.0

    def tick(self, now: float) -> Tick | None:
        """What changed since the last; `now` is on the monotonic clock."""
        saying = self.said.percent, self.said.status
        if saying == (None, "") or (saying == self._told and now < self._told_at + TELL_AGAIN_S):
            return None
        self._told, self._told_at = saying, now
        duty = self.duty
        percent, status = saying
        return Tick(
            duty.job, duty.run, 0, 0.0, 0, numbers=duty.numbers, percent=percent, status=status
        )
