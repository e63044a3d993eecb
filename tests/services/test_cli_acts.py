"""What people do to jobs from the command line: every command once, whatever gets lost."""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec
import pytest

from services.gateway.resources import Problem
from tests.services.cli_server import Terminal, job, terminal

ONE, TWO, THREE = job(1), job(2), job(3)
NAME_IT = (
    "name it by its id or the beginning of it, see `haulage jobs` and `haulage jobs --finished`"
)
DONE_ALREADY = Problem("about:blank", "Conflict", 409, "it is done: retry it to run it again")


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with terminal(capsys, monkeypatch) as at_hand:
        at_hand.world.jobs = [ONE, TWO, THREE]
        yield at_hand


def keys(cli: Terminal) -> list[str]:
    return [one.headers["Idempotency-Key"] for one in cli.world.commands()]


@pytest.mark.parametrize("act", ["pause", "resume", "retry", "abort"])
def test_an_act_is_sent_and_the_job_shown_as_it_is_then(cli: Terminal, act: str) -> None:
    said = cli.types(act, "0199aabbcc01")
    assert said.status == 0
    assert said.out == f"{ONE.id}  shot001  running  medium [1]"
    assert [one.path for one in cli.world.commands()] == [f"/api/jobs/{ONE.id}/{act}"]
    assert cli.world.asked[-1].query == {"at_least": "99"}


def test_more_is_added_by_paths_or_frames(cli: Terminal) -> None:
    odd = os.fsdecode(b"day\\2/\xff")
    said = cli.types("append", "0199aabbcc01", "day 2/", odd)
    assert (said.status, said.out) == (0, f"{ONE.id}  shot001  running  medium [1]")
    assert cli.types("append", ONE.id, "--frames", "1-5x2").status == 0
    sent = cli.world.commands()
    assert [one.path for one in sent] == [f"/api/jobs/{ONE.id}/append"] * 2
    bodies = [msgspec.json.decode(one.body) for one in sent]
    assert bodies[0] == {"paths": ["day 2/", "day\\\\2/\\xff"], "frames": None}
    assert bodies[1] == {"paths": [], "frames": "1-5x2"}
    for nothing in ([], ["x", "--frames", "1"]):
        assert cli.types("append", ONE.id, *nothing).status == 2


@pytest.mark.parametrize("act", ["retry", "hold", "fail", "done", "exclude"])
def test_tasks_are_changed_by_hand(cli: Terminal, act: str) -> None:
    said = cli.types("task", act, "0199aabbcc01", "0-99,120", "--if-version", "7")
    assert (said.status, said.out) == (0, f"{ONE.id}  shot001  running  medium [1]")
    [sent] = cli.world.commands()
    assert sent.path == f"/api/jobs/{ONE.id}/tasks/{act}"
    assert msgspec.json.decode(sent.body) == {"tasks": "0-99,120"}
    assert sent.headers["If-Match"] == '"7"'
    assert act in cli.types("task", "--help").out


def test_a_refusal_of_one_job_does_not_keep_the_others_from_it(cli: Terminal) -> None:
    cli.world.refusals[TWO.id] = DONE_ALREADY
    said = cli.types("pause", ONE.id, TWO.id, "0123", "nonsense", THREE.id)
    assert said.status == 1
    assert [line.split()[0] for line in said.out.splitlines()] == [ONE.id, THREE.id]
    assert said.err.splitlines() == [
        f"haulage: 0123: there is no job '0123': {NAME_IT}",
        f"haulage: nonsense: there is no job 'nonsense': {NAME_IT}",
        f"haulage: {TWO.id}: it is done: retry it to run it again",
    ]


def test_the_answer_as_json_has_an_entry_for_each_job_named(cli: Terminal) -> None:
    cli.world.refusals[TWO.id] = DONE_ALREADY
    said = cli.types("pause", ONE.id, TWO.id, "--json")
    assert said.status == 1
    answers = {one["asked"]: one for one in said.json()}
    assert answers[ONE.id]["sequence"] == 99
    assert answers[ONE.id]["job"]["name"] == "shot001"
    assert answers[TWO.id]["refused"] == DONE_ALREADY.detail


def test_a_beginning_that_fits_several_jobs_is_refused_with_their_ids(cli: Terminal) -> None:
    cli.world.jobs = [ONE, TWO, job(3, status="done")]
    said = cli.types("abort", "0199")
    assert said.status == 1
    listed = ", ".join(f"{one.id} ({one.name})" for one in (ONE, TWO, THREE))
    assert said.err == f"haulage: 0199: 0199 is the beginning of several jobs: {listed}\n"
    assert cli.world.commands() == []


def test_no_job_at_all_is_a_mistake(cli: Terminal) -> None:
    assert cli.types("pause").status == 2
    assert cli.types("move", "--top").status == 2
    assert cli.world.asked == []


@pytest.mark.parametrize("fault", [503, 502, 504, 0])
def test_a_lost_answer_is_asked_for_again_under_the_same_key(cli: Terminal, fault: int) -> None:
    cli.world.faults = [200, fault, fault]
    assert cli.types("pause", ONE.id).status == 0
    assert len(keys(cli)) == 3
    assert len(set(keys(cli))) == 1


def test_two_commands_have_two_keys(cli: Terminal) -> None:
    cli.types("pause", ONE.id, TWO.id)
    assert len(set(keys(cli))) == 2


