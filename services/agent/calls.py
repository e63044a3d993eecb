"""What others ask of this endpoint: what is at a path and below it. Nothing is changed.

Each call is answered from a thread, for it may hang.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from events.jobs import ErrorClass
from services.agent.commands import Browse, Call, CallFailed, Looked, Lookup, Page, Stat, Told
from services.agent.faults import Fault, fault_of
from services.agent.lookup import look_up
from services.agent.volumes import AnyVolume
from services.agent.walks import KEPT_S, Walks

ANSWER_S = 4.0
CALLS_MAX = 16

Value = TypeVar("Value")


class Calls:
    def __init__(self, volumes: Mapping[str, AnyVolume]) -> None:
        self._volumes = volumes
        self._walks = Walks()
        self._places = asyncio.Semaphore(CALLS_MAX)

    async def answer(self, _subject: str, payload: bytes) -> bytes:
        try:
            call = msgspec.json.decode(payload, type=Call)
        except msgspec.MsgspecError as error:
            return msgspec.json.encode(CallFailed(ErrorClass.INTERNAL, str(error)))
        async with self._places:
            try:
                async with asyncio.timeout(ANSWER_S):
                    answer = await in_thread(lambda: self._answered(call))
            except TimeoutError:
                message = f"volume {call.volume} does not answer"
                answer = CallFailed(ErrorClass.VOLUME, message)
        if isinstance(answer, Page) and answer.walk:
            asyncio.get_running_loop().call_later(KEPT_S, self._walks.give_up)
        return msgspec.json.encode(answer)

    def _answered(self, call: Call) -> Told:
        volume = self._volumes.get(call.volume)
        if volume is None:
            known = ", ".join(sorted(self._volumes))
            message = f"there is no volume {call.volume} here: there are {known}"
            return CallFailed(ErrorClass.VOLUME, message)
        try:
            match call:
                case Browse():
                    return self._walks.page(volume, call)
                case Lookup(path=path, uris=uris):
                    return Looked(list(look_up(volume, path, uris)))
                case Stat(path=path):
                    with volume.opened() as opened:
                        return opened.stat(path)
        except Fault as fault:
            return CallFailed(fault.error_class, fault.message)
        except OSError as error:
            broken = fault_of(error, f"{call.volume}/{call.path}")
            return CallFailed(broken.error_class, broken.message)


async def in_thread(work: Callable[[], Value]) -> Value:
    """Like `asyncio.to_thread`, with a thread that does not hold up the end of the process."""
    loop = asyncio.get_running_loop()
    came: asyncio.Future[Value] = loop.create_future()

    def settle(value: Value) -> None:
        if not came.done():
            came.set_result(value)

    def run() -> None:
        value = work()
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, value)

    threading.Thread(target=run, name="call", daemon=True).start()
    return await came
