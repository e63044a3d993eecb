"""A manifest says the same in each form, whatever files are called, and knows if it is whole."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import names
from projections.manifest import (
    EPOCH,
    BadManifest,
    Form,
    ManifestHeader,
    ManifestLine,
    moment,
    opening,
    read,
    written,
)

HASH = "ab" * 32
FILE = ManifestLine("day 1/a.exr", "file", 5, HASH, EPOCH, EPOCH, EPOCH)
FOLDER, LINK = ManifestLine(".", "folder", modified_at=EPOCH), ManifestLine("now", "link")
BY_HAND = ManifestLine("by hand", "file", 7)
LINES = [FOLDER, FILE, LINK, BY_HAND]
NAME = st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name)


def header(tasks: int, manifest: int = 1) -> ManifestHeader:
    ends = ("hq:projects/shot/", "stockholm:incoming/shot/")
    return ManifestHeader(
        manifest, "a" * 24, "shot", *ends, "done", "ann", 2, EPOCH, None, tasks, 5
    )


def whole(form: Form, lines: list[ManifestLine]) -> bytes:
    return opening(form, header(len(lines))) + written(form, lines)


def rows(content: bytes) -> list[bytes]:
    """Cut as a file is."""
    return [row + b"\n" for row in content.split(b"\n")[:-1]]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_what_is_written_is_read_again(form: Form) -> None:
    assert list(read(rows(whole(form, LINES)))) == LINES


def test_as_sums_only_files_with_a_hash_are_told() -> None:
    assert whole("b3sum", LINES) == f"{HASH}  day 1/a.exr\n".encode()
    assert list(read(rows(whole("b3sum", LINES)))) == [ManifestLine("day 1/a.exr", blake3=HASH)]


def test_a_name_that_b3sum_escapes_is_written_as_it_does() -> None:
    odd = ManifestLine(names.to_text(b"a\\b\nc\xff"), blake3=HASH)
    assert written("b3sum", [odd]) == rb"\%b  a\\b\nc" % HASH.encode() + b"\xff\n"


@given(st.lists(NAME, min_size=1, max_size=5), st.sampled_from(["jsonl", "csv", "b3sum"]))
def test_any_name_is_read_as_it_was_written(called: list[bytes], form: Form) -> None:
    lines = [ManifestLine(names.to_text(name), "file", 1, HASH) for name in called]
    told = [line.path for line in read(rows(whole(form, lines)))]
    assert list(map(names.to_bytes, told)) == called


def test_one_that_was_cut_off_says_so() -> None:
    kept = rows(whole("jsonl", LINES))[:-1]
    with pytest.raises(BadManifest, match="3 of 4 lines: it was cut off"):
        list(read(kept))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no manifest"),
        (b"path,size\na,1\n", "no manifest"),
        (b'{"manifest":1}\n', "line 1: .*missing required field"),
        (written("jsonl", [FILE]), "line 1: "),
        (opening("jsonl", header(0, 9)), "version 9"),
        (opening("jsonl", header(1)) + b'{"path":"a","kind":"frame"}\n', "line 2: "),
        (opening("jsonl", header(1)) + b'{"path":"a","blake3":"abc"}\n', "line 2: "),
        (opening("jsonl", header(1)) + b"\xff\n", "line 2: "),
        (opening("csv", header(1)) + b"a,file,five,,,,\n", "line 2: "),
        (opening("csv", header(1)) + b"a,file\n", "line 2: "),
        (opening("csv", header(1)) + b'"a,file,1,,,,\n', "line 2: "),
        (opening("csv", header(1)) + b"\xff,file,1,,,,\n", "line "),
        (written("b3sum", [FILE]) + b"b.exr\n", "line 2: it is not a BLAKE3 hash"),
        (b"\\" + written("b3sum", [FILE])[:-1] + b"\\t\n", "line 1: .* backslash"),
    ],
)
def test_what_is_none_says_where(content: bytes, says: str) -> None:
    with pytest.raises(BadManifest, match=says):
        list(read(rows(content)))


def test_a_time_that_no_calendar_has_is_left_out() -> None:
    assert moment(None) is None
    assert moment(2**63 - 1) == datetime(2262, 4, 11, 23, 47, 16, 854775, UTC)
    assert moment(10**30) is None
