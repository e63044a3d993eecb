"""What counts as already there, by the rule of the job; what counts is neither read nor moved."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from events.rules import COMPARISONS, Comparison, Rules
from services.agent import compare
from services.agent.commands import BLOCK_BYTES
from tests.services.agent_planes import Ledger, Planes, planes_in

NS = 1_700_000_000_123_456_789
SOURCE = b"as at the source"
THERE = {
    "same": (SOURCE, NS),
    "other content": (b"as of somewhere!", NS),
    "other time": (SOURCE, NS + 1),
    "other size": (b"shorter", NS),
    "nothing": (None, 0),
}
KEPT = {
    "size+modified": {"same", "other content"},
    "size": {"same", "other content", "other time"},
    "modified": {"same", "other content", "other size"},
    "hash": {"same", "other time"},
}


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Planes]:
    with planes_in(tmp_path) as planes:
        yield planes


def put(path: Path, content: bytes, mtime_ns: int = NS) -> None:
    path.write_bytes(content)
    os.utime(path, ns=(mtime_ns, mtime_ns))


@pytest.mark.parametrize("comparison", COMPARISONS)
def test_each_comparison_keeps_what_it_calls_the_same(
    planes: Planes, comparison: Comparison
) -> None:
    planes.rules = Rules(comparison=comparison)
    for name, (content, mtime_ns) in THERE.items():
        put(planes.source / name, SOURCE)
        if content is not None:
            put(planes.destination / name, content, mtime_ns)
    before = {path.name: path.stat().st_ino for path in planes.destination.iterdir()}
    ledger = planes.receive()
    after = {path.name: path.stat().st_ino for path in planes.destination.iterdir()}
    assert ledger.failures == []
    assert {name for name in before if before[name] == after[name]} == KEPT[comparison]
    for path in planes.destination.iterdir():
        kept = path.name in KEPT[comparison]
        assert path.read_bytes() == (THERE[path.name][0] if kept else SOURCE)
        assert path.stat().st_mtime_ns == NS
    assert ledger.bytes_done == len(SOURCE) * len(THERE)
    hashed = {ledger.entries[n].uri for n, digest in ledger.hashes.items() if digest} - {""}
    believed = set() if comparison == "hash" else KEPT[comparison]
    assert hashed == set(THERE) - believed, "nobody knows the hash of what nobody read"


def test_what_is_believed_is_not_read_at_either_end(
    planes: Planes, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(planes.source / "file", bytes(BLOCK_BYTES))
    planes.receive()
    monkeypatch.setattr(compare, "hash_file", None)
    (planes.source / "file").chmod(0o400)
    ledger = planes.receive()
    assert ledger.hashes == {0: "", 1: ""}
    assert (planes.destination / "file").stat().st_mode & 0o777 == 0o400


@pytest.mark.parametrize("comparison", COMPARISONS)
def test_a_source_that_is_not_any_more_as_it_was_listed_is_sent(
    planes: Planes, comparison: Comparison
) -> None:
    planes.rules = Rules(comparison=comparison)
    put(planes.source / "file", b"first")
    planes.receive()
    ledger = Ledger(planes.list(""))
    put(planes.source / "file", b"second", NS + 1)
    planes.receive(ledger=ledger)
    assert (planes.destination / "file").read_bytes() == b"second"
    assert ledger.hashes[1] == blake3(b"second").hexdigest()


def test_a_source_that_went_is_missing_though_its_copy_is_there(planes: Planes) -> None:
    put(planes.source / "file", b"file")
    planes.receive()
    ledger = Ledger(planes.list(""))
    (planes.source / "file").unlink()
    planes.receive(ledger=ledger)
    assert ledger.failed() == {"file": ("missing", "v/file: No such file or directory")}
    assert (planes.destination / "file").read_bytes() == b"file"
