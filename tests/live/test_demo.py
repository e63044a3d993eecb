"""The demo: real files through all of it, and a judge that cannot be fooled."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from services.supervisor import demo_files
from tests.live.machine import ROOT, Machine

pytestmark = pytest.mark.live

DEMO_S = 150


def test_every_job_of_the_demo_is_done_and_every_copy_equal(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "demo", "--port", "0", "--demo", "--once")
    done = subprocess.run(
        machine.command,
        capture_output=True,
        text=True,
        timeout=DEMO_S,
        cwd=ROOT,
        env=machine.environ,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("ready http://127.0.0.1:")
    assert machine.processes() == {}
    copies = tmp_path / "demo/volumes/stockholm/incoming"
    assert not list(
        demo_files.differences(tmp_path / "demo/volumes/hq/projects/library", copies / "library")
    )
    shutil.rmtree(tmp_path / "demo")


def test_a_directory_that_no_demo_made_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    machine = Machine(tmp_path, "--port", "0", "--demo", "--once")
    refused = subprocess.run(
        machine.command, capture_output=True, text=True, timeout=30, cwd=ROOT, env=machine.environ
    )
    assert refused.returncode == 1
    assert str(tmp_path) in refused.stderr
    assert (tmp_path / "mine").read_text() == "precious"


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A tree with every kind of thing in it, and a true copy."""
    source, copy = tmp_path / "source", tmp_path / "copy"
    (source / "folder" / "empty").mkdir(parents=True)
    (source / "folder" / "file").write_bytes(bytes(3 << 20))
    (source / "link").symlink_to("folder/file")
    shutil.copytree(source, copy, symlinks=True)
    assert not list(demo_files.differences(source, copy))
    return source, copy


def test_one_other_byte_is_seen(pair: tuple[Path, Path]) -> None:
    source, copy = pair
    with (copy / "folder" / "file").open("r+b") as file:
        file.seek((2 << 20) + 7)
        file.write(b"x")
    shutil.copystat(source / "folder" / "file", copy / "folder" / "file")
    assert _found(pair) == 1


def test_a_missing_a_spare_and_a_cut_file_are_seen(pair: tuple[Path, Path]) -> None:
    source, copy = pair
    (copy / "folder" / "empty").rmdir()
    (copy / ".spare").touch()
    os.truncate(copy / "folder" / "file", 1)
    for name in ("folder", "folder/file", "."):
        shutil.copystat(source / name, copy / name)
    assert _found(pair) == 4  # A cut file has another size and other bytes.


def test_another_mode_time_or_target_is_seen(pair: tuple[Path, Path]) -> None:
    _, copy = pair
    (copy / "folder" / "file").chmod(0o600)
    os.utime(copy / "folder" / "empty", ns=(1, 1))
    (copy / "link").unlink()
    (copy / "link").symlink_to("folder")
    shutil.copystat(pair[0], copy)
    assert _found(pair) == 3


def _found(pair: tuple[Path, Path]) -> int:
    return len(list(demo_files.differences(*pair)))
