"""The feed on a JetStream stream: appended in order, without gaps, never twice.

Every message says which event it is, and each batch names the message that it goes behind: of two
projectors only one can append, the other looks where the feed ends now and leaves out what is
there. After a lost answer it is the same.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from events import subjects
from services.runtime import cursor, jetstream
from services.runtime.bus import NatsBus
from services.runtime.cursor import Doubt
from services.runtime.jetstream import Message, Refusal
from services.runtime.log import logger
from services.runtime.ports import NoAnswer, Told
from services.runtime.streams import FEED_AGE_S

BATCH_MAX = 1_000  # The server's own limit.
BATCH_BYTES_MAX = 8 << 20
TRIES_MAX = 5
INDEX_MAX = (1 << 31) - 1
POSITION = "Haulage-Position"
EXPECTED = "Nats-Expected-Last-Sequence"


class Place(Struct, frozen=True):
    """Where the feed ends: its last message, and the last event told."""

    message: int
    told: tuple[int, int]


class NatsFeed:
    """`ports.Feed` of one workspace; `age_s` is how long its stream keeps an event."""

    def __init__(self, bus: NatsBus, workspace: str, *, age_s: float = FEED_AGE_S) -> None:
        self._bus = bus
        self._stream = subjects.feed_stream(workspace)
        self._filter = f"haulage.{workspace}.>"
        self._log_stream = subjects.log_stream(workspace)
        self._log_subject = subjects.log(workspace)
        self._age_s = age_s
        self._place: Place | None = None

    async def position(self) -> tuple[int, int]:
        self._place = await self._look()
        return self._place.told

    async def told_so_far(self) -> AsyncGenerator[list[Told], None]:
        state = await jetstream.state(self._bus, self._stream)
        last = state.last
        if state.messages == 0:
            return
        try:
            reading = cursor.read(self._bus, self._stream, {"deliver_policy": "all"})
            async with aclosing(reading) as batches:
                while True:
                    batch = await anext(batches)
                    yield [_told(one) for one in batch if one.sequence <= last]
                    if batch[-1].sequence >= last:
                        return
        except (Doubt, Refusal) as error:
            raise NoAnswer(f"{self._stream}: {error}") from error

    async def append(self, events: Sequence[Told]) -> None:
        tries = 0
        while tries < TRIES_MAX:
            place = self._place or await self._look()
            batch = _next(events, place.told)
            if not batch:
                return
            try:
                await self._store(batch, place.message)
            except (NoAnswer, Refusal) as error:
                logger.warning("feed.unsure", told=place.told, error=str(error))
                self._place, tries = None, tries + 1
            else:
                told = (batch[-1].sequence, batch[-1].index)
                self._place, tries = Place(place.message + len(batch), told), 0
        raise NoAnswer(f"{self._stream}: {TRIES_MAX} tries")

    async def _store(self, batch: Sequence[Told], after: int) -> None:
        """All of it or nothing. Raises Refusal when `after` is not the last message."""
        name = secrets.token_hex(16)
        for number, told in enumerate(batch, 1):
            headers = {POSITION: f"{told.sequence}.{told.index}"}
            if len(batch) > 1:
                headers |= {"Nats-Batch-Id": name, "Nats-Batch-Sequence": str(number)}
            if number == 1:
                headers[EXPECTED] = str(after)
            if number < len(batch):
                await self._bus.tell(told.subject, told.payload, headers=headers)
                continue
            if len(batch) > 1:
                headers["Nats-Batch-Commit"] = "1"
            await jetstream.store(self._bus, told.subject, told.payload, headers)

    async def _look(self) -> Place:
        state = await jetstream.state(self._bus, self._stream)
        if state.messages == 0:
            return Place(state.last, await self._too_old())
        last = await jetstream.read_from_leader(self._bus, self._stream, last_by_subj=self._filter)
        if last is None:
            raise NoAnswer(f"{self._stream}: its end went away")
        sequence, _, index = last.headers[POSITION].partition(".")
        return Place(state.last, (int(sequence), int(index)))

    async def _too_old(self) -> tuple[int, int]:
        """The last event that the feed would have dropped for its age.

        What is younger was never in an empty feed: it would be there still.
        """
        since = datetime.now(UTC) - timedelta(seconds=self._age_s)
        first = await jetstream.read(
            self._bus, self._log_stream, start_time=since, next_by_subj=self._log_subject
        )
        if first is None:
            last = (await jetstream.state(self._bus, self._log_stream)).last
        else:
            last = first.sequence - 1
        return (last, INDEX_MAX) if last else (0, 0)


def _told(message: Message) -> Told:
    sequence, _, index = message.headers[POSITION].partition(".")
    return Told(message.subject, int(sequence), int(index), message.payload)


def _next(events: Sequence[Told], told: tuple[int, int]) -> list[Told]:
    batch: list[Told] = []
    size = 0
    for one in events:
        if (one.sequence, one.index) <= told:
            continue
        size += len(one.payload)
        if len(batch) == BATCH_MAX or (batch and size > BATCH_BYTES_MAX):
            break
        batch.append(one)
    return batch
