"""A reason tells the truth: whoever does what it says would release the job, releases it.

After any history, for every job that waits and for every way out that its first reason names, that
way is taken on a copy of the board: then the job runs, or that reason is gone. The words are what
is tested: a way out that `WAYS_OUT` cannot take fails, whoever adds a reason adds how to act on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from events import jobs, ranges, tasks
from events.codec import Recorded
from events.job import Job
from events.jobs import Status
from events.settings import Level
from projections import job_rows
from projections.board import Board, in_line, pair_of
from projections.snapshot import load, save
from projections.task_table import TaskTable
from services.scheduler import decide, explain, finding, obstacles, plan
from services.scheduler.commands import (
    Abort,
    CreateQueue,
    Holder,
    Move,
    Reason,
    Resume,
    ResumeQueue,
    Retry,
    Set,
)
from tests.services.spec import History, beat
from tests.services.test_scheduler_properties import (
    PARTIES,
    Step,
    _told,
    lists,
    sets,
    steps,
    submit,
)

STEPS_MAX = 40
LIMITS: list[tuple[Level, str, str, int | str]] = [
    ("workspace", "", "endpoint_transfers", 1),
    ("endpoint", "hq", "endpoint_transfers", 1),
]
busier = st.one_of(
    steps,
    st.builds(lists, st.just(0), st.just(1)),
    st.builds(sets, st.sampled_from(LIMITS)),
    st.builds(
        submit,
        st.sampled_from("cd"),
        st.sampled_from(PARTIES),
        st.sampled_from(PARTIES),
        st.just("medium"),
        st.just(False),
        st.just(""),
    ),
)
"""More often than `steps` there are jobs on several pairs, listed, with an end that is full."""

Way = Callable[[History, Job, Reason], object]


def _holder(reason: Reason) -> Holder:
    assert reason.holder is not None, f"{reason.code} says who holds the job back"
    return reason.holder


def _comes_back(history: History, endpoint: str) -> object:
    session = history.board.endpoints[endpoint].session
    return history.take(beat(endpoint, f"{session}+"))


def _stopped_and_started(history: History, _job: Job, reason: Reason) -> object:
    endpoint = _holder(reason).id.partition("/")[0]
    session = history.board.endpoints[endpoint].session
    history.take(beat(endpoint, session, leaving=True))
    return _comes_back(history, endpoint)


def _another_queue(history: History, job: Job, _reason: Reason) -> object:
    others = [one.code for one in history.board.queues.values() if one.id != job.queue]
    return history.ask(Move([job.id], queue=others[0]))


def _listing_ends(history: History, job: Job, _reason: Reason) -> object:
    """And that of what was appended meanwhile."""
    source = job.transfer.source.endpoint
    for other in list(history.board.active(source)) * 2:
        if history.job(other.name).listing and other.transfer.source.endpoint == source:
            history.listed(other.name)
            history.is_through(other.name)
    return None


def _transfers_end(history: History, job: Job, reason: Reason) -> object:
    """One after the other until it is the job's turn: each lets in whoever comes next."""
    for _ in history.board.jobs:
        for other in history.board.active(_holder(reason).id):
            if other.status is Status.RUNNING and other.id != job.id:
                history.ask(Abort(other.id))
    return None


def _gets_done(history: History, _job: Job, reason: Reason) -> None:
    """The other job, whatever keeps it; what it waits for is done by the same ways."""
    job = history.board.jobs[_holder(reason).id]
    for _ in range(STEPS_MAX):
        job = history.board.jobs[job.id]
        match job.status:
            case Status.DONE:
                return
            case Status.PAUSED:
                history.ask(Resume(job.id))
            case Status.FAILED | Status.ABORTED:
                history.ask(Retry(job.id))
            case Status.RUNNING:
                left = list(history.board.tables[job.id].queued_after(-1))
                history.done(job.name, ranges.write(left) if left else "0", 100)
                history.ended(job.name)
            case Status.INIT | Status.WAITING:
                first = _first_reason(job.id, history.board)
                assert first is not None
                _way_out(first.release.split(", or ")[0])(history, job, first)


def _higher_queue(history: History, job: Job, reason: Reason) -> object:
    ahead = history.board.jobs[_holder(reason).id]
    priority = history.board.queues[ahead.queue].priority + 1
    history.ask(CreateQueue("d" * 24, "higher", priority))
    return history.ask(Move([job.id], queue="higher"))


