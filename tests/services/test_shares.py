"""Speed limits shared: none is passed, nothing is left over, and a change is told to all."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from events.settings import Level, Value
from services.agent.commands import Receive
from services.runtime.memory import MemoryBus
from services.scheduler import plan, shares
from services.scheduler.commands import Move, Pause, Resume, Set
from services.scheduler.ordering import Ordering
from services.scheduler.shares import Limit, fill
from tests.services.spec import HQ, NAMES, NOON, History, job_id, transfer
from tests.services.spec import given as spec_given

SPEED = "transfer_speedlimit"
KB, MB = 1_000, 1_000_000
LETTERS = "abcdef"
A = job_id("a")

limits = st.lists(
    st.tuples(st.integers(1, 1000), st.sets(st.sampled_from(LETTERS), min_size=1)), max_size=8
).map(
    lambda found: [
        Limit("endpoint", str(place), rate, None, tuple(sorted(jobs)))
        for place, (rate, jobs) in enumerate(found)
    ]
)


@for_all(limits)
def test_no_limit_is_passed_and_nobody_could_have_more_but_from_one_with_less(
    bearing: list[Limit],
) -> None:
    given = fill(bearing)
    assert given.keys() == {job for limit in bearing for job in limit.jobs}
    for limit in bearing:
        assert sum(given[job].rate for job in limit.jobs) <= limit.rate
    for job, share in given.items():
        assert job in share.limit.jobs
        rates = [given[one].rate for one in share.limit.jobs]
        assert share.rate == max(rates), "no one under the same limit has more"
        assert share.limit.rate - sum(rates) < len(rates), "all of it is given out"
    assert fill(bearing) == given


def both(history: History) -> dict[str, int]:
    """By job, what the endpoints are told now, in kB/s."""
    told = {}
    for endpoint in NAMES:
        for duty in plan.duties(endpoint, history.board, history.now).duties:
            if isinstance(duty, Receive):
                told[history.board.jobs[duty.job].name] = duty.limit // KB
    return told


def set_speed(history: History, level: Level, which: str, value: Value) -> None:
    history.ask(Set(level, which, {SPEED: value}))


def three() -> History:
    """a: hq to stockholm, b: oslo to hq, c: stockholm to oslo."""
    return spec_given(
        transfer("a"),
        transfer("b", "oslo:projects/x", "hq:incoming/b"),
        transfer("c", "stockholm:projects/x", "oslo:incoming/c"),
    )


def test_of_a_jobs_own_limits_the_nearest_holds() -> None:
    history = three()
    assert both(history) == {"a": 0, "b": 0, "c": 0}
    set_speed(history, "workspace", "", 9)
    set_speed(history, "queue", "medium", "3 MB/s")
    assert both(history) == {"a": 3 * KB, "b": 3 * KB, "c": 3 * KB}
    set_speed(history, "job", A, "none")
    history.when(Move([job_id("b")], queue="low"))
    assert both(history) == {"a": 0, "b": 9 * KB, "c": 3 * KB}


def test_the_transfers_of_an_endpoint_share_its_limit_and_leave_what_they_may_not_use() -> None:
    history = three()
    set_speed(history, "endpoint", "hq", 20)
    assert both(history) == {"a": 10 * KB, "b": 10 * KB, "c": 0}
    set_speed(history, "job", A, 4)
    assert both(history) == {"a": 4 * KB, "b": 16 * KB, "c": 0}
    set_speed(history, "endpoint", "oslo", 24)
    assert both(history) == {"a": 4 * KB, "b": 12 * KB, "c": 12 * KB}
    history.when(Pause(job_id("c")))
    assert both(history) == {"a": 4 * KB, "b": 16 * KB}


def test_the_transfers_of_a_pair_share_its_limit_both_ways() -> None:
    history = spec_given(transfer("a"), transfer("b", "stockholm:projects/x", "hq:incoming/b"))
    history.ask(Set("queue", "medium", {"transfer_concurrent": 2}))
    set_speed(history, "pair", "stockholm:hq", "5 MB/s")
    assert both(history) == {"a": 2500, "b": 2500}
    set_speed(history, "job", A, "1 MB/s")
    assert both(history) == {"a": 1000, "b": 4000}
    history.when(Pause(job_id("b")))
    assert both(history) == {"a": 1000}


def test_a_copy_within_an_endpoint_takes_part_there_once() -> None:
    history = spec_given(transfer("a", "hq:projects/x", "hq:incoming/a"))
    set_speed(history, "endpoint", "hq", 7)
    assert both(history) == {"a": 7 * KB}


async def test_when_the_clock_changes_a_limit_those_who_share_it_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    history = three()
    set_speed(history, "endpoint", "hq", "12:30-13:00 full, else 20")
    now = [NOON.timestamp()]
    ordering = Ordering(MemoryBus(), "main", history.board, clock=lambda: now[0])
    await ordering.send(list(NAMES))
    half_past = NOON + timedelta(minutes=30)
    assert ordering.next_due() == half_past
    now[0] = half_past.timestamp() - 0.001
    assert ordering.due() == []
    now[0] = half_past.timestamp()
    told = {NAMES[one] for one in ordering.due()}
    assert {"hq", "stockholm"} <= told, "who receives"
    limit = {one.job: one.limit for one in ordering.orders(HQ).duties if isinstance(one, Receive)}
    assert limit == {job_id("b"): 0}
    await ordering.send(ordering.due())
    assert ordering.due() == []
    assert ordering.next_due() == NOON + timedelta(hours=1)
    history.ask(Set("endpoint", "hq", unset=[SPEED]))
    await ordering.send(list(NAMES))
    assert ordering.next_due() is None


def test_windows_are_of_the_clock_of_the_workspace() -> None:
    history = three()
    set_speed(history, "workspace", "", "13:00-14:00 5, else full")
    assert both(history)["a"] == 0
    history.ask(Set("workspace", "", {"time_zone": "Europe/Stockholm"}))
    assert both(history)["a"] == 5 * KB
    history.now += timedelta(hours=1)
    assert both(history)["a"] == 0


speeds = st.sampled_from(["none", 1, 2, 6, "11:00-12:00 3, else full"])
all_holders: list[tuple[Level, str]] = [
    *[("endpoint", name) for name in NAMES.values()],
    *[("pair", pair) for pair in ("hq:stockholm", "oslo:hq", "oslo:stockholm")],
    *[("job", job_id(letter)) for letter in LETTERS[:4]],
    ("queue", "medium"),
    ("queue", "low"),
    ("workspace", ""),
]
holders = st.sampled_from(all_holders)
letters = st.sampled_from(LETTERS[:4])
steps = st.one_of(
    st.builds(lambda holder, speed: Set(holder[0], holder[1], {SPEED: speed}), holders, speeds),
    st.builds(lambda letter: Pause(job_id(letter)), letters),
    st.builds(lambda letter: Resume(job_id(letter)), letters),
    st.builds(
        lambda letter, queue: Move([job_id(letter)], queue=queue),
        letters,
        st.sampled_from(["medium", "low"]),
    ),
    letters,
)


def _told(history: History) -> dict[tuple[str, str, int], int]:
    now: datetime = history.now
    return {
        (endpoint, duty.job, duty.run): duty.limit
        for endpoint in NAMES
        for duty in plan.duties(endpoint, history.board, now).duties
        if isinstance(duty, Receive)
    }


@settings(deadline=None, max_examples=60)
@for_all(st.lists(steps, min_size=1, max_size=25))
def test_whoever_has_another_share_is_told_and_all_limits_hold(taken: list[object]) -> None:
    history = three()
    history.ask(transfer("d", "hq:projects/d", "oslo:incoming/d"))
    history.listed("d")
    history.ask(Set("workspace", "", {"transfer_concurrent": 2}))
    before = _told(history)
    for step in taken:
        log = len(history.log)
        if isinstance(step, str):
            if history.job(step).status == "running":
                history.finished(step)
        else:
            history.ask(step)  # type: ignore[arg-type]
        events = [one.event for commit in history.log[log:] for one in commit]
        anew, after = plan.ordered_anew(events, history.board), _told(history)
        assert {one[0] for one, _ in before.items() ^ after.items()} <= set(anew)
        before = after
        running = [job for job in history.board.jobs.values() if job.status == "running"]
        all_given = shares.given(running, history.board, history.now)
        assert {job for _, job, _ in after} == {job.id for job in running}
        assert {job: rate for (_, job, _), rate in after.items() if rate} == {
            job: share.rate for job, share in all_given.of.items()
        }, "each endpoint is told the same as all together"
