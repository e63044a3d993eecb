"""Make what a run needs below an open folder: folders on the way, and hidden marks. No link is
followed; raises OSError.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from services.agent.beneath import FOLDER, open_beneath, opened_beneath


def is_folder(root: int, parts: Sequence[bytes]) -> bool:
    try:
        with opened_beneath(root, parts, FOLDER):
            return True
    except (FileNotFoundError, NotADirectoryError):
        return False


def make_folders(root: int, parts: Sequence[bytes]) -> int:
    """The open folder at `parts`, made with those above it where they are missing."""
    try:
        return open_beneath(root, parts, FOLDER)
    except FileNotFoundError:
        here = os.dup(root)
    try:
        for part in parts:
            here, above = make_folder(here, part), here
            os.close(above)
        return os.dup(here)
    finally:
        os.close(here)


def make_folder(above: int, name: bytes) -> int:
    try:
        return open_beneath(above, (name,), FOLDER)
    except FileNotFoundError:
        try:
            os.mkdir(name, dir_fd=above)
            os.fsync(above)
        except FileExistsError:
            pass  # Another thread was first.
        return open_beneath(above, (name,), FOLDER)


def touch(above: int, name: bytes) -> None:
    os.close(open_beneath(above, (name,), os.O_WRONLY | os.O_CREAT, mode=0o600))
