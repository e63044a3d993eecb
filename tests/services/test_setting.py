"""Settings: what may be set where, which value wins, and what changes at once."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from events.jobs import Awaited, ErrorClass
from events.rules import Rules
from events.setting import Setting
from projections.snapshot import load, save
from services.agent.commands import Choice, List, Receive
from services.scheduler import explain, plan, policy, setting
from services.scheduler.commands import (
    Actor,
    ListingAwaits,
    Move,
    Pause,
    Rejected,
    Resume,
    Role,
    RunFailed,
    Set,
    Why,
)
from tests.services.spec import (
    ANN,
    BOB,
    HQ,
    SECOND,
    STOCKHOLM,
    History,
    compute,
    given,
    job_id,
    transfer,
)

A, B, C = job_id("a"), job_id("b"), job_id("c")


def test_the_nearest_value_wins() -> None:
    history = given(transfer("a"))
    found = {}
    for level, which in (("workspace", ""), ("queue", "medium"), ("job", A)):
        history.ask(Set(level, which, {"job_max_retries": len(level)}))  # type: ignore[arg-type]
        holder = setting.find("job", A, ANN, history.board)
        assert not isinstance(holder, Rejected)
        shown = {one.name: one for one in setting.show(holder, history.board)}
        found[level] = (shown["job_max_retries"].value, shown["job_max_retries"].source)
    assert found == {
        "workspace": (9, "workspace"),
        "queue": (5, "queue"),
        "job": (3, "job"),
    }
    history.when(Set("job", A, unset=["job_max_retries"])).then("job.settings_changed")
    history.when(Set("job", A, unset=["job_max_retries"])).then_nothing()


def test_a_bucket_is_one_frame_of_a_compute_job_and_all_of_a_transfer_unless_it_is_set() -> None:
    history = given(transfer("a"))
    history.ask(compute("b", command="render {frames}"))
    assert [_bucket(history, one) for one in (A, B)] == [(0, "default", 0), (1, "default", 1)]
    history.ask(Set("queue", "medium", {"task_bucketsize": 5}))
    assert [_bucket(history, one) for one in (A, B)] == [(5, "queue", 0), (5, "queue", 1)]
    history.ask(Set("job", A, {"task_bucketsize": 0}))
    assert _bucket(history, A) == (0, "job", 0)


def _bucket(history: History, job: str) -> tuple[object, str, object]:
    """What holds, where it is from, what it would be; and the scheduler goes by the same."""
    holder = setting.find("job", job, ANN, history.board)
    assert not isinstance(holder, Rejected)
    shown = next(one for one in setting.show(holder, history.board) if "bucket" in one.name)
    assert policy.of_job(shown.name, history.board.jobs[job], history.board) == shown.value
    return shown.value, shown.source, shown.default


def test_patterns_add_up_over_the_levels() -> None:
    history = given(transfer("a"))
    history.ask(Set("workspace", "", {"transfer_exclude": ".DS_Store"}))
    history.ask(Set("job", A, {"transfer_exclude": "*.tmp, cache/", "transfer_symlinks": "skip"}))
    held = policy.choice(history.job("a"), history.board)
    assert held == Choice(exclude="*.tmp, cache/, .DS_Store", symlinks="skip")
    holder = setting.find("job", A, ANN, history.board)
    assert not isinstance(holder, Rejected)
    shown = {one.name: one for one in setting.show(holder, history.board)}
    exclude = shown["transfer_exclude"]
    assert (exclude.value, exclude.source) == ("*.tmp, cache/", "job")
    assert exclude.together == held.exclude
    wrong = Set("job", A, {"transfer_exclude": "re('(')"})
    history.when(wrong).then_rejected(Why.INVALID, "*.exr, cache/", "missing )")


def test_what_of_its_source_a_job_takes_is_told_with_its_listing() -> None:
    history = given()
    history.ask(replace(transfer("a"), settings={"transfer_include": "*.exr"}))
    (listing,) = plan.duties(HQ, history.board, history.now).duties
    assert isinstance(listing, List)
    assert listing.choice == Choice(include="*.exr")


def test_a_job_says_for_how_many_files_it_waits() -> None:
    history = given()
    history.ask(replace(transfer("a"), settings={"transfer_stable_s": 30}))
    for files in (2, 1, 1):
        history.report(ListingAwaits(A, 1, files))
    assert sum(isinstance(event, Awaited) for event in history.events()) == 2
    [reason] = explain.reasons([history.job("a")], history.board)[A]
    assert (reason.code, reason.text) == ("files_changing", "waits for 1 file on hq to stay as is")
    assert reason.release == "they are left alone for 30 s (transfer_stable_s)"
    history.listed("a")
    assert (history.job("a").awaited, history.job("a").status) == (0, "running")


def test_settings_given_with_a_job_are_its_own_from_its_first_moment() -> None:
    history = given()
    own = {"job_max_retries": 1, "job_on_missing": "ignore"}
    command = replace(transfer("a"), settings=own, paused=True)
    history.when(command).then("job.submitted", "job.settings_changed", "job.paused")
    assert history.job("a").settings == own
    several = replace(compute("b", command="render {frames}"), settings={"task_bucketsize": 2})
    history.when(several).then("job.submitted", "task.ranged", "job.settings_changed")
    wrong = replace(transfer("c"), settings={"job_max_retries": -1})
    history.when(wrong).then_rejected(Why.INVALID, "from 0 to 1000")
    strange = replace(compute("d"), settings={"transfer_concurrent": 2})
    history.when(strange).then_rejected(Why.INVALID, "those of a job are")


@pytest.mark.parametrize(
    ("command", "why", "words"),
    [
        (Set("workspace", "", {"speed": 3}), Why.INVALID, ["'speed'", "job_max_retries"]),
        (Set("job", A, {"transfer_concurrent": 2}), Why.INVALID, ["of a job"]),
        (Set("queue", "low", {"transfer_concurrent": 11}), Why.INVALID, ["from 1 to 10"]),
        (Set("queue", "low", {"transfer_concurrent": True}), Why.INVALID, ["from 1 to 10"]),
        (Set("queue", "low", {"transfer_concurrent": 1.5}), Why.INVALID, ["from 1 to 10"]),
        (Set("workspace", "", {"job_on_missing": "cry"}), Why.INVALID, ["fail, ignore"]),
        (
            Set("job", A, {"job_max_retries": 1}, ["job_max_retries"]),
            Why.INVALID,
            ["both set and unset"],
        ),
        (Set("queue", "urgent", {"job_max_retries": 1}), Why.ABSENT, ["urgent"]),
        (Set("endpoint", "paris", {"endpoint_transfers": 1}), Why.ABSENT, ["hq, oslo"]),
        (Set("pair", "hq:paris", {"transfer_speedlimit": 1}), Why.ABSENT, ["'paris'", "hq, oslo"]),
        (Set("pair", "hq", {"transfer_speedlimit": 1}), Why.INVALID, ["hq:stockholm"]),
        (Set("queue", "low", {"time_zone": "UTC"}), Why.INVALID, ["of a queue"]),
        (Set("job", B, {"job_max_retries": 1}), Why.ABSENT, [B]),
    ],
)
def test_what_cannot_be_set_is_refused_with_what_can(
    command: Set, why: Why, words: list[str]
) -> None:
    given(transfer("a")).when(command).then_rejected(why, *words)


def test_jobs_are_set_by_who_may_see_them_and_all_else_by_admins() -> None:
    history = given(transfer("a"))
    carl = Actor("carl", Role.EMPLOYEE)
    history.when(Set("job", A, {"job_max_retries": 1}), by=carl).then("job.settings_changed")
    history.when(Set("job", A, {"job_max_retries": 2}), by=BOB).then_rejected(Why.ABSENT)
    history.when(Set("queue", "low", {"job_max_retries": 2}), by=carl).then_rejected(
        Why.FORBIDDEN, "an admin"
    )


def test_more_jobs_run_at_once_as_soon_as_they_may() -> None:
    history = given(transfer("a"), transfer("b"), transfer("c"))
    history.when(Set("queue", "medium", {"transfer_concurrent": 2})).then(
        "queue.settings_changed", "job.started"
    )
    assert history.running() == ["a", "b"]
    history.when(Set("queue", "medium", unset=["transfer_concurrent"])).then(
        "queue.settings_changed", "job.gave_way"
    )
    assert history.running() == ["a"]


def test_an_endpoints_limit_is_shared_among_its_pairs_in_order() -> None:
    history = given(
        transfer("a"),
        transfer("b", destination="oslo:incoming"),
        transfer("c", "oslo:projects/x", "stockholm:incoming/c"),
    )
    assert history.running() == ["a", "b", "c"]
    history.when(Set("endpoint", "hq", {"endpoint_transfers": 1})).then(
        "endpoint.settings_changed", "job.gave_way"
    )
    assert history.running() == ["a", "c"]
    [reason] = explain.reasons([history.job("b")], history.board)[B]
    assert (reason.code, reason.text) == ("endpoint_full", "hq is at its limit of 1 transfers")
    history.when(Move([B], to="top")).then("job.moved", "job.gave_way", "job.started")
    assert history.running() == ["b", "c"]


@pytest.mark.parametrize(
    ("policy", "of_same", "of_higher"),
    [("order", True, True), ("priority", False, True), ("never", False, False)],
)
def test_a_queue_says_what_interrupts_its_running_transfers(
    policy: str, of_same: bool, of_higher: bool
) -> None:
    history = given(transfer("a"), transfer("b"), transfer("c", queue="high", paused=True))
    history.ask(Set("workspace", "", {"queue_interrupt_policy": policy}))
    history.ask(Move([B], to="top"))
    assert (history.running() == ["b"]) is of_same
    history.ask(Resume(C))
    history.listed("c")
    assert (history.running() == ["c"]) is of_higher
    history.ask(Pause(C))
    assert len(history.running()) == 1


def test_retries_follow_the_settings_of_the_job() -> None:
    history = given(transfer("a"))
    history.ask(Set("job", A, {"job_max_retries": 1, "job_autoretry_delay_s": 100}))
    history.report(RunFailed(A, history.job("a").run, ErrorClass.NETWORK, "gone"))
    assert history.job("a").retry_at == history.now + 100 * SECOND
    history.passes(100)
    history.report(RunFailed(A, history.job("a").run, ErrorClass.NETWORK, "gone"))
    assert history.job("a").retry_at is None


@pytest.mark.parametrize(("value", "status"), [("fail", "failed"), ("ignore", "done")])
def test_a_missing_file_fails_the_job_or_not(value: str, status: str) -> None:
    history = given(transfer("a"))
    history.ask(Set("queue", "medium", {"job_on_missing": value}))
    history.failed("a", 1, ErrorClass.MISSING)
    history.done("a", "0,2", 200)
    history.ended("a")
    assert history.job("a").status == status


def test_what_else_failed_is_not_ignored() -> None:
    history = given(transfer("a"))
    history.ask(Set("workspace", "", {"job_on_missing": "ignore"}))
    history.failed("a", 1, ErrorClass.MISSING)
    history.failed("a", 2, ErrorClass.SPACE)
    history.done("a", "0", 100)
    history.ended("a")
    assert history.job("a").status == "failed"


# Guards: only if it is as I saw it.


def test_a_hand_that_saw_something_else_is_refused() -> None:
    history = given(transfer("a"), transfer("b"))
    seen = history.job("a").version
    history.when(Pause(A, seen=seen)).then("job.paused", "job.started")
    history.when(Resume(A, seen=seen)).then_rejected(Why.CHANGED, "look again")
    history.when(Move([A, B], to="top", seen={A: seen})).then_rejected(Why.CHANGED)
    history.when(Resume(A, seen=history.job("a").version)).then("job.resumed")


def test_what_tasks_do_does_not_change_what_was_seen_of_a_job() -> None:
    history = given(transfer("a"))
    seen = history.job("a").version
    history.done("a", "0", 100)
    history.when(Pause(A, seen=seen)).then("job.paused")


def test_all_settings_of_a_workspace_are_shown_with_their_defaults() -> None:
    history = History()
    holder = setting.find("workspace", "", ANN, history.board)
    assert not isinstance(holder, Rejected)
    shown = setting.show(holder, history.board)
    assert {one.source for one in shown} == {"default"}
    assert {one.name: one.value for one in shown}["transfer_concurrent"] == 1


def test_a_pair_is_the_same_whichever_end_is_named_first() -> None:
    history = History()
    history.when(Set("pair", "stockholm:hq", {"transfer_speedlimit": 20})).then(
        "pair.settings_changed"
    )
    history.when(Set("pair", "hq:stockholm", {"transfer_speedlimit": "20"})).then_nothing()
    assert history.board.pair_settings == {(HQ, STOCKHOLM): {"transfer_speedlimit": "20"}}
    assert load(save(history.board)).pair_settings == history.board.pair_settings
    history.when(Set("pair", "hq:stockholm", unset=["transfer_speedlimit"])).then(
        "pair.settings_changed"
    )


def test_a_text_is_read_before_it_is_taken_and_may_look_like_a_number() -> None:
    short = Setting(
        "word", ("job",), "", "a word", written="a word", fault=lambda text: "too long"[: len(text)]
    )
    assert short.stored(7) == "7"
    assert short.problem(short.stored("")) is None
    assert short.problem("x" * 9) == "a word (too long)"
    assert short.problem(True) == "a word (it is not a text)"


def test_the_rules_that_agents_go_by_are_settings_of_the_job() -> None:
    history = given(transfer("a"))
    history.listed("a")

    def rules() -> Rules:
        [duty] = plan.duties(STOCKHOLM, history.board, history.now).duties
        assert isinstance(duty, Receive)
        return duty.rules

    assert rules() == Rules()
    history.ask(Set("queue", "medium", {"transfer_comparison": "size"}))
    assert rules() == Rules(comparison="size")
    history.ask(Set("job", A, {"transfer_comparison": "hash"}))
    assert rules() == Rules(comparison="hash")
    assert STOCKHOLM in plan.ordered_anew(list(history.events())[-1:], history.board)
