"""Names that the destination takes for one another: found out before anything is overwritten.

The file systems are real ones: tests/fuse.py folds names as those of other systems do.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from events.rules import Existing, Rules
from services.agent.spelling import Folding, probe
from tests.fuse import can_mount, mounted
from tests.services.agent_planes import Ledger, Planes, leftovers, planes_in, tree

pytestmark = pytest.mark.skipif(not can_mount(), reason="needs the right to mount")

COMPOSED = unicodedata.normalize("NFC", "café")
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


@contextmanager
def on(root: Path, *rules: str) -> Iterator[Planes]:
    """A destination that folds names by these rules; `backing` is what is really there."""
    for name in ("backing", "destination"):
        (root / name).mkdir()
    with mounted(root / "backing", root / "destination", *rules), planes_in(root) as planes:
        yield planes


def put(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def there(root: Path) -> dict[str, str]:
    files = (path for path in (root / "backing").rglob("*") if path.is_file())
    return {str(path.relative_to(root / "backing")): path.read_text() for path in files}


def refusals(ledger: Ledger) -> dict[str, str]:
    assert {error_class for error_class, _ in ledger.failed().values()} <= {"permission"}
    return {uri: message for uri, (_, message) in ledger.failed().items()}


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ((), Folding()),
        (("case",), Folding(case=True)),
        (("forms", "seconds"), Folding(forms=True, grain_ns=1_000_000_000)),
        (("case", "rewrites"), Folding(case=True, forms=True, rewrites=True)),
    ],
)
def test_how_a_file_system_takes_names_is_found_out(
    tmp_path: Path, rules: tuple[str, ...], found: Folding
) -> None:
    with on(tmp_path, *rules) as planes:
        folder = os.open(planes.destination, os.O_RDONLY)
        try:
            assert probe(folder) == found
        finally:
            os.close(folder)
        assert list(planes.destination.iterdir()) == []


@pytest.mark.parametrize(
    ("rules", "one", "other"),
    [
        ("case", "Readme", "README"),
        ("forms", COMPOSED, DECOMPOSED),
        ("rewrites", COMPOSED, DECOMPOSED),
    ],
)
def test_of_two_files_that_would_be_one_the_first_stays(
    tmp_path: Path, rules: str, one: str, other: str
) -> None:
    with on(tmp_path, rules) as planes:
        for name in (one, other):
            put(planes.source / name, f"of {name}")
        ledger = planes.receive(sockets=1)
        ((failed, message),) = refusals(ledger).items()
        landed = other if failed == one else one
        assert f"takes it for {landed}" in message
        assert list(there(tmp_path).values()) == [f"of {landed}"]
        assert leftovers(planes.destination) == []


def test_a_link_and_a_folder_clash_as_files_do(tmp_path: Path) -> None:
    with on(tmp_path, "case") as planes:
        put(planes.source / "A", "file")
        (planes.source / "a").symlink_to("A")
        for name in ("Sub/x", "sub/X", "sub/y"):
            put(planes.source / name, f"of {name}")
        ledger = planes.receive(sockets=1)
        failed = refusals(ledger)
        assert {"sub", "sub/X", "sub/y"} < set(failed)
        assert len({"a", "A"} & set(failed)) == 1
        assert "takes it for Sub" in failed["sub"]
        assert there(tmp_path)["Sub/x"] == "of Sub/x"


@pytest.mark.parametrize("ignored", ["none", "file"])
def test_what_is_called_a_little_differently_there_is_not_overwritten(
    tmp_path: Path, ignored: Existing
) -> None:
    with on(tmp_path, "case") as planes:
        planes.rules = Rules(ignore_existing=ignored)
        put(tmp_path / "backing" / "readme", "theirs")
        put(planes.source / "README", "ours")
        failed = refusals(planes.receive())
        assert there(tmp_path) == {"readme": "theirs"}
        assert set(failed) == ({"README"} if ignored == "none" else set())


@pytest.mark.parametrize("rules", [("case",), ("forms",), ("case", "rewrites"), ("seconds",)])
def test_where_no_names_clash_all_is_as_anywhere(tmp_path: Path, rules: tuple[str, ...]) -> None:
    with on(tmp_path, *rules) as planes:
        for name in ("Readme", f"{COMPOSED}/Über", "sub/deep/file", "sub/FILE"):
            put(planes.source / name, name)
            os.utime(planes.source / name, ns=(10**18 + 5, 10**18 + 5))
        (planes.source / "link").symlink_to("Readme")
        assert refusals(planes.receive()) == {}
        assert sorted(there(tmp_path).values()) == sorted(
            ["Readme", f"{COMPOSED}/Über", "sub/deep/file", "sub/FILE", "Readme"]
        )
        before = {path: path.stat().st_ino for path in planes.destination.rglob("*.*")}
        again = planes.receive()
        assert refusals(again) == {}
        assert set(again.hashes.values()) == {""}, "all of it is believed"
        assert {path: path.stat().st_ino for path in planes.destination.rglob("*.*")} == before
        put(planes.source / "Readme", "changed")
        assert refusals(planes.receive()) == {}
        assert (planes.destination / "Readme").read_text() == "changed"


@pytest.mark.parametrize("rules", [("case",), ("rewrites",)])
def test_a_sync_keeps_what_is_kept_under_another_form(
    tmp_path: Path, rules: tuple[str, ...]
) -> None:
    with on(tmp_path, *rules) as planes:
        planes.rules = Rules(mode="onewaysync")
        put(planes.source / f"{COMPOSED}/Über", "here")
        put(planes.destination / "old", "there")
        assert refusals(planes.receive()) == {}
        assert list(there(tmp_path).values()) == ["here"]


def test_a_file_system_that_tells_all_names_apart_loses_none(tmp_path: Path) -> None:
    with planes_in(tmp_path) as planes:
        for name in ("Readme", "README", COMPOSED, DECOMPOSED, "Sub/x", "sub/X"):
            put(planes.source / name, name)
        assert refusals(planes.receive()) == {}
        assert tree(planes.destination) == tree(planes.source)
