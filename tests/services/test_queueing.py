"""Queues: made, changed, held, deleted; and what becomes of their jobs."""

from __future__ import annotations

import pytest

from services.scheduler import explain
from services.scheduler.commands import (
    Abort,
    Actor,
    ChangeQueue,
    CreateQueue,
    DeleteQueue,
    Move,
    OfQueue,
    Pause,
    PauseQueue,
    ResumeQueue,
    Retry,
    Role,
    Why,
)
from tests.services.spec import BOB, History, given, job_id, transfer

A, B, C = job_id("a"), job_id("b"), job_id("c")
NEW = "d" * 24
CARL = Actor("carl", Role.EMPLOYEE)


def test_a_new_queue_takes_its_place_by_priority() -> None:
    history = given(transfer("a", queue="high"))
    history.when(CreateQueue(NEW, "rush", priority=1000)).then("queue.created")
    history.ask(transfer("b", queue="rush"))
    history.listed("b")
    assert history.running() == ["b"]


@pytest.mark.parametrize(
    ("command", "why", "word"),
    [
        (CreateQueue(NEW, "two words"), Why.INVALID, "letters"),
        (CreateQueue(NEW, ""), Why.INVALID, "letters"),
        (CreateQueue(NEW, ".."), Why.INVALID, "letters"),
        (CreateQueue(NEW, "high"), Why.CONFLICT, "already"),
        (CreateQueue(NEW, "x", priority=1001), Why.INVALID, "0 to 1000"),
        (CreateQueue(NEW, "x", priority=-1), Why.INVALID, "0 to 1000"),
        (CreateQueue(NEW, "x", metadata={"k": "v" * 2001}), Why.INVALID, "2000"),
        (ChangeQueue("urgent", priority=3), Why.ABSENT, "high, low, medium"),
        (ChangeQueue("low", code="high"), Why.CONFLICT, "already"),
        (ChangeQueue("medium", default=False), Why.CONFLICT, "instead"),
        (DeleteQueue("medium"), Why.CONFLICT, "default"),
        (DeleteQueue("urgent"), Why.ABSENT, "urgent"),
    ],
)
def test_what_cannot_be_is_refused(command: OfQueue, why: Why, word: str) -> None:
    History().when(command).then_rejected(why, word)


def test_a_change_names_only_what_is_new() -> None:
    history = History()
    history.when(ChangeQueue("low", priority=1, description="nights")).then("queue.changed")
    history.when(ChangeQueue("low", code="low", priority=1)).then_nothing()
    queue = history.board.queue_by_code("low")
    assert queue is not None
    assert (queue.priority, queue.description) == (1, "nights")


def test_there_is_one_default() -> None:
    history = History()
    history.when(ChangeQueue("low", default=True)).then("queue.changed", "queue.changed")
    assert history.board.default_queue().code == "low"
    history.when(DeleteQueue("medium")).then("queue.deleted")
    history.when(CreateQueue(NEW, "new", default=True)).then(
        "queue.created", "queue.changed", "queue.changed"
    )
    assert [queue.code for queue in history.board.queues.values() if queue.default] == ["new"]


def test_another_priority_turns_the_order_of_a_pair() -> None:
    history = given(transfer("a"), transfer("b", queue="low"))
    history.when(ChangeQueue("low", priority=501)).then(
        "queue.changed", "job.gave_way", "job.started"
    )
    assert history.running() == ["b"]


def test_a_held_queue_stops_its_jobs_and_lets_others_pass() -> None:
    history = given(transfer("a"), transfer("b", queue="low"))
    history.when(PauseQueue("medium"), by=CARL).then(
        "queue.paused", "job.interrupted", "job.started"
    )
    [reason] = explain.reasons([history.job("a")], history.board)[A][:1]
    assert (reason.code, reason.text) == ("queue_paused", "queue medium is paused")
    history.when(ResumeQueue("medium")).then("queue.resumed", "job.gave_way", "job.started")


def test_a_job_moved_out_of_a_held_queue_runs() -> None:
    history = given(transfer("a"))
    history.ask(PauseQueue("medium"))
    history.when(Move([A], queue="high")).then("job.moved", "job.started")


def test_a_deleted_queue_leaves_its_jobs_to_the_default_in_their_order() -> None:
    history = given(transfer("a"), transfer("b", queue="low"), transfer("c", queue="low"))
    history.ask(Pause(C))
    history.when(DeleteQueue("low")).then("job.moved", "job.moved", "queue.deleted")
    assert history.line() == "ab"
    assert history.job("c").queue == history.job("a").queue


def test_a_job_of_a_deleted_queue_is_retried_in_the_default() -> None:
    history = given(transfer("a", queue="low"))
    history.ask(Abort(A))
    history.ask(DeleteQueue("low"))
    history.when(Retry(A)).then("job.moved", "job.retried", "job.started")


@pytest.mark.parametrize("command", [CreateQueue(NEW, "x"), ChangeQueue("low", priority=3)])
def test_queues_are_made_and_changed_by_admins(command: OfQueue) -> None:
    history = History()
    history.when(command, by=CARL).then_rejected(Why.FORBIDDEN, "an admin")
    history.when(PauseQueue("low"), by=BOB).then_rejected(Why.FORBIDDEN, "employee")
