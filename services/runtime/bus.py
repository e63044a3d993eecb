"""The real bus: requests and announcements over NATS. Nothing here is stored or sent later.

A request ends with an answer or with NoAnswer: at once where nobody listens, where it is not
permitted or when the connection breaks, else after its time. An announcement made while there is
no connection is lost, as it may be on the way.
"""

from __future__ import annotations

import asyncio

from nats.aio.msg import Msg

from services.runtime.client import Where
from services.runtime.connection import Connection
from services.runtime.listening import Listening
from services.runtime.log import logger
from services.runtime.ports import Handler, NoAnswer

HANDLERS_MAX = 1_000
STOP_S = 5.0
PATIENCE_S = 10.0


async def open_bus(
    url: str,
    *,
    name: str,
    user: str | None = None,
    password: str | None = None,
    inbox_prefix: str | None = None,
    patience_s: float = PATIENCE_S,
) -> NatsBus:
    """Connect; from then on the bus comes back by itself until `close`.

    Raises Refused for bad credentials, NoAnswer when no server answers within `patience_s`.
    """
    where = Where(
        url, name=name, user=user, password=password, inbox_prefix=inbox_prefix or "_INBOX"
    )
    connection = Connection(where)
    await connection.open(patience_s=patience_s)
    return NatsBus(connection)


class NatsBus:
    """`ports.Bus`; `ask`, `tell` and `listen` are for the other ports of this folder."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._servings: set[NatsServing] = set()
        self.ask = connection.ask
        self.tell = connection.tell
        self.listen = connection.listen
        self.unlisten = connection.unlisten
        self.new_inbox = connection.new_inbox
        self.settle = connection.settle

    @property
    def connected(self) -> bool:
        return self._connection.connected

    async def request(self, subject: str, payload: bytes, *, timeout_s: float = 5.0) -> bytes:
        return bytes((await self.ask(subject, payload, timeout_s=timeout_s)).data)

    async def publish(self, subject: str, payload: bytes) -> None:
        try:
            await self.tell(subject, payload)
        except NoAnswer:
            logger.debug("bus.unsent", subject=subject)

    async def serve(self, subject: str, handler: Handler, *, queue: str = "") -> NatsServing:
        serving = NatsServing(self, handler)
        self._servings.add(serving)
        await serving.start(subject, queue)
        return serving

    def forget(self, serving: NatsServing) -> None:
        self._servings.discard(serving)

    async def close(self) -> None:
        await asyncio.gather(*(serving.stop() for serving in list(self._servings)))
        await self._connection.close()


class NatsServing:
    """Calls the handler for each message; what comes while all are busy waits, then is dropped."""

    def __init__(self, bus: NatsBus, handler: Handler) -> None:
        self._bus = bus
        self._handler = handler
        self._free = asyncio.Semaphore(HANDLERS_MAX)
        self._running: set[asyncio.Task[None]] = set()
        self._listening: Listening | None = None

    async def start(self, subject: str, queue: str) -> None:
        self._listening = await self._bus.listen(subject, self._receive, queue=queue)
        await self._bus.settle()

    async def stop(self) -> None:
        """Take no more, finish what is begun."""
        self._bus.forget(self)
        if self._listening is not None:
            await self._bus.unlisten(self._listening)
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=STOP_S)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=STOP_S)

    async def _receive(self, message: Msg) -> None:
        await self._free.acquire()
        task = asyncio.create_task(self._handle(message), name=f"bus.handle {message.subject}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _handle(self, message: Msg) -> None:
        try:
            answer = await self._handler(message.subject, message.data)
            if answer is not None and message.reply:
                await self._bus.tell(message.reply, answer)
        except NoAnswer as error:
            logger.warning("bus.unanswered", subject=message.subject, error=str(error))
        except Exception:  # The asker runs into its time-out; the others are served on.
            logger.exception("bus.handler_failed", subject=message.subject)
        finally:
            self._free.release()
