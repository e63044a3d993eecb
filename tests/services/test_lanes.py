"""Compute jobs in lanes: who gets one, who keeps it, what becomes of the tasks."""

from __future__ import annotations

import pytest

from events import codec, jobs, tasks
from events.jobs import ErrorClass
from events.tasks import Status
from projections.snapshot import load, save
from services.scheduler import plan
from services.scheduler.commands import (
    Abort,
    Accepted,
    BucketEnded,
    Move,
    Pause,
    PauseQueue,
    Rejected,
    Resume,
    ResumeQueue,
    Retry,
    Set,
    TasksStarted,
    Why,
)
from tests.services.spec import HQ, OSLO, History, beat, compute, job_id, lanes_of, transfer

A, B = job_id("a"), job_id("b")
FAILS = ErrorClass.COMMAND


def farm(hq: int = 1, oslo: int = 0) -> History:
    history = History()
    history.allows(HQ, hq)
    if oslo:
        history.allows(OSLO, oslo)
    return history


def statuses(history: History, letter: str) -> str:
    table = history.board.tables[job_id(letter)]
    return " ".join(Status(table.status(n)).name.lower() for n in range(len(table)))


# From a lane to the end.


def test_a_submitted_job_takes_a_lane_at_once() -> None:
    history = farm()
    history.when(compute("a")).then(
        "job.submitted", "task.ranged", "job.started", "task.dispatched"
    )
    assert (history.lanes(), history.running()) == ({"hq": "a0"}, ["a"])


def test_the_first_lane_and_the_start_of_the_job_are_one_run() -> None:
    history = farm(hq=2)
    history.ask(compute("a"))
    started = [e for e in history.events() if isinstance(e, jobs.Started)]
    runs = [e.run for e in history.events() if isinstance(e, tasks.Dispatched)]
    assert ([e.run for e in started], runs, history.job("a").run) == ([1], [1, 2], 2)


def test_a_bucket_that_ends_gives_its_lane_to_the_next() -> None:
    history = farm()
    history.ask(compute("a", "1-2"))
    history.bucket_ends("a")
    assert (statuses(history, "a"), history.lanes()) == ("done booting", {"hq": "a1"})
    history.bucket_ends("a")
    assert (history.job("a").status, history.lanes()) == ("done", {"hq": ""})


def test_what_a_process_cost_is_recorded() -> None:
    history = farm()
    history.ask(compute("a", "1"))
    history.bucket_ends("a")
    assert tasks.Exited(A, 1, 0, 1000, 900, 1 << 20) in list(history.events())


def test_a_command_that_knows_of_many_frames_gets_them_together() -> None:
    history = farm(hq=2)
    history.ask(compute("a", "1-10x3,20-25", command="render {first} {last}", bucket=4))
    assert history.lanes() == {"hq": "a0-3 a4-7"}
    [first, second] = plan.duties(HQ, history.board, history.now).duties
    assert (first.frames, second.frames) == ("1-10x3", "20-23")  # type: ignore[union-attr]


def test_a_command_that_knows_of_one_frame_gets_one() -> None:
    history = farm()
    history.ask(compute("a"))
    history.ask(Set("job", A, {"task_bucketsize": 0}))
    history.bucket_ends("a")
    assert history.lanes() == {"hq": "a1"}


def test_a_bucket_says_when_it_began_by_the_time_it_got_its_lane() -> None:
    history = farm()
    history.ask(compute("a"))
    for seconds in (10, 5):
        history.passes(seconds)
        history.bucket_ends("a")  # Its process took a second.
    done = [one.started_ms for one in history.events() if isinstance(one, tasks.Done)]
    assert done == [[9_000], [4_000]]


def test_buckets_spread_over_the_endpoints() -> None:
    history = farm(hq=3, oslo=2)
    history.ask(compute("a"))
    assert history.lanes() == {"hq": "a0 a1 a3", "oslo": "a2"}
    history.ask(compute("b"))
    assert history.lanes() == {"hq": "a0 a1 a3", "oslo": "a2 b0"}


def test_failed_tasks_fail_the_job_after_all_others_and_are_tried_again() -> None:
    history = farm()
    history.ask(compute("a", "1-2"))
    history.bucket_ends("a", FAILS)
    history.bucket_ends("a")
    assert (history.job("a").status, statuses(history, "a")) == ("failed", "failed done")
    history.passes(15)
    assert (history.running(), history.lanes()) == (["a"], {"hq": "a0"})


def test_a_done_job_that_is_retried_computes_everything_again() -> None:
    history = farm()
    history.ask(compute("a", "1"))
    history.bucket_ends("a")
    history.when(Retry(A)).then("task.queued", "job.retried", "job.started", "task.dispatched")


