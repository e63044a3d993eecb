"""What was at the destination before can be left as it is; what the job itself made is not that."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from events.jobs import ErrorClass
from events.rules import Existing, Rules
from services.agent import pull
from services.agent.commands import BLOCK_BYTES
from services.agent.faults import Fault
from services.scheduler.commands import TasksGiven
from tests.services import agent_planes
from tests.services.agent_planes import Ledger, Planes, Proxy, leftovers, planes_in

SIZE = 3 * BLOCK_BYTES
OLD, NEW = b"old, as it was", b"new"
TREE = ("file", "link", "folder/file", "folder/deep/new", "made/deep/file", "new")
KEPT = {
    "none": set(),
    "file": {"file", "link", "folder/file"},
    "directory": {"folder/file", "folder/deep/new"},
    "both": {"file", "link", "folder/file", "folder/deep/new"},
}


@pytest.fixture
def planes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Planes]:
    monkeypatch.setattr(pull, "PAUSES_S", (0.001,))
    monkeypatch.setattr(agent_planes, "PAGE", 3)
    with planes_in(tmp_path) as planes:
        yield planes


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def fill(planes: Planes) -> None:
    for name in TREE:
        put(planes.source / name, NEW)
    put(planes.destination / "file", OLD)
    put(planes.destination / "folder/file", OLD)
    (planes.source / "folder2").mkdir()
    (planes.destination / "folder2").mkdir()
    (planes.destination / "link").symlink_to("file")
    (planes.source / "folder").chmod(0o711)


@pytest.mark.parametrize("ignored", KEPT)
def test_what_was_there_before_is_left_as_the_rule_has_it(
    planes: Planes, ignored: Existing
) -> None:
    fill(planes)
    before = (planes.destination / "folder").stat()
    planes.rules = Rules(ignore_existing=ignored)
    ledger = planes.receive()
    assert ledger.failures == []
    assert ledger.ended
    assert len(ledger.hashes) == len(ledger.entries)
    assert ledger.bytes_done == len(TREE) * len(NEW)
    brought = {name for name in TREE if _is_new(planes.destination / name)}
    assert brought == set(TREE) - KEPT[ignored]
    assert leftovers(planes.destination) == []
    is_left = ignored in ("directory", "both")
    after = (planes.destination / "folder").stat()
    assert (before.st_mtime_ns == after.st_mtime_ns, after.st_mode & 0o777 != 0o711) == (
        is_left,
        is_left,
    )


def _is_new(path: Path) -> bool:
    return path.exists() and not path.is_symlink() and path.read_bytes() == NEW


class Interrupting(Ledger):
    """Ends the run once all tasks are given, before its folders are finished."""

    def ask(self, after: int) -> TasksGiven:
        given = super().ask(after)
        if not given.tasks:
            raise Fault(ErrorClass.NETWORK, "interrupted")
        return given


@pytest.mark.parametrize("ignored", ["directory", "both"])
def test_a_folder_that_the_job_made_is_gone_on_with(planes: Planes, ignored: Existing) -> None:
    fill(planes)
    planes.rules = Rules(ignore_existing=ignored)
    with pytest.raises(Fault, match="interrupted"):
        planes.receive(ledger=Interrupting(planes.list("")))
    (planes.destination / "made/deep/file").unlink(missing_ok=True)
    planes.receive()
    assert _is_new(planes.destination / "made/deep/file")
    assert not (planes.destination / "folder/deep").exists()
    assert leftovers(planes.destination) == []


def test_a_task_that_is_tried_again_in_a_folder_of_ours_is_done(planes: Planes) -> None:
    fill(planes)
    planes.rules = Rules(ignore_existing="directory")
    ledger = Ledger(planes.list(""))
    (planes.source / "made/deep/file").unlink()
    planes.receive(ledger=ledger)
    assert list(ledger.failed()) == ["made/deep/file"]
    put(planes.source / "made/deep/file", NEW)
    planes.receive(ledger=ledger)
    assert _is_new(planes.destination / "made/deep/file")


@pytest.mark.parametrize("resume", ["enable", "disable"])
def test_what_has_come_is_kept_or_thrown_away(planes: Planes, resume: str) -> None:
    content = os.urandom(SIZE)
    put(planes.source / "file", content)
    planes.rules = Rules(resume=resume)  # type: ignore[arg-type]
    ledger = Ledger(planes.list(""))
    proxy = Proxy(planes.server.address[1], [2 * BLOCK_BYTES + 100_000, *[0] * 20])
    with pytest.raises(Fault, match="cannot be read"):
        planes.receive(ledger=ledger, url=proxy.url)
    proxy.close()
    assert bool(leftovers(planes.destination)) == (resume == "enable")
    proxy = Proxy(planes.server.address[1], [])
    planes.receive(ledger=ledger, url=proxy.url)
    proxy.close()
    assert (planes.destination / "file").read_bytes() == content
    assert (proxy.came > SIZE) == (resume == "disable")
    assert leftovers(planes.destination) == []


def test_a_connection_that_breaks_is_gone_on_with_though_nothing_is_kept_for_later(
    planes: Planes,
) -> None:
    content = os.urandom(SIZE)
    put(planes.source / "file", content)
    planes.rules = Rules(resume="disable")
    proxy = Proxy(planes.server.address[1], [2 * BLOCK_BYTES + 100_000])
    planes.receive(url=proxy.url)
    proxy.close()
    assert (planes.destination / "file").read_bytes() == content
    assert proxy.came < SIZE + BLOCK_BYTES
