"""What the CLI shows: tables that fit, JSON that parses, names that cannot steer a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import get_args

import pytest
from msgspec.structs import replace

from events import jobs, tasks
from services.cli import listings
from services.gateway.history import TaskStatus
from services.gateway.resources import Health, Lag
from tests.services.cli_server import ATTEMPTS, BEHIND, LINES, NOON, TOKEN, Terminal, job, terminal


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with terminal(capsys, monkeypatch) as at_hand:
        yield at_hand


def test_jobs_are_listed_with_what_a_person_wants_to_know_next(cli: Terminal) -> None:
    cli.world.jobs = [
        job(1),
        job(2, status="waiting", reason=BEHIND, progress=0.0),
        job(3, status="failed", position=None, error_class="space", error_message="disk full"),
    ]
    assert cli.types("jobs").out == (
        "ID            NAME     QUEUE       STATUS    %    SIZE\n"
        "0199aabbcc01  shot001  medium [1]  running  42  300 MB  118 MB/s, 0:42 left\n"
        "0199aabbcc02  shot002  medium [2]  waiting   0  300 MB  behind shot001\n"
        "0199aabbcc03  shot003  medium      failed   42  300 MB  space: disk full"
    )


def test_of_a_job_that_is_still_being_listed_no_percent_is_said(cli: Terminal) -> None:
    cli.world.jobs = [job(1, listed=False, eta_s=None)]
    assert cli.types("jobs").out.splitlines()[1] == (
        "0199aabbcc01  shot001  medium [1]  running  …  300 MB  118 MB/s; still listing"
    )
    assert "progress     …, 126 MB of 300 MB found so far\n" in cli.types("job", "0199").out


def test_ids_are_shown_as_far_as_they_differ(cli: Terminal) -> None:
    one, other = "0199aabbcc01" + "a" * 12, "0199aabbcc01" + "aab" + "a" * 9
    cli.world.jobs = [job(1, id=one), job(2, id=other)]
    shown = cli.types("jobs").out.splitlines()[1:]
    assert [line.split()[0] for line in shown] == [one[:15], other[:15]]


def test_the_filters_are_asked_of_the_server(cli: Terminal) -> None:
    cli.types("jobs", "--queue", "high", "--status", "paused", "--search", "a b&c", "--limit", "7")
    assert cli.world.asked[0].query == {
        "state": "active",
        "queue": "high",
        "status": "paused",
        "search": "a b&c",
        "limit": "7",
    }


def test_a_finished_status_needs_no_second_option(cli: Terminal) -> None:
    cli.world.jobs = [job(1, status="done", finished_at=NOON)]
    assert "2026-03-04 12:00:00" in cli.types("jobs", "--status", "done").out
    assert cli.world.asked[0].query["state"] == "finished"


def test_a_running_job_is_not_finished(cli: Terminal) -> None:
    said = cli.types("jobs", "--finished", "--status", "running")
    assert said.status == 2
    assert said.err == "haulage: a job that is running is not finished: leave out --finished\n"
    assert cli.world.asked == []


def test_an_empty_list_says_so(cli: Terminal) -> None:
    assert cli.types("jobs").out == "no active jobs"
    assert cli.types("jobs", "--finished").out == "no finished jobs"
    assert cli.types("jobs", "--json").json() == []


def test_a_table_stops_at_its_limit_and_says_what_is_left(cli: Terminal) -> None:
    cli.world.jobs = [job(number) for number in range(1, 1235)]
    cli.world.page_size = 40
    lines = cli.types("jobs", "--limit", "90").out.splitlines()
    assert len(lines) == 92
    assert lines[-1] == "90 of 1,234 jobs; --limit shows more"


def test_json_is_all_of_them_unless_limited(cli: Terminal) -> None:
    cli.world.jobs = [job(number) for number in range(1, 1235)]
    cli.world.page_size = 40
    assert [one["name"] for one in cli.types("jobs", "--json").json()] == [
        one.name for one in cli.world.jobs
    ]
    assert len(cli.types("jobs", "--json", "--limit", "41").json()) == 41


def test_the_json_of_a_job_has_the_fields_that_scripts_rely_on(cli: Terminal) -> None:
    cli.world.jobs = [job(1)]
    found = cli.types("job", "0199aabb", "--json").json()
    promised = (
        "id name kind status reason queue position progress size bytes_done bytes_per_second eta_s "
        "tasks_total tasks_done tasks_failed source destination user created_at started_at "
        "finished_at retry_at sequence"
    )
    assert set(promised.split()) <= set(found)


def test_a_job_is_shown_in_full(cli: Terminal) -> None:
    cli.world.jobs = [job(1, tasks_failed=1, tries=2)]
    assert cli.types("job", "0199AABBCC01").out == (
        "id           0199aabbcc01000000000001\n"
        "name         shot001\n"
        "status       running\n"
        "queue        medium [1]\n"
        "source       hq:projects/shot001\n"
        "destination  stockholm:incoming/shot001\n"
        "progress     42 %, 126 MB of 300 MB\n"
        "speed        118 MB/s, 0:42 left\n"
        "tasks        50 of 120 done, 1 failed\n"
        "tries        2\n"
        "user         ann\n"
        "created      2026-03-04 12:00:00\n"
        "started      2026-03-04 12:00:00\n"
        "finished     -"
    )


def test_a_waiting_job_says_for_what_and_what_would_help(cli: Terminal) -> None:
    cli.world.jobs = [job(1, status="waiting", reason=BEHIND)]
    shown = cli.types("job", cli.world.jobs[0].id).out
    assert "waits        behind shot001 (when shot001 ends or is moved)" in shown


def test_a_failed_job_says_when_it_is_tried_again(cli: Terminal) -> None:
    retry_at = NOON + timedelta(days=100 * 365)
    failed = job(1, status="failed", error_class="network", error_message="lost", retry_at=retry_at)
    cli.world.jobs = [failed]
    assert " h; network: lost" in cli.types("job", failed.id).out


def test_tasks_are_listed_and_filtered(cli: Terminal) -> None:
    cli.world.jobs = [job(1)]
    assert cli.types("tasks", "0199").out == (
        "#  PATH            SIZE  STATUS  TRIES  START           TIME\n"
        "0  b/a.exr      12.3 MB  done        1  03-04 12:00:00  1.2 s\n"
        "1  b\\u{1b}.exr      5 B  failed      3  03-04 12:00:00  0.1 s  space: disk full"
    )
    failed = cli.types("tasks", "0199", "--status", "failed", "--json").json()
    assert [one["number"] for one in failed] == [1]


def test_each_try_of_a_task_is_told(cli: Terminal) -> None:
    cli.world.jobs = [job(1)]
    told = cli.types("attempts", "0199", "1").out
    assert told == (
        "TRY  OUTCOME      ENDPOINT   START            TIME    BYTES      RATE\n"
        "  1  interrupted  hq         03-04 12:00:00  2.0 s        -         -  gave way\n"
        "  2  failed       hq         03-04 12:00:00  0.1 s        -         -  space: disk full\n"
        "  3  done         stockholm  03-04 12:00:00  1.2 s  12.3 MB  9.8 MB/s"
    )
    used = [replace(ATTEMPTS[0], exit_code=-9, peak_memory_bytes=2 * 10**9, cpu_s=7.5)]
    cli.world.attempts = used
    assert " EXIT  MEMORY    CPU" in cli.types("attempts", "0199", "1").out
    assert "   -9  2.0 GB  7.5 s" in cli.types("attempts", "0199", "1").out
    assert cli.types("attempts", "0199", "1", "--json").json()[0]["exit_code"] == -9
    assert cli.types("attempts", "0199", "0").out == "task 0 was not tried yet"
    assert cli.types("attempts", "0199", "x").status == 2


def test_queues_and_endpoints_are_listed(cli: Terminal) -> None:
    assert cli.types("queues").out == (
        "QUEUE                              PRIORITY  STATUS   WAITING  RUNNING  DESCRIPTION\n"
        "high                                    999  waiting        0        1  Before all\n"
        "medium (default, compute default)       500  paused         3        0"
    )
    assert cli.types("endpoints").out == (
        "NAME       KIND    STATUS    RUNNING  VOLUMES                       "
        "REACHES                       ID\n"
        "hq         server  online          1  projects (full, 1.0 GB free)  "
        "oslo, not stockholm; no port  eeeeeeeeeeeeeeeeeeeeeeee\n"
        "stockholm  server  disabled        0  incoming (offline)            "
        "relays 32                     ffffffffffffffffffffffff"
    )
    assert [one["code"] for one in cli.types("queues", "--json").json()] == ["high", "medium"]
    assert [one["name"] for one in cli.types("endpoints", "--json").json()] == ["hq", "stockholm"]


def test_the_log_says_when_who_and_what(cli: Terminal) -> None:
    cli.world.jobs = [job(1)]
    assert cli.types("log", "0199").out == (
        "2026-03-04 12:00:00  ann submitted it\n"
        "2026-03-04 12:00:00  scheduler: run 1 started on stockholm\n"
        "2026-03-04 12:00:01  stockholm: task 0 done"
    )
    assert [one["sequence"] for one in cli.types("log", "0199", "--json").json()] == [
        one.sequence for one in LINES
    ]


def test_a_name_cannot_steer_the_terminal(cli: Terminal) -> None:
    cli.world.jobs = [job(1, name="\x1b[2Jgone\u202e[red]x :smile:")]
    for command in (["jobs"], ["job", "0199"]):
        shown = cli.types(*command).out
        assert "\x1b" not in shown
        assert "\\u{1b}[2Jgone\\u{202e}[red]x :smile:" in shown


@pytest.mark.parametrize("columns", [80, 120])
def test_a_long_name_gives_way_in_a_narrow_terminal(cli: Terminal, columns: int) -> None:
    cli.world.jobs = [job(1, name="n" * 300), job(2, status="waiting", reason=BEHIND)]
    environ = {
        **os.environ,
        "COLUMNS": str(columns),
        "HAULAGE_URL": cli.world.url,
        "HAULAGE_TOKEN": TOKEN,
    }
    shown = subprocess.run(
        [sys.executable, "-m", "services.cli.main", "jobs"],
        capture_output=True,
        text=True,
        env=environ,
        timeout=30,
        check=True,
    ).stdout.splitlines()
    assert len(shown) == 3
    assert max(len(line) for line in shown) <= columns
    assert "n…" in shown[1]
    assert "300 MB" in shown[1]
    assert "behind shot001" in shown[2]


def test_the_statuses_one_can_ask_for_are_those_there_are() -> None:
    assert set(get_args(listings.JobStatus)) == set(jobs.Status)
    there_are = {status.name.lower() for status in tasks.Status}
    assert set(get_args(TaskStatus)) == there_are


def test_health_says_how_far_behind_anything_is(cli: Terminal) -> None:
    cli.world.health = Health("ok", "1", 9, 3, {"scheduler": "ok"}, [Lag("feed", 7, 3, 1250)])
    told = cli.types("health")
    assert told.status == 0
    assert "scheduler  ok" in told.out
    assert "feed         7  3 events  1,250 ms" in told.out
    cli.world.health = Health("degraded", "1", 9, 0, {"scheduler": "no scheduler leads"})
    told = cli.types("health", "--json")
    assert (told.status, told.json()["status"]) == (1, "degraded")
