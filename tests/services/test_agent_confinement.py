"""Nothing outside a volume is read, written, listed or named, whoever swaps what meanwhile.

Each test runs with the kernel's openat2 and with the walk that stands in for it elsewhere.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from events.tasks import Entry
from services.agent import beneath
from services.agent.beneath import FOLDER, open_beneath, opened_beneath, resolve
from services.agent.faults import Fault
from services.agent.listing import Listing
from services.agent.volume import Volume
from tests.services.agent_planes import Ledger, Planes, planes_in, tree

SECRET = b"the secret of another folder"


class Racer:
    """Exchanges a folder and a link to the outside under one name, as fast as can be."""

    def __init__(self, here: Path) -> None:
        os.symlink("../outside", here / "link")
        self._names = os.fsencode(here / "link"), os.fsencode(here / "spot")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._race)
        self.swaps = 0

    def __enter__(self) -> Racer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _race(self) -> None:
        exchange, here, at_once = ctypes.CDLL(None).renameat2, -100, 2
        while not self._over.is_set():
            exchange(here, self._names[0], here, self._names[1], at_once)
            self.swaps += 1


@pytest.fixture(params=["openat2", "walk"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "openat2" and not beneath.HAVE_OPENAT2:
        pytest.skip("this kernel has no openat2")
    monkeypatch.setattr(beneath, "HAVE_OPENAT2", request.param == "openat2")


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Planes]:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_bytes(SECRET)
    with planes_in(tmp_path) as planes:
        yield planes
    assert tree(tmp_path / "outside").keys() == {b".", b"secret"}
    assert (tmp_path / "outside/secret").read_bytes() == SECRET


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("../outside/secret", "`..` is not allowed"),
        ("a/../../outside", "`..` is not allowed"),
        ("..", "`..` is not allowed"),
        ("/etc/passwd", "without a slash"),
        ("//etc", "without a slash"),
        ("a\0b", "NUL"),
        ("stray\\backslash", "backslash"),
        ("link", "leads out of its volume"),
        ("link/secret", "leads out of its volume"),
        ("absolute/secret", "leads out of its volume"),
        ("chain", "leads out of its volume"),
        ("chain/secret", "leads out of its volume"),
        ("loop", "a symbolic link stands in its way"),
        ("missing", "there is nothing there"),
        ("file/below", "there is nothing there"),
        ("file/", "is a file, not a folder"),
        ("pipe", "is neither a file nor a folder"),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(planes: Planes, path: str, why: str) -> None:
    source = planes.source
    (source / "link").symlink_to("../outside")
    (source / "absolute").symlink_to(source.parent / "outside")
    (source / "chain").symlink_to("link")
    (source / "loop").symlink_to("loop")
    (source / "file").write_bytes(b"")
    os.mkfifo(source / "pipe")
    with pytest.raises(Fault) as told:
        planes.list(path)
    assert why in told.value.message
    if "pipe" not in path:
        with Volume("v", source).opened() as volume, pytest.raises(Fault):
            volume.stat(path)


def test_links_inside_the_volume_lead_to_the_source(planes: Planes) -> None:
    (planes.source / "real/sub").mkdir(parents=True)
    (planes.source / "real/sub/file").write_bytes(b"1")
    (planes.source / "short").symlink_to("real/sub")
    (planes.source / "shorter").symlink_to("real/../short")
    ledger = planes.receive("shorter", "x")
    assert ledger.failures == []
    assert tree(planes.destination / "x") == tree(planes.source / "real/sub")
    assert planes.receive("shorter/file", "y").failures == []
    assert (planes.destination / "y").read_bytes() == b"1"


def test_links_that_lead_out_fail_alone_on_the_sending_side(planes: Planes) -> None:
    (planes.source / "in").mkdir()
    targets = {
        "good": "file",
        "up": "../in/file",
        "dangling": "../nothing/yet",
        "out": "../../outside/secret",
        "absolute": "/etc/passwd",
        "later out": "nothing/../../../outside",
        "by a link": "hop/../outside",
    }
    (planes.source / "hop").symlink_to("in")
    for name, target in targets.items():
        (planes.source / "in" / name).symlink_to(target)
    (planes.source / "in/by a link").unlink()
    ledger = planes.receive("", "")
    failed = ledger.failed()
    assert set(failed) == {"in/out", "in/absolute", "in/later out"}
    assert {why for why, _ in failed.values()} == {"permission"}
    assert "v/in/out: the link to ../../outside/secret leads out" in failed["in/out"][1]
    assert os.readlink(planes.destination / "in/good") == "file"


def test_a_link_that_leads_out_of_the_destination_is_not_made(planes: Planes) -> None:
    """Fine where it comes from, not where it goes: the destination is less deep."""
    (planes.source / "a/b").mkdir(parents=True)
    (planes.source / "a/b/link").symlink_to("../../file")
    ledger = planes.receive("a/b", "x")
    assert ledger.failed()["link"][0] == "permission"
    assert not os.path.lexists(planes.destination / "x/link")
    deep = planes.receive("a/b", "x/y")
    assert deep.failures == []


def test_a_link_that_leads_out_of_the_source_is_not_sent(planes: Planes) -> None:
    """Fine where it goes, not where it comes from: the destination is deeper."""
    (planes.source / "link").symlink_to("../outside")
    ledger = planes.receive("", "a/b/c")
    assert ledger.failed()["link"][0] == "permission"
    assert not os.path.lexists(planes.destination / "a/b/c/link")


@pytest.mark.parametrize(
    "uri", ["../outside/new", "/outside/new", "a/../../outside/new", "", "a\0"]
)
def test_a_listing_cannot_name_a_place_outside(planes: Planes, uri: str) -> None:
    (planes.source / "a").mkdir()
    (planes.destination / "a").mkdir()
    for kind in ("file", "link", "folder"):
        entries = [Entry("", "folder"), Entry(uri or "//", kind, 1)]
        ledger = planes.receive("", "", ledger=Ledger(entries))
        assert [one.number for one in ledger.failures] == [1], kind


def test_no_link_in_the_destination_is_written_through(planes: Planes) -> None:
    (planes.source / "folder").mkdir()
    (planes.source / "folder/file").write_bytes(b"1")
    (planes.source / "plain").write_bytes(b"2")
    (planes.destination / "folder").symlink_to("../outside")
    (planes.destination / "plain").symlink_to("../outside/secret")
    ledger = planes.receive("", "")
    assert set(ledger.failed()) == {"folder", "folder/file"}
    assert not (planes.destination / "plain").is_symlink()
    assert (planes.destination / "plain").read_bytes() == b"2"


@pytest.mark.parametrize("to", ["link", "link/new", "absolute/new", "../outside", "/outside"])
def test_a_destination_outside_fails_the_run(planes: Planes, to: str) -> None:
    (planes.source / "file").write_bytes(b"1")
    (planes.destination / "link").symlink_to("../outside")
    (planes.destination / "absolute").symlink_to(planes.destination.parent / "outside")
    with pytest.raises(Fault) as told:
        planes.receive("", to)
    assert told.value.error_class.value == "permission"


def test_a_destination_through_a_link_inside_is_fine(planes: Planes) -> None:
    (planes.source / "file").write_bytes(b"1")
    (planes.destination / "real").mkdir()
    (planes.destination / "link").symlink_to("real")
    assert planes.receive("", "link/new").failures == []
    assert (planes.destination / "real/new/file").read_bytes() == b"1"


def test_pipes_devices_and_sockets_are_counted_and_hold_nobody_up(planes: Planes) -> None:
    os.mkfifo(planes.source / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.open(planes.source, os.O_RDONLY)
        listening.bind(f"/proc/self/fd/{here}/socket")
        os.close(here)
    (planes.source / "file").write_bytes(b"1")
    with Volume("v", planes.source).opened() as volume, volume.source("") as source:
        listing = Listing(source)
        assert [entry.uri for entry in listing] == ["", "file"]
        assert listing.skipped == 2
    ledger = planes.receive("", "", ledger=Ledger([Entry("", "folder"), Entry("pipe", size=1)]))
    assert ledger.failed() == {"pipe": ("changed", "v/pipe: is not a file any more")}


def test_a_racer_that_swaps_a_folder_for_a_link_gets_nothing(planes: Planes) -> None:
    (planes.source / "spot").mkdir()
    (planes.source / "spot/secret").write_bytes(b"harmless")
    seen = {b"harmless": 0, b"refused": 0}
    root = os.open(planes.source, FOLDER)
    with Racer(planes.source) as racer:
        ends = time.monotonic() + 1
        while time.monotonic() < ends:
            for follow in (False, True):
                seen[what_is_at(root, (b"spot", b"secret"), follow)] += 1
    os.close(root)
    assert racer.swaps > 1_000
    assert seen.keys() == {b"harmless", b"refused"}
    assert min(seen.values()) > 10, seen


def what_is_at(root: int, parts: tuple[bytes, ...], follow: bool) -> bytes:
    try:
        with opened_beneath(root, parts, os.O_RDONLY, follow=follow) as opened:
            return os.read(opened, 100)
    except OSError:
        return b"refused"


def test_a_racer_at_the_destination_gets_nothing(planes: Planes) -> None:
    (planes.source / "spot").mkdir()
    for index in range(300):
        (planes.source / f"spot/{index}").write_bytes(b"x")
    (planes.destination / "spot").mkdir()
    ledger = Ledger(planes.list(""))
    with Racer(planes.destination) as racer, contextlib.suppress(Fault):
        planes.receive("", "", ledger=ledger)
    assert racer.swaps > 10
    assert {why for why, _ in ledger.failed().values()} <= {"permission", "missing"}


def test_a_tree_deeper_than_a_path_may_be_long_arrives(planes: Planes) -> None:
    depth = 300
    here = os.open(planes.source, FOLDER)
    for _ in range(depth):
        os.mkdir(b"d" * 20, dir_fd=here)
        here, above = os.open(b"d" * 20, FOLDER, dir_fd=here), here
        os.close(above)
    with open(os.open(b"file", os.O_WRONLY | os.O_CREAT, dir_fd=here), "wb") as file:
        file.write(b"deep")
    os.close(here)
    ledger = planes.receive("", "")
    assert ledger.failures == []
    assert len(ledger.entries) == depth + 2
    root = os.open(planes.destination, FOLDER)
    with opened_beneath(root, [b"d" * 20] * depth + [b"file"], os.O_RDONLY) as arrived:
        assert os.read(arrived, 10) == b"deep"
    os.close(root)


def test_opening_beneath_says_what_is_wrong(planes: Planes) -> None:
    (planes.source / "out").symlink_to("../outside")
    (planes.source / "in").symlink_to(".")
    root = os.open(planes.source, FOLDER)
    for parts, follow, number in (
        ((b"out", b"secret"), False, errno.ELOOP),
        ((b"out", b"secret"), True, errno.EXDEV),
        ((b"out",), False, errno.ELOOP),
        ((b"none",), True, errno.ENOENT),
        ((b"nul\0",), True, errno.EINVAL),
    ):
        with pytest.raises(OSError, match=rf"\[Errno {number}\]"):
            os.close(open_beneath(root, parts, os.O_RDONLY, follow=follow))
    with opened_beneath(root, (b"in", b"in"), FOLDER, follow=True) as same:
        assert os.path.sameopenfile(same, root)
    assert resolve(root, (b"a",), b"../b/./c//d") == [b"b", b"c", b"d"]
    os.close(root)


def test_no_descriptor_is_left_open(planes: Planes) -> None:
    (planes.source / "a/b").mkdir(parents=True)
    (planes.source / "a/b/file").write_bytes(b"1")
    (planes.source / "a/link").symlink_to("b/file")
    (planes.source / "a/out").symlink_to("../../outside")
    planes.receive("", "")
    planes.server.stop()
    roots = (str(planes.source), str(planes.destination))
    patience_ends = time.monotonic() + 20
    while held := [path for path in descriptors() if path.startswith(roots)]:
        assert time.monotonic() < patience_ends, held
        time.sleep(0.01)


def descriptors() -> Iterator[str]:
    """What this process has open."""
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            yield os.readlink(f"/proc/self/fd/{descriptor}")
