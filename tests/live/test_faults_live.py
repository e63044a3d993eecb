"""A job survives the death of any process in its middle: the bytes are equal, the log is whole."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from events import codec
from tests.live.studio import Studio, check_history, differences, fold, make_files

pytestmark = pytest.mark.live

LARGE_MIB = 1024


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    directory = tmp_path_factory.mktemp("studio")
    make_files(directory / "projects" / "shot", large_mib=LARGE_MIB, small=200)
    with Studio(directory) as studio:
        yield studio


@pytest.fixture(autouse=True)
def emptied(studio: Studio) -> Iterator[None]:
    """What arrived has been compared: a gibibyte from each test would fill small disks."""
    yield
    for folder in studio.incoming.iterdir():
        shutil.rmtree(folder, ignore_errors=True)


def kill(name: str) -> Callable[[Studio], None]:
    def disturb(studio: Studio) -> None:
        pid = studio.child(name)
        assert pid is not None
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    return disturb


def restart_agent(name: str) -> Callable[[Studio], None]:
    def disturb(studio: Studio) -> None:
        studio.kill_agent(name)
        studio.start_agent(name)

    return disturb


def pull_the_plug(studio: Studio) -> None:
    """Everything but the agents, at once; then `up` again on the same directory."""
    for pid in studio.services():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    studio.kill()
    studio.start()
    studio.wait_until_ready()


DISTURBANCES = {
    "the receiving agent": restart_agent("stockholm"),
    "the sending agent": restart_agent("hq"),
    "the scheduler": kill("scheduler"),
    "nats-server": kill("nats-server"),
    "postgres": kill("postgres"),
    "the projector": kill("projector"),
    "the gateway": kill("gateway"),
    "all of it": pull_the_plug,
}


@pytest.mark.parametrize("victim", DISTURBANCES)
def test_a_job_survives_the_death_of(victim: str, studio: Studio) -> None:
    folder = victim.replace(" ", "-")
    job = studio.submit("shot/", f"{folder}/", key=folder)
    studio.until(lambda: studio.moves(job))
    DISTURBANCES[victim](studio)
    row = studio.settles(job)
    assert (row.status, row.bytes_done) == ("done", row.size)
    assert differences(studio.projects / "shot", studio.incoming / folder) == []
    history = studio.history()
    check_history(history)
    assert str(fold(history).jobs[job].status) == "done"
    expected = [(one.sequence, one.index, codec.tag(one.event)) for one in history]
    studio.until(lambda: len(studio.rows_of_the_log()) >= len(expected))
    assert studio.rows_of_the_log()[: len(expected)] == expected


def test_a_paused_job_keeps_its_bytes_and_resumes_from_them(studio: Studio) -> None:
    job = studio.submit("shot/", "paused/", key="paused")
    studio.until(lambda: studio.moves(job))
    studio.post(f"/api/jobs/{job}/pause", {}, "pause")
    assert studio.job(job).status == "paused"
    kept = sum(path.stat().st_size for path in studio.incoming.glob("paused/**/.*.part"))
    assert kept > 0
    studio.post(f"/api/jobs/{job}/resume", {}, "resume")
    assert studio.settles(job).status == "done"
    assert differences(studio.projects / "shot", studio.incoming / "paused") == []


def test_a_job_moved_to_a_higher_queue_makes_the_running_one_give_way(studio: Studio) -> None:
    first = studio.submit("shot/", "first/", key="first")
    second = studio.submit("shot/small/", "second/", key="second")
    studio.until(lambda: studio.moves(first))
    studio.post(f"/api/jobs/{second}/move", {"queue": "high"}, "move")
    assert studio.settles(second).status == "done"
    assert studio.job(first).status != "done"
    assert studio.settles(first).status == "done"
    for folder, source in (("first", "shot"), ("second", "shot/small")):
        assert differences(studio.projects / source, studio.incoming / folder) == []


def test_an_aborted_job_writes_no_more_and_a_retry_completes_it(studio: Studio) -> None:
    job = studio.submit("shot/", "aborted/", key="aborted")
    studio.until(lambda: studio.moves(job))
    studio.post(f"/api/jobs/{job}/abort", {}, "abort")
    assert studio.job(job).status == "aborted"
    studio.post(f"/api/jobs/{job}/retry", {}, "retry")
    assert studio.settles(job).status == "done"
    assert differences(studio.projects / "shot", studio.incoming / "aborted") == []


def test_a_hand_on_a_moving_task_stops_that_task_and_only_that(studio: Studio) -> None:
    job = studio.submit("shot/", "hands/", key="hands")
    studio.until(lambda: studio.moves(job))
    listed = studio.get(f"/api/jobs/{job}/tasks", dict[str, Any])["tasks"]
    [large] = [one["number"] for one in listed if one["uri"] == "large.bin"]
    studio.post(f"/api/jobs/{job}/tasks/hold", {"tasks": str(large)}, "hold")
    studio.until(lambda: studio.job(job).status == "paused")
    [partial] = studio.incoming.glob("hands/.large.bin*.part")
    kept = partial.stat().st_size
    assert 0 < kept < (studio.projects / "shot/large.bin").stat().st_size
    assert differences(studio.projects / "shot/small", studio.incoming / "hands/small") == []
    studio.post(f"/api/jobs/{job}/tasks/retry", {"tasks": "onhold"}, "onhold")
    assert studio.settles(job).status == "done"
    assert differences(studio.projects / "shot", studio.incoming / "hands") == []


def test_a_folder_that_vanishes_after_the_listing_fails_with_its_class(
    studio: Studio, tmp_path: Path
) -> None:
    gone = studio.projects / "gone"
    gone.mkdir()
    (gone / "file").write_bytes(b"x")
    body = {"source": "hq:projects/gone/", "destination": "stockholm:incoming/gone/"}
    job = studio.post("/api/jobs", body | {"paused": True}, "gone").jobs[0]
    gone.rename(tmp_path / "gone")
    studio.post(f"/api/jobs/{job}/resume", {}, "gone-resume")
    studio.until(lambda: studio.job(job).status == "failed")
    assert studio.job(job).error_class == "missing"
    studio.post(f"/api/jobs/{job}/abort", {}, "gone-abort")
