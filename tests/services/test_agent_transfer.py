"""Trees and files arrive as they were: content, names, modes, times, links, empty ones too."""

from __future__ import annotations

import ctypes
import os
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events import names
from events.jobs import ErrorClass
from events.tasks import Entry
from services.agent.commands import BLOCK_BYTES
from services.agent.faults import Fault
from services.scheduler.commands import AgentsReport, TasksStarted
from tests.services.agent_planes import Ledger, Planes, leftovers, planes_in, tree

NS = 1_700_000_000_123_456_789


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Planes]:
    with planes_in(tmp_path) as planes:
        yield planes


def fill(root: Path) -> None:
    """Folders in folders, empty ones, files around every size that is treated apart."""
    (root / "shot/deep/er").mkdir(parents=True)
    (root / "shot/empty folder").mkdir()
    sizes = [0, 1, (256 << 10) - 1, 256 << 10, (256 << 10) + 1, BLOCK_BYTES, BLOCK_BYTES + 1]
    for index, size in enumerate([*sizes, 2 * BLOCK_BYTES, 2 * BLOCK_BYTES + 12_345]):
        (root / f"shot/deep/file {index}").write_bytes(os.urandom(size))
    for index in range(300):
        (root / f"shot/deep/er/{index:04d}.exr").write_bytes(b"x" * index)
    (root / "shot/näme ⌘\n").write_bytes(b"unicode")
    (root / "shot/link").symlink_to("deep/file 1")
    (root / "shot/dangling").symlink_to("nothing/there")
    os.chmod(root / "shot/deep/file 0", 0o754)
    os.chmod(root / "shot/deep/er", 0o750)
    for path in sorted(root.rglob("*"), reverse=True):
        os.utime(path, ns=(NS, NS + len(str(path))), follow_symlinks=False)


def test_a_folder_arrives_as_it_was(planes: Planes) -> None:
    fill(planes.source)
    ledger = planes.receive("shot", "incoming/shot")
    assert ledger.failures == []
    assert ledger.ended
    assert len(ledger.hashes) == len(ledger.entries)
    assert tree(planes.destination / "incoming/shot") == tree(planes.source / "shot")
    assert leftovers(planes.destination) == []


def test_the_hash_of_a_file_is_that_of_b3sum(planes: Planes) -> None:
    fill(planes.source)
    ledger = planes.receive("shot/", "there/")
    for number, entry in enumerate(ledger.entries):
        content = planes.source / "shot" / entry.uri
        expected = blake3(content.read_bytes()).hexdigest() if entry.kind == "file" else ""
        assert ledger.hashes[number] == expected
    assert ledger.bytes_done == sum(entry.size for entry in ledger.entries)


def test_a_whole_volume_arrives_in_a_whole_volume(planes: Planes) -> None:
    fill(planes.source)
    assert planes.receive("", "").failures == []
    assert tree(planes.destination) == tree(planes.source)


def test_a_file_of_another_time_or_size_is_replaced(planes: Planes) -> None:
    (planes.source / "a").write_bytes(b"new")
    (planes.destination / "a").write_bytes(b"old")
    planes.receive("", "")
    assert (planes.destination / "a").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("to", "where"),
    [
        ("", "plate.exr"),
        ("in/", "in/plate.exr"),
        ("there", "there/plate.exr"),
        ("there/", "there/plate.exr"),
        ("renamed.exr", "renamed.exr"),
        ("new/renamed.exr", "new/renamed.exr"),
    ],
)
def test_one_file_goes_into_a_folder_or_exactly_there(planes: Planes, to: str, where: str) -> None:
    (planes.source / "shots").mkdir()
    (planes.source / "shots/plate.exr").write_bytes(b"plate")
    (planes.destination / "there").mkdir()
    ledger = planes.receive("shots/plate.exr", to)
    assert ledger.failures == []
    assert [entry.uri for entry in ledger.entries] == ["plate.exr"]
    assert (planes.destination / where).read_bytes() == b"plate"


def test_an_empty_folder_is_a_folder_and_not_one_file(planes: Planes) -> None:
    (planes.source / "void").mkdir(mode=0o711)
    planes.receive("void", "new")
    assert tree(planes.destination / "new") == tree(planes.source / "void")


def test_a_folder_that_nobody_may_write_to_is_filled_first(planes: Planes) -> None:
    """Each folder is sealed after what it holds, also by an agent that is not the superuser."""
    (planes.source / "sealed/inner").mkdir(parents=True)
    (planes.source / "sealed/inner/file").write_bytes(b"1")
    ledger = Ledger(
        [
            Entry("", "folder", mode=0o0, mtime_ns=NS),
            Entry("inner", "folder", mode=0o0, mtime_ns=NS),
            Entry("inner/file", "file", 1),
        ]
    )
    without_override(lambda: planes.receive("sealed", "x", ledger=ledger))
    assert ledger.failures == []
    assert len(ledger.hashes) == 3
    os.chmod(planes.destination / "x", 0o700)
    assert stat.S_IMODE((planes.destination / "x/inner").stat().st_mode) == 0
    os.chmod(planes.destination / "x/inner", 0o700)


