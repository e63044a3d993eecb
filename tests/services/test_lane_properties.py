"""What holds of lanes after any history: hands, buckets that end, machines that come and go.

The rules are written here a second time, slowly, over all jobs and all endpoints, and compared
with what the planner did in each commit. `test_each_planted_bug_is_caught` proves the net.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from events import codec, jobs, ranges, tasks
from events.endpoints import Endpoint, Volume
from events.job import Job
from events.jobs import ErrorClass, Status
from events.settings import Level, find
from projections import snapshot
from projections.board import Board
from projections.lanes import AVOID_AFTER, Lanes
from projections.snapshot import load, save
from projections.task_table import BOOTING, EXECUTING, QUEUED, TaskTable
from services.scheduler import executing, explain, explain_lanes, filters, lanes
from services.scheduler.commands import (
    Abort,
    BucketEnded,
    HandOnTasks,
    Move,
    Pause,
    PauseQueue,
    Reason,
    Rejected,
    Resume,
    ResumeQueue,
    Retry,
    Set,
)
from services.scheduler.turn import Turn
from tests.services.spec import (
    HQ,
    OSLO,
    STOCKHOLM,
    VOLUMES,
    History,
    beat,
    compute,
    job_id,
    lanes_of,
)

LETTERS = "abcd"
QUEUES = ["high", "medium", "low"]
ENDS = [HQ, STOCKHOLM, OSLO]
Step = Callable[[History], object]


class Watched(History):
    """Every commit is checked as it is stored."""

    def _stored(self, turn: Turn) -> None:
        super()._stored(turn)
        check(self.board, [one.event for one in turn.recorded])


# The rules, told slowly.


def setting(name: str, board: Board, *holders: object) -> object:
    held = [getattr(one, "settings", {}) for one in holders]
    return find(name, [*held, board.settings])


def buckets_of(endpoint: str, board: Board) -> list[tuple[Job, str]]:
    return [
        (board.jobs[job], bucket.numbers)
        for job, table in board.tables.items()
        for bucket in table.buckets.values()
        if bucket.endpoint == endpoint
    ]


def free_lanes(endpoint: Endpoint, board: Board) -> int:
    allowed = int(str(setting("client_compute_lanes", board, endpoint)))
    return allowed - len(buckets_of(endpoint.id, board))


def able(job: Job, endpoint: Endpoint, board: Board) -> bool:
    """Whether it could run there, were a lane free."""
    if not endpoint.online or endpoint.machine is None:
        return False
    if endpoint.unused_until() or endpoint.unused_until(job.compute.volume):
        return False  # It keeps dropping out.
    if not int(str(setting("client_compute_lanes", board, endpoint))):
        return False
    volume = job.compute.volume
    is_open = not volume or Volume(volume) in endpoint.volumes
    return is_open and all(filters.parse(f).fits(endpoint.machine) for f in job.compute.filters)


def may(job: Job, endpoint: Endpoint, board: Board) -> bool:
    """The same, with what it avoids."""
    if not able(job, endpoint, board):
        return False
    others = [one for one in board.endpoints.values() if able(job, one, board)]
    return not avoids(job, endpoint, board) or all(avoids(job, one, board) for one in others)


def avoids(job: Job, endpoint: Endpoint, board: Board) -> bool:
    choice = setting("compute_avoid", board, job, board.queues[job.queue])
    failed = board.tables[job.id].failed_on.get(endpoint.id, 0)
    return choice != "disable" and failed >= AVOID_AFTER


def is_hungry(job: Job, board: Board) -> bool:
    """It has tasks to hand out and nothing but a lane is missing."""
    goes = job.status is Status.RUNNING or (
        job.status is Status.WAITING
        and all(board.jobs[one].status is Status.DONE for one in job.depends_on)
    )
    has = QUEUED in board.tables[job.id].statuses
    return goes and has and not board.queues[job.queue].paused


def rank(job: Job, ran: bool, board: Board) -> tuple[float, int, str, str, str]:
    queue = board.queues[job.queue]
    choice = setting("queue_interrupt_policy_compute", board, queue) if ran else "order"
    first = float("-inf") if choice == "never" else -queue.priority
    return (first, int(choice == "order"), job.queue, job.place, job.id)


def check(board: Board, commit: list[codec.Event]) -> None:
    computing = [job for job in board.jobs.values() if job.computes]
    for job in computing:
        _check_job(job, board)
    _check_handed_out(board, commit)
    for job in (one for one in computing if is_hungry(one, board)):
        for endpoint in board.endpoints.values():
            assert not may(job, endpoint, board) or free_lanes(endpoint, board) <= 0
    assert lanes_of(load(save(board))) == lanes_of(board)


def _check_job(job: Job, board: Board) -> None:
    table = board.tables[job.id]
    in_lanes = [n for one in table.buckets.values() for n in ranges.read(one.numbers)]
    under_way = [n for n in range(len(table)) if int(table.status(n)) in (BOOTING, EXECUTING)]
    assert sorted(in_lanes) == under_way, "what is in a lane is under way, and nothing else"
    assert bool(table.buckets) == (job.status is Status.RUNNING)
    for bucket in table.buckets.values():
        assert able(job, board.endpoints[bucket.endpoint], board) or _fewer(bucket.endpoint, board)
    reasons = explain.reasons([job], board)[job.id]
    waits = job.status is Status.WAITING or job.retry_at is not None
    assert bool(reasons) == waits, "who waits has a reason, who does not has none"
    for one in reasons:
        says = (one.holder, one.since, one.release)
        assert all(says), f"{one.code} says who, since when, and what would release it"


def _fewer(endpoint: str, board: Board) -> bool:
    """A lane that was taken away goes on until its bucket ends."""
    return not int(str(setting("client_compute_lanes", board, board.endpoints[endpoint])))


def _check_handed_out(board: Board, commit: list[codec.Event]) -> None:
    """No lane too many, to nobody who may not have it, past nobody who stands before."""
    started = {one.job for one in commit if isinstance(one, jobs.Started)}
    for number, event in enumerate(commit):
        if not isinstance(event, tasks.Dispatched):
            continue
        job, endpoint = board.jobs[event.job], board.endpoints[event.endpoint]
        assert free_lanes(endpoint, board) >= 0
        assert may(job, endpoint, board)
        assert not board.queues[job.queue].paused
        assert all(board.jobs[one].status is Status.DONE for one in job.depends_on) or (
            job.id not in started
        )
        after = [one for one in commit[number:] if isinstance(one, jobs.GaveWay | jobs.Interrupted)]
        ran_before = {one.job for one in after} | _running(board) - started
        mine = rank(job, job.id not in started, board)
        for other in board.jobs.values():
            if other.computes and is_hungry(other, board) and may(other, endpoint, board):
                his = rank(other, other.id in ran_before, board)
                assert not his < mine, f"{other.name} stood before {job.name}"


def _running(board: Board) -> set[str]:
    return {job.id for job in board.jobs.values() if job.status is Status.RUNNING}


# What may happen.


def submits(
    letter: str, frames: str, wants: list[str], volume: str, more: dict[str, object]
) -> Step:
    given = {"filters": wants, "volume": volume, **more}
    return lambda history: history.when(compute(letter, frames, **given))


def _known(history: History, nth: int) -> list[tuple[str, int, str]]:
    found = [
        (job.name, run, bucket.endpoint)
        for job in history.board.jobs.values()
        for run, bucket in history.board.tables[job.id].buckets.items()
    ]
    return [found[nth % len(found)]] if found else []


def ends(nth: int, error_class: ErrorClass | None, starts_only: bool) -> Step:
    """One of the buckets ends, or only begins; what others say of it is refused."""

    def step(history: History) -> None:
        for letter, run, endpoint in _known(history, nth):
            said = BucketEnded(job_id(letter), run, 0, 10, error_class=error_class, message="x")
            elsewhere = ENDS[(ENDS.index(endpoint) + 1) % 3]
            assert isinstance(history.report(said, elsewhere), Rejected)
            late = BucketEnded(job_id(letter), run + 100)
            assert isinstance(history.report(late, endpoint), Rejected)
            history.begins(letter, run)
            if not starts_only:
                history.report(said)

    return step


def finishes(letter: str) -> Step:
    """All of a job that gets a lane is done."""

    def step(history: History) -> None:
        for _ in range(12):
            if (
                job_id(letter) in history.board.jobs
                and history.board.tables[job_id(letter)].buckets
            ):
                history.bucket_ends(letter)

    return step


def machine(endpoint: str, count: int, site: str) -> Step:
    return lambda history: history.allows(endpoint, count, site=site)


def beats(endpoint: str, volumes: list[Volume], allowed: bool) -> Step:
    def step(history: History) -> object:
        known = history.board.endpoints[endpoint]
        found = known.machine if allowed else None
        return history.take(beat(endpoint, known.session, volumes=volumes, machine=found))

    return step


CHOICES: list[tuple[Level, str, str, int | str]] = [
    *(("queue", "medium", "queue_interrupt_policy_compute", one) for one in ("order", "never")),
    *(("workspace", "", "queue_interrupt_policy_compute", one) for one in ("order", "priority")),
    *(("workspace", "", "client_compute_lanes", one) for one in (0, 1, 2)),
    *(("endpoint", "hq", "client_compute_lanes", one) for one in (0, 1, 3)),
    *(("queue", "low", "compute_avoid", one) for one in ("disable", "enable-permanent")),
    ("workspace", "", "compute_avoid", "disable"),
]
letters, endpoints = st.sampled_from(LETTERS), st.sampled_from(ENDS)
ids = letters.map(job_id)
fails = st.sampled_from([None, None, ErrorClass.COMMAND, ErrorClass.INTERNAL])
wide = {"command": "render {frames}"}
wider = [{**wide, "bucket": 2}, {**wide, "bucket": 0}]
elsewhere = [{"queue": "high"}, {"queue": "low"}]
more = st.sampled_from(
    [{}, {}, *elsewhere, *wider, *[{"depends_on": [job_id("a")]}] * 2, {"paused": True}]
)
wants = st.sampled_from([[], [], [], ["site:a"], ["site:b"], ["site:-a", "ram:>1g"], ["ram:>1t"]])
hands = st.builds(
    lambda kind, job: lambda history: history.when(kind(job)),
    st.sampled_from([Pause, Resume, Retry, Abort]),
    ids,
)
held = st.builds(
    lambda kind, code: lambda history: history.when(kind(code)),
    st.sampled_from([PauseQueue, ResumeQueue]),
    st.sampled_from(QUEUES),
)
moves = st.builds(
    lambda job, queue, to: lambda history: history.when(Move([job], queue, to=to)),
    ids,
    st.sampled_from([None, *QUEUES]),
    st.sampled_from(["top", "bottom"]),
)
sets = st.builds(
    lambda one: lambda history: history.when(Set(one[0], one[1], {one[2]: one[3]})),
    st.sampled_from(CHOICES),
)
submitting = st.builds(
    submits,
    letters,
    st.sampled_from(["1", "1-2", "1-6"]),
    wants,
    st.sampled_from(["", "projects"]),
    more,
)
ending = st.builds(ends, st.integers(0, 5), fails, st.sampled_from([False, False, True]))
coming = st.builds(machine, endpoints, st.integers(1, 2), st.sampled_from(["a", "b"]))
volumes = st.sampled_from([VOLUMES, VOLUMES, []])
beating = st.builds(beats, endpoints, volumes, st.sampled_from([True, True, False]))
finishing = st.builds(finishes, letters)
going = st.builds(lambda one: lambda history: history.silent(one), endpoints)
clock = st.builds(lambda s: lambda history: history.passes(s), st.integers(0, 100))
on_tasks = st.builds(
    lambda job, action, chosen: (
        lambda history: history.ask(HandOnTasks(job, action=action, tasks=chosen))
    ),
    ids,
    st.sampled_from(["retry", "hold", "fail", "done", "exclude"]),
    st.sampled_from(["all", "failed", "booting", "executing", "0", "queued"]),
)
often = [submitting, submitting, submitting, ending, ending, ending, finishing, finishing]
seldom = [coming, beating, beating, going, hands, on_tasks, held, moves, sets, clock]
steps = st.one_of(*often, *seldom)


def _run(story: list[Step]) -> None:
    history = Watched()
    history.allows(HQ, 2, site="a")
    history.allows(OSLO, 1, site="b")
    history.when(compute("a", "1-2"))
    history.when(compute("b", "1-4"))
    for step in story:
        step(history)
    assert save(history.folded_again()) == save(history.board), "folding twice gives one board"
    assert lanes_of(history.folded_again()) == lanes_of(history.board)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, max_size=30))
def test_every_history_keeps_the_rules(story: list[Step]) -> None:
    _run(story)


# Planted bugs: each in the real code, each caught.


def bug(owner: object, name: str, planted: object) -> Callable[[], AbstractContextManager[object]]:
    return lambda: patch.object(owner, name, planted)


_room, _put = Lanes.room, Lanes.put
_plan, _report, _why = lanes.plan, executing.report, explain_lanes.reasons


def _without_going_back(board: Board) -> Iterator[codec.Event]:
    found = list(_plan(board))
    return (one for one in found if not isinstance(one, jobs.GaveWay | jobs.Interrupted))


def _avoiding_nobody(self: Lanes, job: Job, table: TaskTable, *, waits: bool, avoid: str) -> None:
    _put(self, job, table, waits=waits, avoid="disable")


def _from_anyone(said: object, job: Job, endpoint: str, board: Board, now: object) -> object:
    bucket = board.tables[job.id].buckets.get(said.run)  # type: ignore[attr-defined]
    whose = bucket.endpoint if bucket else endpoint
    return _report(said, job, whose, board, now)  # type: ignore[arg-type]


def _without_a_holder(job: Job, board: Board) -> Iterator[Reason]:
    return (replace(one, holder=None) for one in _why(job, board))


BUGS = {
    "one lane too many": bug(Lanes, "room", lambda self, one: _room(self, one) + 1),
    "filters are overlooked": bug(filters, "fit", lambda given, machine: True),
    "volumes are overlooked": bug(lanes, "_is_open", lambda volume, endpoint, board: True),
    "policies are forgotten": bug(
        lanes, "_protection", lambda queue, *, runs, board: (-board.queues[queue].priority, 1)
    ),
    "places are forgotten": bug(lanes, "_protection", lambda queue, *, runs, board: (0.0, 1)),
    "a lane is lost with its bucket": bug(Lanes, "leave", lambda self, endpoint, job, run: None),
    "nobody is avoided": bug(Lanes, "put", _avoiding_nobody),
    "who runs without a lane goes on": bug(lanes, "plan", _without_going_back),
    "who has nothing left goes on": bug(lanes, "ends", lambda board: []),
    "anyone may report": bug(executing, "report", _from_anyone),
    "no reasons": bug(explain_lanes, "reasons", lambda job, board: []),
    "nobody holds a job": bug(explain_lanes, "reasons", _without_a_holder),
    "a snapshot forgets the lanes": bug(snapshot, "_take_lanes", lambda board: None),
    "nobody waits for another": bug(Board, "waits_for", lambda self, job: []),
    "who waited is forgotten": bug(Board, "dependents", lambda self, job: []),
}


_fails = ends(0, ErrorClass.COMMAND, False)
_waits_for_a = submits("c", "1-2", [], "", {"depends_on": [job_id("a")]})
HINTS = {
    "filters are overlooked": [submits("c", "1-6", ["site:b"], "", {"queue": "high"})],
    "volumes are overlooked": [
        beats(OSLO, [], True),
        submits("c", "1-6", [], "projects", {"queue": "high"}),
    ],
    "nobody is avoided": [
        submits("c", "1-6", [], "", {"queue": "high"}),
        finishes("a"),
        finishes("b"),
        *[_fails] * 3,
    ],
    "who runs without a lane goes on": [submits("c", "1-6", [], "", {"queue": "high"})],
    "nobody waits for another": [_waits_for_a],
    "who waited is forgotten": [_waits_for_a],
}
"""Where a bug is seldom met by chance: what to begin with."""


@pytest.mark.parametrize("name", BUGS)
def test_each_planted_bug_is_caught(name: str) -> None:
    def story(steps: list[Step]) -> None:
        _run([*HINTS.get(name, []), *steps])

    hunt = settings(
        max_examples=600, deadline=None, database=None, derandomize=True, phases=[Phase.generate]
    )(given(st.lists(steps, min_size=10, max_size=30))(story))
    story([])  # Without the bug nothing is wrong.
    with BUGS[name](), pytest.raises(AssertionError):
        hunt()
