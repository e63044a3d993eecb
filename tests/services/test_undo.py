"""Taking back what a command did: as it was, or refused where somebody changed the same since."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from events.jobs import ErrorClass, Status
from projections import snapshot
from projections.board import Board
from services.historian import undo
from services.historian.commands import UNDO_OF
from services.scheduler.commands import (
    Abort,
    Accepted,
    Actor,
    HandOnTasks,
    Move,
    Pause,
    PauseQueue,
    PersonsCommand,
    Rejected,
    Request,
    Resume,
    ResumeQueue,
    Retry,
    Role,
    Set,
    Undo,
)
from services.scheduler.turn import Turn
from tests.services.spec import ANN, BOB, History, Outcome, job_id, transfer
from tests.services.spec import given as spec_given
from tests.services.test_scheduler_properties import Step, steps
from tests.services.test_scheduler_properties import _told as told

A, B, C = map(job_id, "abc")
EVE = Actor("eve", Role.EMPLOYEE)


def found(history: History, key: str) -> Undo | Rejected:
    """What would undo the command of that id, as the log has it."""
    was = Board()
    for commit in history.log:
        mine = [one for one in commit if one.cause == key and one.actor != "scheduler"]
        if mine:
            saved = snapshot.part(was, undo.jobs_of(mine))
            return undo.undo(key, mine, undo.before(saved, commit, mine[0]))
        for recorded in commit:
            was.apply(recorded)
    raise AssertionError("it did nothing")


def does(history: History, command: PersonsCommand, key: str = "it") -> str:
    assert isinstance(history.ask(command, key=key), Accepted)
    return key


def undone(history: History, key: str = "it", by: Actor = ANN) -> Outcome:
    undoing = found(history, key)
    assert isinstance(undoing, Undo), undoing
    return history.when(undoing, by)


def test_a_moved_job_goes_back_to_where_it_stood() -> None:
    history = spec_given(transfer("a"), transfer("b"), transfer("c"))
    does(history, Move([C], queue="high"))
    assert history.running() == ["c"]
    undone(history).then("job.moved", "job.gave_way", "job.started")
    assert history.line() == "abc"
    assert history.running() == ["a"]


def test_several_that_were_moved_go_back_among_those_that_came_since() -> None:
    history = spec_given(transfer("a"), transfer("b"), transfer("c"))
    does(history, Move([A, C], queue="low"))
    history.ask(transfer("d"))
    undone(history)
    assert history.line() == "abcd"


def test_the_undo_is_caused_by_what_it_undoes() -> None:
    history = spec_given(transfer("a"), transfer("b"))
    undoing = found(history, does(history, Move([B], to="top")))
    assert isinstance(undoing, Undo)
    history.ask(undoing, key=UNDO_OF + "it")
    assert {one.cause for one in history.log[-1]} == {"undo of it"}
    again = found(history, "undo of it")
    assert isinstance(again, Undo)
    history.ask(again)
    assert history.line() == "ba"


def test_a_paused_job_comes_back_to_its_own_place_and_a_resumed_one_is_paused_again() -> None:
    history = spec_given(transfer("a"), transfer("b"), transfer("c"))
    does(history, Pause(A))
    undone(history).then("job.resumed", "job.gave_way", "job.started")
    assert history.line() == "abc"
    history.ask(Pause(B))
    does(history, Resume(B), "resume")
    undone(history, "resume").then("job.paused")
    assert history.job("b").status is Status.PAUSED


def test_who_has_its_place_by_now_comes_behind_it() -> None:
    history = spec_given(transfer("a"), transfer("b"), transfer("c"))
    place = history.job("b").place
    does(history, Move([B], queue="high"))
    history.ask(transfer("d"))
    history.ask(Move([job_id("d")], after=A))
    assert place == history.job("d").place, "the gap was halved alike"
    undone(history)
    assert history.line() == "abdc"


def test_settings_go_back_to_what_was_held_or_to_nothing() -> None:
    history = spec_given(transfer("a"))
    history.ask(Set("queue", "medium", {"transfer_concurrent": 2}))
    does(history, Set("queue", "medium", {"transfer_concurrent": 3, "stall_s": 9}))
    undone(history).then("queue.settings_changed")
    queue = history.board.queue_by_code("medium")
    assert queue is not None
    assert queue.settings == {"transfer_concurrent": 2}
    for level, which in [("workspace", ""), ("endpoint", "hq"), ("pair", "hq:oslo"), ("job", A)]:
        name = "transfer_speedlimit"
        does(history, Set(level, which, {name: "5"}), level)  # type: ignore[arg-type]
        undone(history, level)
    assert history.board.settings == {}
    assert history.job("a").settings == {}


def test_tasks_that_were_held_or_excluded_are_what_they_were() -> None:
    history = spec_given(transfer("a"))
    history.done("a", "0", 100)
    history.failed("a", 1, ErrorClass.PERMISSION)
    assert history.tasks("a") == "dfq"
    does(history, HandOnTasks(job=A, action="exclude", tasks="all"))
    assert history.tasks("a") == "xxx"
    assert history.job("a").status is Status.DONE
    undone(history)
    assert history.tasks("a") == "dfq"
    assert history.running() == ["a"]
    does(history, HandOnTasks(job=A, action="hold", tasks="2"), "hold")
    undone(history, "hold")
    assert history.tasks("a") == "dfq"


def test_a_job_that_ended_by_it_comes_back_to_its_own_place() -> None:
    history = spec_given(transfer("a"), transfer("b"))
    does(history, HandOnTasks(job=A, action="hold", tasks="all"))
    assert history.job("a").status is Status.PAUSED
    undone(history)
    assert history.line() == "ab"


def test_a_held_queue_goes_on_and_one_that_was_let_go_on_is_held() -> None:
    history = spec_given(transfer("a"))
    does(history, PauseQueue("medium"))
    undone(history).then("queue.resumed", "job.started")
    history.ask(PauseQueue("medium"))
    does(history, ResumeQueue("medium"), "resume")
    undone(history, "resume").then("queue.paused", "job.interrupted")


def test_what_somebody_changed_since_is_not_taken_back() -> None:
    history = spec_given(transfer("a"), transfer("b"), transfer("c"))
    does(history, Move([A], queue="low"), "move")
    history.ask(Move([A], queue="high"), by=EVE)
    undone(history, "move").then_rejected("conflict", "was moved again since")
    does(history, Pause(B), "pause")
    history.passes(1)
    history.ask(Resume(B), by=EVE)
    undone(history, "pause").then_rejected("conflict", "by something that was done since")
    history.passes(1)
    history.ask(Pause(B), by=EVE)
    undone(history, "pause").then_rejected("conflict", "by something that was done since")
    does(history, Set("queue", "medium", {"stall_s": 9}), "set")
    history.ask(Set("queue", "medium", {"stall_s": 10}))
    undone(history, "set").then_rejected("conflict", "stall_s of the queue was set again since")
    does(history, HandOnTasks(job=C, action="hold", tasks="0-1"), "hold")
    history.ask(HandOnTasks(job=C, action="exclude", tasks="1"), by=EVE)
    undone(history, "hold").then_rejected("conflict", "tasks that were changed again since: 1")


def test_what_has_no_way_back_says_what_to_do_instead() -> None:
    history = spec_given(transfer("a"))
    history.finished("a")
    given: list[tuple[PersonsCommand, str]] = [
        (transfer("b"), "job.submitted cannot be undone: abort it"),
        (Abort(B), "job.aborted cannot be undone: retry it"),
        (Retry(A), "job.retried cannot be undone: pause or abort it"),
    ]
    for command, words in given:
        refused = found(history, does(history, command, words))
        assert isinstance(refused, Rejected)
        assert refused.detail.startswith(words)


def test_nobody_undoes_what_they_may_not_do() -> None:
    history = spec_given(transfer("a"))
    does(history, Move([A], queue="low"), "move")
    undone(history, "move", by=BOB).then_rejected("absent")
    does(history, Set("queue", "low", {"stall_s": 9}), "set")
    undone(history, "set", by=EVE).then_rejected("forbidden")


def test_what_was_done_earlier_in_the_same_commit_is_not_undone() -> None:
    history = spec_given(transfer("a"), transfer("b"))
    before = history.line()
    turn = Turn(history.board, history.now)
    turn.take(Request("first", EVE, Move([A], queue="high")))
    turn.take(Request("it", ANN, Move([A], queue="low")))
    history._stored(turn)
    undone(history)
    assert before == "ab"
    assert history.line("high") == "a"


HANDS = st.sampled_from(
    [
        Move([A], queue="high"),
        Move([A, B], to="bottom"),
        Pause(A),
        Resume(B),
        PauseQueue("medium"),
        ResumeQueue("low"),
        Set("queue", "high", {"transfer_concurrent": 3}),
        Set("workspace", "", {"stall_s": 7}),
        Set("job", A, unset=["stall_s"]),
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@for_all(st.lists(steps, min_size=3, max_size=25), HANDS)
def test_after_any_history_a_command_that_is_undone_at_once_leaves_nothing(
    story: list[Step], command: PersonsCommand
) -> None:
    *_, history = told(story)
    before, commits = _standing(history), len(history.log)
    answer = history.ask(command, key="it")
    if isinstance(answer, Rejected) or len(history.log) == commits:
        return
    undoing = found(history, "it")
    assert isinstance(undoing, Undo)
    answer = history.ask(undoing)
    assert isinstance(answer, Accepted) or "only tasks on hold left" in answer.detail
    assert _standing(history) == before


def _standing(history: History) -> dict[str, object]:
    """What people decide, without what follows from it."""
    board = history.board
    lines = {code: history.line(code) for code in ("high", "medium", "low")}
    paused = sorted(job.name for job in board.jobs.values() if job.status is Status.PAUSED)
    held = {queue.code: (queue.paused, queue.settings) for queue in board.queues.values()}
    own = {job.name: job.settings for job in board.jobs.values()}
    return {"lines": lines, "paused": paused, "held": held, "own": own, "all": board.settings}
