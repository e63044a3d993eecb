"""A scheduler that decides nothing: it orders what a test wants and remembers what agents say."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable

import msgspec

from events import subjects
from events.tasks import Entry
from services.agent.commands import Duty, Orders, Output, Receive, Tick, Ticket
from services.runtime.ports import Bus
from services.runtime.tickets import Signer
from services.scheduler.commands import (
    Accepted,
    AgentsReport,
    Beat,
    GivenTask,
    ListingEnded,
    ListingFound,
    Rejected,
    Report,
    TasksAsked,
    TasksGiven,
)

HQ, FAR = "a" * 24, "b" * 24
JOB, OTHER = "1" * 24, "2" * 24
WAIT_S = 30.0


class Scheduler:
    """Answers agents as a scheduler would, from what the test put here."""

    def __init__(self, bus: Bus, workspace: str = "main") -> None:
        self.bus = bus
        self.workspace = workspace
        self.signer = Signer()
        self.sequence = 1
        self.duties: defaultdict[str, list[Duty]] = defaultdict(list)
        self.beats: defaultdict[str, list[Beat]] = defaultdict(list)
        self.reports: list[Report] = []
        self.entries: list[Entry] = []
        self.ticks: list[Tick] = []
        self.parts: dict[str, Output] = {}
        self.refusal: Rejected | None = None
        self.answers = True
        self.refused = ""
        self.listing = False

    async def open(self) -> None:
        """Lead: what is published here is answered from now on."""
        await self.bus.serve(subjects.from_agent(self.workspace, "*", "*"), self._hear)
        await self.bus.serve(subjects.progress(self.workspace, "*", "*"), self._tick)
        any_output = subjects.output(self.workspace, "*", "*", "*", "*")
        await self.bus.serve(any_output, self._keep_output)

    async def _hear(self, subject: str, payload: bytes) -> bytes | None:
        if not self.answers:
            return None
        *_, endpoint, what = subject.split(".")
        match what:
            case "beat":
                self.beats[endpoint].append(msgspec.json.decode(payload, type=Beat))
                return msgspec.json.encode(self.orders(endpoint))
            case "report":
                return msgspec.json.encode(self._take(msgspec.json.decode(payload, type=Report)))
            case _:
                return msgspec.json.encode(
                    self._give(msgspec.json.decode(payload, type=TasksAsked))
                )

    def _take(self, report: Report) -> Accepted | Rejected:
        self.reports.append(report)
        if self.refusal is not None:
            return self.refusal
        if isinstance(report.report, ListingFound):
            self.entries += report.report.entries
            self.listing = report.report.more
        if isinstance(report.report, ListingEnded):
            self.listing = False
        return Accepted(self.sequence)

    def _give(self, asked: TasksAsked) -> TasksGiven:
        numbered = enumerate(self.entries)
        given = [GivenTask(number, entry) for number, entry in numbered if number > asked.after]
        given = given[:1_000]
        after = given[-1].number if given else asked.after
        return TasksGiven(given, after, listing=self.listing)

    async def _tick(self, subject: str, payload: bytes) -> None:
        if not subject.endswith(".volumes"):
            self.ticks.append(msgspec.json.decode(payload, type=Tick))

    async def _keep_output(self, subject: str, payload: bytes) -> bytes:
        """As the stream does: the newest of each slot."""
        self.parts.pop(subject, None)
        self.parts[subject] = msgspec.json.decode(payload, type=Output)
        return b"{}"

    def output(self, run: int, job: str = JOB) -> list[str]:
        parts = [part for part in self.parts.values() if (part.job, part.run) == (job, run)]
        return [text for part in parts for _, text in part.lines]

    def orders(self, endpoint: str) -> Orders:
        duties = self.duties[endpoint]
        return Orders(self.sequence, self.signer.public_hex, duties, self.refused)

    async def order(self, endpoint: str, *duties: Duty, sequence: int | None = None) -> None:
        self.duties[endpoint] = list(duties)
        self.sequence = sequence or self.sequence + 1
        payload = msgspec.json.encode(self.orders(endpoint))
        await self.bus.publish(subjects.orders(self.workspace, endpoint), payload)

    def receive(
        self, run: int = 2, *, sender: str = HQ, url: str | None = None, path: str = ""
    ) -> Receive:
        """The duty to bring all that was listed at `path` below `in`."""
        ticket = Ticket(JOB, run, sender, "v", path, int(time.time()) + 60)
        there = self.beats[sender][-1]
        token = self.signer.sign(ticket)
        where = (url or there.url, token, "v", "in")
        return Receive(JOB, run, *where, 0, fingerprint=there.fingerprint)

    def of(self, run: int, job: str = JOB) -> list[AgentsReport]:
        return [
            one.report for one in self.reports if (one.report.job, one.report.run) == (job, run)
        ]

    def last(self, run: int, job: str = JOB) -> type[AgentsReport] | None:
        of_run = self.of(run, job)
        return type(of_run[-1]) if of_run else None


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
