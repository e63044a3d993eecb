"""The tries of a task, from the number of them in an opened job."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from tests.web import scenery
from tests.web.scenery import job_id
from tests.web.stage import Stage
from tests.web.test_page import row, violations


@pytest.fixture
def opened(stage: Stage, page: Page) -> Page:
    scenery.set_up(stage)
    page.goto(stage.url)
    return page


def test_the_tries_of_a_task_are_a_key_away(stage: Stage, opened: Page, sources: Path) -> None:
    stage.attempts = scenery.ATTEMPTS
    row(opened, 1).click()
    tries = opened.locator(".details").get_by_role("button", name="1 try of sh010").first
    tries.focus()
    opened.keyboard.press("Enter")
    dialog = opened.get_by_role("dialog", name="Tries of sh010_comp_v014.1001.exr")
    lines = dialog.get_by_role("row")
    expect(lines).to_have_count(4)
    expect(lines.nth(1)).to_contain_text("interrupted")
    expect(lines.nth(1)).to_contain_text("gave way")
    expect(lines.nth(2)).to_contain_text("space: disk\\u{202e}full")
    expect(lines.nth(3)).to_contain_text("1.00 GB/s")
    expect(dialog).not_to_contain_text("Exit")
    opened.add_script_tag(path=sources / "node_modules/axe-core/axe.min.js")
    assert violations(opened) == []
    opened.keyboard.press("p")
    opened.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(tries).to_be_focused()
    assert stage.asked == [], "the keys of the page are not those of the dialog"
    stage.attempts = [replace(scenery.ATTEMPTS[2], exit_code=0, cpu_s=7.5)]
    tries.click()
    expect(dialog).to_contain_text("Exit")
    opened.mouse.click(2, 2)
    expect(dialog).to_be_hidden()
    expect(opened.locator(f"#job-{job_id(1)}")).to_be_visible()