def test_a_report_of_a_bucket_that_is_in_no_lane_is_refused() -> None:
    history = farm(hq=2)
    history.ask(compute("a"))
    history.ask(Pause(A))
    history.ask(Resume(A))
    for late in (TasksStarted(A, 1, "0"), BucketEnded(A, 1)):
        answer = history.report(late)
        assert isinstance(answer, Rejected)
        assert answer.why is Why.STALE
    assert isinstance(history.report(TasksStarted(A, 3, "0")), Accepted)
    assert isinstance(history.report(TasksStarted(A, 3, "1")), Rejected), "not of this bucket"
    assert isinstance(history.report(BucketEnded(A, 3), endpoint=OSLO), Rejected)


# Who gets a lane.


def test_jobs_are_served_in_the_order_of_all_jobs() -> None:
    history = farm(hq=2)
    for letter, queue in (("a", "low"), ("b", "medium"), ("c", "high")):
        history.ask(compute(letter, "1-2", queue=queue, paused=True))
    history.ask(PauseQueue("high"))
    for letter in "abc":
        history.ask(Resume(job_id(letter)))
    assert history.lanes() == {"hq": "a0 a1"}
    history.ask(ResumeQueue("high"))
    history.bucket_ends("a")
    assert history.lanes() == {"hq": "a1 c0"}


def test_a_running_job_keeps_its_lanes_against_its_equals_but_not_against_a_higher_queue() -> None:
    history = farm()
    history.ask(compute("a"))
    history.ask(compute("b"))
    history.ask(Move([B], to="top"))
    history.bucket_ends("a")
    assert history.lanes() == {"hq": "a1"}
    history.ask(compute("c", "1", queue="high"))
    assert history.lanes() == {"hq": "a1"}, "a bucket that runs always finishes"
    history.bucket_ends("a")
    assert (history.lanes(), history.running()) == ({"hq": "c0"}, ["c"])
    assert jobs.GaveWay(A, 2, job_id("c")) in list(history.events())


@pytest.mark.parametrize(("choice", "lane"), [("order", "b0"), ("never", "a1"), ("priority", "a1")])
def test_what_takes_the_lane_of_a_running_job_is_the_choice_of_its_queue(
    choice: str, lane: str
) -> None:
    history = farm()
    history.ask(Set("workspace", "", {"queue_interrupt_policy_compute": choice}))
    history.ask(compute("a"))
    history.ask(compute("b"))
    history.ask(Move([B], to="top"))
    history.bucket_ends("a")
    assert history.lanes() == {"hq": lane}


def test_never_keeps_the_lanes_against_a_higher_queue_until_the_tasks_run_out() -> None:
    history = farm()
    history.ask(Set("queue", "medium", {"queue_interrupt_policy_compute": "never"}))
    history.ask(compute("a", "1-2"))
    history.ask(compute("c", "1", queue="high"))
    history.bucket_ends("a")
    assert history.lanes() == {"hq": "a1"}
    history.bucket_ends("a")
    assert history.lanes() == {"hq": "c0"}


def test_a_job_whose_needs_no_lane_meets_holds_up_nobody() -> None:
    history = farm(oslo=1)
    history.ask(compute("a", filters=["ram:>32g"]))
    history.ask(compute("b", filters=["hostname:oslo"]))
    history.ask(compute("c"))
    assert history.lanes() == {"hq": "c0", "oslo": "b0"}


def test_a_job_runs_only_where_its_volume_is_open() -> None:
    history = farm()
    history.ask(compute("a", volume="projects", path="shot"))
    history.take(beat(HQ, history.board.endpoints[HQ].session, volumes=[]))
    assert (history.job("a").status, statuses(history, "a")) == (
        "waiting",
        "queued " * 3 + "queued",
    )
    history.take(beat(HQ, history.board.endpoints[HQ].session))
    assert history.lanes() == {"hq": "a0"}


def test_fewer_lanes_stop_nothing_and_hand_out_less() -> None:
    history = farm(hq=2)
    history.ask(compute("a"))
    history.ask(Set("endpoint", "hq", {"client_compute_lanes": 1}))
    assert history.lanes() == {"hq": "a0 a1"}
    history.bucket_ends("a")
    assert history.lanes() == {"hq": "a1"}
    history.bucket_ends("a")
    assert history.lanes() == {"hq": "a2"}


def test_transfers_and_lanes_do_not_mind_each_other() -> None:
    history = farm()
    history.ask(compute("a"))
    history.ask(transfer("b"))
    history.listed("b")
    assert history.running() == ["a", "b"]


def test_lanes_of_all_kinds_are_handed_out_in_one_go() -> None:
    history = farm(hq=2, oslo=1)
    history.ask(compute("a"))
    history.ask(compute("b"))
    history.ask(compute("c", filters=["hostname:hq"]))
    history.ask(Pause(A))
    assert history.lanes() == {"hq": "b0 b1", "oslo": "b2"}


# What ends a bucket from outside.


@pytest.mark.parametrize("hand", [Pause, Abort])
def test_pausing_and_aborting_stop_the_buckets_at_once(hand: type[Pause] | type[Abort]) -> None:
    history = farm(hq=2)
    history.ask(compute("a"))
    history.ask(hand(A))
    assert (history.lanes(), plan.duties(HQ, history.board, history.now).duties) == ({"hq": ""}, [])
    assert "booting" not in statuses(history, "a")


