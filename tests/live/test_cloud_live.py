"""A volume in an S3 store with the real thing: jobs go to it and come back, and wait while it is
away.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.machine import Machine
from tests.live.terminal import Terminal
from tests.s3 import BUCKET, S3, running

pytestmark = pytest.mark.live

SHOT = {"a.exr": os.urandom(20_000_000), "b/c.exr": b"c", "b/empty": b""}


class House(Terminal):
    def __init__(self, machine: Machine, projects: Path, store: S3) -> None:
        super().__init__(machine)
        self.projects, self.store = projects, store


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    root = tmp_path_factory.mktemp("house")
    projects = root / "projects"
    for path, content in SHOT.items():
        (projects / "shot" / path).parent.mkdir(parents=True, exist_ok=True)
        (projects / "shot" / path).write_bytes(content)
    with running(root / "s3") as store:
        volumes = (f"projects={projects}", f"archive=s3://{BUCKET}/house")
        options = ("--port", "0", "--name", "hq", "--volume", volumes[0], "--volume", volumes[1])
        with Machine(root / "data", *options, environ=store.environ) as machine:
            yield House(machine, projects, store)


def test_a_shot_goes_to_the_archive_and_comes_back(house: House) -> None:
    house.types("submit", "transfer", "hq:projects/shot/", "hq:archive/shot/", "--wait")
    listed = house.json("ls", "hq:archive/shot/", "-r")
    assert sorted(row["path"] for row in listed if row["kind"] == "file") == sorted(SHOT)
    house.types("submit", "transfer", "hq:archive/shot/", "hq:projects/back/", "--wait")
    back = {path: (house.projects / "back" / path).read_bytes() for path in SHOT}
    assert back == SHOT


def test_while_the_store_is_away_its_jobs_wait_and_then_go_on(house: House) -> None:
    house.store.stop()
    job = house.json("submit", "transfer", "hq:projects/shot/", "hq:archive/later/")["id"]
    ends_by = time.monotonic() + 60
    while "volume_offline" not in [one["code"] for one in house.json("why", job)["reasons"]]:
        assert time.monotonic() < ends_by
        time.sleep(0.5)
    house.store.start()
    assert house.until(job, status="done")["tasks_failed"] == 0
