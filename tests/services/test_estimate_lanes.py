"""When waiting compute jobs are expected to start and end, by what was measured of tasks."""

from __future__ import annotations

from datetime import datetime
from heapq import heapify, heapreplace
from math import inf
from unittest.mock import patch

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from events import ranges, tasks
from projections.pace import KEPT_OF_ALL, Computed
from projections.snapshot import load, save
from services.scheduler import estimate, estimate_lanes
from services.scheduler.commands import (
    Abort,
    BucketEnded,
    Estimate,
    Move,
    PauseQueue,
    ResumeQueue,
    Set,
)
from services.scheduler.lanes_ahead import LanesAhead
from tests.services.spec import ANN, BOB, HQ, OSLO, SECOND, History, compute, job_id
from tests.services.test_lane_scale import Counted, crowd, crowded

TASK_S = 10


def farm(hq: int = 2, oslo: int = 0) -> History:
    history = History()
    history.allows(HQ, hq)
    if oslo:
        history.allows(OSLO, oslo)
    return history


def next_ends(history: History, task_s: float = TASK_S) -> bool:
    """The bucket that is through first ends then; a task takes so many seconds."""
    found = [
        (bucket.since + count * task_s * SECOND, run, job, count)
        for job, table in history.board.tables.items()
        for run, bucket in table.buckets.items()
        for count in [ranges.count(bucket.numbers)]
    ]
    if found:
        history.now, run, job, count = min(found)
        history.report(BucketEnded(job, run, 0, round(1000 * count * task_s)))
    return bool(found)


def computes(history: History, letter: str, task_s: float = TASK_S, **more: object) -> None:
    """A job of two frames that is through before anything else happens."""
    history.ask(compute(letter, "1-2", **more))
    while next_ends(history, task_s):
        pass


def measured(
    hq: int = 2, oslo: int = 0, task_s: float = TASK_S, command: str = "render --frame {frame}"
) -> History:
    history = farm(hq, oslo)
    computes(history, "m", task_s, command=command)
    return history


def asked(history: History, *letters: str) -> list[Estimate | None]:
    line = [history.job(letter) for letter in letters]
    found = estimate.estimates(line, history.board, history.now)
    return [found.get(job.id) for job in line]


def told(history: History, letter: str) -> Estimate:
    [answer] = asked(history, letter)
    assert answer is not None
    return answer


def in_s(history: History, letter: str) -> tuple[float | None, float | None]:
    """In how many seconds it starts and ends."""
    answer = told(history, letter)
    return _after(answer.start_at, history), _after(answer.end_at, history)


def _after(at: datetime | None, history: History) -> float | None:
    return None if at is None else round((at - history.now).total_seconds(), 1)


def test_a_job_starts_when_a_lane_is_free_and_ends_when_its_frames_are_through() -> None:
    history = measured()
    for letter, frames in (("a", "1-6"), ("b", "1-4"), ("c", "1-3")):
        history.ask(compute(letter, frames))
    history.now += 4 * SECOND
    assert in_s(history, "b") == (26.0, 46.0)
    assert in_s(history, "c") == (46.0, 66.0), "the last of three frames has a lane for itself"
    assert told(history, "c").basis == "measured on 1 finished job of the same command"


def test_it_is_measured_by_its_own_tasks_first() -> None:
    history = measured(1)
    history.ask(Set("workspace", "", {"queue_interrupt_policy_compute": "order"}))
    history.ask(compute("a", "1-4"))
    next_ends(history, 60)
    history.ask(compute("b", "1", queue="high"))
    next_ends(history, 60)
    assert history.running() == ["b"]
    assert in_s(history, "a") == (10.0, 130.0), "a task of b is taken for as long as those before"
    assert told(history, "a").basis == "measured on its last 2 finished tasks"


def test_another_command_borrows_from_its_user_and_then_its_queue_with_a_wider_interval() -> None:
    history = measured()
    history.ask(compute("a", "1-9"))
    widths, bases = [], []
    for letter, command, by in (
        ("b", "render --frame {frame}", ANN),
        ("c", "render other --frame {frame}", ANN),
        ("d", "bake --frame {frame}", ANN),
        ("e", "render other --frame {frame}", BOB),
    ):
        history.ask(compute(letter, "1-4", command=command), by)
        answer = told(history, letter)
        assert answer.end_earliest
        assert answer.end_latest
        widths.append(answer.end_latest - answer.end_earliest)
        bases.append(answer.basis)
        history.ask(Abort(job_id(letter)))
    assert widths[0] < widths[1] < widths[2] == widths[3]
    assert bases[1:] == [
        "measured on 1 finished job of ann with render: none of this command was",
        "measured on 1 finished job of queue medium: none like it was",
        "measured on 1 finished job of queue medium: none like it was",
    ]


