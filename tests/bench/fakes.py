"""Agents that move no bytes but say on the bus all that real ones say: beats, listings, reports.

One process plays them all. A source has one file of 1,000 bytes; a receiver has it at once.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import msgspec

from events import subjects, tasks
from events.endpoints import Volume
from services.agent.commands import Duty, Execute, List, Orders, Receive
from services.runtime.bus import NatsBus
from services.runtime.ports import NoAnswer, Serving
from services.scheduler.commands import (
    Accepted,
    Actor,
    AgentsReport,
    Beat,
    ListingEnded,
    ListingFound,
    PartyNamed,
    PersonsCommand,
    Rejected,
    Report,
    Request,
    Role,
    RunEnded,
    Submit,
    TasksAsked,
    TasksDone,
    TasksStarted,
)
from tests.bench import crowd

WORKSPACE = "main"
ANN = Actor("admin", Role.ADMIN)
VOLUMES = [Volume("projects"), Volume("incoming")]
BEAT_S = 2.0
ANSWER_S = 20.0
SIZE = 1_000

Seen = Callable[[Duty, float], None]


class Over(Exception):
    """The run is over: the scheduler does not want to hear of it."""


class Agents:
    """`count` endpoints named fake00, fake01, …; `seen` is told of each duty when it arrives.

    A duty is done at once and once. A context: leaving it ends them.
    """

    def __init__(self, bus: NatsBus, count: int, seen: Seen | None = None) -> None:
        self.names = {crowd.endpoint_id(1_000 + n): f"fake{n:02}" for n in range(count)}
        self.done = dict[str, asyncio.Event]()
        self._bus, self._seen = bus, seen
        self._known = set[tuple[str, int]]()
        self._session, self._reports = secrets.token_hex(8), itertools.count()
        self._tasks = set[asyncio.Task[None]]()
        self._serving: Serving | None = None

    async def __aenter__(self) -> Agents:
        everyone = subjects.orders(WORKSPACE, "*")
        self._serving = await self._bus.serve(everyone, self._on_orders)
        for endpoint in self.names:
            await self._beat(endpoint)
        self._start(self._beats())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._serving is not None
        await self._serving.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _beats(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            for endpoint in self.names:
                await self._beat(endpoint)

    async def _beat(self, endpoint: str) -> None:
        beat = Beat(endpoint, self.names[endpoint], self._session, "http://127.0.0.1:1", VOLUMES)
        subject = subjects.from_agent(WORKSPACE, endpoint, "beat")
        answer = await self._bus.request(subject, msgspec.json.encode(beat), timeout_s=ANSWER_S)
        self._follow(endpoint, msgspec.json.decode(answer, type=Orders))

    async def _on_orders(self, subject: str, payload: bytes) -> None:
        endpoint = next((one for one in self.names if one in subject), "")
        if endpoint:
            self._follow(endpoint, msgspec.json.decode(payload, type=Orders))

    def _follow(self, endpoint: str, orders: Orders) -> None:
        assert not orders.refused, orders.refused
        for duty in orders.duties:
            if (duty.job, duty.run) not in self._known:
                self._known.add((duty.job, duty.run))
                if self._seen is not None:
                    self._seen(duty, time.monotonic())
                self._start(self._work_until_over(endpoint, duty))

    async def _work_until_over(self, endpoint: str, duty: Duty) -> None:
        """A run that is over is dropped, as a real agent drops it."""
        with suppress(Over):
            await self._work(endpoint, duty)

    async def _work(self, endpoint: str, duty: Duty) -> None:
        job, run = duty.job, duty.run
        match duty:
            case List():
                entries = [tasks.Entry("", size=SIZE)]
                await self._report(endpoint, ListingFound(job, run, 0, entries))
                await self._report(endpoint, ListingEnded(job, run, 1))
            case Receive():
                await self._ask_for_tasks(endpoint, duty)
                await self._report(endpoint, TasksStarted(job, run, "0"))
                done = TasksDone(job, run, "0", SIZE, [0], [1], ["0" * 64])
                await self._report(endpoint, done)
                await self._report(endpoint, RunEnded(job, run))
                if job in self.done:
                    self.done.pop(job).set()
            case Execute():
                raise AssertionError("nobody asked these for lanes")

    async def _ask_for_tasks(self, endpoint: str, duty: Receive) -> None:
        asked = msgspec.json.encode(TasksAsked(endpoint, duty.job, duty.run))
        subject = subjects.from_agent(WORKSPACE, endpoint, "tasks")
        await self._bus.request(subject, asked, timeout_s=ANSWER_S)

    async def _report(self, endpoint: str, said: AgentsReport) -> None:
        report = Report(f"{self._session}.{next(self._reports)}", endpoint, self._session, said)
        subject = subjects.from_agent(WORKSPACE, endpoint, "report")
        answer = await self._bus.request(subject, msgspec.json.encode(report), timeout_s=ANSWER_S)
        if isinstance(msgspec.json.decode(answer, type=Accepted | Rejected), Rejected):
            raise Over


def transfer(job: str, source: str, destination: str, queue: str | None = None) -> Submit:
    """Between two endpoints, by their names."""
    return Submit(
        job,
        PartyNamed(source, "projects", f"shots/{job}"),
        PartyNamed(destination, "incoming", f"shots/{job}"),
        queue=queue,
    )


async def ask(bus: NatsBus, key: str, command: PersonsCommand, timeout_s: float = ANSWER_S) -> int:
    """Where in the log it was stored. Raises NoAnswer."""
    payload = msgspec.json.encode(Request(key, ANN, command))
    answer = await bus.request(subjects.command(WORKSPACE), payload, timeout_s=timeout_s)
    accepted = msgspec.json.decode(answer, type=Accepted | Rejected)
    assert isinstance(accepted, Accepted), accepted
    return accepted.sequence


async def until_led(bus: NatsBus) -> None:
    while True:
        try:
            await bus.request(subjects.leader(WORKSPACE), b"")
        except NoAnswer:
            await asyncio.sleep(0.1)
        else:
            return
