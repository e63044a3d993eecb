"""What of a source goes: patterns, and symbolic links kept, followed or left out. Real files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.agent.commands import Choice
from services.agent.listing import Listing
from services.agent.volume import Volume
from tests.services.agent_planes import Ledger, Planes, leftovers, planes_in, tree


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Planes]:
    with planes_in(tmp_path) as planes:
        yield planes


def fill(root: Path, *files: str) -> None:
    """A file at each path, with the path as its content."""
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(file)


def listed(planes: Planes, *only: str, **choice: str) -> list[str]:
    planes.choice = Choice(**choice)  # type: ignore[arg-type]
    if not only:
        return [entry.uri for entry in planes.list("")]
    with Volume("v", planes.source).opened() as volume, volume.source("") as source:
        found = Listing(source, planes.choice).some(only)
        return [entry.uri for entry in found]


SHOTS = ("a/cache/x.exr", "a/plate.exr", "a/plate.tmp", "b/notes.txt", "b/sub/plate.exr", "x.exr")


def test_what_is_excluded_is_left_out_with_all_that_is_in_it(planes: Planes) -> None:
    fill(planes.source, *SHOTS)
    found = listed(planes, exclude="*.tmp, cache/, /x.exr")
    assert found == ["", "a", "a/plate.exr", "b", "b/notes.txt", "b/sub", "b/sub/plate.exr"]


def test_an_excluded_folder_is_not_looked_into(planes: Planes) -> None:
    fill(planes.source, *SHOTS)
    os.mkfifo(planes.source / "a/cache/pipe")
    with Volume("v", planes.source).opened() as volume, volume.source("") as source:
        for exclude, skipped in (("cache/", 0), ("cache/x*", 1)):
            listing = Listing(source, Choice(exclude=exclude))
            assert len(list(listing)) > 6
            assert listing.skipped == skipped


def test_only_what_is_included_goes_with_the_folders_on_the_way(planes: Planes) -> None:
    fill(planes.source, *SHOTS)
    found = listed(planes, include="plate.*, notes*/", exclude="*.tmp")
    assert found == ["", "a", "a/plate.exr", "b", "b/sub", "b/sub/plate.exr"]
    assert listed(planes, include="sub/") == ["", "b", "b/sub", "b/sub/plate.exr"]
    assert listed(planes, include="re('^b/')") == ["", "b", "b/notes.txt", "b/sub", SHOTS[4]]
    assert listed(planes, include="nothing") == [""]


def test_what_is_appended_is_chosen_likewise(planes: Planes) -> None:
    fill(planes.source, *SHOTS)
    both = ("a/plate.tmp", "a/cache/x.exr", "a", "b/notes.txt")
    found = listed(planes, *both, exclude="*.tmp, cache")
    assert found == ["", "a", "a/plate.exr", "b", "b/notes.txt"]
    assert listed(planes, "b", "a/cache", include="*.exr") == [
        *("", "b", "b/sub", "b/sub/plate.exr"),
        *("a", "a/cache", "a/cache/x.exr"),
    ]
    assert listed(planes, "b/sub/plate.exr", include="b/") == ["", "b", "b/sub", SHOTS[4]]
    assert listed(planes, "b/notes.txt", include="*.exr") == []


def test_a_file_that_is_the_source_was_named_by_hand(planes: Planes) -> None:
    fill(planes.source, "a.tmp")
    planes.choice = Choice(exclude="*.tmp", include="*.exr")
    assert [entry.uri for entry in planes.list("a.tmp")] == ["a.tmp"]


def test_what_was_chosen_arrives_and_nothing_else(planes: Planes) -> None:
    fill(planes.source, *SHOTS)
    planes.choice = Choice(include="*.exr", exclude="cache/")
    assert planes.receive().failures == []
    found = {os.fsdecode(path) for path in tree(planes.destination)}
    assert found == {".", "a", "a/plate.exr", "b", "b/sub", "b/sub/plate.exr", "x.exr"}
    assert tree(planes.destination)[b"b"] == tree(planes.source)[b"b"]


# Symbolic links.


def linked(planes: Planes) -> Path:
    """Inside, a link to a file, one to a folder beside the source, and four that lead nowhere."""
    inside = planes.source / "job"
    fill(planes.source, "job/a/real", "other/deep/file", "other/top")
    (inside / "file").symlink_to("a/real")
    (inside / "folder").symlink_to("../other")
    (inside / "a/circle").symlink_to("..")
    (inside / "around").symlink_to("around")
    (inside / "gone").symlink_to("nothing")
    (inside / "out").symlink_to("../../..")
    return inside


def test_links_are_left_out_on_demand(planes: Planes) -> None:
    linked(planes)
    planes.choice = Choice(symlinks="skip")
    assert [entry.uri for entry in planes.list("job")] == ["", "a", "a/real"]
    assert planes.receive("job", "to").failures == []


def test_links_are_followed_as_far_as_their_volume_goes(planes: Planes) -> None:
    inside = linked(planes)
    planes.choice = Choice(symlinks="follow")
    ledger = planes.receive("job", "to")
    there = {path: told[3] for path, told in tree(planes.destination / "to").items()}
    assert there == {
        b".": b"",
        b"a": b"",
        b"a/real": b"job/a/real",
        b"file": b"job/a/real",
        b"folder": b"",
        b"folder/deep": b"",
        b"folder/deep/file": b"other/deep/file",
        b"folder/top": b"other/top",
    }
    state = (inside / "file").stat()
    arrived = (planes.destination / "to/file").lstat()
    assert (arrived.st_mtime_ns, arrived.st_mode) == (state.st_mtime_ns, state.st_mode)
    failed = {uri: (one, said.rpartition(": ")[2]) for uri, (one, said) in ledger.failed().items()}
    assert failed == {
        "a/circle": ("permission", "the link leads in a circle"),
        "around": ("permission", "the link leads in a circle"),
        "gone": ("missing", "the link leads to nothing"),
        "out": ("permission", "it leads out of its volume by `..` or a symbolic link"),
    }
    assert leftovers(planes.destination) == []


def test_links_into_each_other_end(planes: Planes) -> None:
    fill(planes.source, "job/one/file", "two/file")
    (planes.source / "job/one/to").symlink_to("../../two")
    (planes.source / "two/back").symlink_to("../job/one")
    (planes.source / "two/up").symlink_to("..")
    planes.choice = Choice(symlinks="follow")
    kinds = {entry.uri: entry.kind for entry in planes.list("job")}
    assert {uri for uri, kind in kinds.items() if kind == "link"} == {"one/to/back", "one/to/up"}
    assert kinds["one/to/file"] == "file"


def test_what_is_behind_a_link_is_chosen_by_the_path_of_the_link(planes: Planes) -> None:
    linked(planes)
    planes.choice = Choice(symlinks="follow", include="folder/deep/", exclude="/a")
    assert [entry.uri for entry in planes.list("job")] == [
        "",
        "folder",
        "folder/deep",
        "folder/deep/file",
    ]
    assert listed(planes, "job/folder/top", symlinks="follow")[-1] == "job/folder/top"


def test_a_link_is_read_through_only_with_the_right_to_follow(planes: Planes) -> None:
    linked(planes)
    planes.choice = Choice(symlinks="follow")
    entries = [entry for entry in planes.list("job") if entry.uri.startswith("folder")]
    planes.choice = Choice()
    ledger = planes.receive("job", "to", ledger=Ledger(entries))
    assert {one for one, _ in ledger.failed().values()} == {"permission"}
    assert {uri for uri, _ in ledger.failed().items()} == {"folder/deep/file", "folder/top"}
