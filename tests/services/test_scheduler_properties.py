"""What holds after any history: random hands, reports, losses and clocks in any order.

`test_each_planted_bug_is_caught` proves the net: every bug listed there is put into the real code
and has to make a property fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from events.job import Job
from events.jobs import FINISHED, ErrorClass, Status
from events.ranges import write
from events.settings import Level
from events.tasks import Entry
from services.scheduler.commands import (
    Abort,
    Accepted,
    Append,
    HandOnTasks,
    ListingFound,
    Move,
    Pause,
    PauseQueue,
    Rejected,
    Resume,
    ResumeQueue,
    Retry,
    RunEnded,
    Set,
    TasksDone,
    TasksStarted,
)
from services.scheduler.turn import Turn
from tests.services.planted import BUGS
from tests.services.spec import HQ, NAMES, OSLO, STOCKHOLM, History, beat, job_id, transfer
from tests.services.transfer_rules import check, check_commit

LETTERS = "abcde"
PARTIES = ["hq:projects/x", "stockholm:projects/y", "oslo:incoming/z"]
QUEUES = ["high", "medium", "low"]
Step = Callable[[History], object]

letters = st.sampled_from(LETTERS)
ends = st.sampled_from([HQ, STOCKHOLM, OSLO])
rarely = st.sampled_from([False, False, False, True])


class Watched(History):
    """Every commit is checked as it is stored."""

    def _stored(self, turn: Turn) -> None:
        super()._stored(turn)
        check_commit([recorded.event for recorded in turn.recorded], self.board)


def _known(history: History, letter: str) -> bool:
    return job_id(letter) in history.board.jobs


def submit(
    letter: str, source: str, destination: str, queue: str, paused: bool, depends_on: str
) -> Step:
    def step(history: History) -> object:
        return history.when(transfer(letter, source, destination, queue, paused, depends_on))

    return step


def hand(kind: type[Pause] | type[Resume] | type[Retry] | type[Abort], letter: str) -> Step:
    return lambda history: history.when(kind(job_id(letter)))


def appends(letter: str, uris: list[str]) -> Step:
    return lambda history: history.when(Append(job_id(letter), uris=uris))


def hand_queue(kind: type[PauseQueue] | type[ResumeQueue], code: str) -> Step:
    return lambda history: history.when(kind(code))


def moves(chosen: list[str], queue: str | None, beside: str, where: str) -> Step:
    ids = [job_id(letter) for letter in chosen]

    def step(history: History) -> object:
        if where in ("top", "bottom"):
            return history.when(Move(ids, queue, to=where))  # type: ignore[arg-type]
        if where == "before":
            return history.when(Move(ids, before=job_id(beside)))
        return history.when(Move(ids, after=job_id(beside)))

    return step


def _nth(history: History, n: int, wanted: Callable[[Job], bool]) -> str | None:
    names = sorted(job.name for job in history.board.jobs.values() if wanted(job))
    return names[n % len(names)] if names else None


def lists(nth: int, count: int, more: bool = False) -> Step:
    """The nth listing goes on: it finds so many, and is through unless there is more."""

    def step(history: History) -> object:
        letter = _nth(history, nth, lambda job: job.listing)
        if letter is None:
            return None
        job = history.job(letter)
        astray = history.report(ListingFound(job.id, job.listing_run, 70, []))
        assert isinstance(astray, Accepted if job.adding else Rejected)
        if job.adding:
            history.listed(letter, count)
            return None
        assert isinstance(history.lists_some(letter, count), Accepted)
        return None if more else history.is_through(letter)

    return step


def strays(letter: str, end: str, run: int) -> Step:
    """What is said of a job by somebody who is not at that any more is not heard."""

    def step(history: History) -> object:
        if not _known(history, letter):
            return None
        job, known = history.job(letter), len(history.tasks(letter))
        lists = (end, run) == (job.transfer.source.endpoint, job.listing_run) and job.listing
        receives = (end, run) == (job.transfer.destination.endpoint, job.run)
        if not lists:
            found = ListingFound(job.id, run, known, [Entry("stray")], more=True)
            assert isinstance(history.report(found, end), Rejected)
        if not receives or job.status is not Status.RUNNING:
            assert isinstance(history.report(RunEnded(job.id, run), end), Rejected)
        return None

    return step


def works(nth: int, good: int, bad: bool, then: str) -> Step:
    """The nth running job: `good` tasks done, perhaps one failed, then it ends or takes one up."""

    def step(history: History) -> object:
        letter = _nth(history, nth, lambda job: job.status is Status.RUNNING)
        if letter is None:
            return None
        job = history.job(letter)
        left = list(history.board.tables[job.id].queued_after(-1))
        if left[:good]:
            history.done(letter, write(left[:good]), 100 * len(left[:good]))
        if bad and left[good:]:
            history.failed(letter, left[good], ErrorClass.SPACE)
        if then == "starts" and left[good + bad :]:
            history.report(TasksStarted(job.id, job.run, str(left[good + bad])))
        return history.ended(letter) if then == "ends" else None  # Refused while it is listed.

    return step


def touches(letter: str, action: str, tasks: str) -> Step:
    """A hand on tasks; what the run says of them afterwards, from before it, is not counted."""

    def step(history: History) -> object:
        if not _known(history, letter):
            return None
        job, before = history.job(letter), history.tasks(letter)
        hands = history.board.tables[job.id].hands
        hand = HandOnTasks(job=job.id, action=cast("Any", action), tasks=tasks)
        accepted = isinstance(history.ask(hand), Accepted)
        after = history.tasks(letter)
        pairs = enumerate(zip(before, after, strict=True))
        changed = [number for number, (one, other) in pairs if one != other]
        if accepted and changed:
            none = [0] * len(changed)
            told = (write(changed), 100 * len(changed), none, none, [""] * len(changed))
            history.report(TasksDone(job.id, job.run, *told, hands))
            assert history.tasks(letter) == after, "a late report overrules a hand"
        return None

    return step


def breaks(letter: str, error_class: ErrorClass) -> Step:
    def step(history: History) -> object:
        return history.breaks(letter, error_class) if _known(history, letter) else None

    return step


def goes(end: str, how: str, again: bool) -> Step:
    """After a time for which it is trusted, unless `again`: then it may have gone just before."""

    def step(history: History) -> object:
        if not again:
            history.passes(601)
        match how:
            case "silent":
                history.silent(end)
            case "restarted":
                history.take(beat(end, f"{history.board.endpoints[end].session}+"))
            case _:
                history.take(beat(end, volumes=[]))
        return None

    return step


def has_room(end: str, free_bytes: int) -> Step:
    return lambda history: history.has_room(end, free_bytes)


CHOICES: list[tuple[Level, str, str, int | str]] = [
    *(("workspace", "", "transfer_concurrent", value) for value in (1, 2)),
    *(("queue", "medium", "transfer_concurrent", value) for value in (1, 3)),
    *(("endpoint", "hq", "endpoint_transfers", value) for value in (0, 1, 2)),
    *(("workspace", "", "endpoint_transfers", value) for value in (0, 1)),
    *(("workspace", "", "queue_interrupt_policy", value) for value in ("order", "priority")),
    *(("queue", "low", "queue_interrupt_policy", value) for value in ("order", "never")),
]


def sets(choice: tuple[Level, str, str, int | str]) -> Step:
    level, which, name, value = choice
    return lambda history: history.when(Set(level, which, {name: value}))


steps = st.one_of(
    st.builds(hand_queue, st.sampled_from([PauseQueue, ResumeQueue]), st.sampled_from(QUEUES)),
    st.builds(sets, st.sampled_from(CHOICES)),
    st.builds(
        submit,
        letters,
        st.sampled_from(PARTIES),
        st.sampled_from(PARTIES),
        st.sampled_from(QUEUES),
        st.booleans(),
        st.sampled_from(["", "", "", "", "", "ab"]),
    ),
    st.builds(hand, st.sampled_from([Pause, Resume, Retry, Abort]), letters),
    st.builds(appends, letters, st.lists(st.sampled_from(["f0", "f1", "more"]), max_size=2)),
    st.builds(
        moves,
        st.lists(letters, min_size=1, max_size=3, unique=True),
        st.sampled_from([None, *QUEUES]),
        letters,
        st.sampled_from(["top", "bottom", "before", "after"]),
    ),
    st.builds(lists, st.integers(0, 3), st.integers(1, 4), st.booleans()),
    st.builds(strays, letters, ends, st.integers(1, 6)),
    st.builds(
        works,
        st.integers(0, 3),
        st.integers(0, 4),
        st.sampled_from([False, False, True]),
        st.sampled_from(["ends", "ends", "starts", "goes on"]),
    ),
    st.builds(
        touches,
        letters,
        st.sampled_from(["retry", "hold", "fail", "done", "exclude"]),
        st.sampled_from(["0", "1-2", "all", "failed", "done", "onhold", "queued", "executing"]),
    ),
    st.builds(breaks, letters, st.sampled_from(list(ErrorClass))),
    st.builds(goes, ends, st.sampled_from(["silent", "restarted", "unmounted"]), rarely),
    st.builds(has_room, ends, st.sampled_from([0, 10**9, 10**10])),
    st.builds(lambda end: lambda history: history.take(beat(end)), ends),
    st.builds(lambda seconds: lambda history: history.passes(seconds), st.integers(0, 4000)),
)


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, max_size=40))
def test_every_history_keeps_the_rules(story: list[Step]) -> None:
    _run(story)


def _run(story: list[Step]) -> None:
    for _ in _told(story):
        pass


def _told(story: list[Step]) -> Iterator[History]:
    """The history after each step, checked. From the start two jobs of one pair are there, in
    queues of two policies, and one of another that runs while it is listed.
    """
    history = Watched()
    for command in (transfer("a"), transfer("b", queue="low")):
        history.ask(command)
        history.listed(command.name or "")
    history.ask(Set("queue", "low", {"queue_interrupt_policy": "never"}))
    history.ask(Set("queue", "medium", {"queue_interrupt_policy": "priority"}))
    history.ask(transfer("e", "hq:projects/x", "oslo:incoming/z"))
    history.lists_some("e", 1)
    for step in story:
        step(history)
        check(history)
        yield history


def test_the_steps_reach_every_status() -> None:
    seen: set[Status] = set()
    beside: set[Status] = set()

    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    @given(st.lists(steps, min_size=10, max_size=40))
    def look(story: list[Step]) -> None:
        for history in _told(story):
            known = history.board.jobs.values()
            seen.update(job.status for job in known)
            beside.update(job.status for job in known if job.listing)

    look()
    assert beside == {Status.INIT, Status.WAITING, Status.RUNNING}, "all this is beside a listing"
    assert seen == set(Status)
    assert seen > FINISHED


def _ends(letter: str) -> Step:
    def step(history: History) -> object:
        if _known(history, letter) and history.job(letter).status is Status.RUNNING:
            history.finished(letter)
        return None

    return step


_WAITS = submit("c", "hq:projects/x", "stockholm:projects/y", "medium", False, "ab")


def _beside(letter: str) -> Step:
    return submit(letter, "hq:projects/x", "stockholm:projects/y", "medium", False, "")


HINTS: dict[str, list[Step]] = {
    "a_run_ends_beside_its_listing": [works(1, 4, False, "ends")],
    "a_run_may_tell_of_the_listing": [lists(0, 1)],
    "a_full_endpoint_takes_another": [
        sets(("workspace", "", "endpoint_transfers", 1)),
        submit("c", "hq:projects/x", "oslo:incoming/z", "medium", False, ""),
        lists(0, 1),
    ],
    "a_running_job_forgets_its_policy": [_ends("a"), _beside("c")],
    "a_stopped_run_keeps_executing": [works(0, 0, False, "starts")],
    "moves_forget_the_neighbour": [_beside("c"), _beside("d")],
    "nobody_waits_for_another": [_WAITS],
    "what_keeps_dropping_out_is_used": [goes(HQ, "restarted", True)] * 2,
    "late_reports_overrule_hands": [
        works(0, 0, False, "starts"),
        touches("a", "retry", "executing"),
    ],
    "those_who_waited_are_forgotten": [_WAITS, _ends("a"), _ends("b")],
}
"""Where a bug is seldom met by chance: what to begin with."""


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_each_planted_bug_is_caught(bug: Callable[[], AbstractContextManager[None]]) -> None:
    hint = HINTS.get(bug.__name__, [])
    hunt = settings(
        max_examples=1000, deadline=None, database=None, derandomize=True, phases=[Phase.generate]
    )(given(st.lists(steps, min_size=10, max_size=40))(lambda story: _run([*hint, *story])))
    with bug(), pytest.raises(AssertionError):
        hunt()


def test_all_agents_of_the_studio_are_online_at_noon() -> None:
    assert all(endpoint.online for endpoint in History().board.endpoints.values())
    assert set(History().board.endpoints) == set(NAMES)
    assert isinstance(History().ask(transfer("a")), Accepted)
