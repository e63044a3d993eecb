"""Volumes in an object store, with a real one: SeaweedFS speaks S3. Objects come and go, whole."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
from blake3 import blake3
from msgspec.structs import replace

from events.endpoints import Act
from events.jobs import ErrorClass
from events.rules import Rules
from events.tasks import Entry
from services.agent.changes import carry_out
from services.agent.cloud import CloudVolume
from services.agent.commands import BLOCK_BYTES, Change, Choice
from services.agent.faults import Fault
from services.agent.halt import Halt, Stopped
from services.agent.lookup import look_up
from services.agent.volumes import listing_of, volume_at
from tests.s3 import BUCKET, S3, running
from tests.services.agent_planes import Ledger, Planes, leftovers, planes_in, tree

LARGE = 3 * BLOCK_BYTES + 5


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with running(tmp_path_factory.mktemp("s3") / "server") as server:
        yield server


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Planes]:
    with planes_in(tmp_path) as planes:
        yield planes


@pytest.fixture
def bucket(
    s3: S3, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> CloudVolume:
    """A prefix of the test's own."""
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    prefix = f"{request.node.name}/shows"
    volume = volume_at("archive", f"s3://{BUCKET}/{prefix}", tmp_path / "staging")
    assert isinstance(volume, CloudVolume)
    return volume


def fill(root: Path) -> dict[str, bytes]:
    """By path: no content, a little, one byte more than a block, several blocks; odd names."""
    (root / "sh010/a b/ö").mkdir(parents=True)
    made = {
        "sh010/empty": b"",
        "sh010/one": b"1",
        "sh010/a b/ö/odd #%?&+=.exr": b"x" * 70_000,
        "sh010/a b/block": os.urandom(BLOCK_BYTES + 1),
        "sh010/large": os.urandom(LARGE),
    }
    made |= {f"sh010/many.{number:04}.exr": b"y" * number for number in range(40)}
    for path, content in made.items():
        (root / path).write_bytes(content)
    return made


def objects(volume: CloudVolume) -> dict[str, bytes]:
    keys = [meta["path"] for page in obstore.list(volume.store) for meta in page]
    return {key: bytes(obstore.get(volume.store, key).bytes()) for key in keys}


def listed(volume: CloudVolume, path: str = "", **how: object) -> list[Entry]:
    with volume.opened() as opened, opened.source(path) as source:
        return list(listing_of(source, **how))  # type: ignore[arg-type]


def stores(planes: Planes, bucket: CloudVolume, **how: object) -> Ledger:
    planes.receiving = bucket
    return planes.receive("sh010", "sh010", **how)  # type: ignore[arg-type]


def test_a_folder_goes_to_a_store_and_comes_back(planes: Planes, bucket: CloudVolume) -> None:
    made = fill(planes.source)
    ledger = stores(planes, bucket)
    assert (ledger.failures, ledger.ended) == ([], True)
    assert objects(bucket) == made
    assert leftovers(bucket.staging) == []
    assert list(bucket.staging.iterdir()) == [], "nothing is left on the way"
    number = next(n for n, one in enumerate(ledger.entries) if one.uri == "large")
    assert ledger.hashes[number] == blake3(made["sh010/large"]).hexdigest()

    here = volume_at("v", str(planes.destination), planes.destination)
    planes.sending, planes.receiving = bucket, here
    planes.serving.volumes = {"v": bucket}
    back = planes.receive("sh010", "back")
    assert (back.failures, back.ended) == ([], True)
    come = {path: content for path, (_, content) in contents(planes.destination / "back").items()}
    assert come == {path.removeprefix("sh010/"): content for path, content in made.items()}
    assert sorted(back.hashes.values())[-1] == sorted(ledger.hashes.values())[-1]


def contents(root: Path) -> dict[str, tuple[int, bytes]]:
    files = [path for path in root.rglob("*") if path.is_file()]
    return {str(one.relative_to(root)): (0, one.read_bytes()) for one in files}


