"""Where a file has holes: ranges that take no room on its disk and read as zeros."""

from __future__ import annotations

import errno
import os

from blake3 import blake3

from services.agent.frames import RUNS_MAX

ZEROS = memoryview(bytes(256 << 10))
SPARSE_MIN = 256 << 10  # What is smaller has no room worth sparing.


def is_sparse(found: os.stat_result) -> bool:
    return found.st_blocks * 512 < found.st_size > SPARSE_MIN


def runs(descriptor: int, start: int, end: int) -> list[int]:
    """The lengths of data, hole, data, … that make up the bytes from `start` to `end`; the first
    may be 0. Where the file system tells of no holes there is one run. Raises OSError."""
    found: list[int] = []
    while start < end:
        data = _seek(descriptor, start, end, os.SEEK_DATA)
        hole = _seek(descriptor, data, end, os.SEEK_HOLE) if data < end else end
        if data > start:
            found += [data - start] if found else [0, data - start]
        if hole > data:
            found.append(hole - data)
        start = hole
    return found if len(found) <= RUNS_MAX else [sum(found)]


def _seek(descriptor: int, start: int, end: int, what: int) -> int:
    try:
        return min(end, os.lseek(descriptor, start, what))
    except OSError as error:
        if error.errno == errno.ENXIO:
            return end  # There is no more data, or the file has become shorter.
        if error.errno == errno.EINVAL and what == os.SEEK_DATA:
            return start
        raise


def hash_zeros(hasher: blake3, length: int) -> None:
    while length:
        piece = ZEROS[:length]
        hasher.update(piece)
        length -= len(piece)
