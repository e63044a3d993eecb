"""`haulage log JOB --task N`: what a command wrote, as it is and as it comes."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from services.gateway.log_resources import OutputLine, TaskOutput
from tests.services.cli_server import NOON, Terminal, job, terminal


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with terminal(capsys, monkeypatch) as at_hand:
        at_hand.world.jobs = [job(1)]
        yield at_hand


SO_FAR = TaskOutput("0199", 4, 2, 7, "node1", "executing", False, [], -1, False)


def page(first: int, *texts: str, **changes: object) -> TaskOutput:
    lines = [OutputLine(number, NOON, text) for number, text in enumerate(texts, first)]
    told = {"lines": lines, "after": first + len(texts) - 1, **changes}
    return msgspec.structs.replace(SO_FAR, **told)


def test_its_lines_are_printed_and_cannot_steer_the_terminal(cli: Terminal) -> None:
    cli.world.output = [page(0, "a\tb", "\x1b[31mred", more=True), page(2, "end")]
    told = cli.types("log", "0199", "--task", "4", "--attempt", "2", "--tail", "9")
    assert told.out.splitlines() == ["a       b", "\\u{1b}[31mred", "end"]
    asked = [one.query for one in cli.world.asked if one.path.endswith("/tasks/4/log")]
    assert (asked[0]["attempt"], asked[0]["tail"]) == ("2", "9")
    assert (asked[1]["after"], "tail" in asked[1], "wait" in asked[1]) == ("1", False, False)


def test_it_is_followed_to_the_end_of_its_try(cli: Terminal) -> None:
    none = msgspec.structs.replace(SO_FAR, attempt=None, outcome="queued")
    cli.world.output = [none, page(0, "one"), SO_FAR, page(1, "two", over=True, outcome="done")]
    told = cli.types("log", "0199", "--task", "4", "-f")
    assert told.out.splitlines() == ["one", "two"]
    asked = [one.query for one in cli.world.asked if one.path.endswith("/tasks/4/log")]
    assert [one.get("attempt") for one in asked] == [None, None, "2", "2"]
    assert "wait" not in asked[0]
    assert "wait" in asked[1]


def test_as_json_it_is_as_it_was_written_an_object_a_line(cli: Terminal) -> None:
    cli.world.output = [page(0, "\x1b[31mred")]
    told = cli.types("log", "0199", "--task", "4", "--json")
    assert msgspec.json.decode(told.out)["text"] == "\x1b[31mred"


def test_a_log_with_nothing_in_it_says_why(cli: Terminal) -> None:
    cli.world.output = [msgspec.structs.replace(SO_FAR, attempt=None, outcome="excluded")]
    assert "was not tried: it is excluded" in cli.types("log", "0199", "--task", "4").err


def test_what_goes_with_a_task_needs_one(cli: Terminal) -> None:
    assert cli.types("log", "0199", "--tail", "4").status == 2
