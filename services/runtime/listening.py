"""A subscription that outlives the client it was made with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

PENDING_MSGS_MAX = 65_536
PENDING_BYTES_MAX = 64 << 20

Receive = Callable[[Msg], Awaitable[None]]


class Listening:
    """A subscription that outlives its client; `lost` is called when a client of it is gone."""

    def __init__(
        self, subject: str, receive: Receive, queue: str, lost: Callable[[], None] | None
    ) -> None:
        self.subject = subject
        self.lost = lost
        self._receive = receive
        self._queue = queue
        self._client: Client | None = None
        self._subscription: Subscription | None = None
        self._ended = False

    def attached(self, client: Client) -> bool:
        return self._client is client

    async def attach(self, client: Client) -> None:
        self._client = client
        bounded = self.lost is None  # Who counts its own credit loses nothing to a bound.
        self._subscription = await client.subscribe(
            self.subject,
            queue=self._queue,
            cb=self._receive,
            pending_msgs_limit=PENDING_MSGS_MAX if bounded else 0,
            pending_bytes_limit=PENDING_BYTES_MAX if bounded else 0,
        )
        if self._ended:
            await self.detach()

    async def detach(self) -> None:
        self._ended = True
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            with suppress(errors.Error, OSError):
                await subscription.unsubscribe()
