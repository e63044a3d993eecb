"""The demo's files: made anew each time from one seed, and compared with their copies.

Sizes from nothing to a hundred megabytes, names in many scripts and one that is no text at all,
empty folders, links, odd modes and times. Contents never repeat, so that a block that is put in
the wrong place shows.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from random import Random

from msgspec import Struct

SEED = 20_261_122
CHUNK_BYTES = 1 << 20
MIB = 1 << 20
BORN_NS = 1_750_000_000_123_456_789
DAY_NS = 86_400 * 10**9
FILE_MODES = (0o644, 0o640, 0o600, 0o664, 0o755, 0o444)

ODD_NAMES = (
    b"a name with spaces.exr",
    b" leading and trailing ",
    "Zürich – Größe № 7.tif".encode(),
    "東京・夜景.exr".encode(),
    "عرض.mov".encode(),
    "cafe\u0301 (decomposed).txt".encode(),
    b"latin-1 caf\xe9.txt",
    b"\xff\xfe not text at all",
    b"-rf",
    b"*.exr",
    b"new\nline.txt",
    b"back\\slash and 'quotes\".txt",
    b"percent %20 and +.txt",
    b".hidden",
    b"x" * 255,
)


def make(hq: Path, stockholm: Path) -> None:
    """Fill the folders of `hq`'s projects and of `stockholm`'s dailies."""
    random = Random(SEED)
    _frames(hq / "shot010", random, frames=96, mean_bytes=MIB)
    _plates(hq / "shot020", random)
    _library(hq / "library", random)
    _file(hq / "delivery.mov", 64 * MIB + 12_345, random)
    _frames(stockholm / "dailies", random, frames=40, mean_bytes=MIB // 2)
    for folder in (hq, stockholm):
        _date_folders(folder, random)


def _frames(folder: Path, random: Random, *, frames: int, mean_bytes: int) -> None:
    for version in ("v001", "v002"):
        (folder / version).mkdir(parents=True)
        for frame in range(1001, 1001 + frames // 2):
            size = random.randint(mean_bytes // 2, 3 * mean_bytes // 2)
            _file(folder / version / f"beauty.{frame}.exr", size, random)
    (folder / "latest").symlink_to("v002")


def _plates(folder: Path, random: Random) -> None:
    folder.mkdir(parents=True)
    for number, size in enumerate((48 * MIB, 32 * MIB + 1, 4 * MIB, 4 * MIB - 1, 4 * MIB + 1, 1)):
        _file(folder / f"plate_{number:02}.dpx", size, random)


def _library(folder: Path, random: Random) -> None:
    """Many small files, and everything odd."""
    (folder / "empty folder" / "within another").mkdir(parents=True)
    for number in range(1200):
        shelf = folder / f"shelf {number // 100:02}"
        shelf.mkdir(exist_ok=True)
        _file(shelf / f"texture {number:04}.tx", random.randint(0, 16_384), random)
    odd = os.fsencode(folder / "odd names")
    os.mkdir(odd)
    for name in ODD_NAMES:
        _file(Path(os.fsdecode(os.path.join(odd, name))), random.randint(0, 40_000), random)
    _file(folder / "empty.txt", 0, random)
    (folder / "a link.tx").symlink_to("shelf 00/texture 0001.tx")
    (folder / "shelf 00" / "upwards").symlink_to("../shelf 01")


def _file(path: Path, size: int, random: Random) -> None:
    with path.open("wb") as file:
        for start in range(0, size, CHUNK_BYTES):
            file.write(random.randbytes(min(CHUNK_BYTES, size - start)))
    path.chmod(random.choice(FILE_MODES))
    _date(path, random)


def _date(path: Path, random: Random) -> None:
    when_ns = BORN_NS + random.randrange(300 * DAY_NS)
    os.utime(path, ns=(when_ns, when_ns))


def _date_folders(root: Path, random: Random) -> None:
    """Last, deepest first: whatever is made in a folder moves its time."""
    folders = [Path(at) for at, _, _ in os.walk(root) if Path(at) != root]
    for folder in sorted(folders, reverse=True):
        folder.chmod(random.choice((0o755, 0o750, 0o700)))
        _date(folder, random)


def differences(source: Path, copy: Path) -> Iterator[str]:
    """What is not the same in the copy: names, kinds, sizes, modes, times, links, every byte."""
    if not os.path.lexists(copy):
        yield f"{copy!r} is missing"
        return
    one, other = _traits(source), _traits(copy)
    if one != other:
        yield f"{copy!r} is {other}, not {one}"
    if one.kind == other.kind == "folder":
        yield from _differences_within(source, copy)
    elif one.kind == other.kind == "file" and not _same_bytes(source, copy):
        yield f"{copy!r} has other bytes"


def _differences_within(source: Path, copy: Path) -> Iterator[str]:
    wanted, found = set(os.listdir(source)), set(os.listdir(copy))
    for name in sorted(found - wanted):
        yield f"{copy / name!r} is too many"
    for name in sorted(wanted):
        yield from differences(source / name, copy / name)


class _Traits(Struct, frozen=True):
    """What can be told without reading; a folder's size and a link's mode mean nothing."""

    kind: str
    mtime_ns: int
    mode: str = ""
    size: int = 0
    target: str = ""


def _traits(path: Path) -> _Traits:
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        return _Traits("link", found.st_mtime_ns, target=os.readlink(path))
    mode = oct(stat.S_IMODE(found.st_mode))
    if stat.S_ISDIR(found.st_mode):
        return _Traits("folder", found.st_mtime_ns, mode)
    return _Traits("file", found.st_mtime_ns, mode, found.st_size)


def _same_bytes(source: Path, copy: Path) -> bool:
    with source.open("rb") as one, copy.open("rb") as other:
        while block := one.read(CHUNK_BYTES):
            if block != other.read(CHUNK_BYTES):
                return False
        return not other.read(1)
