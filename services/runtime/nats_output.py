"""Reading process logs from their stream: the parts of a run's log, by the slot that each is in."""

from __future__ import annotations

from events import subjects
from services.runtime import jetstream
from services.runtime.bus import NatsBus
from services.runtime.jetstream import STREAM_MISSING, Refusal


class NatsOutputs:
    """`ports.Outputs` of one workspace."""

    def __init__(self, bus: NatsBus, workspace: str) -> None:
        self._bus = bus
        self._workspace = workspace
        self._stream = subjects.output_stream(workspace)

    async def newest(self, endpoint: str, job: str, run: int) -> bytes | None:
        return await self._last(subjects.output(self._workspace, endpoint, job, run, "*"))

    async def part(self, endpoint: str, job: str, run: int, slot: int) -> bytes | None:
        return await self._last(subjects.output(self._workspace, endpoint, job, run, slot))

    async def _last(self, subject: str) -> bytes | None:
        try:
            found = await jetstream.read_from_leader(self._bus, self._stream, last_by_subj=subject)
        except Refusal as refusal:
            if refusal.number == STREAM_MISSING:
                return None
            raise
        return found.payload if found else None
