"""The page's other views on the real road: a queue made, a job picked, previewed, submitted,
repeated, an endpoint taken out of use; one `haulage up` with one agent that serves two volumes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from services.runtime import tokens
from tests.live.machine import Machine

pytestmark = pytest.mark.live
NAME = "50%d [1]\u202e.txt"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    for name in ("projects", "incoming"):
        (tmp_path / name).mkdir()
    (tmp_path / "projects" / NAME).write_text("hello")
    (tmp_path / "projects" / "second").write_text("again")
    volumes = [("--volume", f"{one}={tmp_path / one}") for one in ("projects", "incoming")]
    options = ("--port", "0", *(word for volume in volumes for word in volume))
    with Machine(tmp_path / "data", *options, environ={"HAULAGE_AGENT_NAME": "hq"}) as machine:
        yield machine


@pytest.fixture
def opened(machine: Machine, page: Page) -> Page:
    page.goto(f"{machine.url}/#{tokens.read(machine.data / 'token')}")
    expect(page.locator(".connection")).to_have_text("live", timeout=20_000)
    return page


def test_a_day_at_the_desk(machine: Machine, opened: Page, tmp_path: Path) -> None:
    _makes_a_queue(machine, opened)
    _submits_what_it_picked(machine, opened, tmp_path)
    _repeats_it(opened, tmp_path)
    _takes_the_endpoint_out_of_use(machine, opened)
    opened.goto(f"{machine.url}/overview")
    expect(opened.locator(".tallies")).to_contain_text(re.compile("2\\s*done|done\\s*2"))


def _makes_a_queue(machine: Machine, opened: Page) -> None:
    opened.goto(f"{machine.url}/queues")
    opened.get_by_role("button", name="New queue").click()
    opened.get_by_label("Code").fill("rush")
    opened.get_by_label("Priority").fill("1000")
    opened.keyboard.press("Enter")
    expect(opened.get_by_role("rowheader").first).to_have_text("rush")
    expect(opened.get_by_role("dialog")).to_have_count(0)


def _submits_what_it_picked(machine: Machine, opened: Page, tmp_path: Path) -> None:
    opened.keyboard.press("n")
    source, to = (opened.get_by_role("group", name=name) for name in ("Where from", "Where to"))
    volume = source.get_by_role("combobox")
    expect(volume.locator("option", has_text="hq: projects")).to_be_enabled(timeout=20_000)
    volume.select_option("hq: projects")
    source.get_by_role("button", name=r"Add 50%d [1]\u{202e}.txt").click()
    to.get_by_role("combobox").select_option("hq: incoming")
    opened.get_by_label("Queue").select_option(label="rush, priority 1000")
    opened.get_by_role("button", name="Preview").click()
    expect(opened.get_by_role("region", name="What it would do")).to_contain_text("1 new (5 B)")
    assert list((tmp_path / "incoming").iterdir()) == []
    opened.get_by_role("button", name="Submit").click()
    _is_done(opened)
    assert (tmp_path / "incoming" / NAME).read_text() == "hello"


def _is_done(opened: Page) -> None:
    expect(opened).to_have_url(re.compile(r"/jobs/[0-9a-f]{24}"))
    expect(opened.locator(".job-top")).to_have_attribute("data-status", "done", timeout=30_000)


def _repeats_it(opened: Page, tmp_path: Path) -> None:
    before = opened.url
    opened.get_by_role("link", name="Repeat").first.click()
    expect(opened.get_by_role("list", name="Sources")).to_contain_text("50\\%d \\[1\\]")
    opened.get_by_label("Destination").fill("hq:incoming/copy/")
    opened.get_by_role("button", name="Submit").click()
    expect(opened).not_to_have_url(before)
    _is_done(opened)
    assert (tmp_path / "incoming/copy" / NAME).read_text() == "hello"


def _takes_the_endpoint_out_of_use(machine: Machine, opened: Page) -> None:
    opened.goto(f"{machine.url}/endpoints?endpoint=hq")
    expect(opened.get_by_role("region", name="Details of hq")).to_contain_text("free of")
    opened.get_by_role("button", name="Disable").click()
    opened.get_by_role("button", name="Disable", exact=True).click()
    expect(opened.locator(".machine")).to_contain_text("disabled by")
    opened.get_by_role("button", name="Enable").click()
    expect(opened.locator(".machine")).not_to_contain_text("disabled by")