def _has(history: History, reason: Reason, free_bytes: int) -> object:
    return history.has_room(_holder(reason).id.partition("/")[0], free_bytes)


def _more_room(history: History, job: Job, reason: Reason) -> None:
    """When an eighth of the wait is over."""
    assert job.since is not None
    assert job.retry_at is not None
    history.now = max(history.now, job.since + (job.retry_at - job.since) / 8)
    _has(history, reason, 10**10)
    _has(history, reason, 10**11)


WAYS_OUT: dict[str, Way] = {
    r"queue \w+ is resumed": lambda h, job, why: h.ask(ResumeQueue(_holder(why).name)),
    r"this job is moved to another queue": _another_queue,
    r"\w+ comes online: start its agent": lambda h, job, why: _comes_back(h, _holder(why).id),
    r"\w+ can be opened on \w+ again": (
        lambda h, job, why: _comes_back(h, _holder(why).id.partition("/")[0])
    ),
    r"the agent of \w+ is stopped in order and started again": _stopped_and_started,
    r"the listing ends": _listing_ends,
    r"room on volume \w+ of \w+: more than the \d+ MB of its transfer_reserved_space": (
        lambda h, job, why: _has(h, why, 10**12)
    ),
    r"more room on volume \w+ of \w+": _more_room,
    r"the next look": lambda h, job, why: h.passes(3601),
    r"the clock": lambda h, job, why: h.passes(3601),
    r"a retry by hand": lambda h, job, why: h.ask(Retry(job.id)),
    r"\w+ ends": lambda h, job, why: h.ask(Abort(_holder(why).id)),
    r"this job is moved above it": (
        lambda h, job, why: h.ask(Move([job.id], before=_holder(why).id))
    ),
    r"\w+ is done|retry \w+": _gets_done,
    r"abort this job": lambda h, job, why: h.ask(Abort(job.id)),
    r"this job is moved to a queue of higher priority than \w+": _higher_queue,
    r"transfers of \w+ end": _transfers_end,
    r"its endpoint_transfers is raised": (
        lambda h, job, why: h.ask(Set("endpoint", _holder(why).id, {"endpoint_transfers": 1000}))
    ),
}


def _way_out(said: str) -> Way:
    found = [way for pattern, way in WAYS_OUT.items() if re.fullmatch(pattern, said)]
    assert len(found) == 1, f"nobody knows how to do {said!r}: add it to WAYS_OUT"
    return found[0]


def _first_reason(job: str, board: Board) -> Reason | None:
    reasons = explain.reasons([board.jobs[job]], board)[job]
    return reasons[0] if reasons else None


def _fork(history: History) -> History:
    copy = History()
    copy.board, copy.now = load(save(history.board)), history.now
    copy._asked = 1_000_000 + len(history.log)
    return copy


def check_reasons(history: History) -> None:
    for job in list(history.board.jobs.values()):
        waits = in_line(job) and job.status is not Status.RUNNING
        reason = _first_reason(job.id, history.board)
        assert (reason is not None) == waits, "who waits has a reason, who does not has none"
        for said in reason.release.split(", or ") if reason else []:
            assert reason is not None
            _check_release(_fork(history), job, reason, said)


def _check_release(history: History, job: Job, reason: Reason, said: str) -> None:
    _way_out(said)(history, job, reason)
    after = history.board.jobs[job.id]
    now = _first_reason(job.id, history.board)
    if in_line(after) and after.status is not Status.RUNNING:
        assert now is not None, f"{said} leaves the job waiting for nothing"
        still = (now.code, now.holder) == (reason.code, reason.holder)
        assert not still, f"{reason} is not released by: {said}"


def check_orders(history: History) -> None:
    """The jobs of each queue stand in one order on the board and in the rows of lists."""
    rows: dict[str, job_rows.Row] = {}
    for recorded in (one for commit in history.log for one in commit):
        job = getattr(recorded.event, "job", "")
        row = job_rows.project(rows.get(job), recorded) if job else None
        if row is not None:
            rows[job] = row
    for queue in history.board.queues:
        mine = [row for row in rows.values() if row.queue == queue and _stands(row)]
        listed = [row.id for row in sorted(mine, key=lambda row: (row.place, row.id))]
        assert listed == [job for _, job in history.board.line(queue)]
        assert len({row.place for row in mine}) == len(mine), "no two in one place"


def check_bulk(history: History) -> None:
    """A board that was folded in bulk stands in the same orders, and plans the same."""
    bulk = Board()
    with bulk.in_bulk():
        for recorded in (one for commit in history.log for one in commit):
            bulk.apply(recorded)
    for board in (bulk, load(save(history.board))):
        assert save(board) == save(history.board)
        assert _orders(board) == _orders(history.board)


