"""What a person changes on a volume: real files, our hidden ones, and attacks on the volume's edge.

Each test runs with the kernel's openat2 and with the walk that stands in for it elsewhere.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from events.endpoints import Act
from services.agent import beneath, exclusive, felling
from services.agent.changes import carry_out
from services.agent.commands import Change
from services.agent.halt import Halt, Stopped
from services.agent.partial import partial_names
from services.agent.volume import Volume
from services.scheduler.commands import ChangeEnded
from tests.services.ordinary import as_ordinary_user, ordinary_folder
from tests.services.test_agent_confinement import SECRET, Racer

PART = os.fsdecode(partial_names(b"a.exr", "1" * 24, 3)[0])


@pytest.fixture(params=["openat2", "walk"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "openat2" and not beneath.HAVE_OPENAT2:
        pytest.skip("this kernel has no openat2")
    monkeypatch.setattr(beneath, "HAVE_OPENAT2", request.param == "openat2")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A volume with a tree in it, and beside it what nobody may touch."""
    (tmp_path / "outside/in").mkdir(parents=True)
    (tmp_path / "outside/secret").write_bytes(SECRET)
    root = tmp_path / "v"
    (root / "shot/deep/er").mkdir(parents=True)
    (root / "shot/a.exr").write_bytes(bytes(7))
    (root / "shot/deep" / os.fsdecode(b"b\xff")).write_bytes(bytes(13))
    (root / "shot/deep/link").symlink_to("../../../outside")
    (root / "shot/deep" / PART).touch()
    (root / "out").symlink_to("../outside")
    (root / "empty").mkdir()
    return root


def change(
    root: Path,
    act: Act,
    path: str,
    to: str = "",
    *,
    whole: bool = False,
    step: Callable[[], None] = lambda: None,
) -> ChangeEnded:
    duty = Change("c1", 1, act, "v", path, to, whole)
    ended = carry_out(duty, Volume("v", root), step)
    outside = root.with_name("outside")
    assert sorted(os.listdir(outside)) == ["in", "secret"]
    assert (outside / "secret").read_bytes() == SECRET
    return ended


def outcome(ended: ChangeEnded) -> tuple[str, str]:
    return ended.outcome, ended.message


def test_a_folder_is_made_once_and_with_those_above_it_by_choice(root: Path) -> None:
    assert change(root, "mkdir", "new").outcome == "done"
    assert (root / "new").is_dir()
    assert outcome(change(root, "mkdir", "new")) == ("refused", "v/new: something is there already")
    missing = change(root, "mkdir", "x/y/z")
    assert outcome(missing) == ("failed", "v/x/y/z: the folder that it would be in is not there")
    assert missing.error_class == "missing"
    for _ in range(2):
        assert change(root, "mkdir", "x/y/z", whole=True).outcome == "done"
    assert (root / "x/y/z").is_dir()
    for path in ("shot/a.exr", "shot/a.exr/b"):
        assert change(root, "mkdir", path, whole=True).outcome == "refused"


