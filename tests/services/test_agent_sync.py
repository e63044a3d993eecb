"""One-way sync: at the end the destination holds what the source does, and what it may not lose."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from events.roll import SORTED, Roll, extras
from events.rules import Rules
from events.tasks import Entry
from events.work import Part
from services.agent.commands import Choice
from services.agent.faults import Fault
from services.agent.partial import partial_names
from services.scheduler.commands import AgentsReport, Removed, Removing
from tests.services.agent_planes import Ledger, Planes, leftovers, planes_in, tree
from tests.services.ordinary import as_ordinary_user, ordinary_folder

EXTRA = ("old", "old folder/deep/er", "old folder/x", "kept/old", "a\udcff\n", "kept/deep/z")


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Planes]:
    with planes_in(tmp_path) as planes:
        planes.rules = Rules(mode="onewaysync")
        yield planes


def put(path: Path, content: bytes = b"x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def fill(planes: Planes) -> None:
    for name in ("new", "kept/file", "kept/deep/file"):
        put(planes.source / name)
    (planes.source / "empty").mkdir()
    for name in EXTRA:
        put(planes.destination / name, b"extra")
    (planes.destination / "link").symlink_to("old folder")
    (planes.destination / "kept/away").symlink_to(planes.source)


def removals(ledger: Ledger) -> tuple[list[str], int]:
    """The uris that were said to be about to go, and how many did."""
    told = [uri for one in ledger.reports if isinstance(one, Removing) for uri in one.uris]
    return told, sum(one.count for one in ledger.reports if isinstance(one, Removed))


def test_what_the_source_does_not_have_is_deleted(planes: Planes) -> None:
    fill(planes)
    ledger = planes.receive()
    assert (ledger.failures, ledger.ended) == ([], True)
    assert tree(planes.destination) == tree(planes.source), "modes and times of folders as well"
    told, count = removals(ledger)
    assert len(told) == count == len(set(told)) == len(EXTRA) + 2 + 2
    assert set(told) >= {"old", "old folder", "old folder/deep", "a\\xff\n", "link", "kept/away"}
    assert sum(one.size for one in ledger.reports if isinstance(one, Removed)) == 5 * len(EXTRA)
    assert (planes.source / "kept/file").exists(), "no link is followed"
    again = planes.receive()
    assert removals(again) == ([], 0)


def test_nothing_is_deleted_that_was_not_told_before(planes: Planes) -> None:
    fill(planes)

    class Watching(Ledger):
        def report(self, report: AgentsReport) -> None:
            if isinstance(report, Removing):
                top = planes.destination
                there = [os.path.lexists(top / os.fsdecode(_name(uri))) for uri in report.uris]
                assert all(there)
            super().report(report)

    ledger = planes.receive(ledger=Watching(planes.list("")))
    assert removals(ledger)[1] == len(EXTRA) + 4


def _name(uri: str) -> bytes:
    return uri.encode().replace(b"\\xff", b"\xff")


def test_a_copy_deletes_nothing(planes: Planes) -> None:
    fill(planes)
    planes.rules = Rules()
    planes.receive()
    assert all(os.path.lexists(planes.destination / name) for name in EXTRA)


def test_a_task_that_failed_keeps_everything(planes: Planes) -> None:
    fill(planes)
    ledger = Ledger(planes.list(""))
    (planes.source / "new").unlink()
    planes.receive(ledger=ledger)
    assert list(ledger.failed()) == ["new"]
    assert removals(ledger) == ([], 0)
    assert all(os.path.lexists(planes.destination / name) for name in EXTRA)


@pytest.mark.parametrize(
    ("choice", "stays"),
    [
        (Choice(exclude="old folder/, *.z"), {"old folder/x", "old folder/deep/er"}),
        (Choice(exclude="er"), {"old folder/deep/er"}),
        (Choice(include="new, kept/"), {"old", "old folder/x", "old folder/deep/er", "link"}),
        (Choice(symlinks="skip"), {"link", "kept/away"}),
    ],
)
def test_what_patterns_leave_out_is_left_alone(
    planes: Planes, choice: Choice, stays: set[str]
) -> None:
    fill(planes)
    planes.choice = choice
    ledger = planes.receive()
    assert ledger.ended
    there = {*EXTRA, "link", "kept/away"}
    left = {name for name in there if os.path.lexists(planes.destination / name)}
    assert left - {"a\udcff\n"} == stays


def test_our_hidden_files_and_their_folders_stay(planes: Planes) -> None:
    fill(planes)
    hidden = os.fsdecode(partial_names(b"big", "f" * 24, 3)[0])
    put(planes.destination / "old folder/deep" / hidden)
    os.mkfifo(planes.destination / "kept/pipe")
    assert planes.receive().ended
    assert leftovers(planes.destination) == [str(planes.destination / "old folder/deep" / hidden)]
    assert not (planes.destination / "old folder/x").exists()


def test_a_source_with_nothing_in_it_deletes_nothing(planes: Planes) -> None:
    planes.receive()
    put(planes.destination / "precious")
    with pytest.raises(Fault, match=r"the source has nothing.*by hand") as fault:
        planes.receive()
    assert fault.value.error_class == "permission"
    assert (planes.destination / "precious").exists()


def test_beside_one_file_nothing_is_deleted(planes: Planes) -> None:
    fill(planes)
    assert planes.receive("new").ended
    assert all(os.path.lexists(planes.destination / name) for name in EXTRA)


def test_of_parts_only_their_own_folders_are_swept(planes: Planes) -> None:
    fill(planes)
    put(planes.source / "some/where/kept/file")
    planes.parts = [Part("some/where/kept"), Part("new")]
    ledger = planes.receive()
    assert ledger.ended
    assert set(removals(ledger)[0]) == {"kept/old", "kept/deep", "kept/deep/z", "kept/away"}
    assert (planes.destination / "old").exists()


def test_folders_that_are_left_alone_are_not_swept(planes: Planes) -> None:
    fill(planes)
    planes.rules = Rules(mode="onewaysync", ignore_existing="both")
    with pytest.raises(Fault, match="set one of them otherwise"):
        planes.receive()
    assert all(os.path.lexists(planes.destination / name) for name in EXTRA)


def test_a_million_deletions_go_in_parts(planes: Planes) -> None:
    put(planes.source / "new")
    for number in range(1_100):
        put(planes.destination / f"old{number:04}")
    ledger = planes.receive()
    told = [len(one.uris) for one in ledger.reports if isinstance(one, Removing)]
    assert told == [1_000, 100]
    assert tree(planes.destination) == tree(planes.source)


def sync_against_rights(folder: str) -> None:
    with planes_in(Path(folder)) as planes:
        planes.rules = Rules(mode="onewaysync")
        fill(planes)
        (planes.destination / "old folder").chmod(0o555)
        (planes.source / "kept").chmod(0o555)
        ledger = planes.receive()
        assert ledger.ended, "what is ours we may open"
        assert tree(planes.destination) == tree(planes.source)
        (planes.source / "kept").chmod(0o755)


def test_folders_of_ours_that_are_closed_are_swept() -> None:
    with ordinary_folder() as folder:
        assert as_ordinary_user(sync_against_rights, folder) == 0


# The roll.


def test_a_roll_holds_what_was_told_and_nothing_else() -> None:
    roll = Roll()
    count = SORTED + 1_000
    for number in range(count):
        roll.add(Entry(f"folder/{number}"))
    assert all(f"folder/{number}" in roll for number in range(0, count, 997))
    assert not any(f"folder/{number}" in roll for number in range(count, count + 1_000))


def test_extras_come_folders_last() -> None:
    roll = Roll()
    for uri in ("", "a", "a/b"):
        roll.add(Entry(uri, "folder"))
    told = [
        Entry("", "folder"),
        Entry("a", "folder"),
        Entry("a/b", "folder"),
        Entry("a/b/c", "folder"),
        Entry("a/b/c/d", "folder"),
        Entry("a/b/c/d/e"),
        Entry("a/b/c-"),
        Entry("f", "folder"),
    ]
    found = [entry.uri for entry in extras(told, roll)]
    assert found == ["a/b/c/d/e", "a/b/c/d", "a/b/c", "a/b/c-", "f"]