def _orders(board: Board) -> list[object]:
    ends = list(board.endpoints)
    pairs = {pair_of(job) for job in board.jobs.values() if not job.computes}
    queues = board.in_order()
    return [
        [list(board.line(queue)) for queue in queues],
        [[job.id for job in board.unfinished(queue)] for queue in queues],
        [[job.id for job in board.active(end)] for end in ends],
        [[job.id for job in board.running(pair)] for pair in sorted(pairs)],
        [[job.id for job in plan.listings(end, board)] for end in ends],
        [
            sorted(job for ranked in board.legs(pair).values() for job in ranked.walk(queues))
            for pair in sorted(pairs)
        ],
        board.next_due(),
    ]


def _stands(row: job_rows.Row) -> bool:
    waits = row.status in (Status.INIT, Status.WAITING, Status.RUNNING)
    return waits or (row.status == Status.FAILED and row.retry_at is not None)


def _run(story: list[Step]) -> None:
    for told in _told(story):
        history = told
    if story:
        check_reasons(history)
        check_orders(history)
        check_bulk(history)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(busier, min_size=1, max_size=40))
def test_doing_what_a_reason_says_releases_the_job_and_all_orders_are_one(
    story: list[Step],
) -> None:
    _run(story)


# Planted bugs: each in the real code, each caught.


@contextmanager
def a_job_that_never_gives_way_is_said_to() -> Iterator[None]:
    with patch.object(
        explain, "_ways_past", lambda one, board: f"{one.name} ends, or this job is moved above it"
    ):
        yield


@contextmanager
def the_wrong_end_is_called_full() -> Iterator[None]:
    real = explain._endpoint_full

    def bug(job: Job, end: str, taking: list[Job], board: Board) -> Reason:
        other = next((one for one in pair_of(job) if one != end), end)
        return real(job, other, taking, board)

    with patch.object(explain, "_endpoint_full", bug):
        yield


@contextmanager
def a_held_queue_is_told_of_another() -> Iterator[None]:
    real = obstacles.found

    def bug(job: Job, board: Board) -> Iterator[obstacles.Obstacle]:
        for one in real(job, board):
            held = one.code == "queue_paused"
            yield replace(one, queue=board.default_queue().id) if held else one

    with patch.object(obstacles, "found", bug):
        yield


@contextmanager
def the_clock_is_not_looked_at() -> Iterator[None]:
    with patch.object(plan, "due", lambda board, now: iter(())):
        yield


@contextmanager
def rows_do_not_move() -> Iterator[None]:
    real = job_rows._moved_on

    def bug(row: job_rows.Row, event: jobs.Event, at: datetime) -> job_rows.Row:
        return row if isinstance(event, jobs.Moved) else real(row, event, at)

    with patch.object(job_rows, "_moved_on", bug):
        yield


@contextmanager
def a_resumed_job_takes_the_place_of_another() -> Iterator[None]:
    real = finding.bottom

    def bug(board: Board, queue: str) -> str:
        line = board.line(queue)
        return line[-1][0] if line else real(board, queue)

    with patch.object(decide, "bottom", bug):
        yield


@contextmanager
def a_fold_remembers_the_one_before() -> Iterator[None]:
    """Tables of tasks are shared by jobs of one id, whichever board they are on."""
    shared: dict[str, TaskTable] = {}
    real = Board._apply_to_tasks

    def bug(self: Board, event: tasks.Event, recorded: Recorded) -> None:
        self.tables[event.job] = shared.setdefault(event.job, self.tables[event.job])
        real(self, event, recorded)

    with patch.object(Board, "_apply_to_tasks", bug):
        yield


BUGS = [
    a_job_that_never_gives_way_is_said_to,
    the_wrong_end_is_called_full,
    a_held_queue_is_told_of_another,
    the_clock_is_not_looked_at,
    rows_do_not_move,
    a_resumed_job_takes_the_place_of_another,
    a_fold_remembers_the_one_before,
]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_each_planted_bug_is_caught(bug: Callable[[], AbstractContextManager[None]]) -> None:
    hunt = settings(
        max_examples=1000, deadline=None, database=None, derandomize=True, phases=[Phase.generate]
    )(given(st.lists(busier, min_size=10, max_size=40))(_run))
    with bug(), pytest.raises(AssertionError):
        hunt()
