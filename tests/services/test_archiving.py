"""Finished jobs leave the lists after `finished_keep_days`, and are kept in all else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from projections.snapshot import load, save
from services.scheduler import policy
from services.scheduler.commands import Abort, Retry, Set
from tests.services.gateway_studio import World, world
from tests.services.spec import History, given, job_id, transfer

DAY = 86_400
A, B, C = (job_id(letter) for letter in "abc")


def archived(history: History) -> str:
    """The letters of those that left the lists."""
    return "".join(job.name for job in history.board.jobs.values() if job.archived)


def ended(*letters: str) -> History:
    """These were aborted, an hour between one and the next."""
    history = given(*map(transfer, letters))
    for letter in letters:
        history.ask(Abort(job_id(letter)))
        history.passes(3600)
    return history


def test_a_finished_job_leaves_the_lists_after_so_many_days() -> None:
    history = ended("a", "b")
    history.passes(14 * DAY - 3 * 3600)
    assert archived(history) == ""
    history.passes(3600)
    assert archived(history) == "a"
    history.passes(3600)
    assert archived(history) == "ab"
    before = len(history.log)
    history.passes(100 * DAY)
    assert len(history.log) == before, "once is enough"


def test_the_nearest_setting_holds_and_a_change_is_effective_at_once() -> None:
    history = ended("a", "b", "c")
    history.ask(Set("job", B, {"finished_keep_days": 1}))
    history.ask(Set("job", C, {"finished_keep_days": 0}))
    history.passes(DAY)
    assert archived(history) == "b"
    history.ask(Set("queue", "medium", {"finished_keep_days": 1}))
    history.passes(0)
    assert archived(history) == "ab"
    history.passes(4000 * DAY)
    assert archived(history) == "ab"
    history.ask(Set("job", C, unset=["finished_keep_days"]))
    history.passes(0)
    assert archived(history) == "abc"


def test_a_job_that_is_retried_comes_back_and_counts_anew() -> None:
    history = ended("a")
    history.passes(20 * DAY)
    assert archived(history) == "a"
    history.ask(Retry(A))
    assert archived(history) == ""
    history.ask(Abort(A))
    history.passes(13 * DAY)
    assert archived(history) == ""
    history.passes(DAY)
    assert archived(history) == "a"


def test_a_board_that_was_kept_knows_who_leaves_next() -> None:
    history = ended("a", "b")
    again = load(save(history.board))
    assert policy.next_archived(again) == policy.next_archived(history.board)
    history.passes(14 * DAY - 3600)
    assert policy.next_archived(load(save(history.board))) == policy.next_archived(history.board)


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database_url, tmp_path) as made:
        yield made


async def test_lists_and_counts_leave_it_out_and_all_else_has_it(studio: World) -> None:
    for letter, days in (("a", 10), ("b", 3)):
        studio.history.ask(transfer(letter))
        studio.history.ask(Abort(job_id(letter)))
        studio.history.passes(days * DAY)
    before = await studio.shown()
    studio.history.passes(2 * DAY)
    sequence = await studio.shown()

    async def listed(query: str = "") -> tuple[int, list[str]]:
        page = (await studio.ann.get(f"/api/jobs?state=finished{query}")).json
        return page["total"], [job["name"] for job in page["jobs"]]

    for query in ("", "&queue=medium", "&status=aborted", f"&as_of={sequence}"):
        assert await listed(query) == (1, ["b"])
    assert await listed("&search=hq") == (1, ["b"])
    assert await listed(f"&as_of={before}") == (2, ["b", "a"])
    assert (await studio.ann.get(f"/api/jobs/{A}")).json["status"] == "aborted"
    lines = (await studio.ann.get(f"/api/jobs/{A}/log?order=newest")).json["lines"]
    assert lines[0]["text"] == "left the list of finished jobs"
