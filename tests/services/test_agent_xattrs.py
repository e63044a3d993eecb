"""Extended attributes come with files and folders where that is asked for, and only of `user.`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.agent import pull, xattrs
from services.agent.bring import PIECE_BYTES
from services.agent.commands import Choice
from services.agent.faults import Fault
from services.agent.frames import Head, write_head
from tests.mounts import mounted
from tests.services.agent_planes import Ledger, Planes, Proxy, leftovers, planes_in, tree
from tests.services.ordinary import as_ordinary_user, ordinary_folder
from tests.services.test_agent_lies import BLOCK, CONTENT, END, Liar

ALL = {b"user.one": b"1", b"user.empty": b"", b"user.odd \xff\\": bytes(range(256))}


@pytest.fixture
def planes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Planes]:
    monkeypatch.setattr(pull, "PAUSES_S", (0.001, 0.001))
    if not has_them(tmp_path):
        pytest.skip("the file system here has no extended attributes")
    with planes_in(tmp_path) as planes:
        planes.choice = Choice(xattrs="on")
        yield planes


def has_them(root: Path) -> bool:
    (root / "tried").touch()
    try:
        os.setxattr(root / "tried", b"user.tried", b"")
    except OSError:
        return False
    finally:
        (root / "tried").unlink()
    return True


def found(path: Path) -> dict[bytes, bytes]:
    return {os.fsencode(name): os.getxattr(path, name) for name in os.listxattr(path)}


def give(path: Path, those: dict[bytes, bytes]) -> None:
    for name, value in those.items():
        os.setxattr(path, name, value)


def fill(root: Path) -> list[str]:
    """What has some; `a/plain` has none."""
    (root / "a/deep").mkdir(parents=True)
    for name, size in {"empty": 0, "small": 5, "deep/large": 3 * PIECE_BYTES, "plain": 1}.items():
        (root / "a" / name).write_bytes(os.urandom(size))
    (root / "a/link").symlink_to("small")
    those = ["a", "a/deep", "a/empty", "a/small", "a/deep/large"]
    for uri in those:
        give(root / uri, ALL)
    (root / "a/small").chmod(0o444)
    (root / "a/deep").chmod(0o555)
    return those


def all_found(root: Path) -> dict[str, dict[bytes, bytes]]:
    paths = [path for path in root.rglob("*") if not path.is_symlink()]
    return {str(path.relative_to(root)): found(path) for path in paths}


def come_with_files_and_folders(root: str) -> None:
    with planes_in(Path(root)) as planes:
        planes.choice = Choice(xattrs="on")
        those = fill(planes.source)
        ledger = planes.receive()
        assert (ledger.failures, ledger.ended) == ([], True)
        assert all_found(planes.destination) == all_found(planes.source)
        assert all_found(planes.destination)[those[-1]] == ALL
        assert tree(planes.destination) == tree(planes.source)
        for uri in those:
            (planes.source / uri).chmod(0o755)
            os.removexattr(planes.source / uri, b"user.one")
            os.setxattr(planes.source / uri, b"user.two", b"2")
        (planes.source / "a/small").chmod(0o444)
        again = planes.receive()
        assert (again.failures, planes.progress.bytes_moved) == ([], 0)
        assert all_found(planes.destination) == all_found(planes.source)
        assert tree(planes.destination) == tree(planes.source)


def test_they_come_with_files_and_folders_and_replace_what_is_there(planes: Planes) -> None:
    come_with_files_and_folders(str(planes.source.parent))


def test_they_come_to_what_only_its_owner_may_change(planes: Planes) -> None:
    with ordinary_folder() as folder:
        if not has_them(folder):
            pytest.skip("the file system there has no extended attributes")
        assert as_ordinary_user(come_with_files_and_folders, folder) == 0


def test_they_stay_where_nobody_asks_for_them(planes: Planes) -> None:
    planes.choice = Choice()
    fill(planes.source)
    planes.receive()
    assert set(map(len, all_found(planes.destination).values())) == {0}


def test_only_those_of_users_are_told(planes: Planes) -> None:
    (planes.source / "file").touch()
    try:
        os.setxattr(planes.source / "file", b"trusted.secret", b"x")
    except PermissionError:
        pytest.skip("only the superuser sets others")
    assert planes.receive().failures == []
    assert found(planes.destination / "file") == {}


def test_a_file_system_that_keeps_none_fails_what_has_some(planes: Planes) -> None:
    those = fill(planes.source)
    with mounted(planes.destination, 0, kind="ramfs"):
        failed = planes.receive().failed()
        assert (planes.destination / "a/plain").exists()
        assert not (planes.destination / "a/small").exists()
        assert leftovers(planes.destination) == []
    assert failed.keys() == set(those)
    for error_class, message in failed.values():
        assert error_class == "permission"
        assert "keeps no extended attributes: leave transfer_xattrs off" in message


def test_more_than_the_file_system_has_room_for_is_not_waited_for(planes: Planes) -> None:
    with mounted(planes.source, 1 << 20):
        (planes.source / "file").touch()
        os.setxattr(planes.source / "file", b"user.large", bytes(60_000))
        failed = planes.receive().failed()
        if not failed:
            pytest.skip("the file system here has room for a lot")
        assert failed["file"][0] == "permission"
        assert "has no room for its extended attributes" in failed["file"][1]
        for number in range(2):
            os.setxattr(planes.source / "file", f"user.{number}".encode(), bytes(60_000))
        assert "more than 128 KiB" in planes.receive().failed()["file"][1]
    assert list(planes.destination.iterdir()) == []


def test_folders_are_asked_for_again_when_the_line_breaks(planes: Planes) -> None:
    (planes.source / "a").mkdir()
    give(planes.source / "a", ALL)
    proxy = Proxy(planes.server.address[1], [10])
    try:
        assert planes.receive(url=proxy.url).failures == []
        assert proxy.connections == 2
    finally:
        proxy.close()
    assert found(planes.destination / "a") == ALL


def test_a_folder_that_is_gone_fails_alone(planes: Planes) -> None:
    for name in ("a", "b"):
        (planes.source / name).mkdir()
    ledger = Ledger(planes.list(""))
    (planes.source / "a").rmdir()
    assert {uri: why for uri, (why, _) in planes.receive(ledger=ledger).failed().items()} == {
        "a": "missing"
    }


@pytest.mark.parametrize("name", ["a\0b", "\\x", "", "n" * 300])
def test_a_name_that_cannot_be_fails_its_file(planes: Planes, name: str) -> None:
    ledger = received(planes, {name: b"x"})
    assert "file" in ledger.failed()
    assert list(planes.destination.iterdir()) == []


def test_a_sender_can_name_no_others(planes: Planes) -> None:
    assert received(planes, {"security.capability": b"x"}).failures == []
    assert found(planes.destination / "file") == {b"user.security.capability": b"x"}


def test_a_sender_that_does_not_tell_them_is_not_taken_for_one_without(planes: Planes) -> None:
    with pytest.raises(Fault, match="does not tell extended attributes: update it"):
        received(planes, None)


def received(planes: Planes, told: xattrs.Xattrs | None) -> Ledger:
    """One file, whose sender tells these."""
    (planes.source / "file").write_bytes(CONTENT)
    ledger = Ledger(planes.list("file"))
    head = write_head(Head(0, size=len(CONTENT), xattrs=told))
    with Liar(head + BLOCK + END) as liar:
        return planes.receive("file", ledger=ledger, url=liar.url)