def test_a_paused_queue_lets_what_runs_finish_and_hands_out_nothing() -> None:
    history = farm()
    history.ask(compute("a"))
    history.when(PauseQueue("medium")).then("queue.paused")
    assert history.lanes() == {"hq": "a0"}
    history.bucket_ends("a")
    assert (history.lanes(), history.job("a").status) == ({"hq": ""}, "waiting")
    history.when(ResumeQueue("medium")).then("queue.resumed", "job.started", "task.dispatched")


def test_a_lost_endpoint_gives_its_buckets_back_and_others_go_on() -> None:
    history = farm(hq=1, oslo=1)
    history.ask(compute("a", "1-2"))
    history.silent(HQ)
    assert (history.lanes(), history.running()) == ({"oslo": "a1"}, ["a"])
    assert tasks.Released(A, 1, "0", "endpoint_offline", HQ) in list(history.events())
    history.silent(OSLO)
    assert (history.job("a").status, statuses(history, "a")) == ("waiting", "queued queued")


def test_a_restarted_agent_gets_its_buckets_as_new_runs() -> None:
    history = farm()
    history.ask(compute("a"))
    history.allows(HQ)
    assert (history.lanes(), history.job("a").run) == ({"hq": "a0"}, 2)


# Avoiding.


def test_an_endpoint_on_which_a_job_fails_twice_in_a_row_is_avoided_for_it() -> None:
    history = farm(hq=1, oslo=1)
    history.ask(compute("a", "1-6"))
    history.bucket_ends("a", FAILS, HQ)
    assert history.lanes() == {"hq": "a2", "oslo": "a1"}
    history.bucket_ends("a", FAILS, HQ)
    assert history.lanes() == {"hq": "", "oslo": "a1"}
    history.ask(compute("b", "1"))
    assert history.lanes() == {"hq": "b0", "oslo": "a1"}, "only for that job"


def test_a_success_between_forgives() -> None:
    history = farm(hq=1, oslo=1)
    history.ask(compute("a", "1-6"))
    for failure in (FAILS, None, FAILS):
        history.bucket_ends("a", failure, HQ)
    assert history.lanes()["hq"] != ""


def test_the_only_endpoint_that_there_is_is_not_avoided() -> None:
    history = farm(hq=1, oslo=1)
    history.ask(compute("a", "1-6"))
    history.bucket_ends("a", FAILS, HQ)
    history.bucket_ends("a", FAILS, HQ)
    history.silent(OSLO)
    assert history.lanes() == {"hq": "a1"}


@pytest.mark.parametrize(
    ("choice", "avoided"),
    [("enable-clear-on-resume", False), ("enable-permanent", True), ("disable", False)],
)
def test_a_person_who_resumes_a_job_lets_it_try_everywhere_again(
    choice: str, avoided: bool
) -> None:
    history = farm(hq=1, oslo=1)
    history.ask(Set("workspace", "", {"compute_avoid": choice}))
    history.ask(compute("a", "1-9"))
    history.bucket_ends("a", FAILS, HQ)
    history.bucket_ends("a", FAILS, HQ)
    history.ask(Pause(A))
    history.ask(Resume(A))
    assert (history.lanes()["hq"] == "") == avoided


def test_avoiding_follows_its_setting_at_once() -> None:
    history = farm(hq=1, oslo=1)
    history.ask(compute("a", "1-9"))
    history.bucket_ends("a", FAILS, HQ)
    history.bucket_ends("a", FAILS, HQ)
    history.ask(Set("queue", "medium", {"compute_avoid": "disable"}))
    assert history.lanes() == {"hq": "a3", "oslo": "a1"}


# Dependencies, and what is kept.


def test_jobs_that_depend_on_each_other_follow_at_once() -> None:
    history = farm(hq=2)
    history.ask(compute("a", "1"))
    history.ask(compute("b", "1", depends_on=[A]))
    history.ask(transfer("c", depends_on="b"))
    assert history.lanes() == {"hq": "a0"}
    history.bucket_ends("a")
    assert history.lanes() == {"hq": "b0"}
    history.bucket_ends("b")
    assert history.job("c").listing


def test_a_board_from_a_snapshot_plans_alike() -> None:
    history = farm(hq=1, oslo=1)
    history.ask(compute("a", "1-6"))
    history.bucket_ends("a", FAILS, HQ)
    history.bucket_ends("a", FAILS, HQ)
    history.ask(compute("b", "1-3"))
    history.ask(compute("c", "1", depends_on=[A]))
    assert lanes_of(load(save(history.board))) == lanes_of(history.board)


def test_every_event_of_a_bucket_is_told_in_its_order() -> None:
    history = farm()
    history.ask(compute("a", "1"))
    before = len(history.log)
    history.bucket_ends("a")
    told = [codec.tag(one.event) for commit in history.log[before:] for one in commit]
    assert told == ["task.started", "task.done", "task.exited", "job.done"]
