"""A job that runs while its source is still being listed: two duties, each with its own number."""

from __future__ import annotations

from events import jobs
from events.jobs import ErrorClass, Status
from events.tasks import Entry
from projections.snapshot import load, save
from services.agent.commands import List, Receive
from services.runtime.memory import MemoryLog
from services.scheduler import estimate, plan
from services.scheduler.commands import (
    Accepted,
    AgentsReport,
    Append,
    Estimate,
    GivenTask,
    HandOnTasks,
    ListingEnded,
    ListingFound,
    Pause,
    Rejected,
    Resume,
    RunEnded,
    TasksAsked,
    TasksGiven,
)
from services.scheduler.reading import Reading
from tests.services.spec import HQ, STOCKHOLM, History, beat, given, job_id, transfer

A = job_id("a")


def opened(source: str = "hq:projects/shot", destination: str = "stockholm:incoming") -> History:
    history = History()
    history.ask(transfer("a", source, destination))
    history.lists_some("a", 2)
    return history


def duties(history: History, endpoint: str) -> list[object]:
    return list(plan.duties(endpoint, history.board, history.now).duties)


def runs(history: History) -> tuple[int, int]:
    """Of the listing and of the execution."""
    return history.job("a").listing_run, history.job("a").run


def started(history: History) -> list[tuple[int, int]]:
    """Each start of a listing: its number, and behind how many tasks it goes on."""
    events = history.events()
    return [(one.run, one.first) for one in events if isinstance(one, jobs.ListingStarted)]


def test_the_source_lists_and_the_destination_receives_at_the_same_time() -> None:
    history = opened()
    [lists], [receives] = duties(history, HQ), duties(history, STOCKHOLM)
    assert isinstance(lists, List)
    assert isinstance(receives, Receive)
    assert (lists.run, receives.run) == runs(history) == (1, 2)


def test_one_endpoint_may_do_both() -> None:
    history = opened("hq:projects/shot", "hq:incoming")
    assert [type(duty) for duty in duties(history, HQ)] == [List, Receive]


def test_what_one_says_in_the_number_of_the_other_is_not_heard() -> None:
    history = opened()
    astray: list[tuple[AgentsReport, str]] = [
        (ListingFound(A, 2, 2, [Entry("x")]), HQ),
        (ListingFound(A, 1, 2, [Entry("x")]), STOCKHOLM),
        (RunEnded(A, 1), STOCKHOLM),
        (RunEnded(A, 2), HQ),
    ]
    for said, end in astray:
        answer = history.report(said, end)
        assert isinstance(answer, Rejected)
        assert answer.why == "stale"


async def test_who_asks_for_tasks_is_told_that_more_may_come() -> None:
    history = opened()
    history.done("a", "0-1", 200)
    assert await _asked(history) == ([], True)
    history.is_through("a")
    assert await _asked(history) == ([], False)


async def _asked(history: History) -> tuple[list[GivenTask], bool]:
    asked = TasksAsked(STOCKHOLM, A, history.job("a").run)
    given = await Reading(MemoryLog(), history.board).tasks_left(asked)
    assert isinstance(given, TasksGiven)
    return given.tasks, given.listing


def test_a_listing_that_stopped_begins_again_and_only_what_is_new_is_added() -> None:
    history = opened()
    history.done("a", "0-1", 200)
    history.ask(Pause(A))
    history.ask(Resume(A))
    assert (runs(history), started(history)) == ((3, 4), [(1, 0), (3, 2)])
    tells(history, 0, "f0 f1 f2")
    assert history.tasks("a") == "ddq"
    tells(history, 3, "f3")
    history.is_through("a")
    assert (history.tasks("a"), history.job("a").size) == ("ddqq", 400)


def test_what_came_and_went_between_two_listings_is_told_apart() -> None:
    history = opened()
    history.done("a", "0-1", 200)
    history.ask(Pause(A))
    history.ask(Resume(A))
    tells(history, 0, "early f1")
    tells(history, 2, "f2 f3")
    assert history.tasks("a") == "ddqqq"
    history.report(ListingEnded(A, history.job("a").listing_run, 4))
    assert history.job("a").listed


def tells(history: History, first: int, uris: str) -> None:
    entries = [Entry(uri, size=100) for uri in uris.split()]
    said = ListingFound(A, history.job("a").listing_run, first, entries, more=True)
    assert isinstance(history.report(said), Accepted)


def test_a_listing_that_found_too_little_to_begin_with_starts_anew() -> None:
    history = History()
    history.ask(transfer("a"))
    history.report(ListingFound(A, 1, 0, [Entry("x")]))
    history.ask(Pause(A))
    history.ask(Resume(A))
    assert (started(history), history.tasks("a")) == ([(1, 0), (2, 0)], "")


def test_a_board_that_was_saved_in_between_lists_on() -> None:
    history = opened()
    history.board = load(save(history.board))
    history.silent(HQ)
    assert (history.statuses(), history.job("a").listing) == ({"a": "waiting"}, False)
    history.take(beat(HQ, "2"))
    assert (history.job("a").status, history.job("a").listing) == (Status.RUNNING, True)
    assert started(history)[-1] == (3, 2)


def test_a_listing_waits_for_its_turn_while_what_was_found_is_sent() -> None:
    history = opened()
    history.ask(Pause(A))
    for letter in "bcde":
        history.ask(transfer(letter, queue="high"))
    history.ask(Resume(A))
    assert (history.job("a").status, history.job("a").listing) == (Status.RUNNING, False)
    history.listed("b")
    assert history.job("a").listing


def test_what_is_appended_meanwhile_is_listed_when_the_listing_is_through() -> None:
    history = opened()
    history.when(Append(A, uris=["more"])).then("job.appended", "job.started")
    history.done("a", "0-1", 200)
    history.is_through("a")
    assert (history.job("a").status, history.job("a").adding) == (Status.INIT, ("more",))
    history.listed_as("a", [Entry("more", size=1)])
    assert (history.job("a").status, history.tasks("a")) == (Status.RUNNING, "ddq")


def test_a_job_with_nothing_left_but_its_listing_is_not_over_by_a_hand() -> None:
    history = opened()
    history.when(HandOnTasks(job=A, action="exclude", tasks="all")).then("task.excluded")
    history.when(Pause(A)).then("job.paused")
    history.when(HandOnTasks(job=A, action="retry", tasks="0")).then("task.queued")
    assert history.statuses() == {"a": "paused"}


def test_a_run_that_fails_takes_the_listing_with_it_and_both_go_on() -> None:
    history = opened()
    history.breaks("a", ErrorClass.NETWORK)
    assert (history.job("a").status, history.job("a").listing) == (Status.FAILED, False)
    history.passes(15)
    assert (history.job("a").status, history.job("a").listing) == (Status.RUNNING, True)


def test_of_what_is_still_being_listed_nobody_knows_how_much_it_is() -> None:
    history = given(transfer("m"))
    history.done("m")
    history.passes(10)
    history.ended("m")
    history.ask(transfer("a"))
    history.lists_some("a")
    history.ask(transfer("b"))
    history.listed("b")
    assert (_estimate(history, "a").end_at, _estimate(history, "b").start_at) == (None, None)
    assert _estimate(history, "a").basis.startswith("its source is still being listed")
    assert _estimate(history, "b").basis == estimate.LISTED_BEFORE
    history.is_through("a")
    assert _estimate(history, "b").start_at is not None


def _estimate(history: History, letter: str) -> Estimate:
    known = estimate.estimates([history.job(letter)], history.board, history.now)
    return known[job_id(letter)]
