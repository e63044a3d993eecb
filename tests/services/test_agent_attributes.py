"""Owner, group and permissions arrive as a job has them kept, by name, before or without bytes."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from events.rules import Rules
from events.tasks import Entry
from services.agent.attributes import ANYBODY, Giving, Owner
from services.agent.bring import PIECE_BYTES
from services.agent.commands import Choice
from services.agent.destination import open_destination
from services.agent.folders import Folders
from services.agent.halt import Stopped
from services.agent.landing import Landing
from services.agent.partial import Partial
from services.agent.volume import Volume
from services.scheduler.commands import GivenTask
from tests.services.agent_planes import JOB, Ledger, Planes, leftovers, planes_in, tree
from tests.services.ordinary import as_ordinary_user, ordinary_folder

OWNED = Choice(attributes="owner, group, permissions", hardlinks="on")
UID, GID = 1, 2
NAMELESS = 54_321
USER, GROUP = pwd.getpwuid(UID).pw_name, grp.getgrgid(GID).gr_name
superuser = pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser gives files away")


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Planes]:
    with planes_in(tmp_path) as planes:
        planes.choice = OWNED
        yield planes


def fill(root: Path) -> None:
    (root / "a/deep").mkdir(parents=True)
    for name, size in {"a/empty": 0, "a/small": 5, "a/deep/large": 3 * PIECE_BYTES + 1}.items():
        (root / name).write_bytes(b"x" * size)
    (root / "a/again").hardlink_to(root / "a/small")
    (root / "a/link").symlink_to("small")
    (root / "a/small").chmod(0o750)
    (root / "a/deep").chmod(0o711)


def give(root: Path, uid: int = UID, gid: int = GID) -> None:
    for folder, folders, files in os.walk(root):
        for name in [*folders, *files]:
            os.chown(os.path.join(folder, name), uid, gid, follow_symlinks=False)


def owners(root: Path) -> dict[str, tuple[int, int]]:
    found = {str(path.relative_to(root)): path.lstat() for path in root.rglob("*")}
    return {uri: (one.st_uid, one.st_gid) for uri, one in found.items()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def told(entries: list[Entry]) -> set[tuple[str, str]]:
    return {(entry.owner, entry.group) for entry in entries if entry.uri}


@superuser
def test_a_listing_notes_names_and_numbers_where_there_is_none(planes: Planes) -> None:
    fill(planes.source)
    give(planes.source)
    assert told(planes.list("")) == {(USER, GROUP)}
    give(planes.source, NAMELESS, NAMELESS)
    assert told(planes.list("")) == {(str(NAMELESS), str(NAMELESS))}
    planes.choice = Choice(attributes="group")
    assert told(planes.list("")) == {("", str(NAMELESS))}
    planes.choice = Choice()
    assert told(planes.list("")) == {("", "")}


@superuser
@pytest.mark.parametrize("number", [None, NAMELESS])
def test_files_folders_links_and_hard_links_get_their_owners(
    planes: Planes, number: int | None
) -> None:
    fill(planes.source)
    give(planes.source, number or UID, number or GID)
    ledger = planes.receive()
    assert (ledger.failures, ledger.ended) == ([], True)
    assert owners(planes.destination) == owners(planes.source)
    assert tree(planes.destination) == tree(planes.source)
    assert (planes.destination / "a/again").samefile(planes.destination / "a/small")
    assert leftovers(planes.destination) == []


@superuser
def test_it_is_the_name_that_counts_and_not_the_number(planes: Planes) -> None:
    fill(planes.source)
    give(planes.source, NAMELESS, NAMELESS)
    entries = [replace(entry, owner=USER, group=GROUP) for entry in planes.list("")]
    assert planes.receive(ledger=Ledger(entries)).failures == []
    assert set(owners(planes.destination).values()) == {(UID, GID)}


@superuser
def test_only_what_is_kept_is_given(planes: Planes) -> None:
    fill(planes.source)
    give(planes.source)
    ledger = Ledger(planes.list(""))
    planes.choice = Choice(attributes="group")
    planes.receive(ledger=ledger)
    assert set(owners(planes.destination).values()) == {(os.geteuid(), GID)}


@superuser
@pytest.mark.parametrize("comparison", ["size+modified", "hash"])
def test_of_what_is_there_already_they_are_set_right_without_a_byte(
    planes: Planes, comparison: str
) -> None:
    fill(planes.source)
    planes.receive()
    give(planes.source)
    (planes.source / "a/small").chmod(0o700)
    planes.rules = replace(Rules(), comparison=comparison)
    again = planes.receive()
    assert (again.failures, planes.progress.bytes_moved) == ([], 0)
    assert owners(planes.destination) == owners(planes.source)
    assert mode(planes.destination / "a/small") == 0o700


@pytest.mark.parametrize("kind", ["user", "group"])
def test_a_name_that_nobody_has_here_fails_alone_and_says_what_to_do(
    planes: Planes, kind: str
) -> None:
    planes.choice = Choice(attributes="owner, group")
    fill(planes.source)
    strange = {"user": {"owner": "ghost"}, "group": {"group": "ghost"}}[kind]
    wrong = {"a/deep/large", "a/link", "a/deep"}
    entries = [
        replace(entry, **strange) if entry.uri in wrong else replace(entry, owner="", group="")
        for entry in planes.list("")
    ]
    failed = planes.receive(ledger=Ledger(entries)).failed()
    assert failed.keys() == wrong
    attribute = "owner" if kind == "user" else "group"
    for uri, (error_class, message) in failed.items():
        assert error_class == "permission"
        assert message == (
            f"v/{uri}: there is no {kind} ghost here: make one, or leave {attribute} out of "
            "transfer_attributes"
        )
    assert planes.progress.bytes_moved == 10, "of what fails no byte comes"
    assert not (planes.destination / "a/deep").exists()
    assert leftovers(planes.destination) == []


def receive_as_another(root: str) -> None:
    with planes_in(Path(root)) as planes:
        planes.choice = OWNED
        fill(planes.source)
        own = pwd.getpwuid(os.geteuid()).pw_name
        entries = [replace(entry, owner="root", group="") for entry in planes.list("")]
        entries[-1] = replace(entries[-1], owner=own)
        failed = planes.receive(ledger=Ledger(entries)).failed()
        assert len(failed) == len(entries) - 1
        for error_class, message in failed.values():
            assert error_class == "permission"
            assert "may not give files to user root: run the agent as the superuser" in message
        assert planes.progress.bytes_moved <= entries[-1].size
        assert leftovers(planes.destination) == []


def test_an_agent_that_may_not_give_files_away_says_so_before_a_byte_comes() -> None:
    with ordinary_folder() as folder:
        assert as_ordinary_user(receive_as_another, folder) == 0


def test_without_permissions_what_is_new_is_as_anything_new_here(planes: Planes) -> None:
    planes.choice = Choice(attributes="none")
    fill(planes.source)
    (planes.source / "a/small").chmod(0o700)
    planes.receive()
    (planes.destination / "made").mkdir()
    (planes.destination / "made/too").touch()
    new = mode(planes.destination / "made/too")
    assert mode(planes.destination / "a/small") == mode(planes.destination / "a/deep/large") == new
    assert mode(planes.destination / "a/deep") == mode(planes.destination / "made")


def test_without_permissions_what_was_there_keeps_its_own(planes: Planes) -> None:
    planes.choice = Choice(attributes="none")
    fill(planes.source)
    (planes.destination / "a/deep").mkdir(parents=True)
    for name, content in {"a/small": b"y", "a/empty": b"", "a/deep/large": b"y"}.items():
        (planes.destination / name).write_bytes(content)
        (planes.destination / name).chmod(0o604)
    (planes.destination / "a/deep").chmod(0o705)
    for _ in range(2):
        assert planes.receive().failures == []
        for name in ("a/small", "a/empty", "a/deep/large"):
            assert mode(planes.destination / name) == 0o604
        assert mode(planes.destination / "a/deep") == 0o705


@superuser
def test_a_large_file_is_ours_until_its_bytes_are_on_the_disk(planes: Planes) -> None:
    """Else a run that is cut off then could not go on from what has come."""
    stops, root = [False], planes.destination

    def check() -> None:
        if stops[0]:
            raise Stopped

    def landed(*, stop: bool) -> list[int]:
        with (
            Volume("v", root).opened() as opened,
            open_destination(opened, "", None, frozenset()) as destination,
        ):
            landing = Landing(destination, JOB)
            hidden = Partial(landing.folder([]), b"file", JOB, 1)
            hidden.start_anew()
            landing.add(1, "file", hidden, 0, "", owner=Owner(UID, GID), started=0.0)
            stops[0] = stop
            try:
                return [one.number for one in landing.settle(check, lambda _: False)[0]]
            finally:
                landing.end()

    with pytest.raises(Stopped):
        landed(stop=True)
    assert [path.stat().st_uid for path in root.iterdir()] == [os.geteuid()]
    assert landed(stop=False) == [1]
    assert owners(root) == {"file": (UID, GID)}


def test_the_packed_folders_of_a_run_keep_names_with_spaces() -> None:
    folders = Folders()
    entry = Entry("a b/c", "folder", 0, 0o755, 7, owner="CORP\\ann", group="domain users")
    folders.add(GivenTask(3, entry), 5)
    folders.add(GivenTask(4, replace(entry, owner="", group="", uri="a b/d")), 5)
    ((under, tasks),) = folders.take_back()
    assert under == 5
    assert [task.number for task in tasks] == [4, 3]
    assert tasks[1].entry == entry


def test_numbers_that_are_none_are_no_owners(planes: Planes) -> None:
    giving = Giving(frozenset({"owner"}), lambda: pytest.fail("nothing to try"), is_store=False)
    for owner in (str(2**32 - 1), "9" * 30, "-1", "a\0b"):
        with pytest.raises(Exception, match="there is no user"):
            giving.owner(Entry("file", owner=owner), "v/file")
    assert giving.owner(Entry("file", group="x"), "v/file") == ANYBODY
