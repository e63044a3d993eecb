"""What each event does to the rows: folds of values, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings

from events import endpoints, jobs, queues, tasks
from events.codec import Event, Recorded
from events.jobs import ErrorClass, Status
from projections import board, endpoint_rows, job_rows, task_rows
from projections.tables import Tables
from tests.projections.histories import (
    HIGH,
    HQ,
    JOB,
    LISTED,
    NOON,
    NORMAL,
    OPENING,
    RUNNING,
    SECOND,
    STOCKHOLM,
    done,
    found,
    histories,
    record,
    submitted,
)

SPACE = jobs.Failed(JOB, 2, ErrorClass.SPACE, "no space left", NOON + timedelta(hours=1))
FAILED_FOR_GOOD = jobs.Failed(JOB, 2, ErrorClass.SPACE, "no space left")


def fold(events: Sequence[Event]) -> Tables:
    tables = Tables()
    for recorded in record(events):
        tables.apply(recorded)
    return tables


def job_after(*events: Event) -> job_rows.Row:
    return fold(events).jobs[JOB]


def tasks_after(*events: Event) -> list[task_rows.Row]:
    return list(fold(events).tasks[JOB].values())


def at(sequence: int) -> object:
    return NOON + SECOND * sequence


def test_a_submitted_job_is_in_init_and_can_be_searched_for() -> None:
    row = job_after(submitted(name="Šot ÄB", user="Ann"))
    assert (row.status, row.kind, row.queue, row.place) == ("init", "transfer", NORMAL, "a0")
    assert row.created_at == row.since == at(1)
    for needle in ("šot äb", "PROJECTS/shot", "incoming/shot010/", "ann", JOB):
        assert job_rows.searchable(needle) in row.search


def test_a_listing_counts_up_and_its_end_puts_the_job_in_line() -> None:
    assert job_after(*LISTED[:3]).tasks_total == 3
    row = job_after(*LISTED)
    assert (row.status, row.tasks_total, row.size, row.listed) == ("waiting", 3, 30, True)
    assert row.since == at(4)


def test_a_listing_made_again_voids_the_one_before() -> None:
    cut_off = [*LISTED[:3], jobs.Interrupted(JOB, 1, "endpoint_offline", HQ)]
    again = [*cut_off, jobs.ListingStarted(JOB, 2), found(count=2, run=2)]
    assert [row.number for row in tasks_after(*again)] == [0, 1]
    assert (job_after(*again).tasks_total, job_after(*again).size) == (2, 20)


def test_the_first_start_is_kept_and_every_run_is_a_try() -> None:
    first = job_after(*RUNNING)
    assert (first.status, first.run, first.executor, first.tries) == ("running", 2, STOCKHOLM, 1)
    row = job_after(*RUNNING, jobs.GaveWay(JOB, 2, "x"), jobs.Started(JOB, 3, HQ))
    assert (row.started_at, row.run_started_at, row.tries) == (at(5), at(7), 2)


def test_done_tasks_are_counted_and_say_when_they_ran() -> None:
    events = [*RUNNING, tasks.Started(JOB, 2, "0-1"), done("0-1")]
    row = job_after(*events)
    assert (row.tasks_done, row.bytes_done) == (2, 20)
    task = tasks_after(*events)[1]
    assert (task.status, task.tries, task.took_ms, task.hash) == ("done", 1, 250, "ab" * 32)
    assert task.started_at == NOON + SECOND * 5 + timedelta(milliseconds=1500)


def test_failed_tasks_are_counted_until_a_retry_queues_them() -> None:
    failure = tasks.Failure(1, ErrorClass.SPACE, "no space left")
    failed = [*RUNNING, tasks.Started(JOB, 2, "1"), tasks.Failed(JOB, 2, [failure])]
    assert job_after(*failed).tasks_failed == 1
    assert tasks_after(*failed)[1].error_message == "no space left"
    again = [*failed, SPACE, jobs.Retried(JOB), tasks.Queued(JOB, "1")]
    assert job_after(*again).tasks_failed == 0
    assert (tasks_after(*again)[1].status, tasks_after(*again)[1].error_class) == ("queued", None)


def test_done_tasks_that_are_queued_again_no_longer_count() -> None:
    finished = [*RUNNING, tasks.Started(JOB, 2, "0-2"), done("0-2"), jobs.Done(JOB, 2)]
    again = [*finished, jobs.Retried(JOB, "b"), tasks.Queued(JOB, "0-1", size=20)]
    row = job_after(*again)
    assert (row.tasks_done, row.bytes_done, row.status) == (1, 10, "waiting")


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (jobs.GaveWay(JOB, 2, "x"), "waiting"),
        (jobs.Interrupted(JOB, 2, "endpoint_offline", HQ), "waiting"),
        (jobs.Paused(JOB), "paused"),
        (jobs.Aborted(JOB), "aborted"),
        (FAILED_FOR_GOOD, "failed"),
    ],
)
def test_the_end_of_a_run_returns_executing_tasks(end: Event, status: str) -> None:
    events = [*RUNNING, tasks.Started(JOB, 2, "0-1"), done("0"), end]
    assert [row.status for row in tasks_after(*events)] == ["done", "queued", "queued"]
    row = job_after(*events)
    assert (row.status, row.executor, row.bytes_done) == (status, None, 10)


def test_a_failure_with_a_try_left_is_not_the_end() -> None:
    row = job_after(*RUNNING, SPACE)
    assert (row.status, row.error_class, row.finished_at) == ("failed", "space", None)
    assert row.retry_at == NOON + timedelta(hours=1)
    by_the_clock = job_after(*RUNNING, SPACE, jobs.Retried(JOB))
    assert (by_the_clock.status, by_the_clock.retry_at, by_the_clock.place) == (
        "waiting",
        None,
        "a0",
    )
    assert by_the_clock.failures == 1


def test_a_job_finishes_once_and_a_retry_takes_that_back() -> None:
    assert job_after(*RUNNING, FAILED_FOR_GOOD).finished_at == at(6)
    assert job_after(*RUNNING, FAILED_FOR_GOOD, jobs.Aborted(JOB)).finished_at == at(7)
    row = job_after(*RUNNING, jobs.Done(JOB, 2), jobs.Retried(JOB, "b", relist=True))
    assert (row.status, row.listed) == ("init", False)
    row = job_after(*RUNNING, jobs.Done(JOB, 2), jobs.Retried(JOB, "b"))
    assert (row.status, row.finished_at, row.place, row.failures) == ("waiting", None, "b", 0)


def test_a_retry_by_hand_forgets_the_failure() -> None:
    row = job_after(*RUNNING, SPACE, jobs.Retried(JOB, "b"))
    assert (row.error_class, row.error_message, row.failures) == (None, None, 0)


def test_moving_and_resuming_change_the_place() -> None:
    row = job_after(*LISTED, jobs.Moved(JOB, HIGH, "z"))
    assert (row.queue, row.place, row.since) == (HIGH, "z", at(4))
    row = job_after(*LISTED, jobs.Paused(JOB), jobs.Resumed(JOB, "y"))
    assert (row.status, row.place) == ("waiting", "y")


def test_an_endpoint_comes_and_goes() -> None:
    row = fold(OPENING).endpoints[HQ]
    assert (row.name, row.online, row.volumes) == ("hq", True, (endpoints.Volume("projects"),))
    moved = endpoint_rows.project(row, record([endpoints.WentOffline(HQ, "silent")], first=9)[0])
    assert moved is not None
    assert (moved.online, moved.offline_cause, moved.since) == (False, "silent", at(9))


def test_a_queue_row_follows_its_queue() -> None:
    rows = fold(
        [
            queues.Created(HIGH, "high", 800),
            queues.Changed(HIGH, code="rush", priority=900, metadata={"show": "a"}),
            queues.Changed(HIGH, compute_default=True),
            queues.Paused(HIGH),
        ]
    )
    row = rows.queues[HIGH]
    assert (row.code, row.priority, row.status) == ("rush", 900, "paused")
    assert (row.metadata, row.is_default, row.is_compute_default) == ({"show": "a"}, False, True)
    held: list[Event] = [
        queues.Created(HIGH, "high", 800),
        queues.Paused(HIGH),
        queues.Resumed(HIGH),
    ]
    assert fold(held).queues[HIGH].status == "waiting"
    gone = fold([queues.Created(HIGH, "high", 800), queues.Deleted(HIGH, NORMAL)])
    assert gone.queues[HIGH].status == "deleted"


def test_a_queue_has_its_priority() -> None:
    row = fold([queues.Created(HIGH, "high", 800, "urgent", default=True)]).queues[HIGH]
    assert (row.code, row.priority, row.is_default) == ("high", 800, True)


def test_an_absurd_time_from_an_agent_stops_nobody() -> None:
    forever = tasks.Done(JOB, 2, "0-1", 20, [10**17], [10**30], [])
    late, untold = tasks_after(*RUNNING, tasks.Started(JOB, 2, "0-1"), forever)[:2]
    assert late.status == untold.status == "done"
    assert untold.hash is None


def test_events_of_what_nobody_submitted_change_nothing() -> None:
    tables = fold([jobs.Paused(JOB), found(), done("0"), endpoints.WentOffline(HQ, "silent")])
    assert not tables.jobs
    assert not tables.tasks
    assert not tables.endpoints


def states(tables: Tables) -> tuple[object, ...]:
    of_tasks = (tables.tasks, tables.attempts, tables.runs)
    return tables.jobs, of_tasks, tables.queues, tables.endpoints, tables.log


@settings(deadline=None)
@given(histories())
def test_events_seen_again_change_nothing(commits: list[list[Recorded]]) -> None:
    once, twice = Tables(), Tables()
    for recorded in [one for events in commits for one in events]:
        once.apply(recorded)
        twice.apply(recorded)
        twice.apply(recorded)
    for recorded in [one for events in commits for one in events]:
        twice.apply(recorded)
    assert states(once) == states(twice)


@settings(deadline=None)
@given(histories())
def test_rows_and_board_agree(commits: list[list[Recorded]]) -> None:
    tables, deciding = Tables(), board.Board()
    for recorded in [one for events in commits for one in events]:
        tables.apply(recorded)
        deciding.apply(recorded)
    for job in deciding.jobs.values():
        row, table = tables.jobs[job.id], deciding.tables[job.id]
        assert (row.status, row.run, row.place) == (job.status, job.run, job.place)
        assert (row.listed, row.opened) == (job.listed, job.opened)
        assert row.version == job.version, "what a hand saw is what the scheduler compares"
        assert (row.queue, row.retry_at, row.since) == (
            job.queue,
            job.retry_at,
            job.since or row.since,
        )
        assert (row.bytes_done, row.failures) == (table.size_done, job.failures)
        assert row.tasks_done == table.count(tasks.Status.DONE)
        assert row.tasks_failed == table.count(tasks.Status.FAILED)
        statuses = [one.status for one in tables.tasks.get(job.id, {}).values()]
        assert statuses == [table.status(n).name.lower() for n in range(len(table))]
        assert (row.finished_at is not None) == (
            job.status in jobs.FINISHED or (job.status is Status.FAILED and job.retry_at is None)
        )
