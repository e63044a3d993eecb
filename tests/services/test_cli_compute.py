"""Compute jobs at the command line: what is sent for what is typed, and what is shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from services.cli import tables
from services.gateway.resources import Computing, Job, Task
from tests.services.cli_server import NOON, Terminal, job, terminal


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with terminal(capsys, monkeypatch) as at_hand:
        yield at_hand


def computing(number: int, **fields: object) -> Job:
    work = Computing("render {frame}", "1-6", ["ram:>1g"], {"A": "b"}, "x/y", ["hq", "hq", "oslo"])
    given: dict[str, Any] = {
        "kind": "compute",
        "source": None,
        "destination": None,
        "size": 0,
        "bytes_done": 0,
        "bytes_per_second": 0.0,
        "eta_s": None,
        "tasks_total": 6,
        "tasks_done": 2,
        "tasks_excluded": 1,
        "compute": work,
    }
    return job(number, **{**given, **fields})


def test_a_compute_job_counts_frames_and_not_bytes(cli: Terminal) -> None:
    cli.world.jobs = [computing(1)]
    assert cli.types("jobs").out == (
        "ID            NAME     QUEUE       STATUS    %      SIZE\n"
        "0199aabbcc01  shot001  medium [1]  running  42  6 frames"
    )
    told = cli.types("job", "0199").out
    facts = {line[:13].strip(): line[13:] for line in told.splitlines()}
    assert facts["command"] == "render {frame}"
    assert facts["lanes"] == "hq ×2, oslo ×1"
    assert facts["progress"] == "42 %, 2 of 6 frames"
    assert facts["tasks"] == "2 of 6 done, 1 excluded"
    assert " B" not in told


def test_frames_are_shown_with_what_their_commands_say() -> None:
    frames = [
        Task(0, "1001", "1001", "frame", 0, "done", 1, NOON, 4.0, None, None, None),
        Task(
            1, "1002", "1002", "frame", 0, "executing", 1, NOON, None, None, None, None, 42.5, "a"
        ),
    ]
    made = tables.tasks(frames)
    assert [str(column.header) for column in made.columns][:3] == ["#", "FRAME", "STATUS"]
    assert [str(cell) for cell in made.columns[2].cells] == ["done", "executing 42 %"]
    assert [str(cell) for cell in made.columns[-1].cells] == ["", "a"]