def test_a_command_is_not_repeated_for_ever(cli: Terminal) -> None:
    cli.world.faults = [200, *[503] * 10]
    said = cli.types("pause", ONE.id)
    assert said.status == 1
    assert said.err == f"haulage: {ONE.id}: the scheduler does not answer\n"
    assert len(keys(cli)) == 4


def test_a_command_whose_answer_never_comes_says_what_is_unknown(cli: Terminal) -> None:
    cli.world.faults = [200, *[0] * 10]
    said = cli.types("pause", ONE.id)
    assert said.status == 1
    assert "may or may not have been stored" in said.err


@pytest.mark.parametrize(
    ("options", "body"),
    [
        (["--queue", "high"], {"queue": "high"}),
        (["--top"], {"to": "top"}),
        (["--bottom"], {"to": "bottom"}),
        (["--before", "0199aabbcc03"], {"before": THREE.id}),
        (["--after", "0199aabbcc03"], {"after": THREE.id}),
        (["--queue", "high", "--top"], {"queue": "high", "to": "top"}),
    ],
)
def test_jobs_are_moved_together_in_one_command(
    cli: Terminal, options: list[str], body: dict[str, str]
) -> None:
    said = cli.types("move", "0199aabbcc02", ONE.id, *options)
    assert said.status == 0
    assert [line.split()[0] for line in said.out.splitlines()] == [TWO.id, ONE.id]
    (command,) = cli.world.commands()
    assert command.path == "/api/jobs/move"
    sent = {name: value for name, value in msgspec.json.decode(command.body).items() if value}
    assert sent == {"jobs": [TWO.id, ONE.id], **body}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--top", "--bottom"], "--top and --bottom contradict each other: give one of them"),
        (
            ["--before", TWO.id, "--after", THREE.id],
            "--before and --after contradict each other: give one of them",
        ),
        (
            ["--queue", "low", "--before", TWO.id, "--top"],
            "--before and --top contradict each other: give one of them",
        ),
        ([], "say where to: --queue, --before, --after, --top or --bottom"),
    ],
)
def test_places_that_contradict_each_other_are_refused_before_anything_is_sent(
    cli: Terminal, options: list[str], said: str
) -> None:
    answer = cli.types("move", ONE.id, *options)
    assert answer.status == 2
    assert answer.err == f"haulage: {said}\n"
    assert cli.world.asked == []


def test_what_is_typed_is_sent_byte_by_byte(cli: Terminal) -> None:
    """A name in Latin-1 and one with a backslash, as the shell hands them over."""
    source = os.fsdecode(b"hq:projects/caf\xe9/a\\b")
    said = cli.types("submit", "transfer", source, "stockholm:incoming/ö", "--queue", "high")
    assert said.status == 0
    (command,) = cli.world.commands()
    assert msgspec.json.decode(command.body) == {
        "source": r"hq:projects/caf\xe9/a\\b",
        "destination": "stockholm:incoming/ö",
        "name": None,
        "queue": "high",
        "paused": False,
        "settings": {},
        "depends_on": [],
    }


def test_several_sources_and_sequences_are_told_as_they_are_typed(cli: Terminal) -> None:
    sequence = "hq:projects/p.%04d.exr[1-9]"
    for typed in ((sequence, "hq:projects/notes"), (sequence,), ("--literal", sequence)):
        assert cli.types("submit", "transfer", *typed, "stockholm:incoming/").status == 0
    told = [msgspec.json.decode(one.body)["source"] for one in cli.world.commands()]
    literal = r"hq:projects/p.\%04d.exr\[1-9\]"
    assert told == [[sequence, "hq:projects/notes"], sequence, literal]
    alone = cli.types("submit", "transfer", "hq:projects/a")
    assert (alone.status, "a source and a destination" in alone.err) == (2, True)


def test_settings_of_a_new_job_are_given_with_it(cli: Terminal) -> None:
    submit = ("submit", "transfer", "hq:projects/a", "stockholm:incoming")
    assert cli.types(*submit, "--set", "stall_s=60", "--set", "job_on_missing=ignore").status == 0
    (command,) = cli.world.commands()
    settings = msgspec.json.decode(command.body)["settings"]
    assert settings == {"stall_s": 60, "job_on_missing": "ignore"}
    chosen = cli.types(
        *submit,
        "--exclude",
        "*.tmp",
        "--exclude",
        "cache/",
        "--symlinks=skip",
        "--hardlinks",
        "--attributes",
        "owner, group",
        "--xattrs",
    )
    assert chosen.status == 0
    assert msgspec.json.decode(cli.world.commands()[1].body)["settings"] == {
        "transfer_exclude": "*.tmp, cache/",
        "transfer_symlinks": "skip",
        "transfer_hardlinks": "on",
        "transfer_attributes": "owner, group",
        "transfer_xattrs": "on",
    }
    both = cli.types(*submit, "--set", "transfer_include=a", "--include", "b")
    assert (both.status, "give it once" in both.err) == (2, True)
    twice = cli.types(*submit, "--set", "stall_s=60", "--set", "stall_s=61")
    assert (twice.status, "each name once" in twice.err) == (2, True)


def test_a_submitted_job_is_shown(cli: Terminal) -> None:
    said = cli.types("submit", "transfer", "hq:projects/a", "stockholm:incoming", "--paused")
    assert said.out == f"{ONE.id}  shot001  running  medium [1]"
    assert cli.world.asked[-1].query == {"at_least": "11"}
    assert msgspec.json.decode(cli.world.commands()[0].body)["paused"] is True
    as_json = cli.types("submit", "transfer", "hq:projects/a", "stockholm:incoming", "--json")
    assert as_json.json()["id"] == ONE.id
