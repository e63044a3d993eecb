"""Holes of a source stay holes, travel as a few bytes, and are verified like all else."""

from __future__ import annotations

import io
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from services.agent import bring, pace, pull
from services.agent.commands import BLOCK_BYTES
from services.agent.faults import Fault
from services.agent.frames import HOLES, Inflow, Malformed, write_holed_length
from services.agent.partial import partial_names
from services.agent.sparse import runs
from tests.services.agent_planes import JOB, Ledger, Planes, Proxy, leftovers, planes_in

KIB, MIB = 1 << 10, 1 << 20
OVERHEAD_BYTES = 64 * KIB


@pytest.fixture
def planes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Planes]:
    monkeypatch.setattr(pull, "PAUSES_S", (0.001,) * 3)
    with planes_in(tmp_path) as planes:
        yield planes


def make(path: Path, size: int, data: list[tuple[int, int]]) -> int:
    """A file of `size` with bytes at (offset, length) only; how many these are."""
    chance = random.Random(7)
    with path.open("wb") as file:
        file.truncate(size)
        for offset, length in data:
            file.seek(offset)
            file.write(chance.randbytes(length))
        os.fsync(file.fileno())
    if path.stat().st_blocks * 512 >= size:
        pytest.skip("this file system makes no holes")
    return sum(length for _, length in data)


def room(path: Path) -> int:
    return path.stat().st_blocks * 512


LAYOUTS: dict[str, tuple[int, list[tuple[int, int]]]] = {
    "nothing but a hole": (10 * BLOCK_BYTES + 7, []),
    "a hole at the start": (2 * BLOCK_BYTES, [(BLOCK_BYTES + 64 * KIB, 64 * KIB)]),
    "a hole at the end": (5 * BLOCK_BYTES + 1, [(0, 64 * KIB)]),
    "islands": (3 * BLOCK_BYTES, [(at * MIB, 64 * KIB) for at in range(12)]),
    "a hole over a block's end": (3 * BLOCK_BYTES, [(0, 3 * MIB), (5 * MIB, 7 * MIB)]),
    "less than a block": (MIB, [(512 * KIB, 4 * KIB)]),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_sparse_file_stays_sparse(planes: Planes, layout: str) -> None:
    size, data = LAYOUTS[layout]
    source = planes.source / "sparse"
    written = make(source, size, data)
    line = Proxy(planes.server.address[1], [])
    ledger = planes.receive("sparse", "", url=line.url)
    line.close()
    arrived = planes.destination / "sparse"
    assert ledger.failures == []
    assert arrived.read_bytes() == source.read_bytes()
    assert ledger.hashes == {0: blake3(source.read_bytes()).hexdigest()}
    assert room(arrived) <= room(source)
    assert line.came <= written + OVERHEAD_BYTES


def test_one_of_many_gigabytes_and_several_connections_costs_what_is_in_it(
    planes: Planes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bring, "LARGE_BYTES", BLOCK_BYTES)
    monkeypatch.setattr(pace, "TAKE_MIN_BYTES", 4 * BLOCK_BYTES)
    make(planes.source / "sparse", 1 << 30, [(100 * MIB, MIB), (1000 * MIB, MIB)])
    ledger = planes.receive("sparse", "")
    assert ledger.failures == []
    assert room(planes.destination / "sparse") < 3 * MIB
    hasher = blake3()
    with (planes.source / "sparse").open("rb") as file:
        while piece := file.read(MIB):
            hasher.update(piece)
    assert ledger.hashes == {0: hasher.hexdigest()}


def test_what_a_broken_run_left_where_a_hole_goes_is_put_away(planes: Planes) -> None:
    size = 3 * BLOCK_BYTES
    make(planes.source / "sparse", size, [(0, BLOCK_BYTES)])
    ledger = Ledger(planes.list("sparse"))
    line = Proxy(planes.server.address[1], [BLOCK_BYTES // 2, *[0] * 20])
    with pytest.raises(Fault):
        planes.receive("sparse", "", ledger=ledger, url=line.url)
    line.close()
    part = planes.destination / os.fsdecode(partial_names(b"sparse", JOB, 0)[0])
    with part.open("r+b") as file:
        file.seek(BLOCK_BYTES)
        file.write(b"x" * (2 * BLOCK_BYTES))
    planes.receive("sparse", "", ledger=ledger)
    arrived = planes.destination / "sparse"
    assert arrived.read_bytes() == (planes.source / "sparse").read_bytes()
    assert room(arrived) <= room(planes.source / "sparse")
    assert leftovers(planes.destination) == []


def test_runs_are_told_as_data_and_holes_by_turns(tmp_path: Path) -> None:
    make(tmp_path / "file", MIB, [(256 * KIB, 64 * KIB)])
    with (tmp_path / "file").open("rb") as file:
        found = file.fileno()
        assert runs(found, 0, MIB) == [0, 256 * KIB, 64 * KIB, 704 * KIB]
        assert runs(found, 256 * KIB, 300 * KIB) == [44 * KIB]
        assert runs(found, 0, 256 * KIB) == [0, 256 * KIB]
        assert runs(found, 0, 0) == []


@pytest.mark.parametrize(
    "block",
    [
        write_holed_length([1, 9]),
        write_holed_length([1, 10])[:-1] + b"\x09",
        (10 + HOLES).to_bytes(4, "big") + (5_000).to_bytes(4, "big") + bytes(20_000),
        (10 + HOLES).to_bytes(4, "big") + (0).to_bytes(4, "big"),
    ],
    ids=["of another length", "of another sum", "of too many", "of none"],
)
def test_runs_that_cannot_be_are_refused(block: bytes) -> None:
    inflow = Inflow(io.BytesIO(block))
    inflow.begin_file(11)
    with pytest.raises(Malformed):
        inflow.read_block_length()
