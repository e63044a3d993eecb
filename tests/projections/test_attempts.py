"""Every try of a task is kept: what the task's row does not show any more is a row of its own."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from events import jobs, tasks
from events.codec import Event
from events.jobs import ErrorClass
from projections.attempt_rows import Row
from projections.tables import Tables
from tests.projections.histories import HQ, JOB, RUNNING, STOCKHOLM, done, found
from tests.projections.test_row_folds import at, fold

FULL = tasks.Failed(JOB, 2, [tasks.Failure(0, ErrorClass.SPACE, "no space left")])
STARTED = [*RUNNING, tasks.Started(JOB, 2, "0-1")]


def tries_of(number: int, *events: Event) -> list[Row]:
    return [row for row in fold(events).attempts.get(JOB, []) if row.number == number]


def test_what_goes_well_the_first_time_costs_no_row() -> None:
    tables = fold([*STARTED, done("0-1"), jobs.Done(JOB, 2)])
    assert tables.attempts == {}
    assert (tables.tasks[JOB][0].run, tables.tasks[JOB][0].tries) == (2, 1)


def test_a_failed_try_is_kept_when_the_next_begins() -> None:
    again: list[Event] = [jobs.Failed(JOB, 2, ErrorClass.SPACE, "x"), jobs.Retried(JOB)]
    [row] = tries_of(0, *STARTED, FULL, *again, tasks.Queued(JOB, "0"))
    assert (row.attempt, row.run, row.outcome, row.started_at) == (1, 2, "failed", at(6))
    assert (row.took_ms, row.error_class, row.error_message) == (1000, "space", "no space left")
    assert row.bytes is None, "nobody counted them"


def test_a_done_try_keeps_its_bytes_when_the_task_is_tried_again() -> None:
    [row] = tries_of(0, *STARTED, done("0-1"), jobs.Done(JOB, 2), tasks.Queued(JOB, "0", 10))
    assert (row.outcome, row.bytes, row.took_ms) == ("done", 10, 250)


@pytest.mark.parametrize(
    ("end", "cause", "error"),
    [
        (jobs.GaveWay(JOB, 2, "x"), "gave_way", None),
        (jobs.Interrupted(JOB, 2, "endpoint_offline", HQ), "endpoint_offline", None),
        (jobs.Paused(JOB), "paused", None),
        (jobs.Appended(JOB, ("more",)), "appended", None),
        (jobs.Failed(JOB, 2, ErrorClass.NETWORK, "cut"), "run_failed", "network"),
        (tasks.Held(JOB, "0-1"), "by_hand", None),
        (tasks.MarkedDone(JOB, "0-1", 20), "by_hand", None),
        (tasks.Queued(JOB, "0-1"), "by_hand", None),
    ],
)
def test_a_try_that_was_cut_short_says_by_what(end: Event, cause: str, error: str | None) -> None:
    [row] = tries_of(1, *STARTED, end)
    assert (row.outcome, row.cause, row.error_class) == ("interrupted", cause, error)
    assert (row.took_ms, row.bytes) == (1000, None)


def test_a_mark_by_hand_is_no_try() -> None:
    tables = fold([*RUNNING, tasks.MarkedFailed(JOB, "0"), tasks.Queued(JOB, "0")])
    assert tables.attempts == {}
    assert tables.tasks[JOB][0].tries == 0


def test_what_fails_before_it_was_taken_up_was_a_try_all_the_same() -> None:
    tables = fold([*RUNNING, FULL])
    assert (tables.tasks[JOB][0].tries, tables.tasks[JOB][0].took_ms) == (1, None)


def test_a_listing_made_again_voids_the_tries_of_the_one_before() -> None:
    over = [*STARTED, jobs.GaveWay(JOB, 2, "x"), jobs.Retried(JOB, "b", relist=True)]
    assert tries_of(0, *over)
    assert not tries_of(0, *over, jobs.ListingStarted(JOB, 3), found(run=3))


def _of_a_bucket(*events: Event) -> Tables:
    whole: Sequence[Event] = [*RUNNING, tasks.Dispatched(JOB, 7, HQ, "0-1"), *events]
    return fold(whole)


def test_a_bucket_knows_its_endpoint_and_what_its_process_used() -> None:
    ended = tasks.Exited(JOB, 7, exit_code=0, took_ms=900, cpu_ms=800, peak_memory_bytes=5)
    tables = _of_a_bucket(tasks.Started(JOB, 7, "0-1"), done("0-1", run=7), ended)
    run = tables.runs[JOB, 7]
    assert (run.endpoint, run.exit_code, run.took_ms, run.cpu_ms) == (HQ, 0, 900, 800)
    assert tables.runs[JOB, 2].endpoint == STOCKHOLM
    assert tables.tasks[JOB][0].started_at == run.started_at + (at(2) - at(1)) * 1.5  # type: ignore[operator]


def test_a_bucket_that_was_released_keeps_only_the_tries_that_had_begun() -> None:
    released = tasks.Released(JOB, 7, "0-1", "endpoint_offline", HQ)
    assert _of_a_bucket(released).attempts == {}
    [one, other] = _of_a_bucket(tasks.Started(JOB, 7, "0-1"), released).attempts[JOB]
    assert (one.run, one.cause, other.cause) == (7, "endpoint_offline", "endpoint_offline")
