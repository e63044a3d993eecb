"""Do something as a user whom mode bits hold, in a process of its own.

`python -m tests.services.ordinary MODULE FUNCTION ARGUMENT…` gives up the superuser, if it is that,
once everything is imported: the interpreter may lie where only the superuser can read.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65_534
PATIENCE_S = 60


def as_ordinary_user(function: Callable[..., None], *arguments: object) -> int:
    """The status that it ended with: 0, 1 for an exception (told on stderr), or minus a signal."""
    command = [sys.executable, "-m", __name__, function.__module__, function.__name__]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*command, *map(str, arguments)], cwd=root, timeout=PATIENCE_S, check=False
    )
    return done.returncode


@contextmanager
def ordinary_folder() -> Iterator[Path]:
    """A folder that the ordinary user owns and reaches."""
    folder = Path(tempfile.mkdtemp(prefix="haulage-"))
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    try:
        yield folder
    finally:
        for path, _, _ in os.walk(folder):
            os.chmod(path, 0o700)
        shutil.rmtree(folder)


def main() -> None:
    module = importlib.import_module(sys.argv[1])
    "localhost".encode("idna")  # Resolving a host imports that.
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    getattr(module, sys.argv[2])(*sys.argv[3:])


if __name__ == "__main__":
    main()
