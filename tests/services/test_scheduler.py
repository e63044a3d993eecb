"""A person's hand and an agent's report, decided on the board."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from events import jobs
from events.jobs import ErrorClass
from services.scheduler.commands import (
    Abort,
    Accepted,
    Move,
    Pause,
    Rejected,
    Resume,
    Retry,
    RunFailed,
    TasksDone,
    Why,
)
from tests.services.spec import (
    BOB,
    HQ,
    OSLO,
    SECOND,
    STOCKHOLM,
    History,
    beat,
    given,
    job_id,
    transfer,
)

A, B, C = job_id("a"), job_id("b"), job_id("c")


# Submitting.


def test_a_submitted_job_is_listed_by_its_source() -> None:
    given().when(transfer("a")).then("job.submitted", "job.listing_started")


def test_a_listed_job_starts_when_its_pair_is_free() -> None:
    assert given(transfer("a")).statuses() == {"a": "running"}


def test_a_job_submitted_paused_waits_for_its_resume() -> None:
    history = given()
    history.when(transfer("a", paused=True)).then("job.submitted", "job.paused")
    history.when(Resume(A)).then("job.resumed", "job.listing_started")


def test_an_unknown_queue_is_refused_with_those_there_are() -> None:
    given().when(transfer("a", queue="urgent")).then_rejected(
        Why.INVALID, "urgent", "high, low, medium"
    )


@pytest.mark.parametrize(
    ("source", "destination", "words"),
    [
        ("paris:projects/a", "hq:incoming", ["endpoint 'paris'", "hq, oslo, stockholm"]),
        ("hq:projcts/a", "oslo:incoming", ["volume of hq 'projcts'", "incoming, projects"]),
        ("hq:projects/../etc", "oslo:incoming", ["leaves the volume"]),
        ("hq:projects/a", "oslo:incoming//etc", ["leaves the volume"]),
        ("hq:projects/a", "hq:projects/a/b", ["lies in the source"]),
        ("hq:projects/a/", "hq:projects", ["lies in the source"]),
    ],
)
def test_a_wrong_party_is_refused(source: str, destination: str, words: list[str]) -> None:
    given().when(transfer("a", source, destination)).then_rejected(Why.INVALID, *words)


def test_a_destination_without_a_path_mirrors_the_source() -> None:
    history = given(transfer("a", "hq:projects/x/y", "oslo:incoming"))
    assert history.job("a").transfer.destination.path == "x/y"


# The life cycle by hand.


def test_pausing_stops_the_run_and_lets_the_next_one_start() -> None:
    history = given(transfer("a"), transfer("b"))
    history.when(Pause(A)).then("job.paused", "job.started")
    assert history.running() == ["b"]


def test_a_resumed_job_stands_at_the_bottom_of_its_queue() -> None:
    history = given(transfer("a"), transfer("b"), transfer("c"))
    history.ask(Pause(A))
    history.when(Resume(A)).then("job.resumed")
    assert history.line() == "bca"


def test_aborting_ends_a_job_from_any_unfinished_status() -> None:
    history = given(transfer("a"), transfer("b"), transfer("c"))
    history.ask(Pause(C))
    history.when(Abort(A)).then("job.aborted", "job.started")
    history.when(Abort(B)).then("job.aborted")
    history.when(Abort(C)).then("job.aborted")


def test_a_finished_job_is_neither_paused_nor_resumed_nor_aborted() -> None:
    history = given(transfer("a"))
    history.finished("a")
    history.when(Pause(A)).then_rejected(Why.CONFLICT, "is done")
    history.when(Resume(A)).then_rejected(Why.CONFLICT, "retry it")
    history.when(Abort(A)).then_rejected(Why.CONFLICT, "is done")


def test_retrying_a_done_job_looks_at_its_source_again() -> None:
    history = given(transfer("a"))
    history.finished("a")
    history.when(Retry(A)).then("job.retried", "job.listing_started")
    history.listed("a", count=2)
    assert (history.running(), len(history.board.tables[A])) == (["a"], 2)


def test_a_job_that_does_not_exist_is_refused() -> None:
    given().when(Pause(A)).then_rejected(Why.ABSENT, "no job")


def test_a_user_does_not_see_the_jobs_of_others() -> None:
    history = given(transfer("a"))
    history.when(Pause(A), by=BOB).then_rejected(Why.ABSENT, "no job")
    history.ask(transfer("b"), by=BOB)
    history.when(Pause(B), by=BOB).then("job.paused")


# Runs, and what agents say of them.


def test_a_job_is_done_when_all_its_tasks_are() -> None:
    history = given(transfer("a"), transfer("b"))
    history.done("a")
    history.ended("a")
    assert history.statuses() == {"a": "done", "b": "running"}


def test_a_report_of_a_run_that_is_over_is_refused() -> None:
    history = given(transfer("a"))
    late = TasksDone(A, history.job("a").run, "0", 100, [0], [0], [""])
    history.ask(Pause(A))
    history.ask(Resume(A))
    answer = history.report(late)
    assert isinstance(answer, Rejected)
    assert answer.why is Why.STALE


def test_a_report_of_another_process_is_refused() -> None:
    history = given(transfer("a"))
    late = TasksDone(A, history.job("a").run, "0", 100, [0], [0], [""])
    assert isinstance(history.report(late, STOCKHOLM, session="0"), Rejected)
    assert isinstance(history.report(late, HQ), Rejected)
    assert isinstance(history.report(late, STOCKHOLM), Accepted)


def test_a_failed_task_fails_the_job_after_all_others_and_it_is_tried_again() -> None:
    history = given(transfer("a"))
    history.failed("a", 1, ErrorClass.SPACE)
    history.done("a", "0,2", 200)
    history.ended("a")
    job = history.job("a")
    assert (job.status, job.retry_at) == ("failed", history.now + 15 * SECOND)
    history.passes(14)
    assert history.job("a").status == "failed"
    history.passes(1)
    assert history.job("a").status == "running"
    assert list(history.board.tables[A].queued_after(-1)) == [1]


def test_automatic_retries_double_their_delay_and_end() -> None:
    history = given(transfer("a"))
    delays = []
    while True:
        job = history.job("a")
        history.report(RunFailed(A, job.run, ErrorClass.NETWORK, "gone"))
        retry_at = history.job("a").retry_at
        if retry_at is None:
            break
        delays.append((retry_at - history.now).total_seconds())
        history.passes(delays[-1])
    assert delays == [15, 30, 60]
    history.when(Retry(A)).then("job.retried", "job.started")


def test_a_job_that_backs_off_keeps_its_place_and_lets_others_pass() -> None:
    history = given(transfer("a"), transfer("b"))
    history.report(RunFailed(A, history.job("a").run, ErrorClass.NETWORK, "gone"))
    assert (history.running(), history.line()) == (["b"], "ab")
    history.passes(15)
    assert history.running() == ["a"]


def test_a_permission_problem_is_not_retried_by_itself() -> None:
    history = given(transfer("a"))
    history.failed("a", 0, ErrorClass.PERMISSION)
    history.done("a", "1-2", 200)
    history.ended("a")
    assert history.job("a").retry_at is None


def test_a_file_that_changed_while_it_was_read_is_read_again_by_the_next_try() -> None:
    history = given(transfer("a"))
    history.done("a", "0-1", 200)
    history.failed("a", 2, ErrorClass.CHANGED)
    history.ended("a")
    assert (history.job("a").status, history.tasks("a")) == ("failed", "ddf")
    history.passes(15)
    assert (history.job("a").status, history.tasks("a")) == ("running", "ddq")


def test_a_missing_source_fails_the_job() -> None:
    history = History()
    history.ask(transfer("a"))
    history.breaks("a", ErrorClass.MISSING, "no such folder")
    assert history.job("a").status == "failed"


def test_only_unsettled_tasks_are_left_after_an_interruption() -> None:
    history = given(transfer("a"))
    history.done("a", "0", 100)
    history.take(beat(STOCKHOLM, session="2"))
    job = history.job("a")
    assert (job.status, job.failures) == ("running", 0)
    assert list(history.board.tables[A].queued_after(-1)) == [1, 2]
    assert history.board.tables[A].size_done == 100


# Endpoints.


def test_a_restarted_agent_begins_a_new_run() -> None:
    history = given(transfer("a"))
    run = history.job("a").run
    history.take(beat(HQ, session="2"))
    assert (history.job("a").status, history.job("a").run) == ("running", run + 1)


def test_a_silent_endpoint_interrupts_its_jobs_and_holds_up_no_other() -> None:
    history = given(transfer("a"), transfer("b", destination="oslo:incoming"))
    history.silent(STOCKHOLM)
    assert history.statuses() == {"a": "waiting", "b": "running"}
    history.take(beat(STOCKHOLM))
    assert history.running() == ["a", "b"]


def test_an_orderly_goodbye_is_an_interruption_at_once() -> None:
    history = given(transfer("a"))
    history.take(beat(HQ, leaving=True))
    assert history.job("a").status == "waiting"


def test_a_lost_volume_interrupts_the_jobs_that_stand_on_it() -> None:
    history = given(transfer("a"), transfer("b", "oslo:projects/x", "oslo:incoming/x"))
    history.take(beat(HQ, volumes=[]))
    assert history.statuses() == {"a": "waiting", "b": "running"}
    history.take(beat(HQ))
    assert history.running() == ["a", "b"]


def test_a_name_that_is_taken_is_refused() -> None:
    answer = given().take(replace(beat(HQ), endpoint="d" * 24))
    assert isinstance(answer, Rejected)
    assert "--name" in answer.detail


# Order.


def test_one_job_runs_on_a_pair_and_pairs_do_not_wait_for_each_other() -> None:
    history = given(
        transfer("a"),
        transfer("b", "stockholm:projects/x", "hq:incoming"),
        transfer("c", destination="oslo:incoming"),
    )
    assert history.running() == ["a", "c"]


def test_a_job_of_a_higher_queue_makes_a_lower_one_give_way() -> None:
    history = given(transfer("a"))
    history.ask(transfer("b", queue="high"))
    history.listed("b")
    assert history.statuses() == {"a": "waiting", "b": "running"}
    assert jobs.GaveWay(A, 2, B) in list(history.events())


@pytest.mark.parametrize(
    ("move", "line"),
    [
        (Move([C], to="top"), "cab"),
        (Move([A], to="bottom"), "bca"),
        (Move([C], before=B), "acb"),
        (Move([A], after=B), "bac"),
        (Move([C, B], before=A), "bca"),
        (Move([A, C], to="top"), "acb"),
    ],
)
def test_a_move_puts_jobs_where_they_were_dropped(move: Move, line: str) -> None:
    history = given(transfer("a"), transfer("b"), transfer("c"))
    history.when(move)
    assert history.line() == line


@pytest.mark.parametrize(
    "move",
    [
        Move([A], to="top"),
        Move([C], to="bottom"),
        Move([B], after=A),
        Move([B], before=C),
        Move([A, B], before=C),
        Move([C], queue="medium"),
    ],
)
def test_a_move_to_where_a_job_stands_adds_nothing(move: Move) -> None:
    given(transfer("a"), transfer("b"), transfer("c")).when(move).then_nothing()


def test_a_move_to_another_queue_goes_to_its_bottom() -> None:
    history = given(transfer("a"), transfer("b"), transfer("c", queue="high"))
    history.when(Move([A, B], queue="high")).then("job.moved", "job.moved")
    assert (history.line("high"), history.line("medium")) == ("cab", "")


@pytest.mark.parametrize(
    ("move", "words"),
    [
        (Move([A], before=B, to="top"), ["before and to contradict"]),
        (Move([A], before=B, after=C), ["before and after contradict"]),
        (Move([A], before=A), ["beside itself"]),
        (Move([A]), ["say where to"]),
        (Move([]), ["1 to 1000 jobs"]),
        (Move([A], queue="urgent"), ["no queue 'urgent'"]),
        (Move([A], queue="high", before=B), ["stands in queue medium"]),
    ],
)
def test_a_move_that_makes_no_sense_is_refused(move: Move, words: list[str]) -> None:
    history = given(transfer("a"), transfer("b"), transfer("c"))
    history.when(move).then_rejected(Why.INVALID, *words)


def test_a_job_cannot_be_moved_beside_one_that_left_the_queue() -> None:
    history = given(transfer("a"), transfer("b"))
    history.ask(Pause(A))
    history.when(Move([B], before=A)).then_rejected(Why.CONFLICT, "no place")
    history.when(Move([job_id("z")], to="top")).then_rejected(Why.ABSENT)


def test_the_line_keeps_its_order_over_many_moves_to_one_spot() -> None:
    letters = "abcdefgh"
    history = given(*(transfer(letter) for letter in letters))
    for letter in letters[1:]:
        history.ask(Move([job_id(letter)], before=A))
    assert history.line() == "bcdefgha"


def test_a_gap_that_was_halved_for_ever_is_spread_anew() -> None:
    history = given(transfer("a"), transfer("b"), transfer("c"))
    for turn in range(1300):
        history.ask(Move([C if turn % 2 else B], after=A))
    assert history.line() == "acb"
    assert all(len(place) <= 200 for place, _ in history.board.line(history.job("a").queue))


def test_everyone_offline_is_no_reason_to_forget_the_order() -> None:
    history = given(transfer("a"), transfer("b"))
    history.silent(OSLO)
    history.silent(HQ)
    history.take(beat(HQ))
    assert history.running() == ["a"]