def test_of_a_job_like_no_other_the_start_is_told_and_not_the_end() -> None:
    history = measured()
    history.ask(compute("a", "1-2"))
    history.ask(compute("b", "1-2", queue="low", command="bake {frame}"))
    history.ask(compute("c", "1-2", queue="low"))
    assert in_s(history, "b") == (10.0, None)
    assert told(history, "b").basis == "of its own tasks nothing comparable was measured yet"
    assert told(history, "c") == Estimate(basis=estimate_lanes.BEFORE_IT)
    history.ask(Set("endpoint", "hq", {"client_compute_lanes": 3}))
    assert in_s(history, "c") == (10.0, 30.0), "one of three lanes is left to those behind b"


def test_a_running_job_of_which_nothing_is_done_is_measured_by_others() -> None:
    history = measured()
    history.ask(compute("a", "1-6"))
    history.now += 4 * SECOND
    assert in_s(history, "a") == (None, 26.0)
    basis = "measured on 1 finished job of the same command, for the 2 lanes that it has"
    assert told(history, "a").basis == basis


def test_without_a_finished_compute_job_nothing_is_said_but_why() -> None:
    history = farm()
    for letter in "ab":
        history.ask(compute(letter))
    assert told(history, "b") == Estimate(basis=estimate_lanes.BEFORE_IT)


def test_jobs_on_other_lanes_do_not_stand_before_it() -> None:
    history = measured(2, oslo=1)
    history.ask(compute("a", "1-20", filters=["hostname:hq"]))
    history.ask(compute("b", "1-2", filters=["hostname:oslo"]))
    history.ask(compute("c", "1-2", filters=["hostname:oslo"]))
    history.ask(compute("d", "1-2", filters=["hostname:hq"]))
    assert in_s(history, "c") == (20.0, 40.0)
    assert in_s(history, "d") == (100.0, 110.0)
    [c, d] = asked(history, "c", "d")
    assert (c, d) == (told(history, "c"), told(history, "d")), "alone or together, the same"


def test_who_waits_for_more_than_its_turn_has_a_reason_and_no_estimate() -> None:
    history = measured()
    history.ask(compute("a", "1-4"))
    history.ask(compute("b", "1-4"))
    history.ask(compute("c", filters=["ram:>1t"]))
    history.ask(compute("d", depends_on=[job_id("a")]))
    assert asked(history, "c", "d") == [None, None]
    history.ask(PauseQueue("medium"))
    assert asked(history, "b") == [None]
    history.ask(ResumeQueue("medium"))
    history.silent(HQ)
    assert asked(history, "b") == [None]


def test_the_order_of_the_lanes_is_that_of_the_queue_s_policy() -> None:
    history = measured(1)
    history.ask(compute("a", "1-4"))
    history.ask(compute("b", "1"))
    history.ask(Move([job_id("b")], to="top"))
    assert in_s(history, "b") == (40.0, 50.0), "by priority a running job keeps its lanes"
    history.ask(Set("queue", "medium", {"queue_interrupt_policy_compute": "order"}))
    assert in_s(history, "b") == (10.0, 20.0)


def test_a_lane_that_is_taken_away_is_not_waited_for() -> None:
    history = measured(3)
    history.ask(compute("a", "1-2"))
    next_ends(history)
    history.ask(compute("b", "1-4"))
    history.ask(compute("c", "1"))
    assert in_s(history, "c") == (10.0, 20.0)
    history.ask(Set("endpoint", "hq", {"client_compute_lanes": 1}))
    assert in_s(history, "c") == (30.0, 40.0)


def test_only_the_newest_finished_jobs_count_and_a_snapshot_keeps_them() -> None:
    history = measured(task_s=60)
    for number in range(KEPT_OF_ALL):
        computes(history, chr(0x100 + number), 2)
    assert {one.took[0] for one in history.board.pace.computed} == {2.0}
    history.ask(compute("a", "1-4"))
    history.ask(compute("b", "1-4"))
    assert in_s(history, "b") == (4.0, 8.0)
    loaded = load(save(history.board))
    line = [loaded.jobs[job_id("b")]]
    assert estimate.estimates(line, loaded, history.now)[line[0].id] == told(history, "b")


