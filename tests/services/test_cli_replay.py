"""`haulage replay`: page by page, in words, and a check that goes on to its end."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from services.gateway.replay_routes import Change, Checked, Decision, ReplayPage, ReplayStep
from services.scheduler.commands import Reason
from tests.services.cli_server import LINES, Terminal, job, terminal

STEP = ReplayStep(LINES[0], [Change("status", None, "init"), Change("size", 1, 2)])


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with terminal(capsys, monkeypatch) as typed:
        typed.world.jobs = [job(1)]
        yield typed


def test_what_each_event_changed_is_told_page_by_page(cli: Terminal) -> None:
    cli.world.replayed = [ReplayPage([STEP], 12), ReplayPage([], 13), ReplayPage([STEP], None)]
    told = cli.types("replay", "--from", "3h", "--to", "20").out
    assert told == "\n".join(
        [
            "      11  2026-03-04 12:00:00  ann submitted it",
            "          status: null → init",
            "          size: 1 → 2",
        ]
        * 2
    )
    assert [asked.query["from"] for asked in cli.world.asked] == ["3h", "12", "13"]
    assert {asked.query["to"] for asked in cli.world.asked} == {"20"}
    cli.world.replayed = [ReplayPage([STEP], None)]
    told = cli.types("replay", "--job", "0199", "--json").out
    assert msgspec.json.decode(told)["line"]["sequence"] == 11
    assert cli.world.asked[-1].query["from"] == "11", "from its submission on"


def test_a_check_goes_on_until_a_decision_differs(cli: Terminal) -> None:
    reason = Reason("behind_job", "behind shot001", None, None, "")
    recorded, decided = Decision(STEP, {"j1": []}), Decision(None, {"j1": [reason]})
    cli.world.replayed = [
        Checked(True, 5, 10, 3, 6, None, None),
        Checked(False, 8, 4, 2, None, recorded, decided),
    ]
    told = cli.types("replay", "--check")
    assert told.status == 1
    assert told.out.startswith("14 events, 5 decisions of the scheduler were the same; in commit 8")
    assert "decided now:\n          nothing\n          j1 waits: behind shot001" in told.out
    assert [asked.query["from"] for asked in cli.world.asked] == ["1", "6"]
    cli.world.replayed = [Checked(True, 9, 10, 3, None, None, None)]
    told = cli.types("replay", "--check")
    assert (told.status, told.out) == (0, "10 events, 3 decisions of the scheduler: all the same")


@pytest.mark.parametrize(
    ("options", "words"),
    [([], "say from when"), (["--check", "--job", "0199"], "leave out --job")],
)
def test_a_stretch_has_to_be_named(cli: Terminal, options: list[str], words: str) -> None:
    told = cli.types("replay", *options)
    assert (told.status, words in told.err) == (2, True)
