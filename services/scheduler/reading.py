"""What the leader answers without deciding: which tasks are left in a run, why a job waits."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice

import msgspec

from events import codec, tasks
from events.jobs import Status
from events.tasks import TASKS_PER_EVENT_MAX, Entry
from projections.board import Board
from projections.task_table import Page
from services.runtime.ports import Log
from services.scheduler import (
    ending,
    estimate,
    explain,
    limited,
    policy,
    setting,
    shares,
    submitting,
)
from services.scheduler.commands import (
    GivenTask,
    Preview,
    PreviewAsked,
    Reasons,
    ReasonsAsked,
    Rejected,
    Settings,
    SettingsAsked,
    TasksAsked,
    TasksGiven,
    Why,
)

Asked = ReasonsAsked | SettingsAsked | PreviewAsked

PAGES_KEPT = 64
GIVEN_BYTES_MAX = 500_000
TASK_BYTES = 150


class Reading:
    """Names and sizes of tasks are not on the board: they are read back from the log."""

    def __init__(self, log: Log, board: Board, needs: Mapping[str, int] = shares.NO_NEEDS) -> None:
        self.log = log
        self.board = board
        self.needs = needs
        self._pages: OrderedDict[tuple[int, int], list[Entry]] = OrderedDict()

    async def on_tasks(self, subject: str, payload: bytes) -> bytes:
        try:
            asked = msgspec.json.decode(payload, type=TasksAsked)
        except msgspec.MsgspecError as error:
            return msgspec.json.encode(unreadable(error))
        if asked.endpoint != agent_of(subject):
            return msgspec.json.encode(unreadable(f"{asked.endpoint} is not {agent_of(subject)}"))
        return msgspec.json.encode(await self.tasks_left(asked))

    async def tasks_left(self, asked: TasksAsked) -> TasksGiven | Rejected:
        """The next queued tasks of a run that is still on, or the next of all tasks."""
        job = self.board.jobs.get(asked.job)
        over = job is None or job.run != asked.run or job.status is not Status.RUNNING
        if job is None or over or job.computes:
            return Rejected(Why.STALE, f"run {asked.run} of {asked.job} is over: drop it")
        table, listing = self.board.tables[asked.job], not job.listed
        following: Iterable[int] = range(asked.after + 1, len(table))
        bucket = 0
        if not asked.every:
            following = table.queued_after(asked.after)
            bucket = int(policy.of_job("task_bucketsize", job, self.board))
        numbers = list(islice(following, min(bucket or TASKS_PER_EVENT_MAX, TASKS_PER_EVENT_MAX)))
        given, size_bytes = list[GivenTask](), 0
        for number in numbers:
            page = table.page_of(number)
            entry = (await self._entries(page))[number - page.first + page.offset]
            given.append(GivenTask(number, entry))
            texts = (entry.uri, entry.target, entry.same_as, entry.owner, entry.group)
            size_bytes += sum(map(len, texts)) + TASK_BYTES
            if size_bytes > GIVEN_BYTES_MAX:
                break
        after = given[-1].number if given else asked.after
        whole = ending.is_whole(job, self.board)
        return TasksGiven(given, after, table.hands, listing, whole, bucket)

    async def _entries(self, page: Page) -> list[Entry]:
        event = (page.sequence, page.index)
        if event not in self._pages:
            stored = await self.log.get(page.sequence)
            found = codec.decode(stored.payload)[page.index].event
            assert isinstance(found, tasks.Found), "a page of the board names a listing"
            self._pages[event] = found.entries
            if len(self._pages) > PAGES_KEPT:
                self._pages.popitem(last=False)
        self._pages.move_to_end(event)
        return self._pages[event]

    async def on_ask(self, _subject: str, payload: bytes) -> bytes:
        try:
            asked: Asked = msgspec.json.decode(payload, type=Asked)
        except msgspec.MsgspecError as error:
            return msgspec.json.encode(unreadable(error))
        return msgspec.json.encode(self._answer(asked))

    def _answer(self, asked: Asked) -> Reasons | Settings | Preview | Rejected:
        match asked:
            case ReasonsAsked():
                return self.reasons(asked, datetime.now(UTC))
            case SettingsAsked():
                return self.settings(asked)
            case PreviewAsked(command=command, actor=actor):
                return submitting.preview(command, actor, self.board)

    def reasons(self, asked: ReasonsAsked, now: datetime) -> Reasons:
        known = [self.board.jobs[job] for job in asked.jobs if job in self.board.jobs]
        told = explain.reasons(known, self.board)
        positions = {job.id: self.board.position(job) for job in known}
        now = max(now, self.board.at)
        return Reasons(
            sequence=self.board.sequence,
            reasons={job: why for job, why in told.items() if why},
            positions={job: place for job, place in positions.items() if place is not None},
            statuses={job.id: job.status.value for job in known},
            estimates=estimate.estimates(known, self.board, now, asked.heard),
            limits=limited.limited(known, self.board, now, self.needs),
            awaited=explain.awaited(known),
        )

    def settings(self, asked: SettingsAsked) -> Settings | Rejected:
        holder = setting.find(asked.level, asked.which, asked.actor, self.board)
        if isinstance(holder, Rejected):
            return holder
        return Settings(self.board.sequence, setting.show(holder, self.board))


def agent_of(subject: str) -> str:
    """The endpoint id in `subjects.from_agent`."""
    return subject.split(".")[3]


def unreadable(error: object) -> Rejected:
    return Rejected(Why.INVALID, f"the message cannot be read: {error}")
