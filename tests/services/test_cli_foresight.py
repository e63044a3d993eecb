"""`what-if` and `undo`: what is typed, what the API is asked, and what a person reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest

from services.gateway.undo_resources import Commanded, Undone
from services.gateway.what_if_resources import Course, Forecast, Sum, Unknown, WhatIf
from services.scheduler.commands import Reason
from tests.services.cli_server import NOON, Terminal, job, terminal

A, B = job(1), job(2)
AWAY = Reason("endpoint_offline", "stockholm is offline", None, None, "it comes back")


def at(minutes: float) -> Course:
    return Course(NOON, NOON + timedelta(minutes=minutes), "done")


TOLD = WhatIf(
    sequence=7,
    now=NOON,
    jobs=[
        Forecast(B.id, "shot002", "medium", at(20), at(10), -600.0, "measured"),
        Forecast(A.id, "shot001", "medium", at(10), Course(None, None, "waiting", AWAY), None, ""),
    ],
    total=3,
    sooner=Sum(1, 600.0),
    later=Sum(2, 0.0),
    last_before=NOON + timedelta(minutes=20),
    last_after=NOON + timedelta(minutes=10),
    unknown=[Unknown(A.id, "shot001", "nothing comparable was measured yet")],
    unknown_total=1,
    notes=["up to 2 transfers at a time"],
)
MOVED = Commanded("ann:0123456789abcdef", 12, NOON, "shot001: ann moved it to high", True, False)
PAUSED = Commanded("ann:fedcba9876543210", 11, NOON, "shot002: ann paused it", True, True)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with terminal(capsys, monkeypatch) as at_hand:
        at_hand.world.jobs = [A, B]
        at_hand.world.answers = {
            "what-if": TOLD,
            "undo": Undone(MOVED, ["shot001: ann moved it to medium"], 13, [A.id]),
            "undo?": [MOVED, PAUSED],
        }
        yield at_hand


def changes(cli: Terminal, *typed: str) -> object:
    assert cli.types("what-if", *typed).status == 0
    return msgspec.json.decode(cli.world.commands()[-1].body)["changes"]


def test_changes_are_typed_as_the_commands_are(cli: Terminal) -> None:
    assert changes(cli, f"move {A.id[:12]} {B.id[:12]} --queue high", f"pause {A.id[:12]}") == [
        {"do": "move", "jobs": [A.id, B.id], "queue": "high", "before": None, "after": None}
        | {"to": None},
        {"do": "pause", "job": A.id},
    ]
    assert changes(cli, f"move {A.id} --top", f"move {A.id} --before {B.id}") == [
        {"do": "move", "jobs": [A.id], "queue": None, "before": None, "after": None, "to": "top"},
        {"do": "move", "jobs": [A.id], "queue": None, "before": B.id, "after": None, "to": None},
    ]
    assert changes(
        cli,
        "settings set transfer_concurrent=2 transfer_speedlimit='22:00-06:00 full, else 20' "
        "--queue medium",
        f"settings unset stall_s --job {A.id}",
        "queue pause low high",
        "queue set low --priority 10",
        f"task exclude {A.id} 0-99",
        "offline stockholm 22:00-06:00",
        "offline hq",
    ) == [
        {"do": "settings", "level": "queue", "which": "medium", "unset": []}
        | {"set": {"transfer_concurrent": 2, "transfer_speedlimit": "22:00-06:00 full, else 20"}},
        {"do": "settings", "level": "job", "which": A.id, "unset": ["stall_s"], "set": {}},
        {"do": "queue_pause", "queue": "low"},
        {"do": "queue_pause", "queue": "high"},
        {"do": "queue", "queue": "low", "priority": 10},
        {"do": "tasks", "job": A.id, "action": "exclude", "tasks": "0-99"},
        {"do": "offline", "endpoint": "stockholm", "when": "22:00-06:00"},
        {"do": "offline", "endpoint": "hq", "when": ""},
    ]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ((), "say what to try"),
        (("submit transfer a b",), "a what-if takes move, pause, resume, retry, abort, task"),
        (("",), "a what-if takes move"),
        (("move 'x",), "No closing quotation"),
        (("queue set low",), "only its --priority decides who runs"),
        (("queue empty low",), "queue empty low"),
        ((f"task burn {A.id} 0",), "burn"),
        (("settings set stall_s=3 --queue a --endpoint b",), "contradict each other"),
        ((f"move {A.id} --to-the-top",), "--to-the-top"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(
    cli: Terminal, typed: tuple[str, ...], words: str
) -> None:
    heard = cli.types("what-if", *typed)
    assert heard.status == 2
    assert words in heard.err
    assert cli.world.commands() == []


def test_who_gains_and_who_loses_is_shown(cli: Terminal) -> None:
    heard = cli.types("what-if", "offline stockholm", "--as-of", "3h", "--limit", "2")
    assert cli.world.commands()[-1].query == {"as_of": "3h", "limit": "2"}
    lines = heard.out.splitlines()
    assert [line.split("  ")[1] for line in lines[1:3]] == ["shot002", "shot001"]
    assert lines[1].endswith("03-04 12:10:00        10:00 sooner")
    assert "stockholm is offline" in lines[2]
    assert lines[2].endswith("never ends")
    assert lines[4:] == [
        "1 job ends sooner, 10:00 together; 2 jobs end later or never",
        "1 more differ, see --limit",
        "the last job ends 03-04 12:20:00, with the change 03-04 12:10:00",
        "of 1 job nobody knows how long they take, nor of those behind them:",
        f"  {A.id} shot001: nothing comparable was measured yet",
        "note: up to 2 transfers at a time",
    ]
    assert cli.types("what-if", "offline hq", "--json").json()["total"] == 3


def test_the_last_command_is_undone_that_was_not_yet(cli: Terminal) -> None:
    heard = cli.types("undo")
    assert msgspec.json.decode(cli.world.commands()[-1].body) == {
        "command": MOVED.command,
        "dry_run": False,
    }
    assert heard.out.splitlines() == [
        "13  undid shot001: ann moved it to high",
        "  shot001: ann moved it to medium",
    ]
    cli.types("undo", "fedc", "--dry-run")
    asked = msgspec.json.decode(cli.world.commands()[-1].body)
    assert asked == {"command": PAUSED.command, "dry_run": True}


def test_commands_are_listed_with_what_can_be_undone(cli: Terminal) -> None:
    heard = cli.types("undo", "--list")
    assert heard.out.splitlines()[1:] == [
        "0123456789ab  03-04 12:00:00  yes     shot001: ann moved it to high",
        "fedcba987654  03-04 12:00:00  undone  shot002: ann paused it",
    ]
    assert [one["can"] for one in cli.types("undo", "--list", "--json").json()] == [True, True]
    assert cli.types("undo", "--list", "--dry-run").status == 2
    assert cli.world.commands() == []
    cli.world.answers["undo?"] = [PAUSED]
    assert "no command lately that is not undone" in cli.types("undo").err