def test_one_file_goes_exactly_where_it_is_told_or_below_a_folder(
    planes: Planes, bucket: CloudVolume
) -> None:
    (planes.source / "a.mov").write_bytes(b"movie")
    planes.receiving = bucket
    for to in ("cuts/final.mov", "cuts/"):
        assert planes.receive("a.mov", to).failures == []
    assert objects(bucket) == {"cuts/final.mov": b"movie", "cuts/a.mov": b"movie"}
    assert planes.receive("a.mov", "cuts").failures == []
    (entry,) = listed(bucket, "cuts/final.mov")
    assert (entry.uri, entry.size) == ("final.mov", 5)


def test_what_is_there_already_is_not_stored_again(planes: Planes, bucket: CloudVolume) -> None:
    fill(planes.source)
    stores(planes, bucket)
    before = [(m["path"], m["last_modified"]) for page in obstore.list(bucket.store) for m in page]
    for comparison in ("size+modified", "hash"):
        planes.rules = replace(Rules(), comparison=comparison)
        time.sleep(1.1)  # Stores tell times in seconds.
        again = stores(planes, bucket)
        assert again.ended
        after = [(m["path"], m["last_modified"]) for p in obstore.list(bucket.store) for m in p]
        assert after == before
    (planes.source / "sh010/one").write_bytes(b"2")
    stores(planes, bucket)
    assert objects(bucket)["sh010/one"] == b"2"


def test_what_was_there_before_can_be_left_as_it_is(planes: Planes, bucket: CloudVolume) -> None:
    fill(planes.source)
    obstore.put(bucket.store, "sh010/one", b"somebody's")
    planes.rules = Rules(ignore_existing="both")
    assert stores(planes, bucket).ended
    assert objects(bucket)["sh010/one"] == b"somebody's"
    assert "sh010/large" in objects(bucket)


def test_what_is_there_is_told_as_the_file_that_it_was(planes: Planes, bucket: CloudVolume) -> None:
    fill(planes.source)
    stores(planes, bucket)
    wanted = [entry for entry in planes.list("sh010") if entry.kind == "file"]
    uris = [entry.uri for entry in wanted]
    there = list(look_up(bucket, "sh010", [*uris, "none", ""]))
    assert [(one.size, one.mtime_ns) for one in there if one and one.uri] == [
        (one.size, one.mtime_ns) for one in wanted
    ]
    assert [one.kind if one else None for one in there[-2:]] == [None, "folder"]


def test_a_store_keeps_no_owners_and_refuses_extended_attributes_where_there_are_some(
    planes: Planes, bucket: CloudVolume
) -> None:
    (planes.source / "sh010").mkdir()
    for name in ("plain", "marked"):
        (planes.source / "sh010" / name).write_bytes(name.encode())
    planes.choice = Choice(attributes="owner, group, permissions", xattrs="on")
    entries = [replace(one, owner="ghost", group="ghost") for one in planes.list("sh010")]
    try:
        os.setxattr(planes.source / "sh010/marked", b"user.mark", b"1")
    except OSError:
        pytest.skip("the file system here has no extended attributes")
    failed = stores(planes, bucket, ledger=Ledger(entries)).failed()
    assert failed["marked"][0] == "permission"
    assert "a store keeps no extended attributes" in failed["marked"][1]
    assert list(failed) == ["marked"]
    assert objects(bucket) == {"sh010/plain": b"plain"}
    assert leftovers(bucket.staging) == []


def test_a_run_that_was_stopped_goes_on_from_what_it_had(
    planes: Planes, bucket: CloudVolume
) -> None:
    (planes.source / "sh010").mkdir()
    content = os.urandom(LARGE)
    (planes.source / "sh010/large").write_bytes(content)
    halt = Halt()
    stopping = threading.Thread(target=_stop_midway, args=(planes, halt))
    planes.receiving = bucket
    ledger = Ledger(planes.list("sh010"))
    stopping.start()
    with pytest.raises(Stopped):
        planes.receive("sh010", "sh010", ledger=ledger, halt=halt, limit=6_000_000)
    stopping.join()
    assert objects(bucket) == {}
    assert leftovers(bucket.staging) != []
    planes.receive("sh010", "sh010", ledger=ledger)
    assert objects(bucket) == {"sh010/large": content}
    assert planes.progress.tick(time.monotonic()).bytes_done == LARGE
    assert leftovers(bucket.staging) == []


