"""Staying with a job from the command line: `submit --wait`, `log -f`, `events`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import msgspec
import pytest

from services.gateway.log_resources import LogLine
from services.gateway.resources import Progress
from tests.services.cli_server import LINES, NOON, TOKEN, Terminal, job, said, terminal

RUNNING = job(1)
DONE = msgspec.structs.replace(
    RUNNING,
    status="done",
    progress=1.0,
    bytes_done=RUNNING.size,
    tasks_done=120,
    finished_at=NOON + timedelta(seconds=12.5),
    sequence=40,
)
FAILED = msgspec.structs.replace(
    RUNNING, status="failed", error_class="space", error_message="disk full", sequence=40
)
SUBMIT = ("submit", "transfer", "hq:projects/a", "stockholm:incoming/a", "--wait")


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with terminal(capsys, monkeypatch) as at_hand:
        at_hand.world.jobs = [RUNNING]
        yield at_hand


def tick(progress: float) -> bytes:
    done = int(RUNNING.size * progress)
    return said("progress", Progress(RUNNING.id, done, 9e6, 20.0, progress, 60))


def asked_for_the_stream(cli: Terminal) -> list[str]:
    asked = [one for one in cli.world.asked if one.path == "/api/events"]
    return [one.headers.get("Last-Event-ID", "") for one in asked]


def test_waiting_follows_the_stream_to_the_end(cli: Terminal) -> None:
    cli.world.streams = [tick(0.5) + tick(0.55) + tick(0.98) + said("job", DONE)]
    heard = cli.types(*SUBMIT)
    assert heard.status == 0
    assert heard.out.splitlines() == [
        f"{RUNNING.id}  shot001  running  medium [1]",
        f"{RUNNING.id}  done: 120 tasks, 300 MB in 12.5 s",
    ]
    assert heard.err.splitlines() == [
        "running 42 %  126 MB of 300 MB  118 MB/s, 0:42 left",
        "running 50 %  150 MB of 300 MB  9.0 MB/s, 0:20 left",
        "running 98 %  294 MB of 300 MB  9.0 MB/s, 0:20 left",
    ]
    assert asked_for_the_stream(cli) == [str(RUNNING.sequence)]


def test_waiting_ends_with_status_1_and_the_reason_when_the_job_fails(cli: Terminal) -> None:
    cli.world.streams = [said("job", FAILED)]
    heard = cli.types(*SUBMIT)
    assert heard.status == 1
    assert heard.err.splitlines()[-1] == f"haulage: job {RUNNING.id} failed: space: disk full"


def test_waiting_ends_with_status_1_when_the_job_is_aborted(cli: Terminal) -> None:
    cli.world.streams = [said("job", msgspec.structs.replace(RUNNING, status="aborted"))]
    heard = cli.types(*SUBMIT)
    assert heard.status == 1
    assert heard.err.splitlines()[-1] == f"haulage: job {RUNNING.id} aborted"


def test_a_failure_that_is_tried_again_is_waited_out(cli: Terminal) -> None:
    again = msgspec.structs.replace(FAILED, retry_at=NOON)
    cli.world.streams = [said("job", again) + said("job", DONE)]
    assert cli.types(*SUBMIT).status == 0


def test_what_belongs_to_other_jobs_is_ignored(cli: Terminal) -> None:
    other = msgspec.structs.replace(DONE, id="0" * 24)
    cli.world.streams = [said("job", other) + said("queue", {"a": 1}) + said("job", FAILED)]
    assert cli.types(*SUBMIT).status == 1


def test_a_lost_stream_is_replaced_by_asking_and_taken_up_where_it_broke_off(cli: Terminal) -> None:
    cli.world.streams = [tick(0.5) + said("position", {"sequence": 33}, 33), said("job", DONE)]
    assert cli.types(*SUBMIT).status == 0
    assert asked_for_the_stream(cli) == [str(RUNNING.sequence), "33"]


def test_a_job_that_ended_while_there_was_no_stream_is_noticed(cli: Terminal) -> None:
    cli.world.jobs = [DONE]
    cli.world.streams = [b""]
    assert cli.types(*SUBMIT).status == 0


def test_a_stream_that_makes_no_sense_is_replaced_by_asking(cli: Terminal) -> None:
    cli.world.streams = [b"event: job\ndata: {nonsense\n\n", said("job", DONE)]
    assert cli.types(*SUBMIT).status == 0


def test_services_that_restart_meanwhile_are_waited_for(cli: Terminal) -> None:
    """The stream ends, the next questions are refused for longer than one question is repeated."""
    cli.world.streams = [tick(0.5), said("job", DONE)]
    cli.world.faults = [200, 200, 200, *[503] * 9, *[0] * 9]
    assert cli.types(*SUBMIT).status == 0


def test_as_json_only_the_end_is_on_stdout(cli: Terminal) -> None:
    cli.world.streams = [tick(0.5) + said("job", DONE)]
    assert cli.types(*SUBMIT, "--json").json()["status"] == "done"


def started(cli: Terminal, *arguments: str, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "services.cli.main", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "HAULAGE_URL": cli.world.url,
            "HAULAGE_TOKEN": TOKEN,
            "PYTHONUNBUFFERED": "1",
            **environ,
        },
    )


def eventually(holds: Callable[[], object], within_s: float = 30.0) -> None:
    ends = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_ctrl_c_leaves_the_job_running_and_says_so(cli: Terminal) -> None:
    with started(cli, *SUBMIT) as process:
        eventually(lambda: asked_for_the_stream(cli))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=15)
    assert process.returncode == 130
    assert f"job {RUNNING.id} goes on without you" in err
    assert "Traceback" not in err
    assert [one.path for one in cli.world.commands()] == ["/api/jobs"]


def test_ctrl_c_ends_a_followed_log_quietly(cli: Terminal) -> None:
    with started(cli, "log", RUNNING.id, "-f") as process:
        eventually(lambda: asked_for_the_stream(cli))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=15)
    assert process.returncode == 130
    assert len(out.splitlines()) == len(LINES)
    assert err == ""


def test_a_followed_log_shows_each_line_once(
    cli: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = LogLine(14, 0, NOON, "ann", "c2", "job.paused", "ann paused it", {})
    event = {"type": "job.paused", "subject": f"job/{RUNNING.id}", "time": NOON, "actor": "ann"}
    event |= {"sequence": f"{14:020d}.{0:06d}", "data": {}}

    def read(*_: object) -> tuple[list[LogLine], None]:
        lines, cli.world.lines = cli.world.lines, [*LINES, more]
        return lines, None

    monkeypatch.setattr("services.cli.pages.log_from", read)
    monkeypatch.setattr("services.cli.client.SILENCE_S", 1.0)
    cli.world.streams = [said("event", event) * 3]
    cli.world.faults = [200, 200, 200, 401]
    heard = cli.types("log", RUNNING.id, "--follow")
    assert [line.split("  ")[1] for line in heard.out.splitlines()] == [
        "ann submitted it",
        "scheduler: run 1 started on stockholm",
        "stockholm: task 0 done",
        "ann paused it",
    ]


def test_the_latest_events_are_shown_and_then_it_ends(cli: Terminal) -> None:
    event = {"type": "job.paused", "subject": "job/1", "time": NOON, "actor": "ann"}
    event |= {"sequence": f"{50:020d}.{0:06d}", "data": {"type": "job.paused", "job": "1"}}
    stream = said("event", event) + said("position", {"sequence": 50}, 50)
    cli.world.streams = [stream, stream]
    assert (
        cli.types("events").out
        == "      50  2026-03-04 12:00:00  ann  job.paused  job/1  ann paused it"
    )
    assert cli.types("events", "--json", "--since", "49").json()["type"] == "job.paused"
    assert cli.types("events", "--since", "50").out == ""
    assert asked_for_the_stream(cli) == ["0", "49"]


def test_a_bar_is_drawn_on_a_terminal(cli: Terminal) -> None:
    pty = pytest.importorskip("pty")
    cli.world.streams = [tick(0.5) + said("job", DONE)]
    mine, theirs = pty.openpty()
    environ = {"HAULAGE_URL": cli.world.url, "HAULAGE_TOKEN": TOKEN, "TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli.main", *SUBMIT],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env={**os.environ, **environ, "COLUMNS": "100"},
    )
    os.close(theirs)
    drawn = b""
    try:
        while part := os.read(mine, 4096):
            drawn += part
    except OSError:
        pass  # The other end is closed.
    finally:
        os.close(mine)
    assert process.wait(timeout=15) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn.decode())
    assert "━" in text
    assert "done" in text
    assert "100 %" in text
