"""Blocks that are written past the page cache, while the next one comes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from blake3 import blake3

from services.agent.commands import BLOCK_BYTES
from services.agent.direct import FAST, JUDGED_BYTES, Direct, aligned, reopen
from services.agent.frames import Head
from services.agent.journal import Version
from services.agent.partial import Partial
from services.agent.stretch import Damaged, Stretch

SIZE = 2 * BLOCK_BYTES
VERSION = Version(SIZE, 1, 1)
BLOCKS = [os.urandom(BLOCK_BYTES), os.urandom(BLOCK_BYTES)]
WHOLE = b"".join(BLOCKS)


@pytest.fixture
def partial(tmp_path: Path) -> Iterator[Partial]:
    folder = os.open(tmp_path, os.O_RDONLY)
    partial = Partial(folder, b"plate.mov", "0" * 24, 1)
    partial.start_anew()
    partial.begin(VERSION)
    yield partial
    partial.close()
    os.close(folder)


@pytest.fixture
def writer() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as writer:
        yield writer


@pytest.fixture
def direct(partial: Partial) -> Direct:
    """Through the cache where the file system of the tests cannot do without."""
    return partial.direct or Direct(os.dup(partial.descriptor))


def came(stretch: Stretch, number: int) -> memoryview:
    """A block in memory, taken but not verified."""
    block = aligned(BLOCK_BYTES)
    block[:] = BLOCKS[number]
    stretch.take(block)
    return block


def begun(partial: Partial, start: int) -> Stretch:
    stretch = Stretch(partial, start, SIZE)
    stretch.begin(Head(1, size=SIZE, offset=start, since=start))
    return stretch


def nothing() -> None:
    pass


def test_a_block_counts_once_it_is_written(
    partial: Partial, direct: Direct, writer: ThreadPoolExecutor
) -> None:
    partial.take(SIZE)
    stretch = begun(partial, 0)
    for number in range(2):
        block = came(stretch, number)
        stretch.verify(blake3(WHOLE[: (number + 1) * BLOCK_BYTES]).digest())
        stretch.write_behind(block, direct, writer)
        assert partial.verified == number * BLOCK_BYTES
    stretch.finish()
    assert partial.is_complete
    assert os.pread(partial.descriptor, SIZE, 0) == WHOLE
    assert partial.hash(nothing) == blake3(WHOLE).hexdigest()


def test_a_block_that_could_not_be_written_does_not_count(
    partial: Partial, writer: ThreadPoolExecutor
) -> None:
    stretch = begun(partial, 0)
    block = came(stretch, 0)
    stretch.write_behind(block, Direct(-1), writer)
    with pytest.raises(OSError, match="descriptor"):
        stretch.finish()
    assert (partial.verified, stretch.at) == (0, 0)
    assert stretch.roll_back() == BLOCK_BYTES


def test_a_damaged_block_is_never_written(partial: Partial) -> None:
    stretch = begun(partial, 0)
    came(stretch, 0)
    with pytest.raises(Damaged):
        stretch.verify(blake3(BLOCKS[1]).digest())
    assert os.fstat(partial.descriptor).st_size == 0


def test_what_another_connection_goes_on_with_is_hashed_from_memory(
    partial: Partial, direct: Direct, writer: ThreadPoolExecutor
) -> None:
    for number in range(2):
        stretch = begun(partial, number * BLOCK_BYTES)
        block = came(stretch, number)
        stretch.write_behind(block, direct, writer)
        stretch.finish()
    os.ftruncate(partial.descriptor, 0)  # It is not read any more.
    assert partial.hash(nothing) == blake3(WHOLE).hexdigest()


def test_a_slow_disk_is_written_to_through_the_cache() -> None:
    direct = Direct(-1)
    direct.judge(JUDGED_BYTES, JUDGED_BYTES / FAST / 2)
    assert direct.is_fast
    direct.judge(JUDGED_BYTES, JUDGED_BYTES / FAST * 2)
    assert not direct.is_fast


def test_a_file_that_cannot_be_opened_so_is_written_through_the_cache() -> None:
    assert reopen(-1) is None
