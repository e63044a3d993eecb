"""How many jobs the planner looks at: as many as there are lanes to give, not as many as wait."""

from __future__ import annotations

from typing import Any

import pytest

from events import codec, jobs, places, tasks
from events.codec import Recorded
from events.job import Job
from services.scheduler import explain
from services.scheduler.commands import BucketEnded, Pause, Report, Request, Resume
from services.scheduler.turn import Turn
from tests.services.spec import ANN, HQ, OSLO, History, compute, job_id

NEEDS = [(), ("hostname:hq",), ("hostname:oslo",), ("ram:>1t",), ("site:nowhere", "cores:>1")]


def crowded(number: int) -> str:
    return f"{number + (1 << 40):024x}"


class Counted(dict[str, Job]):
    """Jobs by id, and how often one was looked at."""

    looks = 0

    def __getitem__(self, key: str) -> Job:
        self.looks += 1
        return super().__getitem__(key)


def crowd(count: int, **more: Any) -> History:
    """Two endpoints of two lanes, taken by a, and so many jobs that wait, of five needs in turn."""
    history = History()
    history.allows(HQ, 2)
    history.allows(OSLO, 2)
    history.ask(compute("a", "1-9"))
    queue = history.job("a").queue
    spots = places.between(history.job("a").place, None, count)
    for number, place in enumerate(spots):
        work = jobs.Compute("render {frame}", "1-9", NEEDS[number % len(NEEDS)])
        job = crowded(number)
        sequence = history.board.sequence + 1
        submitted = jobs.Submitted(job, f"j{number}", "ann", queue, place, work, **more)
        told: list[codec.Event] = [submitted, tasks.Ranged(job, 0, "1-9", 9)]
        for index, event in enumerate(told):
            history.board.apply(Recorded(sequence, index, history.now, "ann", "", event))
    history.board.jobs = Counted(history.board.jobs)
    return history


def looks(history: History, said: Any) -> int:
    counted = history.board.jobs
    assert isinstance(counted, Counted)
    counted.looks = 0
    Turn(history.board, history.now).take(said)
    return counted.looks


def bucket_ends(history: History) -> Report:
    table = history.board.tables[job_id("a")]
    run, bucket = next(iter(table.buckets.items()))
    session = history.board.endpoints[bucket.endpoint].session
    return Report(f"r{run}", bucket.endpoint, session, BucketEnded(job_id("a"), run))


@pytest.mark.parametrize("count", [100, 10_000])
def test_a_lane_that_is_free_again_costs_the_same_whoever_waits(count: int) -> None:
    history = crowd(count)
    assert looks(history, bucket_ends(history)) <= 40
    freed = looks(history, Request("p", ANN, Pause(job_id("a"))))
    assert len(list(history.board.lanes.taken(HQ))) == 2
    assert freed <= 80
    assert looks(history, Request("q", ANN, Resume(job_id("a")))) <= 40


def test_jobs_that_wait_for_others_are_not_looked_at() -> None:
    history = crowd(10_000, depends_on=(job_id("a"),))
    assert looks(history, bucket_ends(history)) <= 40
    assert looks(history, Request("p", ANN, Pause(job_id("a")))) <= 40
    assert history.lanes() == {"hq": "", "oslo": ""}


def test_a_reason_costs_the_same_whoever_waits() -> None:
    history = crowd(10_000)
    last = history.board.jobs[crowded(9_996)]
    counted = history.board.jobs
    assert isinstance(counted, Counted)
    counted.looks = 0
    [reasons] = explain.reasons([last], history.board).values()
    assert [one.code for one in reasons] == ["behind_job", "no_free_lane"]
    assert counted.looks <= 40
