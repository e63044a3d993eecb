"""What the agent says on the bus by itself: beats, answered with orders, and ticks.

With no scheduler to be heard it goes on beating, and says once that nobody answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import NamedTuple

import msgspec

from events import subjects
from events.endpoints import Machine
from services.agent.agent import Agent
from services.agent.calls import Calls
from services.agent.commands import BOUNDLESS, GAUGE, Gauge, Orders
from services.agent.identity import Refused
from services.agent.reports import Post
from services.agent.watch import Watch
from services.runtime.log import logger
from services.runtime.ports import NoAnswer
from services.scheduler.commands import Beat

BEAT_EACH_S = 2.0
BEAT_ANSWER_S = 2.0
TICK_EACH_S = 0.25
GOODBYE_S = 1.0
TELL_EACH_S = 60.0
MEGABYTE = 1_000_000


class Reached(NamedTuple):
    """Where others reach this agent ("": nowhere), the certificate that they see there, and how
    many connections it joins as their relay.
    """

    url: str
    fingerprint: str
    relays: int


class Service:
    def __init__(
        self,
        post: Post,
        name: str,
        agent: Agent,
        watch: Watch,
        where: Reached,
        machine: Machine | None,
    ) -> None:
        self._post = post
        self._name = name
        self._agent = agent
        self._watch = watch
        self._where = where
        self._machine = machine
        self._heard = True
        self._said_hello = False
        self._accepted = False
        self._told: list[tuple[str, int, int]] = []
        self._told_s = 0.0

    async def live(self) -> None:
        post, endpoint = self._post, self._post.endpoint
        calls = Calls(self._agent.volumes)
        await post.bus.serve(subjects.orders(post.workspace, endpoint), self._on_orders)
        await post.bus.serve(subjects.call(post.workspace, endpoint), calls.answer)
        logger.info("agent.started", endpoint=endpoint, name=self._name, url=self._where.url)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._beats(), name="agent.beats")
            tasks.create_task(self._ticks(), name="agent.ticks")

    async def say_goodbye(self) -> None:
        if self._said_hello:
            with contextlib.suppress(NoAnswer):
                await self._say(leaving=True, timeout_s=GOODBYE_S)
            logger.info("agent.stopped", endpoint=self._post.endpoint)

    async def _beats(self) -> None:
        while True:
            try:
                self._on_answer(await self._say(leaving=False, timeout_s=BEAT_ANSWER_S))
                self._said_hello = True
                await self._tell_rooms()
            except NoAnswer as silence:
                self._note_silence(str(silence))
            await asyncio.sleep(BEAT_EACH_S)

    async def _tell_rooms(self) -> None:
        """When they changed, by the megabyte; and now and then, for who reads them may be new."""
        now = time.monotonic()
        rooms = [one for one in self._watch.rooms() if one.total_bytes < BOUNDLESS]
        told = [(one.volume, one.free_bytes // MEGABYTE, one.total_bytes) for one in rooms]
        if told == self._told and now - self._told_s < TELL_EACH_S:
            return
        self._told, self._told_s = told, now
        post = self._post
        subject = subjects.progress(post.workspace, post.endpoint, GAUGE)
        await post.bus.publish(subject, msgspec.json.encode(Gauge(rooms)))

    async def _say(self, *, leaving: bool, timeout_s: float) -> bytes:
        post = self._post
        beat = Beat(
            post.endpoint,
            self._name,
            post.session,
            self._where.url,
            self._watch.volumes(),
            self._agent.holding(),
            leaving=leaving,
            machine=self._machine,
            fingerprint=self._where.fingerprint,
            rooms=self._watch.rooms(),
            relays=self._where.relays,
            dialled=self._agent.probes.found(),
        )
        subject = subjects.from_agent(post.workspace, post.endpoint, "beat")
        return await post.bus.request(subject, msgspec.json.encode(beat), timeout_s=timeout_s)

    def _on_answer(self, payload: bytes) -> None:
        if not self._heard:
            logger.info("scheduler.heard_again", endpoint=self._post.endpoint)
        self._heard = True
        orders = self._follow(payload)
        if orders is not None and orders.refused and not self._accepted:
            raise Refused(orders.refused)
        self._accepted = self._accepted or orders is not None

    def _note_silence(self, detail: str) -> None:
        if self._heard:
            logger.warning("scheduler.silent", endpoint=self._post.endpoint, detail=detail)
        self._heard = False

    async def _on_orders(self, _subject: str, payload: bytes) -> None:
        self._follow(payload)

    def _follow(self, payload: bytes) -> Orders | None:
        try:
            orders = msgspec.json.decode(payload, type=Orders)
        except msgspec.MsgspecError as error:
            logger.error("orders.unreadable", error=str(error))
            return None
        self._agent.follow(orders)
        return orders

    async def _ticks(self) -> None:
        post = self._post
        while True:
            self._agent.look()
            for tick in self._agent.ticks():
                subject = subjects.progress(post.workspace, post.endpoint, tick.job)
                await post.bus.publish(subject, msgspec.json.encode(tick))
            await asyncio.sleep(TICK_EACH_S)
