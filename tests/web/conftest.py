"""The page as it is now, a browser a module, a stage and a tab a test.

Under CI a missing browser is a failure; elsewhere what needs it is skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web import chromium as browsers
from tests.web.stage import Stage

WEB = Path(__file__).parent

expect.set_options(timeout=20_000)  # A page of a busy machine; its tests say what is to be quick.


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if WEB in item.path.parents:
            item.add_marker(pytest.mark.web)


@pytest.fixture(scope="session")
def sources() -> Path:
    """The page's folder with its packages installed; what is built from it is fresh."""
    root = WEB.parents[1]
    built = subprocess.run(
        [sys.executable, "deploy/hatch_build.py"], cwd=root, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    return root / "services/gateway/page"


@pytest.fixture(scope="module")  # Its event loop is in the way of every other one meanwhile.
def chromium(sources: Path) -> Iterator[Browser]:
    if browsers.path() is None:
        missing = "no chromium on PATH: install it, or name one in CHROMIUM"
        assert not os.environ.get("CI"), missing
        pytest.skip(missing)
    with browsers.chromium() as browser:
        yield browser


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with browsers.tab(chromium) as page:
        yield page
