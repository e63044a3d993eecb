"""Is all well behind the gateway? Looked at once a second at most, however often it is asked."""

from __future__ import annotations

import time

from services.gateway.asking import Asking
from services.gateway.clock import Clock
from services.gateway.problems import Refusal
from services.gateway.resources import Health
from services.gateway.rows import Rows

FRESH_S = 1.0
OK = "ok"


class Wellness:
    def __init__(self, rows: Rows, asking: Asking, clock: Clock, version: str) -> None:
        self._rows, self._asking, self._clock = rows, asking, clock
        self._looked_s = -FRESH_S
        self._health = Health("degraded", version, 0, 0, {})

    async def health(self) -> Health:
        if time.monotonic() - self._looked_s >= FRESH_S:
            self._looked_s = time.monotonic()
            self._health = await self._look()
        return self._health

    async def _look(self) -> Health:
        checks = {"read_side": OK, "scheduler": OK}
        try:
            self._clock.move(await self._rows.sequence())
        except Refusal as refusal:
            checks["read_side"] = refusal.detail
        head = await self._asking.head()
        if head is None:
            checks["scheduler"] = "no scheduler leads"
        status = OK if set(checks.values()) == {OK} else "degraded"
        sequence = self._clock.sequence
        lag = max(0, (head or 0) - sequence)
        return Health(status, self._health.version, sequence, lag, checks)
