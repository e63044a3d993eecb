"""A finished folder stays as it is: what lands in it later may, and leaves its mode and time.

What needs a user whom modes hold runs as one, in a process of its own.
"""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from events.tasks import Entry
from services.agent import receive
from services.agent.beneath import FOLDER
from services.agent.halt import Halt, Stopped
from services.agent.held import NOTE_NAME, HeldFolder
from tests.services.agent_planes import Ledger, Planes, leftovers, planes_in, tree
from tests.services.ordinary import as_ordinary_user, ordinary_folder

NS = 1_700_000_000_123_456_789
SEALED = 0o555


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Planes]:
    with planes_in(tmp_path) as planes:
        yield planes


@pytest.fixture
def theirs() -> Iterator[Path]:
    with ordinary_folder() as folder:
        yield folder


def fill(root: Path, files: int = 3) -> None:
    """A sealed folder with a sealed folder, files and a link in it."""
    (root / "sealed/late").mkdir(parents=True)
    (root / "sealed/early").write_bytes(b"early")
    for index in range(files):
        (root / f"sealed/late {index}").write_bytes(b"late %d" % index)
    (root / "sealed/late/within").write_bytes(b"within")
    (root / "sealed/late link").symlink_to("early")
    for path in sorted(root.rglob("*"), reverse=True):
        os.utime(path, ns=(NS, NS + len(str(path))), follow_symlinks=False)
        if path.is_dir():
            os.chmod(path, SEALED)
    os.utime(root, ns=(NS, NS))


def late(entries: list[Entry]) -> list[int]:
    return [number for number, entry in enumerate(entries) if "late" in entry.uri]


def all_but_the_late(planes: Planes) -> Ledger:
    """After a run in which the late ones were not to be had."""
    ledger = Ledger(planes.list(""))
    numbers = late(ledger.entries)
    ledger.hashes = dict.fromkeys(numbers, "")
    planes.receive("", "", ledger=ledger)
    assert ledger.failures == []
    for number in numbers:
        del ledger.hashes[number]
    return ledger


def state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return stat.S_IMODE(found.st_mode), found.st_mtime_ns


# As an ordinary user.


def retry_in_a_sealed_folder(root: str) -> None:
    with planes_in(Path(root)) as planes:
        fill(planes.source)
        ledger = all_but_the_late(planes)
        assert not (planes.destination / "sealed/late").exists()
        planes.receive("", "", ledger=ledger)
        assert ledger.failed() == {}
        assert tree(planes.destination) == tree(planes.source)
        assert leftovers(planes.destination) == []


def test_what_failed_is_retried_into_a_folder_that_nobody_may_write_to(theirs: Path) -> None:
    assert as_ordinary_user(retry_in_a_sealed_folder, theirs) == 0


def retry_by_two_threads(root: str) -> None:
    receive.BATCH_FILES_MAX = 5
    with planes_in(Path(root)) as planes:
        fill(planes.source, files=400)
        ledger = all_but_the_late(planes)
        planes.receive("", "", ledger=ledger)
        assert ledger.failed() == {}
        assert tree(planes.destination) == tree(planes.source)
        assert leftovers(planes.destination) == []


def test_two_threads_in_one_folder_do_not_shut_each_other_out(theirs: Path) -> None:
    assert as_ordinary_user(retry_by_two_threads, theirs) == 0


def retry_a_removed_folder(root: str) -> None:
    with planes_in(Path(root)) as planes:
        fill(planes.source)
        ledger = Ledger(planes.list(""))
        planes.receive("", "", ledger=ledger)
        sealed = planes.destination / "sealed"
        sealed.chmod(0o755)
        (sealed / "late").chmod(0o755)
        (sealed / "late/within").unlink()
        (sealed / "late").rmdir()
        os.utime(sealed, ns=(NS, NS))
        sealed.chmod(SEALED)
        number = [entry.uri for entry in ledger.entries].index("sealed/late/within")
        del ledger.hashes[number]
        planes.receive("", "", ledger=ledger)
        assert ledger.failed() == {}
        assert (sealed / "late/within").read_bytes() == b"within"
        assert state(sealed) == (SEALED, NS)


def test_a_folder_that_was_removed_is_made_again_in_a_sealed_one(theirs: Path) -> None:
    assert as_ordinary_user(retry_a_removed_folder, theirs) == 0


class Stopping(Halt):
    """Stops the run, or kills the process, at a check that finds the folder open to writing."""

    def __init__(self, folder: Path, checks: int, *, kill: bool = False) -> None:
        super().__init__()
        self._folder, self._left, self._kill = folder, checks, kill
        self._lock = threading.Lock()
        self.reached = False

    def check(self) -> None:
        with self._lock:
            self._left -= state(self._folder)[0] != SEALED
            if self._left < 0:
                self.reached = True
                if self._kill:
                    os.kill(os.getpid(), signal.SIGKILL)
                self.call()
        super().check()


