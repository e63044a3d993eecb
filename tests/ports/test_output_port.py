"""What is promised of process logs, in memory and on NATS."""

from __future__ import annotations

from events import subjects
from services.runtime import jetstream
from services.runtime.bus import NatsBus
from tests.ports.conftest import Kind

HQ, STOCKHOLM = "5f0000000000000000000001", "5f0000000000000000000002"
JOB = "6f0000000000000000000001"


async def test_a_run_without_a_log_has_none(kind: Kind) -> None:
    outputs = await kind.outputs()
    assert await outputs.newest(HQ, JOB, 1) is None
    assert await outputs.part(HQ, JOB, 1, 0) is None


async def test_each_slot_of_a_run_keeps_its_newest(kind: Kind) -> None:
    outputs, bus = await kind.outputs(), await kind.bus()
    told = [(HQ, 1, 0), (HQ, 1, 1), (HQ, 2, 7), (STOCKHOLM, 1, 3), (HQ, 1, 0)]
    for number, (endpoint, run, slot) in enumerate(told):
        subject = subjects.output(kind.workspace, endpoint, JOB, run, slot)
        await bus.request(subject, b"%d" % number)
    assert await outputs.newest(HQ, JOB, 1) == b"4"
    assert await outputs.part(HQ, JOB, 1, 0) == b"4"
    assert await outputs.part(HQ, JOB, 1, 1) == b"1"
    assert await outputs.newest(HQ, JOB, 2) == b"2"
    assert await outputs.newest(STOCKHOLM, JOB, 1) == b"3"
    assert await outputs.newest(STOCKHOLM, JOB, 2) is None


async def test_the_stream_of_process_logs_is_bounded(shared_bus: NatsBus, workspace: str) -> None:
    """In age, and in messages whatever is written to a slot; the bound in bytes is what fits."""
    for number in range(50):
        subject = subjects.output(workspace, HQ, JOB, 1, number % 5)
        await shared_bus.request(subject, bytes(10_000))
    stream = subjects.output_stream(workspace)
    info = await jetstream.manage(shared_bus, f"STREAM.INFO.{stream}", {})
    assert info["state"]["messages"] == 5
    assert info["config"]["max_msgs_per_subject"] == 1
    assert info["config"]["max_age"] == 14 * 24 * 3600 * 10**9
    assert info["config"]["max_msgs"] == 1_000_000
