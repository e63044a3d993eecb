"""`haulage job` and `haulage attempts` say what took the time, and what was saved."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from services.gateway.resources import Timing
from tests.services.cli_server import ATTEMPTS, Terminal, job, terminal

READING = "reading at hq is the bottleneck (62 % of the time)"
TIMING = Timing(0.2, 62.0, 3.0, 0.0, 25.0, 10.0, 1_500_000, "reading", 0.62, READING)
TOO_LITTLE = Timing(0.2, 0.0, 0.0, 0.0, 0.0, 0.0, 0, None, None, None)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with terminal(capsys, monkeypatch) as at_hand:
        yield at_hand


def test_a_job_says_where_its_time_went_the_most_first(cli: Terminal) -> None:
    cli.world.jobs = [job(1, timing=TIMING)]
    shown = cli.types("job", "0199").out.splitlines()
    assert "saved        1.5 MB" in shown
    spent = "reading 1:02, writing 25.0 s, hashing 10.0 s, network 3.0 s, listing 0.2 s"
    assert f"spent        {spent}" in shown
    assert f"bottleneck   {READING}" in shown
    assert cli.types("job", "0199", "--json").json()["timing"]["bottleneck"] == "reading"


def test_of_a_job_that_was_hardly_measured_no_bottleneck_is_said(cli: Terminal) -> None:
    cli.world.jobs = [job(1, timing=TOO_LITTLE)]
    shown = cli.types("job", "0199").out
    assert "spent        listing 0.2 s" in shown
    assert "bottleneck" not in shown
    assert "saved" not in shown


def test_tries_show_what_they_saved_and_what_took_the_most(cli: Terminal) -> None:
    cli.world.jobs = [job(1)]
    spent = {"reading_s": 0.25, "network_s": 0.75, "limited_s": 0.0, "writing_s": 0.0}
    cli.world.attempts = [
        *ATTEMPTS[:2],
        replace(ATTEMPTS[2], bytes_saved=5_000_000, verifying_s=0.0, **spent),
    ]
    told = cli.types("attempts", "0199", "1").out.splitlines()
    assert " SAVED  MOST OF IT" in told[0]
    assert "     -  -" in told[1]
    assert "5.0 MB  network 75 %" in told[3]
