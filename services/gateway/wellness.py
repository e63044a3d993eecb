"""Is all well behind the gateway? Looked at once a second at most, however often it is asked."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from services.gateway.asking import Asking
from services.gateway.clock import Clock
from services.gateway.lags import lags
from services.gateway.problems import Refusal
from services.gateway.resources import Health, Lag
from services.gateway.rows import Rows
from services.runtime.ports import Feed, Log

FRESH_S = 1.0
OK = "ok"


class Wellness:
    def __init__(
        self,
        rows: Rows,
        asking: Asking,
        clock: Clock,
        version: str,
        log: Log,
        feed: Feed | None = None,
    ) -> None:
        """Of the lags only those of what there is."""
        self._rows, self._asking, self._clock = rows, asking, clock
        self._log, self._feed = log, feed
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
        if await self._asking.head() is None:
            checks["scheduler"] = "no scheduler leads"
        status = OK if set(checks.values()) == {OK} else "degraded"
        behind = await self._lags() if checks["read_side"] == OK else []
        sequence = self._clock.sequence
        lag = next((one.events for one in behind if one.projection == "rows"), 0)
        return Health(status, self._health.version, sequence, lag, checks, behind)

    async def _lags(self) -> list[Lag]:
        async def told() -> int:
            assert self._feed is not None
            return (await self._feed.position())[0]

        positions = {"rows": self._rows.sequence} | ({"feed": told} if self._feed else {})
        try:
            return await lags(self._log, positions, datetime.now(UTC))
        except Refusal:
            return []
