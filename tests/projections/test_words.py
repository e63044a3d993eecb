"""The job log in people's words."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from events import codec, endpoints, jobs, pairs, queues, tasks, workspace
from events.codec import Event, Recorded
from events.jobs import ErrorClass
from projections import job_log, words
from tests.projections.histories import (
    HIGH,
    HQ,
    JOB,
    NAMES,
    NOON,
    NORMAL,
    STOCKHOLM,
    done,
    found,
    submitted,
)

GOLDEN = Path(__file__).parents[1] / "golden"
IN_A_MINUTE = NOON + timedelta(minutes=1)
FAILURES = [tasks.Failure(n, ErrorClass.MISSING, f"f{n} is gone") for n in range(30)]


def said(event: Event, actor: str = "scheduler") -> str:
    return words.text(Recorded(7, 0, NOON, actor, "c1", event), NAMES)


@pytest.mark.parametrize(
    ("event", "actor", "text"),
    [
        (
            submitted(queue=HIGH),
            "ann",
            "ann submitted it: hq:projects/shot010/ to stockholm:incoming/shot010/, in queue high",
        ),
        (jobs.Moved(JOB, HIGH, "z"), "ann", "ann moved it to high"),
        (queues.Changed(HIGH, priority=7, default=True), "ann",
         "ann changed queue high: priority 7, default"),
        (queues.Changed(HIGH, metadata={"show": "a", "of": "b"}, default=False), "scheduler",
         "changed queue high: metadata show=a of=b, no longer default"),
        (queues.Changed(HIGH, metadata={}), "ann", "ann changed queue high: metadata none"),
        (queues.Paused(HIGH), "ann", "ann paused queue high"),
        (queues.Resumed(HIGH), "ann", "ann resumed queue high"),
        (queues.Deleted(HIGH, NORMAL), "ann", "ann deleted queue high, its jobs went to normal"),
        (jobs.Removing(JOB, 2, ("a", "b", "c", "d"), 5), "endpoint/e",
         "deletes 4 things that the source does not have: a, b, c, …"),
        (jobs.Removed(JOB, 2, 1, 5), "endpoint/e", "deleted 1 thing, 5 bytes"),
        (jobs.Paused(JOB), "ann", "ann paused it"),
        (jobs.Paused(JOB), "scheduler", "paused"),
        (jobs.Retried(JOB), "scheduler", "tried again"),
        (jobs.Retried(JOB, "b"), "bob", "bob retried it"),
        (jobs.Started(JOB, 2, STOCKHOLM), "scheduler", "run 2 started on stockholm"),
        (jobs.ListingStarted(JOB, 1), "scheduler", "listing the source"),
        (jobs.ListingStarted(JOB, 3, 1200), "scheduler",
         "listing the source again, 1,200 tasks known"),
        (jobs.Opened(JOB, 1), "scheduler", "ready to run while the listing goes on"),
        (jobs.Listed(JOB, 1, 1200, 3_500_000, 1), "scheduler",
         "listed: 1,200 tasks, 3.5 MB, 1 special file skipped"),
        (jobs.Awaited(JOB, 1, 1), f"endpoint/{HQ}", "waiting for 1 file that still changed"),
        (jobs.Awaited(JOB, 1, 0), f"endpoint/{HQ}", "no file changes any more"),
        (jobs.Failed(JOB, 2, ErrorClass.SPACE, "no space left", IN_A_MINUTE), "scheduler",
         "failed: no space left (space), next try 12:01:00"),
        (jobs.Failed(JOB, 2, ErrorClass.SPACE, "no space left", NOON + timedelta(days=1)),
         "scheduler", "failed: no space left (space), next try 2030-01-02 12:00:00"),
        (jobs.Interrupted(JOB, 2, "endpoint_offline", HQ), "scheduler",
         "interrupted: an endpoint went offline (hq)"),
        (found(count=2), f"endpoint/{HQ}", "found 2 tasks, 20 bytes"),
        (done("3"), f"endpoint/{STOCKHOLM}", "task 3 done, 10 bytes"),
        (tasks.Done(JOB, 2, "3", 0, [0], [0], [""]), f"endpoint/{HQ}", "task 3 done"),
        (done("0-1,4"), f"endpoint/{STOCKHOLM}", "3 tasks (0-1,4) done, 30 bytes"),
        (tasks.Failed(JOB, 2, FAILURES), "scheduler",
         "task 0 failed: f0 is gone (missing), and 29 more tasks"),
        (tasks.Queued(JOB, "5"), "ann", "ann queued task 5 again"),
        (jobs.Appended(JOB, ("late", "x")), "ann", "ann added 2 paths: late, x"),
        (jobs.Appended(JOB, ("late",)), f"endpoint/{HQ}",
         "what was added meanwhile is listed next: late"),
        (jobs.Started(JOB, 2, STOCKHOLM, "push"), "scheduler",
         "run 2 started on stockholm, dialled by its sender"),
        (jobs.Started(JOB, 2, STOCKHOLM, "relay", HQ), "scheduler",
         "run 2 started on stockholm, relayed by hq"),
        (
            endpoints.ReachChanged(
                HQ, [endpoints.Dialled(STOCKHOLM, "u", True), endpoints.Dialled(HQ, "u", False)]
            ),
            "endpoint/x",
            "hq reaches stockholm; cannot reach hq",
        ),
        (endpoints.WentOffline(HQ, "silent"), "scheduler", "hq went offline: no sign of life"),
        (
            endpoints.BackedOff(HQ, 1, NOON + timedelta(seconds=15)),
            "scheduler",
            "hq dropped out 2 times in a row: not used until 12:00:15",
        ),
        (
            endpoints.Readmitted(HQ, "projects"),
            "scheduler",
            "volume projects of hq is used again",
        ),
        (endpoints.CameOnline(HQ, "s", "", []), "scheduler", "hq came online with no volumes"),
        (workspace.Opened("main", "e"), "scheduler", "workspace main opened"),
        (
            pairs.SettingsChanged(HQ, STOCKHOLM, {"transfer_speedlimit": "20"}),
            "ann",
            "ann set transfer_speedlimit to 20 between hq and stockholm",
        ),
    ],
)  # fmt: skip
def test_a_line_says_what_happened(event: Event, actor: str, text: str) -> None:
    assert said(event, actor) == text


def test_control_characters_are_shown_and_not_obeyed() -> None:
    failed = jobs.Failed(JOB, 2, ErrorClass.MISSING, "a\x1b[2Jb\u202e is gone")
    assert said(failed) == "failed: a\\u{1b}[2Jb\\u{202e} is gone (missing)"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_every_event_ever_stored_has_a_line_that_reads_back(path: Path) -> None:
    payload = path.read_bytes()
    payload = payload if payload.lstrip().startswith(b"[") else b"[" + payload + b"]"
    for recorded in codec.decode(payload):
        line = job_log.line(recorded)
        assert job_log.decode(job_log.encode(line.event)) == line.event
        assert job_log.kind(line.event) == codec.tag(recorded.event)
        assert words.text(line, NAMES) == words.text(recorded, NAMES) != ""


def test_the_golden_files_cover_every_event() -> None:
    tags = {str(kind.__struct_config__.tag) for kind in get_args(codec.Event)}
    assert tags <= {path.stem for path in GOLDEN.glob("*.json")}


def test_a_line_of_a_thousand_tasks_is_short() -> None:
    line = job_log.line(Recorded(7, 0, NOON, "scheduler", "c1", found(count=1000)))
    assert line.event == job_log.Found(JOB, 1, 0, 1000, 10_000)
    assert len(job_log.encode(line.event)) < 200
