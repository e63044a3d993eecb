"""What the demo shows of its jobs, in a terminal and in a file."""

from __future__ import annotations

import io

from msgspec.structs import replace
from rich.console import Console

from services.supervisor.demo_screen import Job, Screen

WAITING = Job(
    id="1",
    name="shot[bold]010",
    status="waiting",
    queue="high",
    size=1000,
    bytes_done=0,
    bytes_per_second=0.0,
    eta_s=None,
    tasks_total=3,
    retry_at=None,
    error_message=None,
)
RUNNING = replace(WAITING, status="running", bytes_done=250, bytes_per_second=50.0, eta_s=15.0)
DONE = replace(WAITING, status="done", bytes_done=1000)
FAILED = replace(WAITING, status="failed", error_message="shot/a: no space left")


def shown(*seen: Job, terminal: bool) -> str:
    written = io.StringIO()
    console = Console(file=written, force_terminal=terminal, width=120, color_system=None)
    with Screen(console) as screen:
        for job in seen:
            screen.show([job])
    return written.getvalue()


def test_a_terminal_shows_where_a_running_job_is() -> None:
    bar = shown(WAITING, RUNNING, terminal=True)
    assert all(
        word in bar for word in ("shot[bold]010", "running", "0.2/1.0 kB", "50 bytes/s", "15 s")
    )


def test_a_file_gets_one_line_a_change() -> None:
    lines = shown(WAITING, WAITING, RUNNING, RUNNING, DONE, terminal=False).splitlines()
    assert [line.split()[2] for line in lines] == ["waiting", "running", "done"]


def test_a_failure_says_why() -> None:
    assert "no space left" in shown(FAILED, terminal=False)


def test_a_job_that_will_be_tried_again_is_not_over() -> None:
    assert FAILED.is_over
    assert DONE.is_over
    assert not replace(FAILED, retry_at="2026-11-22T12:00:00Z").is_over
    assert not replace(WAITING, status="paused").is_over
