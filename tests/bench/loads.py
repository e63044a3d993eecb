"""What the transfers of the bench move: a large file, many small ones, a tree of all sizes."""

from __future__ import annotations

import os
import random
from pathlib import Path

from msgspec import Struct

MIB = 1 << 20
SMALL_BYTES = 16 << 10
FILES_A_FOLDER = 100


class Load(Struct, frozen=True):
    """A folder of the source's volume: `files` are the sizes of the files in it."""

    folder: str
    files: list[int]

    @property
    def title(self) -> str:
        if len(self.files) == 1:
            return f"one file of {self.files[0] // MIB:,} MiB"
        if len(set(self.files)) == 1:
            return f"{len(self.files):,} files of {self.files[0] >> 10} KiB"
        return f"{len(self.files):,} files of 16 KiB to {max(self.files) // MIB} MiB"

    @property
    def size(self) -> int:
        return sum(self.files)

    def make(self, root: Path) -> None:
        """No block of any file repeats."""
        chance = random.Random(7)
        block = chance.randbytes(MIB)
        for number, size in enumerate(self.files):
            folder = root / self.folder / f"{number // FILES_A_FOLDER:03}"
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / f"{number:05}.exr").open("wb") as file:
                for at in range(0, size, MIB):
                    piece = (number << 40 | at).to_bytes(8, "big") + block[8:]
                    file.write(piece[: size - at])


def _mixed(parts: int) -> list[int]:
    """As a shot's folder has it: some plates, many frames, more small things."""
    return [100 * MIB] * parts + [8 * MIB] * (8 * parts) + [SMALL_BYTES] * (400 * parts)


QUICK = [
    Load("large", [256 * MIB]),
    Load("small", [SMALL_BYTES] * 2_000),
    Load("mixed", _mixed(1)),
]
FULL = [
    Load("large", [4096 * MIB]),
    Load("small", [SMALL_BYTES] * 20_000),
    Load("mixed", _mixed(10)),
]
FAR_QUICK = [Load("far-large", [96 * MIB]), Load("far-small", [SMALL_BYTES] * 1_000)]
FAR_FULL = [Load("far-large", [1024 * MIB]), Load("far-small", [SMALL_BYTES] * 20_000)]


def is_full() -> bool:
    """HAULAGE_BENCH_FULL=1, or --full on the command line."""
    return os.environ.get("HAULAGE_BENCH_FULL", "") == "1"
