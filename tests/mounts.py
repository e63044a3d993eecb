"""A small file system for a test, mounted on a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

LIMIT_S = 10


@contextmanager
def mounted(folder: Path, size: int, *, kind: str = "tmpfs") -> Iterator[None]:
    """In memory, with room for so many bytes, or (`ramfs`) for all that there are and without
    extended attributes. Skips the test where none can be mounted."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only the superuser may mount a small file system")
    command = ["mount", "-t", kind, "-o", f"size={size}", kind, str(folder)]
    if subprocess.run(command, check=False, capture_output=True, timeout=LIMIT_S).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, timeout=LIMIT_S)