lines = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@for_all(lines, st.integers(1, 3), st.integers(0, 2), st.integers(0, 8))
def test_where_tasks_take_what_they_took_it_is_right_to_the_second(
    line: list[tuple[int, int]], hq: int, oslo: int, later_s: int
) -> None:
    """The scheduler itself runs the jobs out; buckets are whole."""
    command = "render {frames}"
    history = measured(hq, oslo, command=command)
    for number, (buckets, size) in enumerate(line):
        frames = f"1-{buckets * size}"
        history.ask(compute(chr(0x200 + number), frames, command=command, bucket=size))
    history.now += later_s * SECOND
    waiting = [job for job in history.board.jobs.values() if job.status == "waiting"]
    found = estimate.estimates(waiting, history.board, history.now)
    assert found.keys() == {job.id for job in waiting}
    before = len(history.log)
    while next_ends(history):
        pass
    starts: dict[str, datetime] = {}
    ends: dict[str, datetime] = {}
    for recorded in (one for commit in history.log[before:] for one in commit):
        match recorded.event:
            case tasks.Dispatched(job=job):
                starts.setdefault(job, recorded.at)
            case tasks.Exited(job=job):
                ends[job] = recorded.at
            case _:
                pass
    for job, one in found.items():
        assert (one.start_at, one.end_at) == (starts[job], ends[job])
        assert one.start_earliest is not None
        assert one.start_latest is not None
        assert one.start_earliest <= starts[job] <= one.start_latest


free_times = st.lists(st.floats(0, 50), min_size=1, max_size=6)
asks = st.lists(st.tuples(st.integers(1, 60), st.floats(0.1, 20)), min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@for_all(free_times, free_times, asks)
def test_lanes_are_taken_as_one_by_one_would(
    one: list[float], other: list[float], line: list[tuple[int, float]]
) -> None:
    """Of very many buckets the end is right to one of them."""
    ahead = LanesAhead({"one": one, "other": other})
    naive = [*one, *other]
    heapify(naive)
    off = 0.0
    for buckets, seconds in line:
        start, end = ahead.take(["one", "other"], buckets, seconds)
        true_start, true_end = naive[0], 0.0
        for _ in range(buckets):
            true_end = max(true_end, naive[0] + seconds)
            heapreplace(naive, naive[0] + seconds)
        if buckets > len(naive):
            off += seconds
        assert start == pytest.approx(true_start, abs=off + 1e-6)
        assert end == pytest.approx(true_end, abs=off + 1e-6)


def test_what_nobody_knows_keeps_its_lanes_for_ever() -> None:
    ahead = LanesAhead({"a": [0.0, 5.0], "b": [1.0]})
    assert ahead.take(["a"], 1, inf) == (0.0, inf)
    assert ahead.take(["a", "b"], 2, 3.0) == (1.0, 7.0)
    assert ahead.take(["a", "b"], 9_000_000, inf) == (5.0, inf)
    assert ahead.take(["b"], 1, 1.0) == (inf, inf)


@pytest.mark.parametrize("count", [1_000, 20_000])
def test_what_an_estimate_costs_does_not_grow_with_the_jobs_that_wait(count: int) -> None:
    history = crowd(count)
    jobs = history.board.jobs
    assert isinstance(jobs, Counted)
    history.board.pace.computed = [Computed("render {frame}", "ann", "", [5.0])]
    for line in (range(200), range(0, count - 5, count // 200 - 1)):
        asked_jobs = [jobs[crowded(number)] for number in line]
        jobs.looks = 0
        found = estimate.estimates(asked_jobs, history.board, history.now)
        assert jobs.looks <= 2 * estimate_lanes.WALKED_MAX
        asks_nothing_special = [number for number in line if number % 5 < 3]
        assert len(found) == len(asks_nothing_special)
    assert found[crowded(0)].end_at is not None
    assert found[crowded(asks_nothing_special[-1])] == Estimate(basis=estimate_lanes.TOO_FAR)


def test_lanes_and_needs_without_end_are_not_walked() -> None:
    history = measured()
    history.ask(compute("a", "1-4"))
    history.ask(compute("b", "1-4"))
    history.ask(Set("endpoint", "hq", {"client_compute_lanes": 1_000}))
    with patch.object(estimate_lanes, "LANES_MAX", 999):
        history.ask(compute("c", "1-2000"))
        history.ask(compute("d", "1"))
        assert told(history, "d") == Estimate(basis=estimate_lanes.TOO_MANY)
    with patch.object(estimate_lanes, "NEEDS_MAX", 0):
        assert told(history, "d") == Estimate(basis=estimate_lanes.TOO_MANY)
    with patch.object(estimate_lanes, "STEPS_MAX", 0):
        assert told(history, "d") == Estimate(basis=estimate_lanes.TOO_MANY)
    assert told(history, "d").end_at is not None
