"""Queues from the command line: every command, and what it says."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from services.gateway.resources import Problem
from tests.services.cli_server import LINES, NOON, Terminal, said, terminal

NOT_YOURS = Problem("about:blank", "Forbidden", 403, "this is for an admin: ask one to do it")
MEDIUM = "medium (default, compute default)  paused  priority 500"
HIGH = "high  waiting  priority 999  Before all"


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with terminal(capsys, monkeypatch) as at_hand:
        yield at_hand


def sent(cli: Terminal) -> list[tuple[str, str, object]]:
    return [
        (one.method, one.path, msgspec.json.decode(one.body) if one.body else None)
        for one in cli.world.commands()
    ]


def test_a_queue_is_made_and_shown(cli: Terminal) -> None:
    options = ("--priority", "999", "--description", "Before all", "--default")
    made = cli.types("queue", "create", "high", *options, "--metadata", "a=b=c", "--metadata", "d=")
    assert (made.status, made.out) == (0, HIGH)
    [(method, path, body)] = sent(cli)
    assert (method, path) == ("POST", "/api/queues")
    assert body == {
        "code": "high",
        "priority": 999,
        "description": "Before all",
        "metadata": {"a": "b=c", "d": ""},
        "default": True,
        "compute_default": False,
    }
    assert cli.world.asked[-1].query == {"at_least": "99"}
    assert cli.types("queue", "create", "high", "--json").json()["code"] == "high"


def test_a_change_sends_what_it_names_and_nothing_else(cli: Terminal) -> None:
    changed = cli.types("queue", "set", "low", "--code", "high", "--priority", "0")
    assert (changed.status, changed.out) == (0, HIGH)
    assert cli.types("queue", "set", "high", "--compute-default").status == 0
    nothing = dict.fromkeys(["code", "priority", "description", "metadata", "default"])
    nothing |= {"compute_default": None}
    assert sent(cli) == [
        ("PATCH", "/api/queues/low", nothing | {"code": "high", "priority": 0}),
        ("PATCH", "/api/queues/high", nothing | {"compute_default": True}),
    ]


def test_queues_are_held_and_let_go_each_by_itself(cli: Terminal) -> None:
    cli.world.refusals["low"] = NOT_YOURS
    held = cli.types("queue", "pause", "high", "low", "medium")
    assert (held.status, held.out) == (1, f"{HIGH}\n{MEDIUM}")
    assert held.err == f"haulage: low: {NOT_YOURS.detail}\n"
    let_go = cli.types("queue", "resume", "high", "low", "--json")
    assert let_go.status == 1
    one, two = let_go.json()
    assert (one["asked"], one["sequence"], one["queue"]["code"]) == ("high", 99, "high")
    assert (two["asked"], two["refused"]) == ("low", NOT_YOURS.detail)


def test_a_deleted_queue_says_where_its_jobs_went(cli: Terminal) -> None:
    gone = cli.types("queue", "delete", "low")
    assert (gone.status, gone.out) == (0, "low  deleted, 2 jobs went to medium")
    [answer] = cli.types("queue", "delete", "low", "--json").json()
    assert (answer["to"], answer["jobs"]) == ("medium", ["j1", "j2"])
    assert {one.method for one in cli.world.commands()} == {"DELETE"}
    assert len({one.headers["Idempotency-Key"] for one in cli.world.commands()}) == 2


def test_a_lost_answer_to_a_deletion_is_asked_for_under_the_same_key(cli: Terminal) -> None:
    cli.world.faults = [0, 503]
    assert cli.types("queue", "delete", "low").status == 0
    assert len(cli.world.commands()) == 3
    assert len({one.headers["Idempotency-Key"] for one in cli.world.commands()}) == 1


@pytest.mark.parametrize(
    "mistake",
    [
        ("create",),
        ("create", "x", "--priority", "high"),
        ("create", "x", "--metadata", "novalue"),
        ("set", "low"),
        ("set", "low", "--metadata", "=v"),
        ("pause",),
        ("delete",),
    ],
)
def test_what_makes_no_sense_is_not_sent(cli: Terminal, mistake: tuple[str, ...]) -> None:
    told = cli.types("queue", *mistake)
    assert told.status == 2
    assert told.err.startswith("haulage: ")
    assert cli.world.asked == []


def test_the_log_of_a_queue_is_read_and_followed(cli: Terminal) -> None:
    assert "2026-03-04 12:00:00  ann submitted it\n" in cli.types("queue", "log", "high").out
    assert len(cli.types("queue", "log", "high", "--json").json()) == len(LINES)
    assert cli.world.asked[-1].path == "/api/queues/high/log"
    cli.world.asked.clear()
    cli.world.streams = [event(14, "queue/q2") + event(15, "queue/q1")]
    cli.world.faults = [200] * 5 + [401]
    followed = cli.types("queue", "log", "high", "--follow", "--json")
    assert len(followed.out.splitlines()) == len(LINES)
    log = "/api/queues/q1/log"
    assert [one.path for one in cli.world.asked] == [
        *("/api/jobs", "/api/queues/high", log, "/api/events"),
        *(log, log),
    ], "once at first, once for its own event, once when the stream ended"
    assert cli.world.asked[3].query == {"only": "events"}


def event(sequence: int, subject: str) -> bytes:
    told = {
        "type": "queue.paused",
        "subject": subject,
        "time": NOON,
        "sequence": f"{sequence}.0",
        "actor": "ann",
        "data": {},
    }
    return said("event", told)