def stop_everywhere(root: str) -> None:
    with planes_in(Path(root)) as planes:
        fill(planes.source)
        ledger = all_but_the_late(planes)
        sealed = planes.destination / "sealed"
        before = state(sealed)
        for checks in range(100):
            halt = Stopping(sealed, checks)
            with suppress(Stopped):
                planes.receive("", "", ledger=ledger, halt=halt)
            assert state(sealed) == before, checks
            assert not (sealed / os.fsdecode(NOTE_NAME)).exists()
            if not halt.reached:
                break
        assert checks > 3
        assert tree(planes.destination) == tree(planes.source)


def test_a_run_stopped_anywhere_leaves_the_folder_as_it_was(theirs: Path) -> None:
    assert as_ordinary_user(stop_everywhere, theirs) == 0


def be_killed(root: str, checks: str) -> None:
    with planes_in(Path(root)) as planes:
        fill(planes.source)
        ledger = all_but_the_late(planes)
        halt = Stopping(planes.destination / "sealed", int(checks), kill=True)
        planes.receive("", "", ledger=ledger, halt=halt)


def go_on(root: str) -> None:
    with planes_in(Path(root)) as planes:
        ledger = Ledger(planes.list(""))
        ledger.hashes = dict.fromkeys(range(len(ledger.entries)), "")
        for number in late(ledger.entries):
            del ledger.hashes[number]
        planes.receive("", "", ledger=ledger)
        assert ledger.failed() == {}
        assert tree(planes.destination) == tree(planes.source)
        assert leftovers(planes.destination) == []


@pytest.mark.parametrize("checks", [0, 1, 3, 5])
def test_after_a_kill_the_next_run_puts_the_folder_back(theirs: Path, checks: int) -> None:
    assert as_ordinary_user(be_killed, theirs, checks) == -signal.SIGKILL
    assert state(theirs / "destination/sealed")[0] != SEALED
    assert as_ordinary_user(go_on, theirs) == 0


# Whoever we are.


def test_the_time_of_a_finished_folder_stays(planes: Planes) -> None:
    """Also where a folder is made in it, and where a file comes by each of two threads."""
    fill(planes.source, files=30)
    ledger = all_but_the_late(planes)
    before = receive.BATCH_FILES_MAX
    receive.BATCH_FILES_MAX = 3
    try:
        planes.receive("", "", ledger=ledger)
    finally:
        receive.BATCH_FILES_MAX = before
    assert tree(planes.destination) == tree(planes.source)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    os.utime(path, ns=(NS, NS))
    path.chmod(SEALED)
    return path


def held(path: Path, *, note: bool = True) -> HeldFolder:
    folder = HeldFolder(os.open(path, FOLDER))
    folder.keep(note=note)
    return folder


def test_the_last_to_let_go_puts_a_folder_back(folder: Path) -> None:
    first, second = held(folder), held(folder, note=False)
    (folder / "new").write_bytes(b"")
    first.release()
    assert state(folder)[0] == SEALED | 0o200
    (folder / "new").unlink()
    second.release(flush=True)
    assert state(folder) == (SEALED, NS)
    assert list(folder.iterdir()) == []


def test_a_folder_finished_while_another_holds_it_is_so_in_the_end(folder: Path) -> None:
    first, second = held(folder), held(folder)
    first.finish(0o510, NS + 7)
    first.release()
    assert state(folder)[0] == 0o710
    second.release()
    assert state(folder) == (0o510, NS + 7)
    assert list(folder.iterdir()) == []


def test_a_mode_that_somebody_sets_meanwhile_stays(folder: Path) -> None:
    one = held(folder)
    folder.chmod(0o700)
    one.release()
    assert state(folder) == (0o700, NS)


def forgotten(folder: Path) -> Path:
    """The note of an agent that was killed while it held the folder."""
    one = held(folder)
    note = folder / os.fsdecode(NOTE_NAME)
    kept = note.read_bytes()
    one.release()
    folder.chmod(SEALED | 0o200)
    note.write_bytes(kept)
    return note


def test_a_note_that_was_left_is_followed_once(folder: Path) -> None:
    note = forgotten(folder)
    held(folder, note=False).release()
    assert state(folder) == (SEALED, NS)
    assert not note.exists()


@pytest.mark.parametrize("how", ["link", "second name", "cut short", "longer", "other"])
def test_a_note_that_may_not_be_ours_is_not_believed(folder: Path, how: str) -> None:
    note = forgotten(folder)
    kept, aside = note.read_bytes(), folder.parent / "aside"
    if how in ("link", "second name"):
        note.rename(aside)
        (os.symlink if how == "link" else os.link)(aside, note)
    else:
        note.write_bytes({"cut short": kept[:-1], "longer": kept + b"1"}.get(how, kept[::-1]))
    before = state(folder)
    one = held(folder)
    assert note.read_bytes() != b""
    one.release()
    assert state(folder) == before
    assert not aside.exists() or aside.read_bytes() == kept
