"""Real agents at full speed: after a pause is answered, nothing is written any more."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISDIR

import pytest

from tests.live.studio import Studio, differences, make_files

pytestmark = pytest.mark.live
PROMISED_S = 0.25
WATCHED_S = 0.5


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    studio = Studio(tmp_path_factory.mktemp("studio"))
    make_files(studio.projects / "large", large_mib=768, small=0)
    make_files(studio.projects / "small", large_mib=0, small=6_000)
    try:
        with studio:
            yield studio
    finally:
        studio.kill_tree()


def state(root: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of all files there are; what is renamed away meanwhile is not.

    Not of folders: their times are put back when a flush under way ends, which may be later.
    """
    found = {}
    for folder, folders, files in os.walk(root):
        for name in [*folders, *files]:
            path = os.path.join(folder, name)
            try:
                seen = os.lstat(path)
            except FileNotFoundError:
                continue
            found[path] = (0, 0) if S_ISDIR(seen.st_mode) else (seen.st_size, seen.st_mtime_ns)
    return found


@pytest.mark.parametrize("what", ["large", "small"])
def test_no_byte_is_written_a_quarter_of_a_second_after_a_pause_is_answered(
    studio: Studio, what: str
) -> None:
    job = studio.submit(f"{what}/", f"{what}/", key=what)
    for again in range(2):
        studio.until(lambda: studio.job(job).status == "running")
        studio.until(lambda: studio.moves(job))
        studio.post(f"/api/jobs/{job}/pause", {}, f"{what}-pause-{again}")
        time.sleep(PROMISED_S)
        before = state(studio.incoming)
        time.sleep(WATCHED_S)
        assert state(studio.incoming) == before
        assert studio.job(job).status == "paused"
        studio.post(f"/api/jobs/{job}/resume", {}, f"{what}-resume-{again}")
        if studio.job(job).progress > 0.5:
            break
    assert studio.settles(job).status == "done"
    assert differences(studio.projects / what, studio.incoming / what) == []
