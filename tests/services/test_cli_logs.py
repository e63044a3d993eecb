"""`haulage log` of anything: what it asks for, and how lines are told."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from tests.services.cli_server import LINES, NOON, Terminal, job, said, terminal


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with terminal(capsys, monkeypatch) as typed:
        typed.world.jobs = [job(1)]
        typed.world.lines = [
            LINES[0],
            msgspec.structs.replace(
                LINES[1], about="shot001", because="ann moved it to high: shot002"
            ),
        ]
        yield typed


def test_the_log_of_everything_says_to_what_and_because_of_what(cli: Terminal) -> None:
    assert cli.types("log").out == (
        "2026-03-04 12:00:00  ann submitted it\n"
        "2026-03-04 12:00:00  scheduler: run 1 started on stockholm  shot001"
        "  because ann moved it to high: shot002"
    )
    asked = cli.world.asked[-1]
    assert (asked.path, asked.query) == ("/api/log", {"limit": "200", "order": "newest"})


def test_filters_are_asked_for_as_they_are_typed(cli: Terminal) -> None:
    options = ["--kind", "job.paused,queue", "--actor", "hq", "--of-task", "7", "--text", "disk"]
    times = ["--since", "3h", "--until", "1234", "--cause", "c1", "--causes"]
    told = cli.types("log", "0199", *options, *times)
    assert told.out.endswith("c1")
    asked = cli.world.asked[-1]
    assert asked.path == f"/api/jobs/{job(1).id}/log"
    assert asked.query == {
        "limit": "200",
        "order": "oldest",
        "kind": "job.paused,queue",
        "actor": "hq",
        "task": "7",
        "text": "disk",
        "from": "3h",
        "to": "1234",
        "cause": "c1",
    }


@pytest.mark.parametrize("of", ["queue", "endpoint", "user"])
def test_a_queue_an_endpoint_and_a_person_have_logs(cli: Terminal, of: str) -> None:
    found = cli.types("log", f"--{of}", "hq", "--limit", "1", "--json")
    assert cli.world.asked[-1].path == f"/api/{of}s/hq/log"
    assert [one["sequence"] for one in found.json()] == [12], "the newest"


def test_all_of_a_log_goes_into_a_file_as_csv(cli: Terminal) -> None:
    cli.world.manifest = b"sequence,index\n" * 100
    asked_for = cli.types("log", "--user", "ann", "--csv", "--kind", "job")
    assert asked_for.out == "\n".join(["sequence,index"] * 100)
    asked = cli.world.asked[-1]
    assert (asked.path, asked.query) == (
        "/api/log/export",
        {"user": "ann", "kind": "job", "format": "csv"},
    )
    cli.world.manifest = b""
    broken = cli.types("log", "--csv")
    assert (broken.status, "broke off" in broken.err) == (1, True)


def test_everything_is_followed_from_what_was_lately(cli: Terminal) -> None:
    event: dict[str, object] = {
        "specversion": "1.0",
        "type": "job.started",
        "subject": "job/x",
        "actor": "ann",
    }
    event |= {"time": NOON.isoformat(), "sequence": f"{13:020d}.{0:06d}", "data": {}}
    cli.world.streams = [said("event", event)]
    cli.world.faults = [200, 200, 200, 200, 403]
    followed = cli.types("log", "--follow", "--json")
    assert [msgspec.json.decode(line)["sequence"] for line in followed.out.splitlines()] == [11, 12]
    reads = [one for one in cli.world.asked if one.path == "/api/log"]
    assert {one.query["from"] for one in reads} == {"0"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["0199", "--queue", "high"], "name one of"),
        (["--task", "3"], "goes with a job"),
        (["--csv", "--follow"], "leave out"),
        (["0199", "--tail", "3"], "go with --task"),
    ],
)
def test_what_does_not_go_together_is_said(cli: Terminal, options: list[str], words: str) -> None:
    told = cli.types("log", *options)
    assert (told.status, words in told.err) == (2, True), told.err
