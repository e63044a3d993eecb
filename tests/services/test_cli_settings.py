"""Settings and reasons from the command line: every command, and what it says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest

from services.gateway.resources import Problem, Why
from services.scheduler.commands import Estimate, Holder, Limited, Reason
from tests.services.cli_server import BEHIND, NOON, Terminal, job, terminal

ONE, TWO = job(1), job(2)
MINUTE = timedelta(minutes=1)
EXPECTED = Estimate(
    start_at=NOON + 5 * MINUTE,
    start_earliest=NOON + 2 * MINUTE,
    start_latest=NOON + 10 * MINUTE,
    end_at=NOON + 660 * MINUTE,
    end_earliest=NOON + 630 * MINUTE,
    end_latest=NOON + 780 * MINUTE,
    runs=7,
    basis="measured on 7 finished transfers",
)
TABLE = """\
SETTING          VALUE  FROM     DEFAULT  ALLOWED       MEANING
job_max_retries  5      queue    3        0 to 1000     automatic retries
job_on_missing   fail   default  fail     fail, ignore  no file
stall_s          300    default  300      5 to 86400 s  no progress"""


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with terminal(capsys, monkeypatch) as at_hand:
        at_hand.world.jobs = [ONE, TWO]
        yield at_hand


def sent(cli: Terminal) -> list[tuple[str, str, object]]:
    return [(one.method, one.path, msgspec.json.decode(one.body)) for one in cli.world.commands()]


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ((), "/api/settings"),
        (("--queue", "low"), "/api/queues/low/settings"),
        (("--job", ONE.id[:12]), f"/api/jobs/{ONE.id}/settings"),
        (("--endpoint", "hq"), "/api/endpoints/hq/settings"),
        (("--pair", "hq:a b"), "/api/pairs/hq/a%20b/settings"),
    ],
)
def test_settings_of_a_place_are_shown_with_where_they_are_from(
    cli: Terminal, place: tuple[str, ...], path: str
) -> None:
    said = cli.types("settings", *place)
    assert (said.status, said.out) == (0, TABLE)
    assert cli.types("settings", "get", *place).out == TABLE
    assert cli.world.asked[-1].path == path
    assert cli.types("settings", "set", "job_max_retries=2", *place).status == 0
    nothing: list[str] = []
    assert sent(cli) == [("PATCH", path, {"set": {"job_max_retries": 2}, "unset": nothing})]


def test_one_setting_is_shown_by_its_name(cli: Terminal) -> None:
    said = cli.types("settings", "get", "job_on_missing")
    assert [line.split()[0] for line in said.out.splitlines()] == ["SETTING", "job_on_missing"]
    (told,) = cli.types("settings", "get", "job_max_retries", "--json").json()
    assert (told["value"], told["source"], told["default"]) == (5, "queue", 3)
    unknown = cli.types("settings", "get", "speed")
    assert (unknown.status, unknown.out) == (1, "")
    assert "job_max_retries, job_on_missing" in unknown.err


def test_values_are_sent_as_what_they_are_and_shown_as_they_hold(cli: Terminal) -> None:
    pairs = ("job_max_retries=5", "job_on_missing=fail", "stall_s=300")
    said = cli.types("settings", "set", *pairs, "--queue", "a")
    assert (said.status, said.out) == (0, TABLE)
    for written in ("x=true", "x=1.5", "x=a=b", "x=", 'x="1"', "x=null"):
        cli.types("settings", "set", written)
    cli.types("settings", "unset", "job_max_retries")
    bodies = [body for _, _, body in sent(cli)]
    assert bodies[0] == {
        "set": {"job_max_retries": 5, "job_on_missing": "fail", "stall_s": 300},
        "unset": [],
    }
    values = [body["set"]["x"] for body in bodies[1:-1]]  # type: ignore[index]
    assert values == [True, 1.5, "a=b", "", '"1"', "null"]
    assert bodies[-1] == {"set": {}, "unset": ["job_max_retries"]}


@pytest.mark.parametrize(
    "mistake",
    [
        ("set",),
        ("set", "job_max_retries"),
        ("set", "=1"),
        ("set", "a=1", "a=2"),
        ("unset",),
        ("get", "--queue", "low", "--endpoint", "hq"),
        ("--queue", "low", "--job", ONE.id),
        ("--pair", "hq"),
        ("--pair", ":hq"),
    ],
)
def test_what_makes_no_sense_is_not_sent(cli: Terminal, mistake: tuple[str, ...]) -> None:
    told = cli.types("settings", *mistake)
    assert told.status == 2
    assert told.err.startswith("haulage: ")
    assert cli.world.asked == []


def test_a_refused_change_says_why(cli: Terminal) -> None:
    cli.world.refusals["low"] = Problem("about:blank", "Forbidden", 403, "this is for an admin")
    said = cli.types("settings", "set", "job_max_retries=5", "--queue", "low")
    assert (said.status, said.out) == (1, "")
    assert said.err == "haulage: this is for an admin\n"


# Why a job waits.


def test_all_reasons_are_told_worst_first_with_since_when_and_until_what(cli: Terminal) -> None:
    noon = NOON.isoformat()
    offline = Reason("endpoint_offline", "hq is off\x1b", None, noon, "hq comes online")
    trying = Reason("backing_off", "tries again", Holder("clock", "", noon), None, "the clock")
    cli.world.why = Why(ONE.id, "waiting", 7, [offline, BEHIND, trying], 50)
    said = cli.types("why", ONE.id[:12])
    assert said.status == 0
    assert said.out.splitlines() == [
        "shot001 is waiting, number 7 in its queue: it waits because",
        "- hq is off\\u{1b} (since 2026-03-04 12:00:00)",
        "  releases it: hq comes online",
        "- behind shot001",
        "  releases it: when shot001 ends or is moved",
        "- tries again at 2026-03-04 12:00:00",
        "  releases it: the clock",
    ]
    assert cli.world.asked[-1].path == f"/api/jobs/{ONE.id}/why"
    assert len(cli.types("why", ONE.id, "--json").json()["reasons"]) == 3


def test_when_it_will_run_is_told_as_an_estimate(cli: Terminal) -> None:
    cli.world.jobs = [job(1, status="waiting", reason=BEHIND, estimate=EXPECTED)]
    cli.world.why = Why(ONE.id, "waiting", 2, [BEHIND], 50, EXPECTED)
    starts, ends = "~03-04 12:05 (03-04 12:02–12:10)", "~03-04 23:00 (03-04 22:30–03-05 01:00)"
    assert cli.types("why", ONE.id).out.splitlines()[-2:] == [
        f"Expected: starts {starts}, ends {ends}",
        "  measured on 7 finished transfers",
    ]
    listed = cli.types("jobs").out.splitlines()[1]
    assert listed.endswith("behind shot001; starts ~03-04 12:05"), "with its first reason"
    in_full = cli.types("job", ONE.id).out.splitlines()[-3:]
    assert in_full == [
        f"starts       {starts}",
        f"ends         {ends}",
        "estimate     measured on 7 finished transfers",
    ]
    as_json = cli.types("jobs", "--json").json()[0]
    assert as_json["estimate"]["start_at"] == "2026-03-04T12:05:00Z"
    assert as_json["reason"]["code"] == "behind_job"


def test_a_running_job_without_a_pace_says_when_it_should_end(cli: Terminal) -> None:
    ends = Estimate(end_at=NOON + 30 * MINUTE, basis="measured on its last 2 finished tasks")
    cli.world.jobs = [job(1, kind="compute", eta_s=None, bytes_per_second=0.0, estimate=ends)]
    assert cli.types("jobs").out.splitlines()[1].endswith("300 MB  ends ~03-04 12:30")


def test_a_limited_transfer_says_by_whom_and_until_when(cli: Terminal) -> None:
    hq = Holder("endpoint", "1", "hq")
    limit = Limited(10_000_000, "10 MB/s by endpoint hq\x1b", hq, NOON + 30 * MINUTE)
    cli.world.jobs = [job(1, limit=limit)]
    said = cli.types("job", ONE.id).out
    assert "limit        10 MB/s by endpoint hq\\u{1b}, until 12:30" in said.replace("03-04 ", "")
    assert cli.types("job", ONE.id, "--json").json()["limit"]["by"]["name"] == "hq"


def test_what_nobody_can_estimate_says_why(cli: Terminal) -> None:
    cli.world.why = Why(ONE.id, "waiting", 2, [BEHIND], 50, Estimate(basis="nothing measured"))
    assert cli.types("why", ONE.id).out.splitlines()[-2:] == [
        "Expected: unknown",
        "  nothing measured",
    ]


def test_a_job_that_does_not_wait_says_what_it_does(cli: Terminal) -> None:
    cli.world.why = Why(ONE.id, "paused", None, [], 50)
    assert cli.types("why", ONE.id).out == "shot001 is paused: it does not wait"
    assert cli.types("why", "0123").status == 1


# Only if it is as it was seen.


def test_a_hand_may_say_the_version_that_it_saw(cli: Terminal) -> None:
    for act in ("pause", "resume", "retry", "abort"):
        assert cli.types(act, ONE.id, "--if-version", "42").status == 0
    assert [one.headers["If-Match"] for one in cli.world.commands()] == ['"42"'] * 4
    assert cli.types("move", ONE.id[:12], "--top", "--if-version", "42").status == 0
    assert sent(cli)[-1][2]["seen"] == {ONE.id: 42}  # type: ignore[index]
    cli.world.asked.clear()
    assert cli.types("pause", ONE.id, TWO.id, "--if-version", "42").status == 2
    assert cli.types("pause", ONE.id).status == 0
    assert all("If-Match" not in one.headers for one in cli.world.asked)
