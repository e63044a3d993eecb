"""Tasks by hand: what is changed, what becomes of the job, what a run in the middle makes of it.

Jobs have three tasks of 100 bytes; `History.tasks` shows them as `qed`: queued, executing, done.
"""

from __future__ import annotations

import pytest

from events.jobs import ErrorClass
from services.agent.commands import Receive
from services.scheduler import plan
from services.scheduler.commands import Abort, Accepted, HandOnTasks, Pause, Resume, Why
from tests.services.spec import (
    ANN,
    BOB,
    HQ,
    STOCKHOLM,
    History,
    Outcome,
    compute,
    given,
    job_id,
    transfer,
)

ACTIONS = ["retry", "hold", "fail", "done", "exclude"]


def hand(history: History, action: str, tasks: str, letter: str = "a") -> Outcome:
    command = HandOnTasks(job=job_id(letter), action=action, tasks=tasks)  # type: ignore[arg-type]
    return history.when(command)


def running() -> History:
    """One job that runs: a task is executing, one done, one queued."""
    history = given(transfer("a"))
    history.done("a", "1", 100)
    history.started("a", "0")
    assert history.tasks("a") == "edq"
    return history


def size_done(history: History) -> int:
    return history.board.tables[job_id("a")].size_done


@pytest.mark.parametrize(
    ("action", "tasks", "after", "size"),
    [
        ("hold", "0", "odq", 100),
        ("hold", "1-2", "eoo", 0),
        ("retry", "0-1", "qqq", 0),
        ("retry", "executing", "qdq", 100),
        ("fail", "1", "efq", 0),
        ("done", "0,2", "ddd", 300),
        ("exclude", "queued", "edx", 100),
        ("exclude", "0-1", "xxq", 0),
        ("hold", "done", "eoq", 0),
    ],
)
def test_a_hand_changes_the_tasks_that_it_names(
    action: str, tasks: str, after: str, size: int
) -> None:
    history = running()
    hand(history, action, tasks)
    assert (history.tasks("a"), size_done(history)) == (after, size)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_hand_that_changes_nothing_adds_nothing(action: str) -> None:
    history = running()
    hand(history, action, "all")
    hand(history, action, "all").then_nothing()


@pytest.mark.parametrize(
    ("tasks", "words"),
    [
        ("", ["0-99,120", "failed"]),
        ("3", ["no task 3", "0 to 2"]),
        ("0-99", ["no task 99"]),
        ("2-1", ["write 1-2"]),
        ("stuck", ["'stuck'", "onhold"]),
    ],
)
def test_tasks_that_are_none_are_refused(tasks: str, words: list[str]) -> None:
    hand(running(), "hold", tasks).then_rejected(Why.INVALID, *words)


def test_hands_are_for_who_may_see_the_job_and_saw_it_as_it_is() -> None:
    history = running()
    of_bob = HandOnTasks(job=job_id("a"), action="hold", tasks="0")
    history.when(of_bob, by=BOB).then_rejected(Why.ABSENT)
    stale = HandOnTasks(job=job_id("a"), seen=1, action="hold", tasks="0")
    history.when(stale).then_rejected(Why.CHANGED)
    history.ask(transfer("b"))
    hand(history, "hold", "0", "b").then_rejected(Why.CONFLICT, "not listed yet")


# What becomes of the job.


def test_when_only_tasks_on_hold_are_left_the_job_is_paused() -> None:
    history = running()
    hand(history, "hold", "0,2").then("task.held", "job.paused")
    assert history.statuses() == {"a": "paused"}
    history.when(Resume(job_id("a"))).then_rejected(Why.CONFLICT, "on hold")
    hand(history, "retry", "onhold").then("task.queued", "job.resumed", "job.started")


def test_when_only_excluded_tasks_are_left_the_job_is_done() -> None:
    history = running()
    hand(history, "exclude", "0,2").then("task.excluded", "job.done")


def test_when_a_failed_task_is_left_the_job_has_failed_and_is_not_tried_by_itself() -> None:
    history = running()
    hand(history, "fail", "0,2").then("task.marked_failed", "job.failed")
    assert history.job("a").retry_at is None
    hand(history, "done", "failed").then("task.marked_done", "job.done")


def test_a_run_that_ends_beside_held_tasks_pauses_its_job() -> None:
    history = running()
    hand(history, "hold", "2").then("task.held")
    history.done("a", "0", 100)
    history.ended("a")
    assert history.statuses() == {"a": "paused"}


