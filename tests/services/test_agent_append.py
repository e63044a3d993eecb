"""What is added to a transfer is listed alone, with the folders on the way, and lands in place."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from events.jobs import ErrorClass
from events.tasks import Entry
from services.agent.faults import Fault
from services.agent.listing import Listing
from services.agent.volume import Volume
from tests.services.agent_planes import Ledger, Planes, planes_in, tree

NS = 1_700_000_000_123_456_789


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Planes]:
    with planes_in(tmp_path) as planes:
        yield planes


def some(root: Path, *only: str, path: str = "") -> list[Entry]:
    with Volume("v", root).opened() as volume, volume.source(path) as source:
        return list(Listing(source).some(only))


def uris(entries: list[Entry]) -> list[str]:
    return [entry.uri for entry in entries]


def grown(root: Path) -> None:
    for name in ("a/b/old", "a/other", "top"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


def test_a_path_comes_with_the_folders_that_it_is_in_each_once(tmp_path: Path) -> None:
    grown(tmp_path)
    assert uris(some(tmp_path, "a/b/old", "a/other")) == ["", "a", "a/b", "a/b/old", "a/other"]
    assert uris(some(tmp_path, "b", path="a")) == ["", "b", "b/old"]
    assert uris(some(tmp_path, "a", "top")) == ["", "a", "a/b", "a/b/old", "a/other", "top"]


def test_what_is_listed_alone_is_listed_as_in_the_whole(tmp_path: Path) -> None:
    grown(tmp_path)
    (tmp_path / "a/b/odd\udcff\\name").write_bytes(b"12")
    (tmp_path / "a/link").symlink_to("other")
    os.chmod(tmp_path / "a/b", 0o750)
    with Volume("v", tmp_path).opened() as volume, volume.source("") as source:
        whole = {entry.uri: entry for entry in Listing(source)}
    assert {entry.uri: entry for entry in some(tmp_path, *whole.keys() - {""})} == whole
    os.mkfifo(tmp_path / "a/pipe")
    assert "a/pipe" not in uris(some(tmp_path, "a"))


def test_a_missing_path_is_told_as_a_file_for_its_task_to_fail(tmp_path: Path) -> None:
    grown(tmp_path)
    found = some(tmp_path, "a/gone", "no/where", "top/below", "top")
    assert uris(found) == ["", "a", "a/gone", "no/where", "top/below", "top"]
    assert found[2:5] == [Entry(uri) for uri in ("a/gone", "no/where", "top/below")]
    with pytest.raises(Fault) as raised:
        some(tmp_path, "x", path="top")
    assert "is one file" in raised.value.message


def test_no_link_and_no_path_leads_out(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_bytes(b"x")
    (tmp_path / "in/out").symlink_to("..")
    for path in ("out/secret", "../secret"):
        with pytest.raises(Fault) as raised:
            some(tmp_path, path, path="in")
        assert raised.value.error_class in (ErrorClass.PERMISSION, ErrorClass.MISSING)


def test_what_is_missing_fails_after_all_others_and_comes_once_it_is_there(planes: Planes) -> None:
    grown(planes.source)
    ledger = Ledger(some(planes.source, "a/late/gone", "top"))
    planes.receive(ledger=ledger)
    ((number, error_class),) = [(one.number, one.error_class) for one in ledger.failures]
    assert (ledger.entries[number].uri, error_class) == ("a/late/gone", ErrorClass.MISSING)
    assert uris(ledger.entries) == ["", "a", "a/late/gone", "top"]
    assert uris(some(planes.destination, "top"))[-1] == "top"
    (planes.source / "a/late").mkdir()
    (planes.source / "a/late/gone").write_bytes(b"there")
    planes.receive(ledger=ledger)
    assert (planes.destination / "a/late/gone").read_bytes() == b"there"


def test_what_is_added_lands_and_sealed_folders_keep_their_modes(planes: Planes) -> None:
    grown(planes.source)
    for folder in ("a/b", "a"):
        os.chmod(planes.source / folder, 0o555)
    ledger = planes.receive()
    os.chmod(planes.source / "a/b", 0o755)
    (planes.source / "a/b/late/deep").mkdir(parents=True)
    (planes.source / "a/b/late/deep/new").write_bytes(b"new")
    os.chmod(planes.source / "a/b", 0o555)
    os.utime(planes.source / "a/b", ns=(NS, NS))
    known = {entry.uri: number for number, entry in enumerate(ledger.entries)}
    entries = list(ledger.entries)
    again = Ledger(entries)
    again.hashes = dict(ledger.hashes)
    for entry in some(planes.source, "a/b/late"):
        if entry.uri in known:
            entries[known[entry.uri]] = entry
            del again.hashes[known[entry.uri]]
        else:
            entries.append(entry)
    planes.receive(ledger=again)
    assert again.failures == []
    assert tree(planes.destination) == tree(planes.source)
    landed = (planes.destination / "a/b").stat()
    assert (stat.S_IMODE(landed.st_mode), landed.st_mtime_ns) == (0o555, NS)