@pytest.mark.parametrize("kernel", [True, False])
def test_what_is_renamed_replaces_nothing(
    root: Path, kernel: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not kernel:
        monkeypatch.setattr(exclusive, "_renameat2", None)
    assert change(root, "rename", "shot/a.exr", "empty/b.exr").outcome == "done"
    assert (root / "empty/b.exr").stat().st_size == 7
    assert change(root, "rename", "shot/deep", "deep").outcome == "done"
    (root / "shot/a.exr").write_bytes(b"another")
    for to in ("empty/b.exr", "empty", "out", "shot"):
        ended = change(root, "rename", "shot/a.exr", to)
        assert outcome(ended) == ("refused", f"v/{to}: something is there already")
    assert (root / "empty/b.exr").stat().st_size == 7
    assert change(root, "rename", "deep", "deep/er/in").outcome == "refused"
    assert change(root, "rename", "none", "some").error_class == "missing"
    assert change(root, "rename", "shot/a.exr", "none/some").error_class == "missing"
    assert change(root, "rename", "out", "shot/out").outcome == "done"
    assert os.readlink(root / "shot/out") == "../outside", "the link itself"


def test_a_file_a_link_and_an_empty_folder_are_deleted_and_a_tree_only_when_it_is_said(
    root: Path,
) -> None:
    assert change(root, "delete", "out") == ChangeEnded("c1", 1, "done", links=1)
    assert change(root, "delete", "empty") == ChangeEnded("c1", 1, "done", folders=1)
    assert change(root, "delete", "shot/a.exr") == ChangeEnded("c1", 1, "done", files=1, size=7)
    refused = change(root, "delete", "shot")
    assert (refused.outcome, "--recursive" in refused.message) == ("refused", True)
    assert change(root, "delete", "none", whole=True).error_class == "missing"
    whole = ChangeEnded("c1", 1, "done", files=2, folders=3, links=1, size=13)
    assert change(root, "delete", "shot", whole=True) == whole
    assert os.listdir(root) == []


@pytest.mark.parametrize("act", ["mkdir", "rename", "delete"])
@pytest.mark.parametrize(
    "path", ["", ".", "..", "../outside/in", "shot/../../outside/in", "/etc", "out/in", "a\0b"]
)
def test_no_way_leads_out_of_the_volume_or_to_the_volume_itself(
    root: Path, act: Act, path: str
) -> None:
    ended = change(root, act, path, "moved", whole=True)
    assert (ended.outcome in ("refused", "failed"), ended.error_class) == (True, "permission")
    if act == "rename":
        assert change(root, act, "shot/a.exr", path).outcome in ("refused", "failed")
        assert (root / "shot/a.exr").exists()


def test_a_link_on_the_way_is_not_followed_even_inside_the_volume(root: Path) -> None:
    (root / "within").symlink_to("shot")
    for act in ("mkdir", "rename", "delete"):
        ended = change(root, act, "within/a.exr", "moved", whole=True)
        assert (ended.outcome, "a symbolic link stands" in ended.message) == ("failed", True)
    assert change(root, "rename", "shot/a.exr", "within/b.exr").outcome == "failed"
    assert (root / "shot/a.exr").exists()


def test_what_is_on_its_way_is_not_to_be_named(root: Path) -> None:
    for act in ("mkdir", "rename", "delete"):
        ended = change(root, act, f"shot/deep/{PART}", "part")
        assert (ended.outcome, "on its way" in ended.message) == ("refused", True)
    assert change(root, "rename", "shot/a.exr", PART).outcome == "refused"
    assert (root / "shot/deep" / PART).exists()


def test_folders_that_become_links_meanwhile_lead_nobody_out(root: Path) -> None:
    """Its own folder is taken away, made and filled again while another swaps it with a link."""
    (root / "spot").mkdir()
    with Racer(root) as racer:
        while racer.swaps < 3_000:
            change(root, "mkdir", "spot/in/new", whole=True)
            change(root, "rename", "spot/in", "spot/to")
            change(root, "delete", "spot/secret")
            change(root, "delete", "spot/to", whole=True)
            change(root, "delete", "spot/in", whole=True)


def test_a_tree_of_any_breadth_and_some_depth_goes(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(felling, "NAMES_MAX", 3)
    for number in range(10):
        (root / f"wide/{number}").mkdir(parents=True)
        (root / f"wide/{number}.exr").touch()
    wide = change(root, "delete", "wide", whole=True)
    assert (wide.files, wide.folders) == (10, 11)
    monkeypatch.setattr(felling, "DEPTH_MAX", 20)
    (root / "/".join(["d"] * 21)).mkdir(parents=True)
    deep = change(root, "delete", "d", whole=True)
    assert (deep.outcome, "more than 20 folders deep" in deep.message) == ("failed", True)
    assert change(root, "delete", "d/d", whole=True).folders == 20


def test_what_cannot_be_deleted_is_named_and_what_went_before_is_counted() -> None:
    with ordinary_folder() as folder:
        assert as_ordinary_user(delete_what_is_protected, folder) == 0


def delete_what_is_protected(folder: str) -> None:
    root = Path(folder) / "v"
    (root / "shot/closed").mkdir(parents=True)
    (root / "shot/closed/kept").touch()
    (root / "shot/closed").chmod(0o500)
    duty = Change("c1", 1, "delete", "v", "shot", whole=True)
    ended = carry_out(duty, Volume("v", root), lambda: None)
    assert (ended.outcome, ended.error_class, ended.files) == ("failed", "permission", 0), ended
    assert ended.message.startswith("v/shot/closed: the agent's user may not do that"), ended
    assert (root / "shot/closed/kept").exists()


def test_a_change_that_is_stopped_stops_at_once(root: Path) -> None:
    halt, left = Halt(), threading.Semaphore(2)

    def step() -> None:
        if not left.acquire(blocking=False):
            halt.call()
        halt.check()

    with pytest.raises(Stopped):
        change(root, "delete", "shot", whole=True, step=step)
    assert (root / "shot").exists()


def test_a_volume_that_is_not_there_is_a_failure_of_the_volume(root: Path) -> None:
    gone = carry_out(Change("c1", 1, "mkdir", "v", "a"), Volume("v", root / "none"), lambda: None)
    assert (gone.outcome, gone.error_class) == ("failed", "volume")
