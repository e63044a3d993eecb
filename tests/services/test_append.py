"""What is added to a job: paths, listed first, or frames; what it has already is tried again."""

from __future__ import annotations

import pytest
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace

from events import codec, jobs, tasks
from events.jobs import ErrorClass, Status
from events.tasks import Entry
from events.work import Compute
from projections import snapshot
from services.agent.commands import List
from services.runtime.memory import MemoryLog
from services.scheduler import plan
from services.scheduler.commands import (
    Abort,
    Accepted,
    Append,
    ListingFound,
    Pause,
    Resume,
    Retry,
    TasksAsked,
    TasksGiven,
    TasksStarted,
    Why,
)
from services.scheduler.reading import Reading
from tests.projections.histories import record
from tests.services.read_side import fill
from tests.services.spec import BOB, HQ, STOCKHOLM, History, compute, given, job_id, transfer

A = job_id("a")
FOLDER = Entry("", "folder")


def a_folder() -> History:
    """Job a runs: the folder itself (task 0), x (1) and y (2), of 100 bytes each."""
    history = History()
    history.ask(transfer("a"))
    found(history, [FOLDER, Entry("x", size=100), Entry("y", size=100)])
    return history


def found(history: History, entries: list[Entry]) -> None:
    history.listed_as("a", entries)


def finished(history: History) -> History:
    history.done("a", "0-2", 200)
    history.ended("a")
    return history


def state(history: History) -> str:
    return history.job("a").status.value


def statuses(history: History) -> list[str]:
    table = history.board.tables[A]
    return [table.status(n).name.lower() for n in range(len(table))]


def order(history: History) -> List:
    [duty] = plan.duties(HQ, history.board, history.now).duties
    assert isinstance(duty, List)
    return duty


# Transfers.


def test_what_is_appended_is_listed_and_joins_the_queue_at_its_bottom() -> None:
    history = finished(a_folder())
    history.ask(transfer("b"))
    history.listed("b")
    history.when(Append(A, uris=["z/", "z"])).then("job.appended", "job.listing_started")
    assert order(history).only == ["z"]
    found(history, [FOLDER, Entry("z", "folder"), Entry("z/1", size=7)])
    assert (state(history), history.line()) == ("waiting", "ba")
    assert statuses(history) == ["queued", "done", "done", "queued", "queued"]
    assert (history.job("a").tasks, history.job("a").size) == (5, 207)
    assert history.board.tables[A].size_done == 200


def test_a_task_that_is_named_again_is_tried_again_as_the_source_is_now() -> None:
    history = finished(a_folder())
    history.ask(Append(A, uris=["y"]))
    found(history, [FOLDER, Entry("y", size=150)])
    assert statuses(history) == ["queued", "done", "queued"]
    assert (history.job("a").size, history.board.tables[A].size_done) == (250, 100)


async def test_the_agent_is_given_each_task_as_it_was_found_last() -> None:
    history = finished(a_folder())
    history.ask(Append(A, uris=["y", "z"]))
    found(history, [FOLDER, Entry("y", size=150, mtime_ns=9), Entry("z", size=1)])
    history.ask(Append(A, uris=["x"]))
    found(history, [FOLDER, Entry("x", size=3)])
    log = MemoryLog()
    await fill(log, history.log)
    asked = TasksAsked(STOCKHOLM, A, history.job("a").run)
    given_ = await Reading(log, history.board).tasks_left(asked)
    assert isinstance(given_, TasksGiven)
    told = [(one.number, one.entry.uri, one.entry.size, one.entry.mtime_ns) for one in given_.tasks]
    assert told == [(0, "", 0, 0), (1, "x", 3, 0), (2, "y", 150, 9), (3, "z", 1, 0)]


def test_a_running_job_ends_its_run_and_goes_on_with_more() -> None:
    history = a_folder()
    history.report(TasksStarted(A, history.job("a").run, "0-1"))
    history.done("a", "1", 100)
    history.when(Append(A, uris=["z"])).then("job.appended", "job.listing_started")
    assert statuses(history) == ["queued", "done", "queued"]
    found(history, [FOLDER, Entry("z", size=1)])
    assert state(history) == "running"
    assert history.board.tables[A].size_done == 100, "what it moved is kept"


