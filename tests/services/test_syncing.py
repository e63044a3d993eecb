"""A one-way sync as the scheduler has it: when all is whole, and what is kept of a deletion."""

from __future__ import annotations

import pytest

from events import codec, jobs
from events.jobs import ErrorClass
from projections import job_rows
from services.runtime.memory import MemoryLog
from services.scheduler.commands import (
    Accepted,
    HandOnTasks,
    Removed,
    Removing,
    Set,
    TasksAsked,
    TasksGiven,
)
from services.scheduler.reading import Reading
from tests.services.spec import STOCKHOLM, History, given, job_id, transfer

A = job_id("a")


async def every(history: History, after: int = -1) -> TasksGiven:
    log, chain = MemoryLog(), codec.CHAIN_START
    for at, commit in enumerate(history.log):
        payload = codec.encode("main", commit)
        chain = codec.chain(chain, payload)
        await log.append(payload, chain=chain, after=at)
    asked = TasksAsked(STOCKHOLM, A, history.job("a").run, after, every=True)
    answer = await Reading(log, history.board).tasks_left(asked)
    assert isinstance(answer, TasksGiven)
    return answer


async def test_all_tasks_are_told_whatever_became_of_them() -> None:
    history = given(transfer("a"))
    assert not (await every(history)).whole
    history.done("a", "0-1", 200)
    told = await every(history)
    assert [task.entry.uri for task in told.tasks] == ["f0", "f1", "f2"]
    assert not told.whole
    history.done("a", "2", 100)
    assert (await every(history)).whole
    assert (await every(history, told.after)).tasks == []


@pytest.mark.parametrize(
    ("hand", "ignored", "whole"),
    [("hold", False, False), ("exclude", False, True), ("", False, False), ("", True, True)],
)
async def test_what_is_left_decides_whether_all_is_there(
    hand: str, ignored: bool, whole: bool
) -> None:
    history = given(transfer("a"))
    history.ask(Set("job", A, {"job_on_missing": "ignore" if ignored else "fail"}))
    if hand:
        history.ask(HandOnTasks(job=A, action=hand, tasks="2"))  # type: ignore[arg-type]
    else:
        history.failed("a", 2, ErrorClass.MISSING)
    history.done("a", "0-1", 200)
    assert (await every(history)).whole == whole


async def test_while_the_source_is_listed_nothing_is_whole() -> None:
    history = History()
    history.ask(transfer("a"))
    history.lists_some("a", 3)
    history.done("a", "0-2", 300)
    assert not (await every(history)).whole
    history.is_through("a")
    assert (await every(history)).whole


def test_deletions_are_kept_and_counted() -> None:
    history = given(transfer("a"))
    history.done("a")
    run = history.job("a").run
    history.report(Removing(A, run, ["old/file", "old"], 5))
    history.report(Removed(A, run, 2, 5))
    assert list(history.events())[-2:] == [
        jobs.Removing(A, run, ("old/file", "old"), 5),
        jobs.Removed(A, run, 2, 5),
    ]
    row = None
    for commit in history.log:
        for recorded in commit:
            if getattr(recorded.event, "job", "") == A:
                row = job_rows.project(row, recorded)
    assert row is not None
    assert (row.removed, row.size_removed) == (2, 5)
    history.ended("a")
    assert history.statuses() == {"a": "done"}


def test_nobody_deletes_in_a_run_that_is_over() -> None:
    history = given(transfer("a"))
    run = history.job("a").run
    for late in (
        history.report(Removing(A, run + 1, ["old"], 5)),
        history.report(Removing(A, run, ["old"], 5), endpoint="e" * 23 + "1"),
    ):
        assert not isinstance(late, Accepted)
