"""`haulage throughput`: a spark line a series, with how much and how fast."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from services.gateway.resources import EndpointThroughput, Throughput
from tests.services.cli_server import NOON, Terminal, job, terminal

ONE = job(1)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with terminal(capsys, monkeypatch) as at_hand:
        at_hand.world.jobs = [ONE]
        yield at_hand


def flow(*values: int, step_s: int = 10) -> Throughput:
    ends_at = NOON + timedelta(seconds=step_s * len(values))
    return Throughput(NOON, ends_at, step_s, list(values))


def test_a_job_is_drawn_with_its_mean_and_its_most(cli: Terminal) -> None:
    cli.world.throughput = flow(0, 1, 4_000_000, 8_000_000)
    assert cli.types("throughput", ONE.id[:12]).out.splitlines() == [
        "shot001, 03-04 12:00:00 to 03-04 12:00:40, 10.0 s a mark",
        "                 MEAN      MOST    BYTES",
        "moved  ▁▂▅█  300 kB/s  800 kB/s  12.0 MB",
    ]
    assert cli.world.asked[-1].query == {}


def test_an_endpoint_is_drawn_by_what_it_sent_and_received_on_one_scale(cli: Terminal) -> None:
    sent, received = [10_000] * 120, [0] * 119 + [10_000]
    ends_at = NOON + timedelta(seconds=1200)
    cli.world.throughput = EndpointThroughput(NOON, ends_at, 10, sent, received)
    told = cli.types("throughput", "--endpoint", "hq", "--since", "3h").out.splitlines()
    assert cli.world.asked[-1].path == "/api/endpoints/hq/throughput"
    assert cli.world.asked[-1].query == {"from": "3h"}
    assert told[0].endswith("20.0 s a mark")
    assert [line.split()[1] for line in told[2:]] == ["█" * 60, "▁" * 59 + "▅"]


def test_a_pair_is_asked_for_in_its_direction(cli: Terminal) -> None:
    cli.world.throughput = flow(0, 0)
    told = cli.types("throughput", "--pair", "hq:stockholm")
    assert cli.world.asked[-1].query == {"source": "hq", "destination": "stockholm"}
    assert "▁▁" in told.out
    assert cli.types("throughput", "--pair", "hq:stockholm", "--json").json()["bytes"] == [0, 0]


@pytest.mark.parametrize(
    "arguments", [(), (ONE.id, "--endpoint", "hq"), ("--pair", "hq"), ("--pair", ":hq")]
)
def test_what_cannot_be_drawn_is_not_asked(cli: Terminal, arguments: tuple[str, ...]) -> None:
    assert cli.types("throughput", *arguments).status == 2
    assert cli.world.asked == []