def _stop_midway(planes: Planes, halt: Halt) -> None:
    ends_by = time.monotonic() + 20
    while time.monotonic() < ends_by:
        time.sleep(0.05)
        if hasattr(planes, "progress"):
            done = planes.progress.tick(time.monotonic()).bytes_done
            if done > BLOCK_BYTES + (1 << 20):
                break
    halt.call()


def test_an_object_that_changes_while_it_is_read_is_no_mixed_file(
    planes: Planes, bucket: CloudVolume
) -> None:
    obstore.put(bucket.store, "sh010/large", b"a" * LARGE)
    with bucket.opened() as opened, opened.source("sh010") as source:
        read = source.open_file("large")
        piece = memoryview(bytearray(10))
        assert read.read_into(piece, 0) == 10
        obstore.put(bucket.store, "sh010/large", b"b" * LARGE)
        with pytest.raises(OSError, match=r"."):
            read.read_into(piece, LARGE - 10)


def test_what_goes_is_chosen_and_odd_keys_are_skipped(bucket: CloudVolume) -> None:
    for key in ("sh010/a.exr", "sh010/cache/b.exr", "sh010/c.txt", "sh020/a.exr"):
        obstore.put(bucket.store, key, b"x")
    found = listed(bucket, "sh010", choice=Choice(include="*.exr", exclude="cache/"))
    assert [one.uri for one in found] == ["", "a.exr"]
    shallow = listed(bucket, "", depth=1)
    assert [(one.uri, one.kind) for one in shallow] == [
        ("", "folder"),
        ("sh010", "folder"),
        ("sh020", "folder"),
    ]


@pytest.mark.parametrize(
    ("path", "words"),
    [("nothing", "there is nothing there"), ("one/", "there is nothing there")],
)
def test_what_is_not_there_is_said(bucket: CloudVolume, path: str, words: str) -> None:
    obstore.put(bucket.store, "one", b"1")
    with (
        pytest.raises(Fault, match=words) as fault,
        bucket.opened() as opened,
        opened.source(path),
    ):
        pass
    assert fault.value.error_class is ErrorClass.MISSING


def test_a_store_that_does_not_answer_is_a_volume_that_is_away(
    bucket: CloudVolume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bucket.room() is not None
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    stranger = volume_at("archive", f"s3://{BUCKET}", tmp_path)
    assert stranger.room() is None


def test_a_person_deletes_and_renames_what_a_store_can(bucket: CloudVolume) -> None:
    for key in ("a/one", "a/b/two", "ab", "c", "c/d"):
        obstore.put(bucket.store, key, b"xx")

    def told(act: Act, path: str, to: str = "", *, whole: bool = False) -> tuple[str, int]:
        ended = carry_out(Change("c1", 1, act, "archive", path, to, whole), bucket, lambda: None)
        return ended.outcome, ended.files

    assert told("mkdir", "new") == ("refused", 0)
    assert told("rename", "a", "z") == ("refused", 0)
    for taken in ("c", "a", "a/b"):
        assert told("rename", "ab", taken) == ("refused", 0)
    assert told("rename", "ab", "x/ab") == ("done", 0)
    assert told("delete", "a") == ("refused", 0)
    assert told("delete", "none", whole=True) == ("failed", 0)
    assert told("delete", "", whole=True) == ("refused", 0)
    assert objects(bucket).keys() == {"a/one", "a/b/two", "x/ab", "c", "c/d"}
    assert told("delete", "a", whole=True) == ("done", 2)
    assert told("delete", "c") == ("done", 1)
    assert objects(bucket) == {"x/ab": b"xx", "c/d": b"xx"}


def test_links_are_refused_by_name(planes: Planes, bucket: CloudVolume) -> None:
    (planes.source / "sh010").mkdir()
    (planes.source / "sh010/link").symlink_to("there")
    ledger = stores(planes, bucket)
    ((error_class, message),) = ledger.failed().values()
    assert error_class == "permission"
    assert "a store has no links" in message
    assert tree(planes.source)
