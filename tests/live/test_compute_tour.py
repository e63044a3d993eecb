"""Compute jobs with the real thing: one `haulage up` whose own agent runs commands, and a person at
the command line.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from services.runtime.privileges import own_user
from tests.live.machine import ROOT, Machine
from tests.live.terminal import Terminal

pytestmark = pytest.mark.live

FAILS_AT_3 = 'sh -c "echo frame {frame}; test {frame} -ne 3"'


class Farm(Terminal):
    def computes(self, command: str, *options: str) -> str:
        return str(self.json("submit", "compute", "--command", command, *options)["id"])


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    data = tmp_path_factory.mktemp("farm") / "data"
    with Machine(data, "--port", "0", "--compute-user", own_user()) as machine:
        made = Farm(machine)
        made.types("settings", "set", "client_compute_lanes=2")
        yield made


def test_each_frame_runs_and_its_output_is_kept(farm: Farm) -> None:
    job = farm.computes(
        'sh -c "echo frame {frame} of $SHOW in $PWD"',
        *("--range", "1-2,10-20x10", "--env", "SHOW=night", "--name", "night comp"),
    )
    done = farm.until(job, status="done")
    assert (done["kind"], done["tasks_done"], done["progress"]) == ("compute", 4, 1.0)
    assert (done["source"], done["compute"]["range"]) == (None, "1-2,10,20")
    rows = farm.json("tasks", job)
    assert [row["uri"] for row in rows] == ["1", "2", "10", "20"]
    assert "frame 10 of night in" in farm.types("log", job, "--task", "2")
    (attempt,) = farm.json("attempts", job, "0")
    assert (attempt["outcome"], attempt["exit_code"]) == ("done", 0)
    assert attempt["peak_memory_bytes"] > 0
    shown = farm.types("job", job)
    assert "echo frame {frame}" in shown
    assert "SHOW=night" in shown


def test_a_frame_that_fails_is_told_and_tried_again(farm: Farm) -> None:
    job = farm.computes(FAILS_AT_3, "--range", "1-4", "--set", "job_max_retries=0")
    failed = farm.until(job, status="failed", tasks_done=3)
    assert (failed["tasks_failed"], failed["error_class"]) == (1, "command")
    (row,) = farm.json("tasks", job, "--status", "failed")
    assert row["uri"] == "3"
    assert "exit code 1" in row["error_message"]
    farm.types("settings", "set", "job_max_retries=1", "job_autoretry_delay_s=1", "--job", job)
    farm.types("retry", job)
    farm.until(job, status="failed", failures={"command": 2}, retry_at=None)
    farm.types("task", "done", job, "2")
    assert farm.until(job, status="done")["tasks_done"] == 4


def test_what_waits_says_for_what_and_what_is_aborted_is_ended_whole(
    farm: Farm, tmp_path: Path
) -> None:
    child = tmp_path / "child"
    job = farm.computes(f'sh -c "sleep 300 & echo $! > {child}; echo began; wait"')
    with subprocess.Popen(
        [sys.executable, "-m", "services.cli.main", "log", job, "--task", "0", "-f"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=farm.environ,
    ) as following:
        assert following.stdout is not None
        assert "began" in following.stdout.readline()
        waits = farm.computes("true", "--depends-on", job[:20])
        (reason,) = farm.json("why", waits)["reasons"]
        assert (reason["code"], reason["holder"]["id"]) == ("waiting_for_job", job)
        farm.types("abort", job)
        following.kill()
    process = int(child.read_text())
    ends_by = time.monotonic() + 10
    while os.path.exists(f"/proc/{process}"):
        assert time.monotonic() < ends_by, "what the command started goes on"
        time.sleep(0.1)
    assert farm.json("job", job)["status"] == "aborted"
    assert farm.json("job", waits)["depends_on"] == [job]
    farm.types("abort", waits)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--command", "render {frame}"), "there is no range"),
        (("--command", "render {frame}", "--range", "9-1"), "range"),
        (("--command", "render {nothing}"), "command"),
        (("--command", "true", "--filter", "ram:>lots"), "ram"),
        (("--command", "true", "--env", "A"), "NAME=VALUE"),
        (("--command", "true", "--cwd", "attic/x"), "attic"),
        (("--command", "true", "--queue", "soon"), "soon"),
        (("--command", "true", "--bucket", "-1"), "0 to 1000000"),
        (("--command", "true", "--set", "speed=1"), "speed"),
        (("--command", "true", "--depends-on", "f" * 24), "there is no job"),
    ],
)
def test_what_cannot_be_computed_is_refused_and_leaves_no_trace(
    farm: Farm, options: tuple[str, ...], words: str
) -> None:
    before = farm.json("jobs"), farm.json("jobs", "--finished")
    status = 2 if words == "NAME=VALUE" else 1
    assert words in farm.types("submit", "compute", *options, status=status)
    assert (farm.json("jobs"), farm.json("jobs", "--finished")) == before


def test_filters_are_many_or_one_with_commas(farm: Farm) -> None:
    job = farm.computes("true", "--filter", "cores:>=1, platform:linux", "--filter", "ram:>1g")
    filters = farm.json("job", job)["compute"]["filters"]
    assert filters == ["cores:>=1", "platform:linux", "ram:>1g"]
    farm.until(job, status="done")
    nowhere = farm.computes("true", "--filter", "ram:>4000g")
    (reason, *_) = farm.json("why", nowhere)["reasons"]
    assert reason["code"] == "no_matching_lane"
    farm.types("abort", nowhere)


def test_what_happened_is_proven_decided_again_and_opened_elsewhere(
    farm: Farm, tmp_path: Path
) -> None:
    job = farm.computes("true", "--range", "1-3")
    farm.until(job, status="done")
    assert "the chain value" in farm.types("verify")
    checked = farm.json("replay", "--check")
    assert (checked["same"], checked["decisions"] > 0) == (True, True), checked
    lags = farm.json("health")["lags"]
    assert [one["projection"] for one in lags] == ["rows", "feed"]
    steps = farm.types("replay", "--job", job, "--json").splitlines()
    kinds = [msgspec.json.decode(one)["line"]["type"] for one in steps]
    assert kinds == [line["type"] for line in farm.json("log", job)]
    file = str(tmp_path / "job.capsule")
    farm.types("capsule", job, "-o", file)
    with Machine(tmp_path / "opened", "--port", "0", "--capsule", file) as elsewhere:
        there = Terminal(elsewhere)
        assert there.json("jobs", "--finished") == farm.json("jobs", "--finished")
        assert there.json("log", job) == farm.json("log", job)
        assert "nothing can be changed" in there.types("queue", "pause", "low", status=1)
