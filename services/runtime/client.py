"""One client of nats-py, from its first connect to its end; it never reconnects.

Configured against what is known of nats-py 2.16: no buffer for what cannot be sent now, a dead peer
noticed within half a minute, no end that waits for one, and no cancel that is lost in its waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

from nats import errors
from nats.aio.client import Client

from services.runtime.ports import NoAnswer

CONNECT_S = 5.0
CLOSE_S = 2.0
PAUSE_MIN_S = 0.1
PING_S = 10

Complain = Callable[[Exception], Awaitable[None]]


class Where:
    """Where to connect and as whom."""

    def __init__(
        self, url: str, *, name: str, user: str | None, password: str | None, inbox_prefix: str
    ) -> None:
        self.url = url
        self.name = name
        self.user = user
        self.password = password
        self.inbox_prefix = inbox_prefix

    @property
    def address(self) -> str:
        """Without the password that the URL may have."""
        return self.url.rpartition("@")[2]


@contextmanager
def heeding_cancel() -> Iterator[None]:
    """Raises CancelledError behind a block that was cancelled, whatever came of the block.

    nats-py waits by `asyncio.wait_for`: in Python 3.11 that forgets a cancel which comes together
    with what it waits for.
    """
    task = asyncio.current_task()
    assert task is not None
    cancels_before = task.cancelling()
    try:
        yield
    finally:
        if task.cancelling() > cancels_before:
            raise asyncio.CancelledError


async def dial(client: Client, where: Where, gone: asyncio.Event, complain: Complain) -> None:
    """Connect, trying as long as nothing listens there. Raises what nats-py raises; sets `gone`
    when the client has come to its end.
    """

    async def closed() -> None:
        gone.set()

    with heeding_cancel():
        await client.connect(
            where.url,
            name=where.name,
            user=where.user,
            password=where.password,
            inbox_prefix=where.inbox_prefix,
            allow_reconnect=False,
            max_reconnect_attempts=-1,  # Of the first connect only; it waits for the server.
            reconnect_time_wait=PAUSE_MIN_S,  # type: ignore[arg-type]
            connect_timeout=int(CONNECT_S),
            ping_interval=PING_S,
            pending_size=-1,
            disconnected_cb=closed,
            closed_cb=closed,
            error_cb=complain,
        )


async def send(
    client: Client, subject: str, payload: bytes, reply: str, headers: Mapping[str, str] | None
) -> None:
    try:
        await client.publish(subject, payload, reply, dict(headers) if headers else None)
    except errors.MaxPayloadError as error:
        raise ValueError(f"{subject}: {len(payload)} bytes are too many for one message") from error
    except (errors.Error, OSError) as error:
        raise NoAnswer(f"{subject}: not connected") from error


async def settle(client: Client) -> None:
    """Return when the server has read all that was sent. Raises what nats-py raises.

    nats-py's ping may overtake what was to be sent before the first one, not the second.
    """
    with heeding_cancel():
        await client.flush(timeout=int(CONNECT_S))
        await client.flush(timeout=int(CONNECT_S))


async def discard(client: Client) -> None:
    """Close for good. nats-py waits for the peer to take what is left; a dead one never does."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await client.close()
    except (errors.Error, OSError, TimeoutError):
        pass
    finally:
        writer = getattr(client._transport, "_io_writer", None)
        if writer is not None:
            writer.transport.abort()
