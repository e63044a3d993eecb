"""Bring a run's reports to the scheduler, in order, each until it is answered.

One is on its way at a time and a few wait behind it; then whoever reports waits too, so nothing
is lost while no scheduler answers. Threads call `ask` and `report`; all else is the loop's.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from events import subjects
from events.ids import CHANCE_BYTES, new_id
from events.jobs import ErrorClass
from services.agent.halt import Stopped
from services.runtime.log import logger
from services.runtime.ports import Bus, NoAnswer
from services.scheduler.commands import (
    AgentsReport,
    Answer,
    Rejected,
    Report,
    RunFailed,
    TasksAsked,
    TasksGiven,
    Why,
)

WAITING_MAX = 16
ANSWER_S = 5.0
PAUSE_S = 0.1
PAUSE_MAX_S = 2.0

Value = TypeVar("Value")


class Post(Struct, frozen=True):
    """Whose reports, and how they travel. `session` is this start of the agent."""

    bus: Bus
    workspace: str
    endpoint: str
    session: str


class Reports:
    """A run's desk. `dropped` is called when the scheduler says that the run is not ours."""

    def __init__(self, post: Post, job: str, run: int, dropped: Callable[[], None]) -> None:
        self._post = post
        self._job = job
        self._run = run
        self._dropped = dropped
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[AgentsReport | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(WAITING_MAX)
        self._calls: set[concurrent.futures.Future[Any]] = set()
        self._closed = False

    # From threads.

    def ask(self, after: int) -> TasksGiven:
        return self._call(self._ask(after))

    def every(self, after: int) -> TasksGiven:
        return self._call(self._ask(after, every=True))

    def report(self, report: AgentsReport) -> None:
        self._call(self._put(report))

    def flush(self) -> None:
        self._call(self._waiting.join())

    def end(self) -> None:
        """Nothing more will be reported."""
        self._call(self._put(None))

    def _call(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        if self._closed:
            coroutine.close()
            raise Stopped
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        self._calls.add(future)
        if self._closed:
            future.cancel()
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise Stopped from None
        finally:
            self._calls.discard(future)

    # On the loop.

    async def _put(self, report: AgentsReport | None) -> None:
        await self._room.acquire()
        self._waiting.put_nowait(report)

    @property
    def is_called(self) -> bool:
        """Whether a thread waits here for the scheduler."""
        return bool(self._calls)

    def fail(self, report: RunFailed) -> None:
        """The last that is said: whoever waits here or comes later gets Stopped."""
        self.close()
        self._waiting.put_nowait(report)
        self._waiting.put_nowait(None)

    def close(self) -> None:
        """Send no more; whoever waits here gets Stopped."""
        self._closed = True
        for call in list(self._calls):
            call.cancel()

    async def deliver(self) -> None:
        """Send what is reported until `end`; returns at once when the run is dropped."""
        while (report := await self._waiting.get()) is not None:
            self._room.release()
            refusal = await self._send(report)
            if refusal is not None:
                await self._end_refused(report, refusal)
                self._dropped()
                return
            self._waiting.task_done()

    async def _end_refused(self, report: AgentsReport, refusal: Rejected) -> None:
        """A stale run is over. Any other refusal is a fault of ours, to be seen on the job."""
        if refusal.why is Why.STALE:
            logger.info("run.stale", job=self._job, run=self._run, detail=refusal.detail)
            return
        what = type(report).__name__
        logger.error("report.refused", job=self._job, run=self._run, report=what, refusal=refusal)
        if not isinstance(report, RunFailed):
            message = f"the agent's {what} was refused: {refusal.detail}"
            await self._send(RunFailed(self._job, self._run, ErrorClass.INTERNAL, message))

    async def _send(self, report: AgentsReport) -> Rejected | None:
        report_id = new_id(datetime.now(UTC), os.urandom(CHANCE_BYTES))
        post = self._post
        payload = msgspec.json.encode(Report(report_id, post.endpoint, post.session, report))
        subject = subjects.from_agent(post.workspace, post.endpoint, "report")
        answer = await self._until_answered(subject, payload, Answer)
        return answer if isinstance(answer, Rejected) else None

    async def _ask(self, after: int, *, every: bool = False) -> TasksGiven:
        asked = TasksAsked(self._post.endpoint, self._job, self._run, after, every)
        subject = subjects.from_agent(self._post.workspace, self._post.endpoint, "tasks")
        payload = msgspec.json.encode(asked)
        answer = await self._until_answered(subject, payload, TasksGiven | Rejected)
        if isinstance(answer, TasksGiven):
            return answer
        logger.info("run.refused", job=self._job, run=self._run, detail=answer.detail)
        self._dropped()
        raise Stopped

    async def _until_answered(self, subject: str, payload: bytes, kind: Any) -> Any:
        pause_s = PAUSE_S
        while True:
            try:
                answer = await self._post.bus.request(subject, payload, timeout_s=ANSWER_S)
                return msgspec.json.decode(answer, type=kind)
            except NoAnswer:
                await asyncio.sleep(pause_s)
                pause_s = min(PAUSE_MAX_S, pause_s * 2)
