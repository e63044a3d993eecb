"""One lasting connection to NATS, made of as many short ones of nats-py as it takes.

nats-py's own reconnecting is switched off: it sends late what was meant for a minute ago, gives up
for good on some errors and can hang on a dead peer. Here a client that is gone is thrown away,
all who wait for an answer are told at once, and a new client takes over what was listened to.
Nothing is sent later than its caller waits for it. What the messages mean is not known here.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress

from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.runtime.client import CONNECT_S, PAUSE_MIN_S, Where, dial, discard, send, settle
from services.runtime.listening import Listening, Receive
from services.runtime.log import logger
from services.runtime.ports import NoAnswer, Refused

LOOK_S = 1.0
PAUSE_MAX_S = 2.0
NOBODY = "503"
UNAUTHORIZED = "Authorization Violation"

_DENIED = re.compile(
    r'permissions violation for (publish|subscription) to "([^"]+)"', re.IGNORECASE
)


class Asked:
    """A question that is on its way."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.answer: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()

    def fail(self, reason: str) -> None:
        if not self.answer.done():
            self.answer.set_exception(NoAnswer(f"{self.subject}: {reason}"))

    def drop(self) -> None:
        """Nobody waits any more; asyncio complains about an exception that nobody looks at."""
        if not self.answer.cancel() and not self.answer.cancelled():
            self.answer.exception()


class Connection:
    """`open` it, `close` it; between the two it comes back by itself."""

    def __init__(self, where: Where) -> None:
        self._where = where
        self._client: Client | None = None
        self._gone = asyncio.Event()
        self._up = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._asked: dict[str, Asked] = {}
        self._tokens = itertools.count(1)
        self._overran_at = 0.0
        self._inbox = self.new_inbox()
        inbox = Listening(f"{self._inbox}.*", self._answered, "", None)
        self._listenings: dict[int, Listening] = {id(inbox): inbox}

    @property
    def connected(self) -> bool:
        return self._up.is_set()

    async def open(self, *, patience_s: float) -> None:
        """Raises Refused for bad credentials, NoAnswer when no server answers in time."""
        try:
            async with asyncio.timeout(patience_s):
                await self._connect_patiently(refusable=True)
        except TimeoutError as error:
            raise NoAnswer(f"no NATS server at {self._where.address}") from error
        self._keeper = asyncio.create_task(self._keep(), name="bus.keep")

    async def close(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait([keeper])
        self._lose("closed")
        if self._client is not None:
            await discard(self._client)

    def new_inbox(self) -> str:
        return f"{self._where.inbox_prefix}.{secrets.token_hex(8)}"

    async def ask(
        self,
        subject: str,
        payload: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float,
    ) -> Msg:
        """Send and wait for the first answer. Raises NoAnswer, at once where nobody listens."""
        token, asked = str(next(self._tokens)), Asked(subject)
        self._asked[token] = asked
        try:
            async with asyncio.timeout(timeout_s):
                client = await self._ready()
                await send(client, subject, payload, f"{self._inbox}.{token}", headers)
                answer = await asked.answer
        except TimeoutError as error:
            raise NoAnswer(f"{subject}: no answer within {timeout_s} s") from error
        finally:
            del self._asked[token]
            asked.drop()
        if answer.headers and answer.headers.get("Status") == NOBODY:
            raise NoAnswer(f"{subject}: nobody is there")
        return answer

    async def tell(
        self,
        subject: str,
        payload: bytes,
        *,
        reply: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send once, now. Raises NoAnswer when not connected."""
        if self._client is None or not self._up.is_set():
            raise NoAnswer(f"{subject}: not connected")
        await send(self._client, subject, payload, reply, headers)

    async def listen(
        self,
        subject: str,
        receive: Receive,
        *,
        queue: str = "",
        lost: Callable[[], None] | None = None,
    ) -> Listening:
        """Have `receive` called, one message after the other, until `unlisten`.

        With `lost` the caller bounds what is sent to it, and learns when a connection was lost.
        """
        listening = Listening(subject, receive, queue, lost)
        self._listenings[id(listening)] = listening
        client = self._client
        if client is not None and self._up.is_set():
            with suppress(errors.Error, OSError):
                if not listening.attached(client):
                    await listening.attach(client)
        return listening

    async def settle(self) -> None:
        """Return when the server, if there is one now, knows what is listened to."""
        if self._client is not None and self._up.is_set():
            with suppress(errors.Error, OSError):
                await settle(self._client)

    async def unlisten(self, listening: Listening) -> None:
        self._listenings.pop(id(listening), None)
        await listening.detach()

    async def _answered(self, message: Msg) -> None:
        asked = self._asked.get(message.subject.rpartition(".")[2])
        if asked is not None and not asked.answer.done():
            asked.answer.set_result(message)

    async def _ready(self) -> Client:
        await self._up.wait()
        assert self._client is not None
        return self._client

    async def _keep(self) -> None:
        while True:
            client = await self._ready()
            while client.is_connected and not self._gone.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._gone.wait()
            logger.warning("bus.lost", name=self._where.name, error=str(client.last_error or ""))
            self._lose("the connection was lost")
            await discard(client)
            await self._connect_patiently(refusable=False)
            logger.info("bus.back", name=self._where.name)

    def _lose(self, reason: str) -> None:
        self._up.clear()
        for asked in self._asked.values():
            asked.fail(reason)
        for listening in list(self._listenings.values()):
            if listening.lost is not None:
                listening.lost()

    async def _connect_patiently(self, *, refusable: bool) -> None:
        pause_s = PAUSE_MIN_S
        while True:
            try:
                return await self._connect()
            except Exception as error:  # nats-py lets through what its parser meets.
                if refusable and UNAUTHORIZED in str(error):
                    raise Refused("the NATS server does not accept these credentials") from error
                logger.warning("bus.refused", name=self._where.name, error=_said(error))
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, PAUSE_MAX_S)

    async def _connect(self) -> None:
        client, gone = Client(), asyncio.Event()
        try:
            async with asyncio.timeout(CONNECT_S):
                await dial(client, self._where, gone, self._complain)
                while unheard := self._unheard(client):
                    await unheard.attach(client)
        except BaseException:
            await discard(client)
            raise
        self._client, self._gone = client, gone
        self._up.set()

    def _unheard(self, client: Client) -> Listening | None:
        listenings = self._listenings.values()
        return next((one for one in listenings if not one.attached(client)), None)

    async def _complain(self, error: Exception) -> None:
        """A denied publish comes back beside the stream of answers: find who waits for it."""
        if isinstance(error, errors.SlowConsumerError):
            self._overran(error.subject)
        if denied := _DENIED.search(str(error)):
            logger.error("bus.denied", what=denied[1].lower(), subject=denied[2])
            for asked in self._asked.values():
                if asked.subject.lower() == denied[2].lower():
                    asked.fail("not permitted")

    def _overran(self, subject: str) -> None:
        """One line for all that was dropped within `LOOK_S`."""
        now = asyncio.get_running_loop().time()
        if now > self._overran_at + LOOK_S:
            self._overran_at = now
            logger.error("bus.overrun", subject=subject)


def _said(error: Exception) -> str:
    """The server says the same of wrong credentials and of nobody there to judge them."""
    if UNAUTHORIZED in str(error):
        return "not let in: no gateway answers for agents now, or the credentials are wrong"
    return repr(error)
