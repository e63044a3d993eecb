"""Every shape ever stored can be read for ever: one stored sample each in tests/golden.

A sample is written once, when its event is new, by `python -m tests.events.test_golden`, and
never edited: a change of a shape needs an upcast in events/retired.py, not another sample.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from events import codec, endpoints, jobs, pairs, queues, tasks, workspace
from events.codec import Recorded

GOLDEN = Path(__file__).parents[1] / "golden"
AT = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
JOB, QUEUE, ENDPOINT, OTHER = ("0190000000000000000000" + two for two in ("a1", "b2", "c3", "d4"))
SOURCE = jobs.Party(ENDPOINT, "projects", "shot010/")
DESTINATION = jobs.Party(OTHER, "incoming", "")
PLATES = (jobs.Part("a/plate.%04d.exr", "1001-1100x5"), jobs.Part("b/notes"))
PARTED = jobs.Transfer(SOURCE, DESTINATION, PLATES)
COMPUTE = jobs.Compute(
    "render --frame {frame}", "1001-1100", ("ram:>32g",), {"SHOW": "a"}, "projects", "shot010"
)
MACHINE = endpoints.Machine("render", "node-1", 64, 256 << 30, "linux", "hq", ("gpu", "a"))
ENTRIES = [
    tasks.Entry("", kind="folder", mode=0o755, mtime_ns=1),
    tasks.Entry("a\\xff.exr", size=5, mode=0o640, mtime_ns=1_700_000_000_123_456_789),
    tasks.Entry("now", kind="link", target="a\\xff.exr"),
]
SPENT = tasks.Measured(1 << 30, 10, 20, 30, 40, 50, 60)
MEASURED: list[codec.Event] = [
    jobs.Listed(JOB, 1, 3, 5, took_ms=1200),
    tasks.Done(
        *(JOB, 2, "0,2", 5, [0, 10], [1, 2], ["", "0" * 64]),
        *((0, 4), (0, 1), (0, 2), (0, 3), (0, 4), (1, 5), (tasks.Version(2, 5, -1),)),
    ),
    tasks.Failed(JOB, 2, [tasks.Failure(1, jobs.ErrorClass.NETWORK, "it broke", SPENT)]),
]
SAMPLES: list[codec.Event] = [
    *MEASURED,
    workspace.Opened("main", "f" * 24),
    workspace.SchedulerStarted("e" * 24, "host", "0.1.0"),
    queues.Created(QUEUE, "medium", 500, "the default", default=True),
    workspace.SettingsChanged({"job_max_retries": 5}, ("job_on_missing",)),
    queues.SettingsChanged(QUEUE, {"queue_interrupt_policy": "never"}),
    jobs.SettingsChanged(JOB, {"job_autoretry_delay_s": 30}),
    endpoints.SettingsChanged(ENDPOINT, {"endpoint_transfers": 2}),
    pairs.SettingsChanged(ENDPOINT, OTHER, {"transfer_speedlimit": "20"}, ("time_zone",)),
    queues.Changed(QUEUE, "dailies", 600, "today's", {"show": "a"}, True, False),
    queues.Paused(QUEUE),
    queues.Resumed(QUEUE),
    queues.Deleted(QUEUE, OTHER),
    endpoints.Enrolled(ENDPOINT, "hq"),
    endpoints.Disabled(ENDPOINT, "ann"),
    endpoints.Enabled(ENDPOINT),
    endpoints.CameOnline(ENDPOINT, "1", "http://127.0.0.1:1", [endpoints.Volume("projects")]),
    endpoints.CameOnline(ENDPOINT, "2", "", [], MACHINE),
    endpoints.CameOnline(ENDPOINT, "3", "http://127.0.0.1:1", [], fingerprint="0f" * 32),
    endpoints.CameOnline(ENDPOINT, "4", "http://127.0.0.1:1", [], relays=32),
    endpoints.ReachChanged(ENDPOINT, [endpoints.Dialled(OTHER, "http://127.0.0.1:2", False)]),
    endpoints.VolumesChanged(ENDPOINT, [endpoints.Volume("projects", online=False)]),
    endpoints.WentOffline(ENDPOINT, "silent"),
    endpoints.BackedOff(ENDPOINT, 2, AT, "projects"),
    endpoints.Readmitted(ENDPOINT, "projects"),
    endpoints.VolumeFilled(ENDPOINT, "incoming", 104_857_600, 100_000_000),
    endpoints.VolumeFreed(ENDPOINT, "incoming", 125_000_000, 100_000_000),
    endpoints.FilesChanging(ENDPOINT, "c1", "rename", "projects", "a\\xff", "b", whole=True),
    endpoints.FilesChanged(
        *(ENDPOINT, "c1", "delete", "projects", "old", "failed", ""),
        jobs.ErrorClass.PERMISSION,
        "the agent may not do that",
        *(3, 2, 1, 20),
    ),
    jobs.Submitted(JOB, "shot010", "ann", QUEUE, "a0", jobs.Transfer(SOURCE, DESTINATION)),
    jobs.Submitted(JOB, "comp", "ann", QUEUE, "a0", COMPUTE, (OTHER,)),
    jobs.Submitted(JOB, "plates", "ann", QUEUE, "a0", PARTED),
    jobs.ListingStarted(JOB, 1),
    jobs.Archived(JOB),
    jobs.ListingStarted(JOB, 3, first=2000),
    jobs.Opened(JOB, 1),
    jobs.Listed(JOB, 1, 3, 5, skipped=1),
    jobs.Awaited(JOB, 1, 3),
    jobs.Started(JOB, 2, OTHER),
    jobs.Started(JOB, 2, OTHER, "relay", "9" * 24),
    jobs.GaveWay(JOB, 2, "9" * 24),
    jobs.Interrupted(JOB, 2, "endpoint_offline", OTHER),
    jobs.Interrupted(JOB, 2, "endpoint_offline", OTHER, listing=False),
    jobs.Paused(JOB),
    jobs.Resumed(JOB, "a1"),
    jobs.Aborted(JOB),
    jobs.Failed(JOB, 2, jobs.ErrorClass.SPACE, "no space left", AT),
    jobs.Retried(JOB, "a2"),
    jobs.Done(JOB, 2),
    jobs.Removing(JOB, 2, ("old/a\\xff.exr", "old"), 5),
    jobs.Removed(JOB, 2, 2, 5),
    jobs.Moved(JOB, QUEUE, "a0V"),
    tasks.Found(JOB, 1, 0, ENTRIES),
    tasks.Found(JOB, 1, 3, [tasks.Entry("b", size=5, mtime_ns=1, same_as="a")]),
    tasks.Found(JOB, 1, 4, [tasks.Entry("c", mtime_ns=1, owner="ann", group="1001")]),
    tasks.Started(JOB, 2, "0-2"),
    tasks.Done(JOB, 2, "0,2", 5, [0, 10], [1, 2], ["", "0" * 64]),
    tasks.Failed(JOB, 2, [tasks.Failure(1, jobs.ErrorClass.CHANGED, "it changed")]),
    tasks.Queued(JOB, "0-2", 5),
    tasks.Held(JOB, "0-2", 5),
    tasks.Excluded(JOB, "0-79999"),
    tasks.MarkedDone(JOB, "1", 7),
    tasks.MarkedFailed(JOB, "1", 7),
    jobs.Appended(JOB, ("late/a.exr",), "a3"),
    tasks.Ranged(JOB, 0, "1001-1100,1200-1300x5", 121),
    tasks.Dispatched(JOB, 3, OTHER, "0-4"),
    tasks.Exited(JOB, 3, -9, 1500, 900, 1 << 30),
    tasks.Released(JOB, 3, "2-4", "endpoint_offline", OTHER),
]


def stored(event: codec.Event) -> bytes:
    return codec.encode("main", [Recorded(7, 0, AT, "ann", "c1", event)]) + b"\n"


def path_of(event: codec.Event) -> Path:
    """One a shape: what came later to an event, or is in it at times, has samples of its own."""
    computes = isinstance(event, jobs.Submitted) and isinstance(event.work, jobs.Compute)
    allows = isinstance(event, endpoints.CameOnline) and event.machine is not None
    shape = ".compute" if computes or allows else ""
    match event:
        case endpoints.CameOnline(fingerprint=fingerprint) if fingerprint:
            shape = ".certificate"
        case endpoints.CameOnline(relays=relays) if relays:
            shape = ".relay"
        case jobs.Started(relay=relay) if relay:
            shape = ".relay"
        case jobs.Submitted(work=jobs.Transfer(parts=parts)) if parts:
            shape = ".parts"
        case _ if event in MEASURED:
            shape = ".measured"
        case tasks.Found(entries=[tasks.Entry(same_as=first), *_]) if first:
            shape = ".hard_link"
        case tasks.Found(entries=[tasks.Entry(owner=owner), *_]) if owner:
            shape = ".owned"
        case jobs.ListingStarted(first=first) if first:
            shape = ".goes_on"
        case jobs.Interrupted(listing=False):
            shape = ".run_only"
    return GOLDEN / f"{codec.tag(event)}{shape}.json"


def test_every_event_has_a_sample() -> None:
    assert {type(sample) for sample in SAMPLES} == set(get_args(codec.Event))


@pytest.mark.parametrize("sample", SAMPLES, ids=codec.tag)
def test_what_was_stored_means_what_it_meant(sample: codec.Event) -> None:
    [recorded] = codec.decode(path_of(sample).read_bytes())
    assert recorded == Recorded(7, 0, AT, "ann", "c1", sample)


@pytest.mark.parametrize("sample", SAMPLES, ids=codec.tag)
def test_an_event_is_written_as_its_sample(sample: codec.Event) -> None:
    assert stored(sample) == path_of(sample).read_bytes()


def test_a_reader_that_meets_an_unknown_type_stops_and_says_so() -> None:
    payload = stored(jobs.Paused(JOB)).replace(b'"job.paused"', b'"job.vanished"')
    with pytest.raises(codec.Corrupt, match=r"job\.vanished"):
        codec.decode(payload)


if __name__ == "__main__":
    for missing in (one for one in SAMPLES if not path_of(one).exists()):
        path_of(missing).write_bytes(stored(missing))
        sys.stdout.write(f"{path_of(missing).name}\n")
