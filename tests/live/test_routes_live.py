"""Bytes find their way between machines that cannot be dialled: real agents, real relays.

One story on one studio: its machines close their ports one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from events.endpoints import ReachChanged
from events.jobs import Failed, Interrupted, Started
from tests.live.studio import Studio, check_history, differences, make_files

pytestmark = pytest.mark.live

LARGE_MIB = 48
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    directory = tmp_path_factory.mktemp("studio")
    make_files(directory / "projects" / "shot", large_mib=LARGE_MIB, small=50)
    with Studio(directory) as studio:
        yield studio


def moved(studio: Studio, job: str, folder: str) -> list[tuple[str, str]]:
    """Route and relay of each of the job's runs; all has arrived, and nothing failed."""
    row = studio.settles(job)
    assert (row.status, row.bytes_done) == ("done", row.size)
    assert differences(studio.projects / "shot", studio.incoming / folder) == []
    history = studio.history()
    check_history(history)
    events = [one.event for one in history if getattr(one.event, "job", "") == job]
    assert [event for event in events if isinstance(event, Failed)] == []
    return [(one.route, one.relay) for one in events if isinstance(one, Started)]


def why(studio: Studio, job: str) -> list[str]:
    told = studio.get(f"/api/jobs/{job}/why?at_least={studio.stored}", dict[str, Any])
    return [reason["code"] for reason in told["reasons"]]


def slowly(studio: Studio, folder: str) -> str:
    """A job that takes some seconds."""
    body = {
        "source": "hq:projects/shot/",
        "destination": f"stockholm:incoming/{folder}/",
        "settings": {"transfer_speedlimit": "16"},
    }
    return studio.post("/api/jobs", body, folder).jobs[0]


def relay_of(studio: Studio, job: str) -> str:
    started = [one.event for one in studio.history() if isinstance(one.event, Started)]
    return next(one.relay for one in reversed(started) if one.job == job)


def test_a_sender_without_a_port_dials_its_receiver(studio: Studio) -> None:
    studio.restart_agent("hq", "--no-listen")
    job = studio.submit("shot/", "pushed/", key="pushed")
    assert moved(studio, job, "pushed") == [("push", "")]


def test_two_without_a_port_wait_for_a_relay_that_both_reach(studio: Studio) -> None:
    studio.restart_agent("stockholm", "--no-listen")
    job = studio.submit("shot/", "relayed/", key="relayed")
    studio.until(lambda: why(studio, job) == ["no_route"])
    studio.start_agent("oslo", "--relay", "16")
    [(route, relay)] = moved(studio, job, "relayed")
    assert (route, bool(relay)) == ("relay", True)


def test_a_relay_that_is_killed_in_mid_file_is_replaced(studio: Studio) -> None:
    studio.start_agent("attic", "--relay", "16")
    studio.until(lambda: "attic" in studio.online())
    listed = studio.get("/api/endpoints", list[dict[str, Any]])
    names = {one["id"]: one["name"] for one in listed}
    job = slowly(studio, "replaced")
    studio.until(lambda: studio.moves(job))
    first = names[relay_of(studio, job)]
    studio.kill_agent(first)
    runs = moved(studio, job, "replaced")
    assert [names[relay] for _, relay in runs] == [first, *({"oslo", "attic"} - {first})]
    events = [one.event for one in studio.history() if getattr(one.event, "job", "") == job]
    [interrupted] = [one for one in events if isinstance(one, Interrupted)]
    assert interrupted.cause == "no_route"


def test_who_is_not_where_it_says_is_found_out_and_another_way_is_taken(studio: Studio) -> None:
    """hq opens its port again, but gives an address that leads to nobody."""
    studio.restart_agent("hq", "--url", NOBODY)
    job = studio.submit("shot/", "elsewhere/", key="elsewhere")
    runs = moved(studio, job, "elsewhere")
    assert [route for route, _ in runs][-1] == "relay"
    found = [one.event for one in studio.history() if isinstance(one.event, ReachChanged)]
    verdicts = {(one.url, one.reached) for event in found for one in event.dialled}
    assert (NOBODY, False) in verdicts
