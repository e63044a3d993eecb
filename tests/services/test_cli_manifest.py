"""`haulage manifest` brings all of it or nothing, `haulage verify` finds what is another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from events.names import to_text
from projections.manifest import EPOCH, Form, ManifestHeader, ManifestLine, opening, written
from services.cli import checking
from tests.services.cli_server import Said, Terminal, job, terminal

ONE = job(1)
ODD = b"caf\xe9 \x1b\n.txt"
CONTENT = {b"a.exr": os.urandom(300_000), b"day 1/b.exr": b"b", b"day 1/empty": b"", ODD: b"odd"}


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with terminal(capsys, monkeypatch) as at_hand:
        at_hand.world.jobs = [ONE]
        yield at_hand


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder that a transfer has brought."""
    folder = tmp_path / "copy"
    (folder / "day 1").mkdir(parents=True)
    for name, content in CONTENT.items():
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(content)
    (folder / "now").symlink_to("a.exr")
    return folder


def manifest(form: Form = "jsonl", **changes: object) -> bytes:
    lines = [
        ManifestLine(".", "folder"),
        ManifestLine("day 1", "folder"),
        ManifestLine("now", "link"),
    ]
    for name, content in CONTENT.items():
        digest = blake3(content).hexdigest()
        lines.append(ManifestLine(to_text(name), "file", len(content), digest))
    ends = ("hq:projects/", "stockholm:incoming/")
    fields = (1, ONE.id, "shot", *ends, "done", "ann", 1, EPOCH, EPOCH, len(lines), 0)
    return opening(form, ManifestHeader(*fields)) + written(form, lines)


def verified(cli: Terminal, folder: Path, *options: str, content: bytes | None = None) -> Said:
    file = folder.parent / "manifest"
    file.write_bytes(manifest() if content is None else content)
    return cli.types("verify", "--manifest", str(file), str(folder), *options)


# Getting one.


def test_it_is_written_to_a_file_in_the_form_that_its_name_says(
    cli: Terminal, tmp_path: Path
) -> None:
    cli.world.manifest = manifest("csv")
    assert cli.types("manifest", ONE.id[:12], "-o", str(tmp_path / "a.csv")).status == 0
    assert (tmp_path / "a.csv").read_bytes() == manifest("csv")
    assert cli.world.asked[-1].query == {"format": "csv"}
    cli.world.manifest = written("b3sum", [ManifestLine("a", blake3="0" * 64)] * 9)
    told = cli.types("manifest", ONE.id, "--format", "b3sum")
    assert told.out.splitlines() == [f"{'0' * 64}  a"] * 9
    assert cli.world.asked[-1].query == {"format": "b3sum"}


def test_of_one_that_breaks_off_nothing_is_left(cli: Terminal, tmp_path: Path) -> None:
    cli.world.manifest = b""
    told = cli.types("manifest", ONE.id, "-o", str(tmp_path / "a.jsonl"))
    assert (told.status, "broke off" in told.err) == (1, True)
    assert list(tmp_path.iterdir()) == []


# Checking one.


@pytest.mark.parametrize("form", ["jsonl", "csv", "b3sum"])
def test_a_copy_that_is_whole_is_the_same(cli: Terminal, copy: Path, form: Form) -> None:
    told = verified(cli, copy, content=manifest(form))
    if form == "b3sum":
        assert (told.status, told.out) == (1, f"extra    now\n{told.out.splitlines()[-1]}")
        return
    assert (told.status, told.out) == (0, "all as in the manifest (7 in the manifest, 300 kB read)")


