"""A workspace as it was after some commit: its board, and the rows that people looked at.

The board is what the scheduler decided from then, so reasons and places come from its own code;
the rows are the folds that the read side is made of. What a task event did to a job's counts is
read off the board's own table of tasks, so no row of a task is needed. Moves forward only.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Raw, Struct

from events import endpoints, jobs, queues, tasks
from events.codec import Recorded
from projections import endpoint_rows, job_rows, queue_rows, snapshot, task_rows
from projections.board import Board
from projections.job_rows import Tally
from projections.task_table import DONE, EXCLUDED, ONHOLD, SIZE_BYTES, TaskTable


class Rows(Struct):
    """By id."""

    jobs: dict[str, job_rows.Row] = {}
    queues: dict[str, queue_rows.Row] = {}
    endpoints: dict[str, endpoint_rows.Row] = {}


class Past:
    def __init__(self, board: Board | None = None, rows: Rows | None = None) -> None:
        self.board = board or Board()
        self.rows = rows or Rows()

    @property
    def sequence(self) -> int:
        return self.board.sequence

    def apply(self, commit: Iterable[Recorded]) -> None:
        """Move it by the next commit."""
        for recorded in commit:
            self._apply(recorded)

    def _apply(self, recorded: Recorded) -> None:
        event, rows = recorded.event, self.rows
        if isinstance(event, tasks.Event):
            before = _counted(event, self.board)
            self.board.apply(recorded)
            tally = _more(before, _counted(event, self.board))
            self._move_job(event.job, recorded, tally)
            return
        self.board.apply(recorded)
        if isinstance(event, jobs.Event):
            self._move_job(event.job, recorded, job_rows.NOTHING)
        elif isinstance(event, queues.Event):
            rows.queues[event.queue] = queue_rows.project(rows.queues.get(event.queue), recorded)
        elif isinstance(event, endpoints.Event):
            row = endpoint_rows.project(rows.endpoints.get(event.endpoint), recorded)
            if row is not None:
                rows.endpoints[event.endpoint] = row

    def _move_job(self, job: str, recorded: Recorded, tally: Tally) -> None:
        row = job_rows.project(self.rows.jobs.get(job), recorded, tally)
        if row is not None:
            self.rows.jobs[job] = row


def _counted(event: tasks.Event, board: Board) -> Tally:
    """The tasks that the event is about, as they are on the board."""
    table = board.tables[event.job]
    parts = [_part(table, first, last + 1) for first, last in task_rows.spans(event)]
    return Tally(*map(sum, zip(*parts, strict=True))) if parts else job_rows.NOTHING


def _part(table: TaskTable, first: int, end: int) -> tuple[int, int, int, int, int, int]:
    statuses = table.statuses[first:end]
    sizes = memoryview(table.sizes)[first * SIZE_BYTES : end * SIZE_BYTES].cast("q")
    size, excluded = sum(sizes), statuses.count(EXCLUDED)
    if excluded:
        size -= sum(n for n, status in zip(sizes, statuses, strict=True) if status == EXCLUDED)
    failed = table.failed_among(first, end)
    counts = (statuses.count(DONE), failed, statuses.count(ONHOLD), excluded)
    return (len(statuses), size, *counts)


def _more(before: Tally, after: Tally) -> Tally:
    one, other = msgspec.structs.astuple(before), msgspec.structs.astuple(after)
    return Tally(*(late - early for early, late in zip(one, other, strict=True)))


# Kept, so that an instant is a short replay away.

FORM = snapshot.form_of(Rows) + snapshot.FORM
"""Changes with the shape of anything in it."""


def save(past: Past) -> bytes:
    """Raises nothing; `load` of this version gives it back."""
    return msgspec.msgpack.encode((snapshot.save(past.board), past.rows))


def load(saved: bytes) -> Past:
    """Raises snapshot.OtherForm."""
    board, rows = msgspec.msgpack.decode(saved, type=tuple[bytes, Raw])
    return Past(snapshot.load(board), msgspec.msgpack.decode(rows, type=Rows))
