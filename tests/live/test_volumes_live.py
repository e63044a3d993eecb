"""Volumes of real agents that go away, fill up and come back: their jobs wait, and go on."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from events import jobs
from tests.live.studio import MIB, Studio, differences
from tests.mounts import mounted

pytestmark = pytest.mark.live

ROOM = 400 * MIB
SLOW = {"transfer_speedlimit": "30 MB/s"}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    directory = tmp_path_factory.mktemp("studio")
    (directory / "projects").mkdir()
    (directory / "projects" / "large.bin").write_bytes(random.Random(7).randbytes(100 * MIB))
    with Studio(directory) as studio:
        yield studio


def submitted(studio: Studio, folder: str) -> str:
    body = {"source": "hq:projects/", "destination": f"stockholm:incoming/{folder}/"}
    job = studio.post("/api/jobs", body | {"settings": SLOW}, folder).jobs[0]
    studio.until(lambda: studio.moves(job))
    return job


def reason(studio: Studio, job: str) -> str | None:
    found: dict[str, Any] = studio.get(f"/api/jobs/{job}", dict[str, Any])
    return found["reason"]["code"] if found["status"] == "waiting" else None


def incoming(studio: Studio) -> dict[str, Any]:
    found = studio.get("/api/endpoints", list[dict[str, Any]])
    [volume] = next(one["volumes"] for one in found if one["name"] == "stockholm")
    return dict(volume)


def causes(studio: Studio, job: str) -> list[str]:
    """What ended runs of the job, failures too."""
    events = [one.event for one in studio.history() if getattr(one.event, "job", "") == job]
    ends = [one for one in events if isinstance(one, jobs.Interrupted | jobs.Failed)]
    return [one.cause if isinstance(one, jobs.Interrupted) else "failed" for one in ends]


def test_a_volume_that_goes_away_holds_its_jobs_until_it_is_back(studio: Studio) -> None:
    job = submitted(studio, "away")
    away = studio.projects.with_name("away")
    studio.projects.rename(away)
    studio.until(lambda: reason(studio, job) == "volume_offline")
    kept = studio.job(job).bytes_done
    assert kept > 0
    away.rename(studio.projects)
    row = studio.settles(job, 20)
    assert (row.status, row.error_class) == ("done", None)
    assert causes(studio, job) == ["volume_offline"]
    assert differences(studio.projects, studio.incoming / "away") == []


def test_a_volume_that_fills_up_holds_its_jobs_until_there_is_room(studio: Studio) -> None:
    with mounted(studio.incoming, ROOM):
        job = submitted(studio, "full")
        filler = studio.incoming / "filler"
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, ROOM - 150 * MIB)
        studio.until(lambda: reason(studio, job) == "volume_full")
        studio.until(lambda: incoming(studio)["free_bytes"] < 110_000_000)
        assert incoming(studio)["full"]
        filler.unlink()
        row = studio.settles(job, 20)
        assert (row.status, row.error_class) == ("done", None)
        assert causes(studio, job) == ["volume_full"]
        assert differences(studio.projects, studio.incoming / "full") == []
