"""The tables as a batch of events leaves them: the rows it touched, folded in memory.

Whoever keeps the tables puts the rows in that a batch will touch (`touched`), applies the events
in order, and writes back what is here. Applied to a whole log from nothing it is the read side in
memory, which the tests compare the real one with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from events import endpoints, jobs, queues, tasks
from events.codec import Recorded
from projections import (
    attempt_rows,
    endpoint_rows,
    job_log,
    job_rows,
    queue_rows,
    run_rows,
    task_rows,
    timing_rows,
)
from projections.job_rows import Tally
from projections.seen import seen

Position = tuple[int, int]
Span = tuple[str, int, int]
CountKey = tuple[str, str, str, str]


class Touched(Struct, frozen=True):
    """Which rows a batch reads: ids, (job, run) of runs, and (job, first, last) of tasks.

    `timings` are of these jobs.
    """

    jobs: frozenset[str]
    queues: frozenset[str]
    endpoints: frozenset[str]
    tasks: tuple[Span, ...]
    runs: frozenset[run_rows.Key] = frozenset()
    timings: frozenset[str] = frozenset()


def touched(batch: Iterable[Recorded]) -> Touched:
    of_jobs, of_queues, of_endpoints, spans = set(), set(), set(), []
    runs, timings = set(), set()
    for recorded in batch:
        event = recorded.event
        if isinstance(event, tasks.Event):
            spans += [(event.job, first, last) for first, last in task_rows.spans(event)]
        if isinstance(event, timing_rows.Event):
            timings.add(event.job)
        if isinstance(event, tasks.Done | tasks.Exited):
            runs.add((event.job, event.run))
        if isinstance(event, jobs.Event | tasks.Event):
            of_jobs.add(event.job)
        elif isinstance(event, queues.Event):
            of_queues.add(event.queue)
        elif isinstance(event, endpoints.Event):
            of_endpoints.add(event.endpoint)
    return Touched(
        frozenset(of_jobs),
        frozenset(of_queues),
        frozenset(of_endpoints),
        tuple(spans),
        frozenset(runs),
        frozenset(timings),
    )


class Tables:
    """Rows by id, tasks by job and number, runs by job and number.

    `attempts` are tries that are over, by job. `appeared` are tasks that have no row outside yet,
    `cleared` jobs whose tasks outside are void, `stopped` jobs whose executing tasks outside are
    queued again, by the event that did it.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, job_rows.Row] = {}
        self.queues: dict[str, queue_rows.Row] = {}
        self.endpoints: dict[str, endpoint_rows.Row] = {}
        self.tasks: dict[str, dict[int, task_rows.Row]] = {}
        self.runs: dict[run_rows.Key, run_rows.Row] = {}
        self.timings: dict[str, timing_rows.Row] = {}
        self.attempts: dict[str, list[attempt_rows.Row]] = {}
        self.log: dict[Position, job_log.Line] = {}
        self.appeared: dict[str, set[int]] = {}
        self.cleared: dict[str, None] = {}
        self.stopped: dict[str, Recorded] = {}

    def apply(self, recorded: Recorded, tally: Tally | None = None) -> None:
        """Move every row that the event is about. With a `tally` its tasks were moved outside."""
        event = recorded.event
        self.log[(recorded.sequence, recorded.index)] = job_log.line(recorded)
        if isinstance(event, jobs.Event | tasks.Event):
            self._apply_to_job(event, recorded, tally)
        elif isinstance(event, queues.Event):
            self.queues[event.queue] = queue_rows.project(self.queues.get(event.queue), recorded)
        elif isinstance(event, endpoints.Event):
            row = endpoint_rows.project(self.endpoints.get(event.endpoint), recorded)
            if row is not None:
                self.endpoints[event.endpoint] = row

    def take_tasks(self) -> tuple[list[task_rows.Row], list[task_rows.Row]]:
        """Hand out the tasks' rows, those that have none outside apart, and forget them all."""
        new: list[task_rows.Row] = []
        changed: list[task_rows.Row] = []
        for job, rows in self.tasks.items():
            appeared = self.appeared.get(job, ())
            for number, row in rows.items():
                (new if number in appeared else changed).append(row)
        for held in (self.tasks, self.appeared, self.cleared, self.stopped, self.attempts):
            held.clear()
        return new, changed

    def _apply_to_job(
        self, event: jobs.Event | tasks.Event, recorded: Recorded, tally: Tally | None
    ) -> None:
        before = self.jobs.get(event.job)
        if before is not None and seen(before, recorded):
            return
        if before is not None and isinstance(event, run_rows.Event):
            self._move_run(event, recorded)
        if before is not None and isinstance(event, timing_rows.Event):
            timing = self.timings.get(event.job)
            timing = timing_rows.project(timing, recorded, event, adding=before.adding)
            if timing is not None:
                self.timings[event.job] = timing
        if before is not None and tally is None and isinstance(event, tasks.Event):
            tally = self._move_tasks(event, recorded)
        elif before is not None and isinstance(event, jobs.Event):
            self._move_all_tasks(event, recorded)
        after = job_rows.project(before, recorded, tally or job_rows.NOTHING)
        if after is not None:
            self.jobs[event.job] = after

    def _move_run(self, event: run_rows.Event, recorded: Recorded) -> None:
        key = (event.job, event.run)
        row = run_rows.project(self.runs.get(key), recorded, event)
        if row is not None:
            self.runs[key] = row

    def _began(self, event: tasks.Event, recorded: Recorded) -> datetime:
        """When the run of a task that is done began."""
        run = self.runs.get((event.job, event.run)) if isinstance(event, tasks.Done) else None
        return run.started_at if run else recorded.at

    def _move_tasks(self, event: tasks.Event, recorded: Recorded) -> Tally:
        began = self._began(event, recorded)
        rows = self.tasks.setdefault(event.job, {})
        if isinstance(event, tasks.Found | tasks.Ranged):
            count = event.count if isinstance(event, tasks.Ranged) else len(event.entries)
            numbers = range(event.first, event.first + count)
            self.appeared.setdefault(event.job, set()).update(n for n in numbers if n not in rows)
        before: Counter[str] = Counter()
        after: Counter[str] = Counter()
        size = 0
        for number, step in task_rows.steps(event):
            old = rows.get(number)
            new = task_rows.project(old, event.job, number, step, recorded, began)
            if new is not None:
                rows[number] = new
                after[new.status] += 1
                size += _counted_size(new) - _counted_size(old)
            if old is not None and new is not None:
                before[old.status] += 1
                self._keep_attempt(old, new, recorded)
        more = after.total() - before.total()
        after.subtract(before)
        return Tally(
            tasks=more,
            size=size,
            done=after[task_rows.DONE],
            failed=after[task_rows.FAILED],
            onhold=after[task_rows.ONHOLD],
            excluded=after[task_rows.EXCLUDED],
        )

    def _keep_attempt(self, old: task_rows.Row, new: task_rows.Row, recorded: Recorded) -> None:
        if old.run is not None and (attempt := attempt_rows.over(old, new, recorded)):
            self.attempts.setdefault(old.job, []).append(attempt)

    def _move_all_tasks(self, event: jobs.Event, recorded: Recorded) -> None:
        voids = isinstance(event, jobs.ListingStarted) and not event.first
        if voids and not self.jobs[event.job].adding:
            self.tasks[event.job] = {}
            self.attempts.pop(event.job, None)
            self.cleared[event.job] = None
        elif isinstance(event, job_rows.EXECUTION_ENDED):
            rows = self.tasks.get(event.job, {})
            for number, row in rows.items():
                rows[number] = task_rows.stopped(row, recorded)
                self._keep_attempt(row, rows[number], recorded)
            self.stopped.setdefault(event.job, recorded)


def _counted_size(row: task_rows.Row | None) -> int:
    return 0 if row is None or row.status == task_rows.EXCLUDED else row.size


def counted(rows: Iterable[job_rows.Row]) -> Counter[CountKey]:
    """How many jobs there are by queue, status, user and kind; those that are archived not."""
    shown = (row for row in rows if not row.archived)
    return Counter((row.queue, row.status, row.user_name, row.kind) for row in shown)