def test_what_is_missing_other_or_extra_is_named(cli: Terminal, copy: Path) -> None:
    (copy / "a.exr").write_bytes(os.urandom(300_000))
    (copy / "day 1/b.exr").write_bytes(b"bb")
    (copy / "day 1/empty").unlink()
    (copy / "now").unlink()
    (copy / "now").write_bytes(b"")
    (copy / "day 2").mkdir()
    (copy / "day 2/late").write_bytes(b"late")
    told = verified(cli, copy)
    assert (told.status, told.out.splitlines()) == (
        1,
        [
            "differs  a.exr: it has other content",
            "differs  day 1/b.exr: it has 2 bytes, not 1",
            "differs  now: it is a file, not a link",
            "extra    day 2/late",
            "missing  day 1/empty",
            "1 missing, 3 different, 1 extra (7 in the manifest, 300 kB read)",
        ],
    )
    assert verified(cli, copy, "--json").json() == {
        "same": False,
        "lines": 7,
        "bytes": 300_003,
        "missing": ["day 1/empty"],
        "differs": {
            "a.exr": "has other content",
            "day 1/b.exr": "has 2 bytes, not 1",
            "now": "is a file, not a link",
        },
        "extra": ["day 2/late"],
    }


def test_names_cannot_steer_the_terminal(cli: Terminal, copy: Path) -> None:
    os.unlink(os.fsencode(copy) + b"/" + ODD)
    assert r"missing  caf\xe9 \u{1b}\u{a}.txt" in verified(cli, copy).out


def test_a_link_is_not_what_it_points_to_and_leads_nowhere(cli: Terminal, copy: Path) -> None:
    (copy / "a.exr").rename(copy.parent / "elsewhere")
    (copy / "a.exr").symlink_to(copy.parent / "elsewhere")
    (copy / "day 1").rename(copy.parent / "day 1")
    (copy / "day 1").symlink_to(copy.parent / "day 1")
    found = verified(cli, copy, "--json").json()
    assert set(found["differs"]) == {"a.exr", "day 1", "day 1/b.exr", "day 1/empty"}
    assert found["bytes"] == 3


def test_a_manifest_in_the_folder_is_not_extra(cli: Terminal, copy: Path) -> None:
    (copy / "m.jsonl").write_bytes(manifest())
    assert cli.types("verify", "--manifest", str(copy / "m.jsonl"), str(copy)).status == 0


def test_a_single_file_may_have_another_name(cli: Terminal, copy: Path) -> None:
    line = ManifestLine("plate.mov", "file", 1, blake3(b"b").hexdigest())
    content = written("b3sum", [line])
    assert verified(cli, copy / "day 1/b.exr", content=content).status == 0
    assert verified(cli, copy / "day 1/empty", content=content).status == 1
    told = verified(cli, copy / "day 1/b.exr")
    assert (told.status, "is a file, and the manifest is of 7 tasks" in told.err) == (1, True)


def test_what_is_no_whole_manifest_is_refused_before_anything_is_read(
    cli: Terminal, copy: Path
) -> None:
    out = ManifestLine("../secret", blake3="0" * 64)
    for content, says in (
        (manifest()[:-10], "line 8: "),
        (b"\n".join(manifest().split(b"\n")[:-2]) + b"\n", "it was cut off"),
        (written("b3sum", [out]), "`..` is not allowed"),
        (b"", "is no manifest"),
    ):
        told = verified(cli, copy, content=content)
        assert (told.status, told.out, says in told.err) == (1, "", True), told.err
    assert "cannot be read" in cli.types("verify", "--manifest", str(copy / "x"), str(copy)).err
    assert "there is nothing at" in verified(cli, copy / "x", content=manifest()).err


def test_many_threads_find_what_one_finds(
    cli: Terminal, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = []
    for n in range(400):
        content = b"content %d" % n
        lines.append(ManifestLine(f"f{n}", blake3=blake3(content).hexdigest()))
        (copy / f"f{n}").write_bytes(content if n % 7 else b"other")
    told = []
    for threads in (1, 8):
        monkeypatch.setattr(checking, "THREADS", threads)
        told.append(verified(cli, copy, "--json", content=written("b3sum", lines)).out)
    assert told[0] == told[1]
    assert told[0].count("other content") == 58
