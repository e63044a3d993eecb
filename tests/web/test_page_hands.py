"""Tasks by hand on the page: picked by mouse and by key, changed together."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web import scenery
from tests.web.scenery import job_id
from tests.web.stage import Stage
from tests.web.test_page import row, violations


@pytest.fixture
def details(stage: Stage, page: Page) -> Locator:
    scenery.set_up(stage)
    page.goto(stage.url)
    row(page, 1).click()
    return page.locator(".details")


def picker(details: Locator, number: int) -> Locator:
    return details.locator(f"#pick-{number}")


def test_tasks_are_picked_by_mouse_and_held_together(
    stage: Stage, page: Page, details: Locator, sources: Path
) -> None:
    hold = details.get_by_role("button", name="Hold")
    expect(hold).to_be_disabled()
    picker(details, 1).click()
    picker(details, 4).click(modifiers=["Shift"])
    picker(details, 2).click()
    expect(details.get_by_label("Which tasks")).to_contain_text("3 selected")
    page.add_script_tag(path=sources / "node_modules/axe-core/axe.min.js")
    assert violations(page) == []
    hold.click()
    expect(details.get_by_label("Which tasks")).to_contain_text("0 selected")
    assert stage.heard(1) == [("hold", job_id(1), "1,3-4")]


def test_tasks_are_picked_by_key(stage: Stage, page: Page, details: Locator) -> None:
    picker(details, 0).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect(picker(details, 3)).to_be_focused()
    page.keyboard.press("Space")
    details.get_by_role("button", name="Exclude").press("Enter")
    expect(details.get_by_label("Which tasks")).to_contain_text("0 selected")
    picker(details, 3).focus()
    page.keyboard.press("Control+a")
    expect(details.get_by_label("Select all tasks")).to_be_checked()
    details.get_by_role("button", name="Retry").press("Enter")
    expect(details.get_by_label("Select all tasks")).not_to_be_checked()
    total = stage.jobs[job_id(1)].tasks_total
    assert stage.heard(2) == [("exclude", job_id(1), "1-2"), ("retry", job_id(1), f"0-{total - 1}")]


def test_all_of_a_status_are_changed_and_a_refusal_is_told(
    stage: Stage, page: Page, details: Locator
) -> None:
    stage.refusals["done"] = (409, "it is not as you saw it")
    details.get_by_label("Which tasks").select_option("failed")
    details.get_by_role("button", name="Set done").click()
    expect(page.get_by_role("alert")).to_contain_text("it is not as you saw it")
    assert stage.heard(1) == [("done", job_id(1), "failed")]
