"""Which lines of the job log somebody wants: kinds by name, tasks by number, a text in words."""

from __future__ import annotations

import pytest

from events import jobs, tasks
from projections import job_log, log_filter
from projections.log_filter import BadKinds, Wanted, kinds, wants

JOB = "1" * 24
FAILURES = [tasks.Failure(n, jobs.ErrorClass.NETWORK, "gone") for n in range(0, 200, 2)]
ENTRIES = [tasks.Entry(f"f{n}") for n in range(5)]


def test_a_noun_is_all_of_its_events() -> None:
    assert kinds("") == []
    assert kinds("job.paused, queue") == ["job.paused", *kinds("queue.*")]
    assert "queue.deleted" in kinds("queue")
    assert "job.gave_way" not in kinds("queue,task")


@pytest.mark.parametrize(
    ("written", "word"),
    [("job.stopped", "job.submitted"), ("people", "workspace.*"), ("job.pause*", "job.paused")],
)
def test_what_is_no_kind_is_told_the_kinds_there_are(written: str, word: str) -> None:
    with pytest.raises(BadKinds, match=word.replace("*", r"\*")):
        kinds(written)


@pytest.mark.parametrize(
    ("event", "among", "not_among"),
    [
        (tasks.Found(JOB, 1, 10, ENTRIES), 14, 15),
        (tasks.Failed(JOB, 1, FAILURES), 198, 199),
        (tasks.Started(JOB, 1, "0-3,7"), 7, 5),
        (tasks.Held(JOB, "4"), 4, 0),
        (tasks.Ranged(JOB, 0, "1-10", 10), 9, 10),
        (tasks.Exited(JOB, 2), None, 0),
        (jobs.ListingStarted(JOB, 1, 5), None, 5),
        (jobs.Done(JOB, 1), None, 0),
    ],
)
def test_an_event_is_about_the_tasks_that_it_names(
    event: jobs.Event | tasks.Event, among: int | None, not_among: int
) -> None:
    told = job_log.decode(job_log.encode(job_log.in_short(event)))
    assert among is None or log_filter.names_task(told, among)
    assert not log_filter.names_task(told, not_among)


def test_failures_told_before_their_numbers_were_are_found_as_far_as_they_are_told() -> None:
    old = job_log.Failed(JOB, 1, 3, FAILURES[:2])
    assert log_filter.names_task(old, 2)
    assert not log_filter.names_task(old, 4)


def test_a_text_is_found_in_any_case_of_letters() -> None:
    paused = jobs.Paused(JOB)
    assert wants(Wanted(text="STRASSE"), paused, ["ann paused it", "Straße"])
    assert not wants(Wanted(text="bob"), paused, ["ann paused it"])
    assert not wants(Wanted(task=1, text="ann"), paused, ["ann paused it"])
    assert wants(Wanted(), paused, [])