def test_a_paused_job_stays_paused_and_lists_when_it_is_resumed() -> None:
    history = a_folder()
    history.ask(Pause(A))
    history.when(Append(A, uris=["z"])).then("job.appended")
    assert state(history) == "paused"
    history.when(Resume(A)).then("job.resumed", "job.listing_started")
    assert order(history).only == ["z"]


def test_what_comes_while_the_source_is_listed_whole_is_listed_behind_it() -> None:
    history = History()
    history.ask(transfer("a"))
    history.when(Append(A, uris=["z"])).then("job.appended")
    assert order(history).only == []
    found(history, [FOLDER, Entry("x", size=100)])
    assert order(history).only == ["z"]
    found(history, [FOLDER, Entry("z", size=1)])
    assert (state(history), statuses(history)) == ("running", ["queued"] * 3)


def test_more_may_be_appended_while_that_is_being_listed() -> None:
    history = finished(a_folder())
    history.ask(Append(A, uris=["z"]))
    run = history.job("a").listing_run
    history.report(ListingFound(A, run, 0, [FOLDER, Entry("z")]))
    history.when(Append(A, uris=["w", "z"])).then("job.appended", "job.listing_started")
    assert order(history).only == ["z", "w"]
    found(history, [FOLDER, Entry("z"), Entry("w")])
    assert statuses(history) == ["queued", "done", "done", "queued", "queued"]


def test_a_source_that_is_gone_fails_the_job_and_a_retry_looks_for_it_again() -> None:
    history = finished(a_folder())
    history.ask(Append(A, uris=["z"]))
    history.breaks("a", ErrorClass.MISSING, "nothing there")
    assert state(history) == "failed"
    history.when(Append(A, uris=["z"])).then("job.retried", "job.listing_started")
    assert order(history).only == ["z"]
    found(history, [FOLDER, Entry("z")])
    assert state(history) == "running"


def test_what_failed_is_tried_again_with_what_is_added() -> None:
    history = a_folder()
    history.done("a", "0-1", 100)
    history.failed("a", 2, ErrorClass.PERMISSION)
    history.ended("a")
    expected = ("task.queued", "job.appended", "job.listing_started")
    history.when(Append(A, uris=["z"])).then(*expected)
    history.ask(Abort(A))
    history.when(Retry(A)).then("job.retried", "job.listing_started")
    assert order(history).only == ["z"], "it is not forgotten"


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("", "below the source"),
        ("/etc/passwd", "below the source"),
        ("a/../../b", "`..`"),
        ("a//b", "empty"),
        ("a\0", "NUL"),
        ("a\\q", "escaped"),
        ("x" * 5000, "4096"),
    ],
)
def test_a_path_that_leaves_the_source_or_is_none_is_refused(path: str, word: str) -> None:
    a_folder().when(Append(A, uris=["fine", path])).then_rejected("invalid", word)


def test_a_path_that_its_listing_would_leave_out_is_refused() -> None:
    history = given(replace(transfer("a"), settings={"transfer_exclude": "*.tmp, cache/"}))
    for path in ("late/x.tmp", "cache/x", "late/cache/deep/x"):
        history.when(Append(A, uris=["fine", path])).then_rejected(Why.CONFLICT, repr(path))
    assert isinstance(history.ask(Append(A, uris=["late/cache", "cached/x"])), Accepted)


def test_too_many_paths_are_refused_with_what_to_do() -> None:
    history = a_folder()
    many = [f"f{n}" for n in range(1001)]
    history.when(Append(A, uris=many)).then_rejected("invalid", "1000", "folder")
    history.ask(Pause(A))
    history.ask(Append(A, uris=many[:600]))
    history.when(Append(A, uris=many[600:])).then_rejected("invalid", "when these are listed")


def test_nothing_is_below_one_file() -> None:
    history = History()
    history.ask(transfer("a"))
    found(history, [Entry("shot.mov", size=1)])
    history.when(Append(A, uris=["z"])).then_rejected("conflict", "one file", "submit another")


def test_only_who_may_see_a_job_adds_to_it_and_only_as_it_was_seen() -> None:
    history = a_folder()
    history.when(Append(A, uris=["z"]), by=BOB).then_rejected("absent")
    history.when(Append(A, seen=1, uris=["z"])).then_rejected("changed")
    history.when(Append(A, uris=[])).then_rejected("invalid", "at least one")
    history.when(Append(A, frames="1")).then_rejected("invalid", "no frames")


