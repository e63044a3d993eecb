"""The page on the real road: `haulage up`, two agents, a real file, a browser that watches it."""

from __future__ import annotations

import filecmp
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar
from urllib import request
from uuid import uuid4

import msgspec
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from services.gateway import bodies, resources
from services.runtime import tokens
from tests.live.machine import ROOT, Machine
from tests.web.chromium import tab

pytestmark = pytest.mark.live
NAME = "shot 010\u202e.mov"
FILE_BYTES = 700 << 20
T = TypeVar("T")
RECORD = """row => {
    window.seen = [];
    const look = () => {
        const bar = row.querySelector("[role=progressbar]");
        window.seen.push([row.dataset.status, Number(bar.getAttribute("aria-valuenow"))]);
    };
    const options = { attributes: true, childList: true, subtree: true };
    new MutationObserver(look).observe(row, options);
}"""


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    projects = tmp_path / "projects"
    projects.mkdir()
    (projects / NAME).write_bytes(os.urandom(1 << 20) * (FILE_BYTES >> 20))
    options = ("--port", "0", "--volume", f"projects={projects}")
    data = tmp_path / "data"
    with Machine(data, *options, environ={"HAULAGE_AGENT_NAME": "hq"}) as machine:
        agent = _second_agent(data, tmp_path / "incoming")
        try:
            yield machine
        finally:
            agent.kill()
            agent.wait(10)


def _second_agent(data: Path, volume: Path) -> subprocess.Popen[bytes]:
    volume.mkdir()
    named = ("--name", "stockholm", "--volume", f"incoming={volume}")
    return subprocess.Popen(
        [sys.executable, "-m", "services.cli.main", "agent", *named],
        cwd=ROOT,
        env=os.environ | {"HAULAGE_DATA": str(data)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture
def page(chromium: Browser, machine: Machine) -> Iterator[Page]:
    """Signed in by the link that `haulage` prints."""
    with tab(chromium) as page:
        page.goto(f"{machine.url}/#{tokens.read(machine.data / 'token')}")
        expect(page.locator(".connection")).to_have_text("live", timeout=20_000)
        yield page


def _ask(machine: Machine, path: str, kind: type[T], body: object = None) -> T:
    """A GET, or with a body a POST. Not by asyncio: Playwright's loop runs in this thread."""
    headers = {"Authorization": f"Bearer {tokens.read(machine.data / 'token')}"}
    content = None
    if body is not None:
        content = msgspec.json.encode(body)
        headers |= {"Content-Type": "application/json", "Idempotency-Key": uuid4().hex}
    asked = request.Request(machine.url + path, data=content, headers=headers)
    with request.urlopen(asked, timeout=10) as answer:
        return msgspec.json.decode(answer.read(), type=kind)


def _submit(machine: Machine, path: str) -> str:
    """A paused transfer, once both agents are there."""
    deadline = time.monotonic() + 20
    while len(_ask(machine, "/api/endpoints", list[resources.Endpoint])) < 2:
        assert time.monotonic() < deadline, "the second agent does not come"
        time.sleep(0.1)
    wanted = bodies.SubmitTransfer(f"hq:projects/{path}", "stockholm:incoming", paused=True)
    done = _ask(machine, "/api/jobs", resources.Done, wanted)
    _ask(machine, f"/api/jobs/{done.jobs[0]}?at_least={done.sequence}", resources.Job)
    return done.jobs[0]


def test_a_transfer_is_watched_to_its_end(machine: Machine, page: Page, tmp_path: Path) -> None:
    job = _submit(machine, NAME)
    row = page.locator(f"#job-{job}")
    expect(row).to_have_attribute("data-status", "paused")
    expect(row.locator(".name")).to_have_text(r"shot 010\u{202e}.mov")
    row.evaluate(RECORD)
    row.click()
    page.get_by_role("tab", name="Log").click()
    page.keyboard.press("r")
    expect(row).to_have_attribute("data-status", "done", timeout=60_000)
    seen = page.evaluate("window.seen")
    assert "running" in [status for status, _ in seen]
    assert [percent for status, percent in seen if status == "running" and 0 < percent < 100]
    assert filecmp.cmp(tmp_path / "projects" / NAME, tmp_path / "incoming" / NAME, shallow=False)
    log = page.locator(".log .line")
    expect(log.last).to_contain_text("done")
    page.get_by_role("tab", name="Tasks").click()
    expect(page.get_by_role("row").nth(1)).to_contain_text("done")
    page.get_by_role("link", name="Finished").click()
    expect(page.locator(f"#job-{job}")).to_contain_text("done in")
    page.goto(f"{machine.url}/jobs/{job}?show=graph")
    expect(page.get_by_role("img", name="Speed over time. 734 MB moved")).to_be_visible()
    page.get_by_role("tab", name="Why").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("It does not wait: it is done.")


def test_what_the_server_refuses_is_taken_back_in_its_words(machine: Machine, page: Page) -> None:
    """The row says paused; its command comes when somebody else has aborted the job."""
    job = _submit(machine, NAME)
    row = page.locator(f"#job-{job}")
    expect(row).to_have_attribute("data-status", "paused")
    page.route("**/api/jobs/*/resume", lambda route: _aborted_first(machine, job, route))
    row.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("alert")).to_contain_text("is aborted: retry it to run it again")
    expect(row).to_have_attribute("data-status", "aborted")


def _aborted_first(machine: Machine, job: str, route: Route) -> None:
    _ask(machine, f"/api/jobs/{job}/abort", resources.Done, {})
    route.continue_()


def test_the_page_goes_on_after_the_gateway_was_killed(machine: Machine, page: Page) -> None:
    job = _submit(machine, NAME)
    gateway = machine.child("gateway")
    assert gateway is not None
    os.kill(gateway, 9)
    expect(page.locator(".connection")).not_to_have_text("live")
    expect(page.locator(".connection")).to_have_text("live", timeout=30_000)
    row = page.locator(f"#job-{job}")
    row.get_by_role("button", name="Abort").click()
    row.get_by_role("button", name="Abort", exact=True).click()
    expect(row).to_have_attribute("data-status", "aborted")
    expect(row).not_to_have_attribute("data-pending", "")


def test_a_link_to_a_search_opens_it(machine: Machine, page: Page) -> None:
    job = _submit(machine, NAME)
    page.goto(f"{machine.url}/?search=shot&job={job}&job={'0' * 24}")
    expect(page.locator(f"#job-{job}")).to_be_visible()
    expect(page.locator(".details")).to_have_count(1)
    expect(page.get_by_role("alert")).to_contain_text("0" * 24)
    page.goto(f"{machine.url}/?queues=all")
    row, head = page.locator(f"#job-{job}"), page.locator(".head", has_text="high")
    expect(page.locator(".connection")).to_have_text("live")
    expect(head).to_be_visible()
    expect(row).to_be_visible()
    row.drag_to(head, target_position={"x": 200, "y": 20}, steps=10)
    expect(page.locator("[aria-live]")).to_have_text(r"shot 010\u{202e}.mov moved to high [1]")
    assert _ask(machine, f"/api/jobs/{job}", resources.Job).queue == "high"
    row.focus()
    page.keyboard.press("m")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.locator("[aria-live]")).to_have_text(r"shot 010\u{202e}.mov moved to low [1]")
