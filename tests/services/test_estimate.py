"""When waiting and running transfers are expected to start and end, by what was measured."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from events import jobs, tasks
from events.codec import Recorded
from events.endpoints import Machine
from events.jobs import ErrorClass, Party, Status, Transfer
from projections.board import Board
from projections.pace import KEPT_OF_A_WAY, Measured
from projections.snapshot import load, save
from services.scheduler import cost, estimate
from services.scheduler.commands import (
    Abort,
    BucketEnded,
    Estimate,
    Heard,
    Move,
    Pause,
    PauseQueue,
    RunFailed,
    Set,
)
from tests.services.spec import HQ, NOON, OSLO, STOCKHOLM, History, beat, compute, job_id, transfer
from tests.services.spec import given as spec_given

MB = 1_000_000
BACK = ("stockholm:projects/shot", "hq:incoming")
TO_OSLO = ("hq:projects/shot", "oslo:incoming")


def add(history: History, letter: str, *way: str, size: int = 10 * MB, count: int = 1) -> None:
    """A job of `count` files of `size` bytes, listed and in line."""
    source, destination = way or ("hq:projects/shot", "stockholm:incoming")
    history.ask(transfer(letter, source, destination))
    history.listed(letter, count, size)


def takes(history: History, letter: str, seconds: float) -> None:
    """A running job moves all it has in so many seconds, and is done."""
    history.now += timedelta(seconds=seconds)
    job = history.job(letter)
    history.done(letter, f"0-{job.tasks - 1}" if job.tasks > 1 else "0", job.size)
    history.ended(letter)


def measured(*way: str, seconds: float = 10, runs: int = 20) -> History:
    """So many transfers of 10 MB in one file, each of which took so long."""
    history = spec_given()
    for number in range(runs):
        letter = chr(0x100 + number)
        add(history, letter, *way)
        takes(history, letter, seconds)
    return history


def asked(history: History, letter: str) -> Estimate | None:
    job = history.job(letter)
    return estimate.estimates([job], history.board, history.now).get(job.id)


def told(history: History, letter: str) -> Estimate:
    answer = asked(history, letter)
    assert answer is not None
    return answer


def starts(answer: Estimate) -> list[datetime]:
    """The earliest, the likeliest and the latest; empty for one that runs."""
    times = [answer.start_earliest, answer.start_at, answer.start_latest]
    return [at for at in times if at is not None]


def ends(answer: Estimate) -> list[datetime]:
    times = [answer.end_earliest, answer.end_at, answer.end_latest]
    return [at for at in times if at is not None]


def width(answer: Estimate) -> timedelta:
    earliest, _, latest = ends(answer)
    return latest - earliest


def in_s(history: History, letter: str) -> tuple[float | None, float]:
    """In how many seconds it starts and ends."""
    answer = told(history, letter)
    assert answer.end_at is not None
    end_s = round((answer.end_at - history.now).total_seconds(), 1)
    if answer.start_at is None:
        return None, end_s
    return round((answer.start_at - history.now).total_seconds(), 1), end_s


def test_without_a_finished_transfer_nothing_is_said_but_why() -> None:
    history = spec_given(transfer("a"), transfer("b"))
    assert told(history, "b") == Estimate(basis="nothing comparable was measured yet")


def test_a_job_starts_when_the_two_before_it_are_done() -> None:
    history = measured()
    for letter in "abc":
        add(history, letter)
    assert in_s(history, "a") == (None, 10.0)
    assert in_s(history, "b") == (10.0, 20.0)
    assert in_s(history, "c") == (20.0, 30.0)
    assert told(history, "c").basis == "measured on 20 finished transfers from hq to stockholm"


def test_a_start_in_progress_brings_all_behind_it_nearer() -> None:
    history = measured()
    for letter in "ab":
        add(history, letter)
    history.now += timedelta(seconds=6)
    assert in_s(history, "a") == (None, 4.0)
    assert in_s(history, "b") == (4.0, 14.0)


def test_what_is_late_is_never_expected_in_the_past() -> None:
    history = measured()
    for letter in "ab":
        add(history, letter)
    history.now += timedelta(seconds=600)
    earliest, at, latest = starts(told(history, "b"))
    assert earliest == history.now, "it may end at any moment"
    assert at > history.now + timedelta(minutes=1), "but who is ten minutes late"
    assert latest > history.now + timedelta(minutes=5), "is no more to be relied upon"


def test_what_a_running_job_moved_already_counts() -> None:
    history = measured()
    add(history, "a", count=10)
    add(history, "b")
    assert 99 < in_s(history, "a")[1] < 101
    history.now += timedelta(seconds=50)
    history.done("a", "0-4", 50 * MB)
    assert 49 < in_s(history, "a")[1] < 51
    assert in_s(history, "b")[0] == in_s(history, "a")[1]


def test_a_job_that_runs_at_half_the_usual_pace_ends_by_its_own() -> None:
    history = measured()
    add(history, "a", count=10)
    history.now += timedelta(seconds=100)
    history.done("a", "0-4", 50 * MB)
    end_s = in_s(history, "a")[1]
    assert 95 < end_s < 105


def test_the_pace_of_a_running_job_tells_when_those_behind_it_start() -> None:
    """Of a single large file the board knows nothing before it is done; who asks has its ticks."""
    history = spec_given()
    add(history, "a", size=1_000 * MB)
    add(history, "b", size=500 * MB)
    assert told(history, "b").end_at is None
    line = [history.job("a"), history.job("b")]
    heard = {line[0].id: Heard(line[0].run, 400 * MB, 6.0 * MB)}
    found = estimate.estimates(line, history.board, history.now, heard)
    in_100_s = [history.now + timedelta(seconds=after) for after in (50, 100, 200)]
    assert ends(found[line[0].id]) == in_100_s, "the half or the double, as of any single measure"
    assert found[line[1].id].start_at == history.now + timedelta(seconds=100)
    assert found[line[1].id].basis == "measured on what goes on from hq to stockholm now"
    of_a_run_before = {line[0].id: Heard(line[0].run - 1, 400 * MB, 6.0 * MB)}
    before = estimate.estimates(line, history.board, history.now, of_a_run_before)
    assert before[line[0].id].end_at is None


def test_two_at_a_time_start_two_at_a_time() -> None:
    history = measured()
    history.ask(Set("queue", "medium", {"transfer_concurrent": 2}))
    for letter in "abcd":
        add(history, letter)
    assert [in_s(history, letter)[0] for letter in "abcd"] == [None, None, 10.0, 10.0]


def test_the_limit_of_an_endpoint_holds_the_jobs_of_its_other_pairs() -> None:
    history = measured()
    history.ask(Set("endpoint", "hq", {"endpoint_transfers": 1}))
    add(history, "a")
    add(history, "b", *TO_OSLO)
    assert in_s(history, "b")[0] == 10.0


def test_a_faster_way_has_earlier_times() -> None:
    history = measured(seconds=10)
    add(history, "x", *TO_OSLO)
    takes(history, "x", 2)
    for letter in "abcd":
        add(history, letter, *(TO_OSLO if letter in "cd" else ()))
    assert in_s(history, "b") == (10.0, 20.0)
    assert in_s(history, "d") == (2.0, 4.0)


def test_the_two_directions_of_a_pair_have_rates_of_their_own() -> None:
    history = measured(seconds=10)
    add(history, "x", *BACK)
    takes(history, "x", 2)
    for letter in "ab":
        add(history, letter, *BACK)
    assert in_s(history, "b") == (2.0, 4.0)


def test_a_way_without_a_finished_transfer_borrows_with_a_wider_interval() -> None:
    history = measured(seconds=10)
    widths = []
    for letter, *way in (("a",), ("b", *BACK), ("c", *TO_OSLO)):
        add(history, letter, *way)
        widths.append(width(told(history, letter)))
        history.ask(Abort(job_id(letter)))
    own, other_way, elsewhere = widths
    assert 3 * own < other_way < elsewhere
    add(history, "d", *TO_OSLO)
    assert told(history, "d").basis.endswith("elsewhere: none from hq to oslo was, yet")


def test_the_interval_widens_with_what_stands_before() -> None:
    history = measured()
    for letter in "abcdef":
        add(history, letter)
    widths = [width(answer) for answer in _all(history, "abcdef")]
    assert widths == sorted(widths)
    assert widths[-1] > 4 * widths[0]


def _all(history: History, letters: str) -> list[Estimate]:
    found = estimate.estimates([history.job(one) for one in letters], history.board, history.now)
    return [found[job_id(one)] for one in letters]


def test_a_job_that_cannot_run_has_a_reason_and_no_estimate() -> None:
    history = measured()
    for letter in "ab":
        add(history, letter)
    history.ask(PauseQueue("medium"))
    assert asked(history, "a") is None
    history = measured()
    for letter in "ab":
        add(history, letter)
    history.silent(STOCKHOLM)
    assert asked(history, "b") is None
    history = measured()
    add(history, "a")
    history.report(RunFailed(job_id("a"), history.job("a").run, ErrorClass.SPACE, "full"))
    assert asked(history, "a") is None
    history.ask(Abort(job_id("a")))
    assert asked(history, "a") is None


def test_those_that_cannot_run_hold_up_nobody() -> None:
    history = measured()
    for letter in "abc":
        add(history, letter)
    history.ask(Pause(job_id("b")))
    assert in_s(history, "c")[0] == 10.0
    history.ask(transfer("d"))
    history.ask(Move([job_id("d")], to="top"))
    assert in_s(history, "c")[0] == 10.0, "nobody knows yet how much d is"


def test_many_small_files_are_not_taken_for_a_slow_line() -> None:
    """100 MB/s, and 5 ms a file: what only counts bytes is wrong by a factor of fifty."""
    samples = []
    for number in range(10):
        size, files = (1000 * MB, 1) if number % 2 else (10 * MB, 10_000)
        samples.append(Measured(size, files, size / (100 * MB) + (files + 1) * 0.005))
    fitted = cost.fit(tuple(samples))
    assert abs(fitted.seconds(5000 * MB, 1).mid / 50 - 1) < 0.02
    assert abs(fitted.seconds(50 * MB, 50_000).mid / 250.5 - 1) < 0.02


def test_what_took_no_time_says_little() -> None:
    """Jobs whose files were there already do not make the line a fast one."""
    real = [Measured(100 * MB, 10, 10.0)] * 3
    skipped = [Measured(100 * MB, 10, 0.05)] * 10
    assert abs(cost.fit((*real, *skipped)).seconds(100 * MB, 10).mid - 10) < 0.01


def test_only_the_newest_of_a_way_count_and_a_snapshot_keeps_them() -> None:
    history = measured(seconds=30, runs=5)
    for number in range(KEPT_OF_A_WAY):
        letter = chr(0x200 + number)
        add(history, letter)
        takes(history, letter, 3)
    assert [one.seconds for one in history.board.pace.ways[f"{HQ} {STOCKHOLM}"]] == [3.0] * 20
    for letter in "ab":
        add(history, letter)
    assert in_s(history, "b") == (3.0, 6.0)
    loaded = load(save(history.board))
    assert estimate.estimates([history.job("b")], loaded, history.now)[job_id("b")] == told(
        history, "b"
    )


def test_the_time_of_a_job_that_gave_way_is_that_of_all_its_runs() -> None:
    history = spec_given(transfer("a"))
    history.now += timedelta(seconds=4)
    history.ask(transfer("b", queue="high"))
    history.listed("b")
    history.now += timedelta(seconds=100)
    history.finished("b")
    takes(history, "a", 5)
    measured_of_a = history.board.pace.ways[f"{HQ} {STOCKHOLM}"][-1]
    assert (measured_of_a.seconds, history.board.pace.going) == (9.0, {})


def test_a_compute_job_ends_when_its_lanes_have_done_what_is_left() -> None:
    """Two lanes, ten seconds a frame, ten frames; two are done and two run for four seconds."""
    history = History()
    history.take(beat(HQ, "2", machine=Machine("render", "hq", 8, 1 << 36)))
    history.ask(Set("endpoint", "hq", {"client_compute_lanes": 2}))
    history.ask(compute("r", "1-10"))
    assert told(history, "r") == Estimate(basis="nothing comparable was measured yet")
    history.now += timedelta(seconds=10)
    for run in list(history.board.tables[job_id("r")].buckets):
        history.report(BucketEnded(job_id("r"), run, 0, 10_000))
    history.now += timedelta(seconds=4)
    assert in_s(history, "r") == (None, 36.0)
    answer = told(history, "r")
    assert answer.basis == "measured on its last 2 finished tasks, for the 2 lanes that it has"
    assert history.now < ends(answer)[0] < ends(answer)[1] < ends(answer)[2]
    assert load(save(history.board)).pace == history.board.pace
    history.ask(Abort(job_id("r")))
    assert (asked(history, "r"), history.board.pace.frames) == (None, {})


jobs_of_a_line = st.lists(
    st.tuples(st.integers(1, 2_000) | st.just(0), st.integers(1, 40)), min_size=1, max_size=12
)


@settings(max_examples=80, deadline=None)
@for_all(
    jobs_of_a_line,
    st.lists(st.floats(0.5, 300), min_size=1, max_size=6),
    st.integers(1, 3),
    st.integers(0, 1_000),
)
def test_estimates_are_in_order(
    line: list[tuple[int, int]], seconds: list[float], concurrent: int, later: int
) -> None:
    history = spec_given()
    for number, took_s in enumerate(seconds):
        add(history, chr(0x100 + number), count=number + 1)
        takes(history, chr(0x100 + number), took_s)
    history.ask(Set("queue", "medium", {"transfer_concurrent": concurrent}))
    letters = [chr(0x200 + number) for number in range(len(line))]
    for letter, (size, count) in zip(letters, line, strict=True):
        add(history, letter, size=size * MB, count=count)
    history.now += timedelta(seconds=later)
    found = _all(history, "".join(letters))
    assert found == _all(history, "".join(letters)), "the same board and time, the same answer"
    waiting = [one for one in found if one.start_at is not None]
    assert len(waiting) == max(0, len(line) - concurrent)
    for one in found:
        assert history.now <= ends(one)[0]
        assert ends(one) == sorted(ends(one))
        assert starts(one) == sorted(starts(one))
        assert all(start <= end for start, end in zip(starts(one), ends(one), strict=False))
    for before, after in pairwise(waiting):
        assert all(one <= other for one, other in zip(starts(before), starts(after), strict=True))


files = st.tuples(st.floats(1, 5), st.integers(1, 400))


@settings(max_examples=100, deadline=None)
@for_all(
    st.floats(1, 500),
    st.floats(0.0002, 0.02),
    st.lists(files, min_size=1, max_size=15),
    st.lists(files, min_size=1, max_size=4),
)
def test_the_interval_holds_the_truth_where_the_line_is_constant(
    mb_per_second: float,
    task_s: float,
    past: list[tuple[float, int]],
    line: list[tuple[float, int]],
) -> None:
    """Whatever part of the time the bytes take, and what part the files; here of 1 to 5 MB."""

    def true_s(size: int, count: int) -> float:
        return size / mb_per_second / MB + (count + 1) * task_s

    sizes = [(int(mean * MB) * count, count) for mean, count in past]
    history = spec_given()
    way = history.board.pace.ways.setdefault(f"{HQ} {STOCKHOLM}", [])
    way += [Measured(size, count, true_s(size, count)) for size, count in sizes]
    letters = [chr(0x200 + number) for number in range(len(line))]
    for letter, (mean, count) in zip(letters, line, strict=True):
        add(history, letter, size=int(mean * MB), count=count)
    truth = history.now
    for one, (mean, count) in zip(_all(history, "".join(letters)), line, strict=True):
        truth += timedelta(seconds=true_s(int(mean * MB) * count, count))
        earliest, _, latest = ends(one)
        assert earliest <= truth <= latest


def crowd(waiting: int, pairs: int = 1) -> Board:
    """A board with so many jobs on each of so many pairs, by events: nothing is planned."""
    history = measured()
    board = history.board
    queue = board.default_queue().id
    ways = [(HQ, STOCKHOLM), (HQ, OSLO), (OSLO, STOCKHOLM)][:pairs]
    for number in range(waiting * pairs):
        source, destination = ways[number % pairs]
        job = f"{number:024x}"[-24:]
        work = Transfer(Party(source, "projects", "x"), Party(destination, "incoming", ""))
        entry = tasks.Entry("f", size=10 * MB)
        for event in (
            jobs.Submitted(job, f"n{number}", "ann", queue, f"b{number:09d}", work),
            jobs.ListingStarted(job, 1),
            tasks.Found(job, 1, 0, [entry]),
            jobs.Listed(job, 1, 1, 10 * MB),
        ):
            board.apply(Recorded(board.sequence + 1, 0, NOON, "ann", "", event))
    return board


def test_two_hundred_of_ten_thousand_cost_less_than_a_glance() -> None:
    board = crowd(10_000)
    line = [board.jobs[job] for _, job in board.line(board.default_queue().id)]
    assert all(job.status is Status.WAITING for job in line)
    for asked_jobs in (line[:200], line[300:500], line[5_000:5_200]):
        took_s = []
        for _ in range(5):
            began = time.perf_counter()
            found = estimate.estimates(asked_jobs, board, NOON)
            took_s.append(time.perf_counter() - began)
        print(f"200 of 10,000: {median(took_s) * 1000:.1f} ms")
        assert len(found) == 200
        assert min(took_s) < 0.05
    assert found[line[5_000].id].basis.startswith("more than 500 jobs stand before it")
    assert found[line[5_000].id].start_at is None