def test_a_board_with_additions_is_the_same_from_its_log_and_its_snapshot() -> None:
    history = finished(a_folder())
    history.ask(Append(A, uris=["y", "z"]))
    found(history, [FOLDER, Entry("y", size=150), Entry("z", size=1)])
    again, kept = history.folded_again(), snapshot.load(snapshot.save(history.board))
    assert again.tables == kept.tables == history.board.tables
    assert again.jobs == kept.jobs == history.board.jobs


names = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1, max_size=4)


@settings(deadline=None, max_examples=200)
@over(st.lists(st.tuples(names, st.integers(1, 9)), max_size=12))
def test_every_number_is_named_by_the_newest_entry_of_its_uri(
    listings: list[tuple[list[str], int]],
) -> None:
    history, newest = finished(a_folder()), {"": 0, "x": 100, "y": 100}
    for uris, size in listings:
        history.ask(Append(A, uris=uris))
        found(history, [FOLDER, *(Entry(uri, size=size) for uri in uris)])
        newest |= dict.fromkeys(uris, size)
        table = history.board.tables[A]
        for number, (uri, content) in enumerate(newest.items()):
            page = table.page_of(number)
            event = history.log[page.sequence - 1][page.index].event
            assert isinstance(event, tasks.Found)
            entry = event.entries[number - page.first + page.offset]
            assert (entry.uri, entry.size) == (uri, content)
        assert (len(table), table.size) == (len(newest), sum(newest.values()))


# Compute jobs.


def computing(status: Status = Status.WAITING) -> History:
    """Job a renders frames 1 to 5; frame 1 is done, 2 failed, 3 goes on in run 1."""
    history = History()
    queue = history.board.default_queue().id
    work = Compute("render {frame}", "1-5")
    ends: dict[Status, list[jobs.Event]] = {
        Status.DONE: [jobs.Done(A, 1)],
        Status.FAILED: [jobs.Failed(A, 1, ErrorClass.COMMAND, "2 failed")],
    }
    events: list[codec.Event] = [
        jobs.Submitted(A, "a", "ann", queue, "a0", work),
        tasks.Ranged(A, 0, "1-5", 5),
        tasks.Dispatched(A, 1, HQ, "0-2"),
        tasks.Started(A, 1, "0-2"),
        tasks.Done(A, 1, "0", 0, [0], [0], [""]),
        tasks.Failed(A, 1, [tasks.Failure(1, ErrorClass.COMMAND, "exit 1")]),
        *ends.get(status, []),
    ]
    for recorded in record(events, first=history.board.sequence + 1):
        history.board.apply(recorded)
    return history


def test_frames_are_added_and_those_it_has_are_tried_again() -> None:
    history = computing()
    outcome = history.when(Append(A, frames="7,1-3,9"))
    tags = [codec.tag(event) for event in outcome.events]
    assert tags[:2] == ["task.queued", "task.ranged"]
    assert outcome.events[0] == tasks.Queued(A, "0-1")
    assert outcome.events[1] == tasks.Ranged(A, 5, "7,9", 2)


def test_a_finished_compute_job_is_revived_with_its_failures() -> None:
    events = computing(Status.FAILED).when(Append(A, frames="6")).events
    assert events[:2] == [tasks.Queued(A, "1"), tasks.Ranged(A, 5, "6", 1)]
    assert isinstance(events[2], jobs.Retried)
    assert events[2].place is not None


def test_frames_added_to_a_done_job_take_lanes_and_what_it_did_stays_done() -> None:
    history = History()
    history.allows(HQ, 1)
    history.ask(compute("a", "1-2"))
    history.bucket_ends("a")
    history.bucket_ends("a")
    expected = ("task.queued", "task.ranged", "job.retried", "job.started", "task.dispatched")
    history.when(Append(A, frames="2-4")).then(*expected)
    assert statuses(history) == ["done", "booting", "queued", "queued"]
    history.when(Append(A, frames="9")).then("task.ranged")
    for _ in range(4):
        history.bucket_ends("a")
    assert (state(history), statuses(history)) == ("done", ["done"] * 5)


def test_frames_that_are_none_are_refused() -> None:
    history = computing()
    history.when(Append(A, frames="1-x")).then_rejected("invalid", "write for example")
    history.when(Append(A, frames="10-5")).then_rejected("invalid", "backwards")
    history.when(Append(A, frames="10-1000009")).then_rejected("invalid", "1,000,000")
    history.when(Append(A, uris=["x"])).then_rejected("invalid", "no paths")