def test_a_retried_task_takes_a_finished_job_to_the_bottom_of_its_queue() -> None:
    history = given(transfer("a"))
    history.finished("a")
    history.ask(transfer("b"))
    history.listed("b")
    hand(history, "retry", "1").then("task.queued", "job.retried")
    assert history.line() == "ba"
    assert history.tasks("a") == "dqd"


def test_a_job_that_a_person_paused_stays_paused() -> None:
    history = running()
    history.ask(Pause(job_id("a")))
    hand(history, "retry", "1").then("task.queued")
    assert history.statuses() == {"a": "paused"}


def test_an_aborted_job_is_only_revived_by_a_retry() -> None:
    history = running()
    history.ask(Abort(job_id("a")))
    hand(history, "exclude", "all").then("task.excluded")
    assert history.statuses() == {"a": "aborted"}
    hand(history, "retry", "0").then("task.queued", "job.retried", "job.started")


def test_a_task_set_failed_by_hand_is_not_retried_when_the_others_are() -> None:
    history = running()
    hand(history, "fail", "1")
    history.failed("a", 0, ErrorClass.NETWORK)
    history.done("a", "2", 100)
    history.ended("a")
    history.passes(16)
    assert history.tasks("a") == "qfd"
    assert history.statuses() == {"a": "running"}


# A run in the middle.


def test_the_agent_hears_which_tasks_were_touched() -> None:
    history = running()
    hand(history, "hold", "0")
    [duty] = plan.duties(STOCKHOLM, history.board, history.now).duties
    assert isinstance(duty, Receive)
    assert duty.touches == [(1, "0")]


@pytest.mark.parametrize("action", ["hold", "exclude", "fail", "done"])
def test_what_an_agent_says_later_of_a_touched_task_does_not_count(action: str) -> None:
    history = running()
    hand(history, action, "0")
    shown = history.tasks("a")
    assert isinstance(history.done("a", "0,2", 200, hands=0), Accepted)
    assert history.tasks("a") == shown[:2] + "d"
    assert size_done(history) == (300 if action == "done" else 200)


def test_the_old_try_of_a_retried_task_does_not_count_and_the_new_one_does() -> None:
    history = running()
    hand(history, "retry", "0")
    history.done("a", "0", 100, hands=0)
    assert history.tasks("a") == "qdq"
    history.done("a", "0", 100, hands=1)
    assert history.tasks("a") == "ddq"


def test_a_run_that_ends_before_it_hears_of_a_retry_is_followed_by_another() -> None:
    history = running()
    history.done("a", "0,2", 200)
    hand(history, "retry", "1")
    history.ended("a")
    assert history.statuses() == {"a": "running"}
    assert history.job("a").failures == 0
    history.done("a", "1", 100)
    history.ended("a")
    assert history.statuses() == {"a": "done"}


# Compute jobs: a hand stops the bucket that holds the task, and no other.


@pytest.mark.parametrize(
    ("action", "tasks", "after"),
    [
        ("hold", "0", "obbq"),
        ("exclude", "0-1", "xxbb"),
        ("done", "1", "bdbq"),
        ("fail", "0", "fbbq"),
    ],
)
def test_a_hand_frees_the_lane_of_the_task_and_only_that(
    action: str, tasks: str, after: str
) -> None:
    history = History()
    history.allows(HQ, lanes=2)
    history.ask(compute("a", "1-4"))
    assert history.tasks("a") == "bbqq"
    hand(history, action, tasks)
    assert history.tasks("a") == after
    runs = {
        run: bucket.numbers for run, bucket in history.board.tables[job_id("a")].buckets.items()
    }
    kept = {"0": 1, "1": 2}
    assert [run for run, number in runs.items() if kept.get(number) == run] == [
        run for number, run in kept.items() if after[int(number)] == "b"
    ]


def test_a_retried_frame_that_runs_is_begun_again() -> None:
    history = History()
    history.allows(HQ, lanes=2)
    history.ask(compute("a", "1-2"))
    history.begins("a", 1)
    hand(history, "retry", "0").then("task.released", "task.dispatched")
    assert sorted(history.board.tables[job_id("a")].buckets) == [2, 3]
    assert history.tasks("a") == "bb"


def test_the_board_after_hands_is_the_fold_of_its_log() -> None:
    history = running()
    for action in ACTIONS:
        hand(history, action, "1")
    again = history.folded_again()
    assert again.tables == history.board.tables
    assert ANN.name in {one.actor for commit in history.log for one in commit}