class _Capabilities(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable"))


def without_override(work: Callable[[], object]) -> None:
    """Do the work in a thread (and threads of it) for which mode bits count, whoever we are."""
    failures: list[BaseException] = []

    def run() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        header, held = (ctypes.c_uint32 * 2)(0x20080522, 0), (_Capabilities * 2)()
        assert libc.capget(header, held) == 0
        held[0].effective &= ~0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH.
        assert libc.capset(header, held) == 0
        try:
            work()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert failures == []


def test_a_late_file_leaves_the_time_of_its_finished_folder(planes: Planes) -> None:
    fill(planes.source)
    entries = planes.list("shot")
    ledger = Ledger(entries)
    planes.receive("shot", "", ledger=ledger)
    late = next(number for number, entry in enumerate(entries) if entry.uri.endswith("0007.exr"))
    (planes.destination / entries[late].uri).unlink()
    os.utime(planes.destination / "deep/er", ns=(NS, NS))
    del ledger.hashes[late]
    planes.receive("shot", "", ledger=ledger)
    assert (planes.destination / "deep/er").stat().st_mtime_ns == NS


def test_set_user_id_does_not_travel(planes: Planes) -> None:
    (planes.source / "tool").write_bytes(b"#!")
    os.chmod(planes.source / "tool", 0o6755)
    planes.receive("tool", "")
    assert (planes.destination / "tool").stat().st_mode & 0o7777 == 0o755


NAME = st.one_of(
    st.binary(min_size=1, max_size=255),
    st.text(min_size=1, max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from(
        [b"\\x41", b"\\", b"-rf", b"\xff" * 255, "é".encode() * 127, b"x" * 255, b"\n"]
    ),
).filter(
    lambda name: not set(name) & {0, ord("/")} and name not in (b".", b"..") and len(name) < 256
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(NAME, st.binary(max_size=20), min_size=1, max_size=8))
def test_any_name_that_the_file_system_takes_arrives(
    planes: Planes, files: dict[bytes, bytes]
) -> None:
    for root in (planes.source, planes.destination):
        shutil.rmtree(root)
        root.mkdir()
    for name, content in files.items():
        folder = os.path.join(os.fsencode(planes.source), b"\xfe" + name[:100])
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)
    ledger = planes.receive("", "")
    assert ledger.failures == []
    assert tree(planes.destination) == tree(planes.source)
    assert [entry.uri for entry in ledger.entries][1:] == sorted(
        (entry.uri for entry in ledger.entries[1:]), key=lambda uri: names.to_bytes(uri).split(b"/")
    )


def test_what_is_in_the_way_fails_alone_and_says_so(planes: Planes) -> None:
    for name in ("a", "b", "c"):
        (planes.source / name).write_bytes(name.encode())
    (planes.source / "folder").mkdir()
    (planes.source / "folder/x").write_bytes(b"x")
    (planes.destination / "b").mkdir()
    (planes.destination / "folder").write_bytes(b"a file")
    ledger = planes.receive("", "")
    failed = ledger.failed()
    assert set(failed) == {"b", "folder", "folder/x"}
    assert failed["b"] == (
        "permission",
        "v/b: a folder stands where a file should go: move it away",
    )
    assert "something else stands" in failed["folder"][1]
    assert (planes.destination / "a").read_bytes() == b"a"
    assert (planes.destination / "c").read_bytes() == b"c"


def test_a_missing_file_fails_alone(planes: Planes) -> None:
    for name in ("a", "b"):
        (planes.source / name).write_bytes(name.encode())
    ledger = Ledger(planes.list(""))
    (planes.source / "a").unlink()
    planes.receive("", "", ledger=ledger)
    assert ledger.failed() == {"a": ("missing", "v/a: No such file or directory")}
    assert (planes.destination / "b").read_bytes() == b"b"


def test_a_full_disk_is_the_files_failure(planes: Planes, tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk: the same place, another number."""
    import resource
    import signal

    (planes.source / "big").write_bytes(b"x" * (3 << 20))
    (planes.source / "huge").write_bytes(os.urandom(3 * BLOCK_BYTES))
    (planes.source / "small").write_bytes(b"fits")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        ledger = planes.receive("", "")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert {uri: why[0] for uri, why in ledger.failed().items()} == {
        "big": "space",
        "huge": "space",
    }
    assert (planes.destination / "small").read_bytes() == b"fits"


def test_a_destination_that_is_a_file_fails_the_run(planes: Planes) -> None:
    (planes.source / "a").write_bytes(b"a")
    (planes.destination / "taken").write_bytes(b"")
    with pytest.raises(Fault) as told:
        planes.receive("", "taken")
    assert told.value.error_class in (ErrorClass.MISSING, ErrorClass.PERMISSION)
    assert "v/taken" in told.value.message


class RemovingLedger(Ledger):
    """Somebody removes the destination as soon as the first tasks are taken up."""

    folder: Path

    def report(self, report: AgentsReport) -> None:
        super().report(report)
        if isinstance(report, TasksStarted):
            shutil.rmtree(self.folder)


def test_a_folder_removed_while_files_arrive_is_the_volumes_fault(planes: Planes) -> None:
    (planes.source / "file").write_bytes(b"x")
    ledger = RemovingLedger(planes.list(""))
    ledger.folder = planes.destination / "gone"
    with pytest.raises(Fault, match="v/gone: was removed") as told:
        planes.receive("", "gone", ledger=ledger)
    assert told.value.error_class is ErrorClass.VOLUME
    assert not ledger.ended


def test_more_tasks_than_a_page_arrive(planes: Planes) -> None:
    for index in range(2_100):
        (planes.source / f"{index:05d}").write_bytes(b"%d" % index)
    ledger = planes.receive("", "")
    assert len(ledger.hashes) == 2_101
    assert tree(planes.destination) == tree(planes.source)
