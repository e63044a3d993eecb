"""Where the time of tries went: kept by try, added up by job, from nothing when listed anew."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from events import jobs, tasks
from events.codec import Event
from events.jobs import ErrorClass
from events.tasks import Measured
from projections.tables import Tables
from tests.projections.histories import JOB, RUNNING, STOCKHOLM, done, found, measured
from tests.projections.test_row_folds import fold

STARTED: list[Event] = [*RUNNING, tasks.Started(JOB, 2, "0-2")]
TOLD = measured(done("0-1"))
CUT = tasks.Failure(2, ErrorClass.NETWORK, "cut", Measured(saved=3, network_ms=40, bytes=5))
BROKE = tasks.Failed(JOB, 2, [CUT])


def sums(tables: Tables) -> dict[str, int]:
    """What is not 0."""
    row = tables.timings.get(JOB)
    told = {} if row is None else {name: getattr(row, name) for name in row.__struct_fields__[3:]}
    return {name: value for name, value in told.items() if value}


def told(*events: Event) -> dict[str, int]:
    return sums(fold(events))


def test_what_was_never_measured_costs_no_row() -> None:
    assert fold([*STARTED, done("0-2"), jobs.Done(JOB, 2)]).timings == {}


def test_a_job_adds_up_what_its_tries_cost_and_saved() -> None:
    took: Event = jobs.Listed(JOB, 1, 3, 30, took_ms=700)
    listed: list[Event] = [took if isinstance(one, jobs.Listed) else one for one in STARTED]
    once = told(*listed, TOLD, BROKE)
    assert once == {
        "listing_ms": 700,
        "saved": 7,
        "reading_ms": 30,
        "network_ms": 40,
        "writing_ms": 20,
    }
    again: Sequence[Event] = [jobs.Failed(JOB, 2, ErrorClass.NETWORK, "x"), tasks.Queued(JOB, "2")]
    rest = replace(TOLD, numbers="2", run=3)
    twice = told(*listed, TOLD, BROKE, *again, jobs.Started(JOB, 3, STOCKHOLM), rest)
    assert (twice["reading_ms"], twice["saved"], twice["network_ms"]) == (60, 11, 40)


def test_a_listing_that_makes_an_earlier_one_void_begins_anew_and_one_that_adds_does_not() -> None:
    over: list[Event] = [*STARTED, TOLD, jobs.GaveWay(JOB, 2, "x")]
    anew: list[Event] = [
        jobs.Retried(JOB, "b", relist=True),
        jobs.ListingStarted(JOB, 3),
        found(run=3),
    ]
    assert told(*over, *anew) == {}
    assert told(*over, *anew, jobs.Listed(JOB, 3, 3, 30, took_ms=5)) == {"listing_ms": 5}
    adding: list[Event] = [jobs.Appended(JOB, ("more",)), jobs.ListingStarted(JOB, 3)]
    added = told(*over, *adding, jobs.Listed(JOB, 3, 3, 30, took_ms=5))
    assert (added["reading_ms"], added["listing_ms"]) == (30, 5)


def test_each_task_shows_what_was_measured_of_its_try() -> None:
    tasks_of = fold([*STARTED, TOLD, BROKE]).tasks[JOB]
    assert tasks_of[0].measured == Measured(saved=4, reading_ms=30, writing_ms=20)
    assert tasks_of[1].measured is None
    assert tasks_of[2].measured == CUT.measured


def test_a_try_that_is_over_keeps_what_was_measured_and_brought() -> None:
    tables = fold([*STARTED, TOLD, BROKE, tasks.Queued(JOB, "0-2", 22)])
    kept = {row.number: (row.bytes, row.measured) for row in tables.attempts[JOB]}
    assert kept == {
        0: (8, Measured(saved=4, reading_ms=30, writing_ms=20)),
        1: (10, None),
        2: (5, CUT.measured),
    }
    assert all(row.measured is None for row in tables.tasks[JOB].values())


def test_a_file_that_had_changed_since_it_was_listed_is_shown_as_it_was_sent() -> None:
    tables = fold([*STARTED, TOLD])
    assert (tables.tasks[JOB][0].size, tables.tasks[JOB][0].mtime_ns) == (12, 7)
    assert (tables.tasks[JOB][1].size, tables.jobs[JOB].size) == (10, 32)
    assert tables.jobs[JOB].bytes_done == 22


def test_lists_that_make_no_sense_harm_nobody() -> None:
    odd = replace(done("0-2"), reading_ms=(-5, 7), network_ms=(1, 2, 3, 4, 5))
    tables = fold([*STARTED, odd])
    assert tables.tasks[JOB][0].measured == Measured(network_ms=1)
    assert tables.tasks[JOB][2].measured == Measured(network_ms=3)
    assert sums(tables)["reading_ms"] == 7
