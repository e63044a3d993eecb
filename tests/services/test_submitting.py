"""Compute jobs as they are submitted: what becomes of them, and every refusal with its field."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from events import frames, jobs, tasks
from services.scheduler.commands import (
    Accepted,
    CreateQueue,
    Rejected,
    Request,
    Resume,
    Set,
    SubmitCompute,
    Why,
)
from services.scheduler.leader import _mark
from tests.services.spec import ANN, BOB, History, compute, given, job_id, transfer

A = job_id("a")


def submitted(history: History, command: SubmitCompute) -> jobs.Compute:
    assert isinstance(history.ask(command), Accepted)
    return history.board.jobs[command.job].compute


def test_a_compute_job_waits_with_a_task_for_each_frame() -> None:
    history = given()
    history.when(compute("a", "1001-1003,1010-1030x10,1002")).then("job.submitted", "task.ranged")
    job, table = history.job("a"), history.board.tables[A]
    assert (job.status, job.compute.frames, len(table)) == ("waiting", "1001-1003,1010-1030x10", 6)


def test_a_command_without_a_range_is_one_task() -> None:
    history = given()
    assert submitted(history, compute("a", "")).frames == ""
    assert len(history.board.tables[A]) == 1


def test_what_was_given_of_settings_is_the_jobs_own() -> None:
    history = given()
    command = compute("a", command="render {frames}", bucket=10, limit_s=60, paused=True)
    history.when(command).then("job.submitted", "task.ranged", "job.settings_changed", "job.paused")
    assert history.job("a").settings == {"task_bucketsize": 10, "task_limit_s": 60}
    history.when(Resume(A)).then("job.resumed")


def test_it_is_called_as_its_program_and_its_range() -> None:
    history = given()
    history.ask(compute("a", "5,6,7", name=None, command="'/opt/my render/render' {frame}"))
    history.ask(compute("b", ",".join(f"{n * 9}" for n in range(200)), name=None))
    assert history.board.jobs[A].name == "render 5-7"
    assert history.board.jobs[job_id("b")].name.startswith("render 0-1791x9")


def test_without_a_queue_it_goes_to_the_compute_default() -> None:
    history = given()
    history.ask(compute("a"))
    history.ask(CreateQueue("d" * 24, "farm", compute_default=True))
    history.ask(compute("b"))
    history.ask(compute("c", queue="low"))
    history.ask(transfer("t"))
    assert [history.line(code) for code in ("medium", "farm", "low")] == ["at", "b", "c"]


def test_it_keeps_what_it_was_asked_with() -> None:
    history = given()
    history.ask(transfer("z"))
    command = compute(
        "a",
        filters=["ram:>32g", "site:hq", "ram:>32g"],
        environment={"OCIO": "/srv/ocio/config.ocio"},
        volume="projects",
        path="shot010/",
        depends_on=[job_id("z")] * 2,
    )
    work = submitted(history, command)
    assert work.filters == ("ram:>32g", "site:hq")
    assert work.environment == {"OCIO": "/srv/ocio/config.ocio"}
    assert (work.volume, work.path) == ("projects", "shot010/")
    assert history.job("a").depends_on == (job_id("z"),)


def test_a_million_frames_are_one_event_and_one_more_is_refused() -> None:
    history = given()
    outcome = history.when(compute("a", "1-1000000"))
    assert [event for event in outcome.events if isinstance(event, tasks.Ranged)] == [
        tasks.Ranged(A, 0, "1-1000000", 1_000_000)
    ]
    history.when(compute("b", "0-1000000")).then_rejected(Why.INVALID, "at most 1,000,000")


LONG = "x" * 8_200
REFUSED = [
    ("command", {"command": "", "frames": ""}, "empty: write what to run"),
    ("command", {"command": "render '{frame}"}, "close its quotes"),
    ("command", {"command": "render {fame}"}, "{frame}, {first}, {last}, {frames}"),
    ("command", {"command": f"render {LONG}", "frames": ""}, "at most 8192"),
    ("range", {"frames": "", "command": "render {last}"}, "names {last}, but there is no range"),
    ("range", {"frames": "1001-"}, "write for example 1001-1100"),
    ("range", {"frames": "9-1"}, "write 1-9"),
    ("range", {"frames": "1," * 5_000 + "1"}, "at most 8192"),
    ("filters", {"filters": ["site:hq", "ram:lots"]}, "'ram:lots'"),
    ("filters", {"filters": ["site:hq"] * 33}, "at most 32"),
    ("environment", {"environment": {"2X": "1"}}, "'2X' names no variable"),
    ("environment", {"environment": {"A-B": "1"}}, "letters, digits and _"),
    ("environment", {"environment": {"HAULAGE_JOB": "1"}}, "choose another name"),
    ("environment", {"environment": {"A": "\0"}}, "NUL"),
    ("environment", {"environment": {"A": "x" * 20_000}}, "at most 100 of 16384"),
    ("environment", {"environment": dict.fromkeys(map("A{}".format, range(101)), "")}, "at most"),
    ("cwd", {"volume": "plates"}, "no volume 'plates': there are incoming, projects"),
    ("cwd", {"volume": "projects", "path": "a/../../b"}, "without `..`"),
    ("cwd", {"volume": "projects", "path": "/etc"}, "leaves the volume"),
    ("depends_on", {"depends_on": [job_id("z")]}, "there is no job"),
    ("queue", {"queue": "farm"}, "there are high, low, medium"),
    ("name", {"name": "n" * 256}, "at most 255"),
    ("bucket", {"bucket": 5}, "names only {frame}"),
    ("bucket", {"bucket": 0}, "a bucket is all frames"),
    ("bucket", {"bucket": -1, "command": "render {frames}"}, "0 to 1000000"),
    ("bucket", {"bucket": 2, "settings": {"task_bucketsize": 3}}, "give one of them"),
    ("limit_s", {"limit_s": -5}, "-5 cannot be"),
    ("limit_s", {"limit_s": 5, "settings": {"task_limit_s": 5}}, "give one of them"),
]


@pytest.mark.parametrize(("field", "changes", "words"), REFUSED)
def test_what_cannot_be_computed_is_refused_with_its_field(
    field: str, changes: dict[str, object], words: str
) -> None:
    outcome = given().when(compute("a", **changes))  # type: ignore[arg-type]
    outcome.then_rejected(Why.INVALID, words)
    assert isinstance(outcome.answer, Rejected)
    assert outcome.answer.field == field


def test_nobody_waits_for_a_job_that_they_may_not_see() -> None:
    history = given(transfer("z"))
    command = compute("a", depends_on=[job_id("z")])
    history.when(command, by=BOB).then_rejected(Why.INVALID, "no job")
    history.when(command, by=ANN).then("job.submitted", "task.ranged")


def test_a_bucket_of_its_queue_is_told_as_what_it_is() -> None:
    history = given()
    history.ask(Set("queue", "low", {"task_bucketsize": 8}))
    refused = compute("a", queue="low")
    history.when(refused).then_rejected(Why.INVALID, "queue or the workspace", "give bucket 1")
    history.when(replace(refused, bucket=1)).then(
        "job.submitted", "task.ranged", "job.settings_changed"
    )
    several = compute("b", queue="low", command="render {first} {last}")
    history.when(several).then("job.submitted", "task.ranged")


def test_a_bucket_that_its_command_has_no_words_for_is_not_set_later_either() -> None:
    history = given()
    history.ask(compute("a"))
    more = Set("job", A, {"task_bucketsize": 4})
    history.when(more).then_rejected(Why.INVALID, "names only {frame}")
    history.when(replace(more, values={"task_bucketsize": 1})).then("job.settings_changed")


def test_tried_again_with_another_id_it_is_the_same_command() -> None:
    once, again = (Request("k", ANN, compute(letter, name="x")) for letter in "ab")
    other = Request("k", ANN, compute("a", "1-5", name="x"))
    assert _mark(once) == _mark(again) != _mark(other)


def test_frames_of_a_job_are_each_there_once() -> None:
    history = given()
    work = submitted(history, compute("a", "1-25000,30000-30010x2,1-3"))
    assert len(history.board.tables[A]) == len(set(frames.read(work.frames))) == 25_006
