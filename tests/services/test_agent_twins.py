"""Hard links: names of one file arrive as names of one file, or as files of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.agent.commands import Choice
from services.agent.twins import Twins
from tests.services.agent_planes import Ledger, Planes, leftovers, planes_in, tree
from tests.services.test_agent_choice import fill

NAMES = ("a/first", "a/second", "b/third")


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Planes]:
    with planes_in(tmp_path) as planes:
        fill(planes.source, NAMES[0], "b/alone")
        for name in NAMES[1:]:
            (planes.source / name).hardlink_to(planes.source / NAMES[0])
        planes.choice = Choice(hardlinks="on")
        yield planes


def inodes(planes: Planes) -> set[int]:
    return {(planes.destination / name).stat().st_ino for name in NAMES}


def test_names_of_one_file_arrive_as_names_of_one_file(planes: Planes) -> None:
    ledger = planes.receive()
    assert (ledger.failures, ledger.ended) == ([], True)
    assert len(inodes(planes)) == 1
    assert tree(planes.destination) == tree(planes.source)
    assert planes.progress.bytes_moved == len("a/first") + len("b/alone"), "its bytes came once"
    assert leftovers(planes.destination) == []


def test_they_are_files_of_their_own_unless_it_is_asked_for(planes: Planes) -> None:
    planes.choice = Choice()
    planes.receive()
    assert len(inodes(planes)) == 3
    assert tree(planes.destination) == tree(planes.source)


def test_what_is_linked_already_stays_so_and_what_is_not_becomes_so(planes: Planes) -> None:
    planes.receive()
    (planes.destination / "a/second").unlink()
    (planes.destination / "a/second").write_bytes(b"other")
    assert planes.receive().failures == []
    assert len(inodes(planes)) == 1
    assert leftovers(planes.destination) == []


def test_where_the_first_failed_the_bytes_come_for_the_others(planes: Planes) -> None:
    (planes.destination / "a/first").mkdir(parents=True)
    ledger = planes.receive()
    assert {uri: one for uri, (one, _) in ledger.failed().items()} == {"a/first": "permission"}
    for name in NAMES[1:]:
        assert (planes.destination / name).read_bytes() == b"a/first"


def test_a_first_that_is_another_file_by_now_is_not_linked_to(planes: Planes) -> None:
    ledger = Ledger(planes.list(""))
    (planes.source / "new").write_bytes(b"another")
    (planes.source / "new").rename(planes.source / "a/first")
    planes.receive(ledger=ledger)
    found = {name: (planes.destination / name).read_bytes() for name in NAMES}
    assert found == {name: (planes.source / name).read_bytes() for name in NAMES}


def test_a_name_that_a_pattern_leaves_out_is_nobodys_first(planes: Planes) -> None:
    planes.choice = Choice(hardlinks="on", exclude="first")
    twins = {entry.uri: entry.same_as for entry in planes.list("") if entry.kind == "file"}
    assert twins == {"a/second": "", "b/alone": "", "b/third": "a/second"}


def test_so_many_files_are_remembered_and_only_until_all_their_names_were_told(
    planes: Planes,
) -> None:
    found = (planes.source / NAMES[0]).stat()
    entries = [entry for entry in planes.list("") if entry.uri in NAMES]
    alone = [entry for entry in entries if not entry.same_as]
    for known_max, firsts in ((5, ["", "a/first", "a/first", ""]), (0, [""] * 4)):
        twins = Twins(known_max)
        told = [twins.told(alone[0], found).same_as for _ in range(4)]
        assert told == firsts
    assert os.stat(planes.source / "b/alone").st_nlink == 1
