"""Which jobs the list shows, in which order, with what; how many are selected, and what is done."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from tests.web import scenery
from tests.web.scenery import job_id
from tests.web.stage import Stage
from tests.web.test_page import names, row, violations


@pytest.fixture
def opened(stage: Stage, page: Page) -> Page:
    scenery.set_up(stage)
    page.goto(stage.url)
    expect(page.locator(".connection")).to_have_text("live")
    return page


def test_filters_and_groups_are_in_the_address_and_taken_back_one_by_one(
    stage: Stage, opened: Page, sources: Path
) -> None:
    opened.get_by_role("button", name="Filter").click()
    opened.get_by_label("failed", exact=True).check()
    opened.get_by_label("running", exact=True).check()
    expect(opened.locator(".row")).to_have_count(4)
    opened.get_by_label("User", exact=True).select_option("anna")
    expect(opened.locator(".row")).to_have_count(1)
    opened.add_script_tag(path=sources / "node_modules/axe-core/axe.min.js")
    assert violations(opened) == []
    opened.keyboard.press("Escape")
    expect(opened.get_by_role("group", name="Show only")).to_be_hidden()
    assert opened.url.endswith("/?status=running,failed&user=anna")
    opened.reload()
    expect(opened.locator(".row")).to_have_count(1)
    opened.get_by_role("button", name="No longer only user anna").click()
    opened.get_by_label("Group by status").check()
    expect(opened.locator(".head .title")).to_have_text(["running", "failed"])
    assert opened.url.endswith("/?status=running,failed&group=status")
    opened.get_by_role("button", name="Show all").click()
    expect(opened.locator(".head .title").first).to_have_text("running")
    assert opened.url.endswith("/?group=status")


def test_a_filter_that_lets_nothing_through_says_so(stage: Stage, opened: Page) -> None:
    opened.goto(f"{stage.url}?kind=compute")
    expect(opened.locator(".state")).to_contain_text("The filter lets no job through")
    opened.locator(".state").get_by_role("button").click()
    expect(row(opened, 1)).to_be_visible()


def test_rows_are_sorted_by_a_column_and_back(opened: Page) -> None:
    sort = opened.get_by_role("button", name="Sort by Name")
    sort.click()
    assert names(opened)[3:6] == ["archive_show_A", "audio_stems", "conform_reel_3"]
    sort.click()
    assert names(opened)[3] == "to_berlin"
    assert opened.url.endswith("/?sort=-name")
    sort.click()
    assert names(opened)[3] == "dailies_2026-11-22"


def test_columns_and_density_are_the_viewers_own_and_kept(stage: Stage, opened: Page) -> None:
    stage.put(replace(stage.jobs[job_id(7)], failures={"network": 2, "space": 1}))
    retries = row(opened, 7).locator(".retries")
    expect(retries).to_have_text("retries 3")
    expect(retries).to_have_attribute("title", "Failed and tried again: network 2, space 1")
    opened.get_by_role("button", name="View").click()
    opened.get_by_label("User", exact=True).check()
    opened.get_by_label("Retries", exact=True).uncheck()
    opened.get_by_label("Dense rows").check()
    opened.reload()
    expect(row(opened, 1)).to_contain_text("anna")
    expect(retries).to_have_count(0)
    box = row(opened, 1).bounding_box()
    assert box is not None
    assert box["height"] == 28


def test_jobs_are_selected_by_mouse_and_told_together(
    stage: Stage, opened: Page, sources: Path
) -> None:
    opened.get_by_label("Select sh020_plates").click()
    row(opened, 5).click(modifiers=["Shift"])
    row(opened, 4).click(modifiers=["Control"])
    bar = opened.get_by_role("toolbar", name="Selected jobs")
    expect(bar.get_by_role("status")).to_have_text("3 selected")
    opened.add_script_tag(path=sources / "node_modules/axe-core/axe.min.js")
    assert violations(opened) == []
    bar.get_by_role("button", name="Pause").click()
    expect(row(opened, 5)).to_have_attribute("data-status", "paused")
    expect(bar.get_by_role("button", name="Resume")).to_be_visible()
    assert {told for _, told, _ in stage.heard(3)} == {job_id(2), job_id(3), job_id(5)}
    bar.get_by_label("Move to queue").select_option("low")
    expect(opened.locator(".head", has_text="high").locator(".counts")).to_have_text("1 running")
    bar.get_by_role("button", name="Abort").click()
    bar.get_by_role("button", name="Keep").click()
    bar.get_by_role("button", name="Abort").click()
    bar.get_by_role("button", name="Abort 3 jobs").click()
    opened.keyboard.press("End")
    expect(row(opened, 3)).to_have_attribute("data-status", "aborted")
    opened.keyboard.press("Escape")
    expect(bar).to_be_hidden()


def test_jobs_are_selected_by_key(stage: Stage, opened: Page) -> None:
    press = opened.keyboard.press
    press("j")
    press("Space")
    press("Shift+ArrowDown")
    press("Shift+ArrowDown")
    status = opened.get_by_role("toolbar", name="Selected jobs").get_by_role("status")
    expect(status).to_have_text("3 selected")
    press("p")
    expect(row(opened, 3)).to_have_attribute("data-status", "paused")
    press("Control+a")
    expect(status).to_have_text("50 selected")
    press("t")
    expect(opened.locator("[aria-live]")).to_have_text("50 jobs moved")
    press("Escape")
    expect(status).to_be_hidden()


def test_all_that_match_are_selected_also_those_that_were_not_read(
    stage: Stage, page: Page
) -> None:
    stage.queues = scenery.queues()
    for number in range(4_000):
        stage.put(scenery.job(1_000 + number, f"j{number}", queue="low", place=f"b{number:05d}"))
    page.goto(f"{stage.url}?queue=low")
    expect(page.locator(".tabs a").first).to_have_text("Active 4\u202f000")
    page.get_by_label("Select j0", exact=True).click()
    page.get_by_role("button", name="Select all that match").click()
    expect(page.locator(".action-bar [role=status]")).to_have_text("4\u202f000 selected")


def test_the_right_button_of_the_mouse_opens_a_menu(
    stage: Stage, opened: Page, sources: Path
) -> None:
    row(opened, 2).click(button="right")
    menu = opened.get_by_role("menu", name="sh020_plates")
    expect(menu.get_by_role("menuitem").first).to_be_focused()
    opened.add_script_tag(path=sources / "node_modules/axe-core/axe.min.js")
    assert violations(opened) == []
    opened.keyboard.press("ArrowUp")
    expect(menu.get_by_role("menuitem", name="Copy id")).to_be_focused()
    opened.keyboard.press("Escape")
    expect(row(opened, 2)).to_be_focused()
    row(opened, 2).click(button="right")
    menu.get_by_role("menuitem", name="Pause").click()
    expect(row(opened, 2)).to_have_attribute("data-status", "paused")
    row(opened, 2).click(button="right")
    menu.get_by_role("menuitem", name="Why").click()
    expect(opened).to_have_url(f"{stage.url}jobs/{job_id(2)}?show=why")


def test_a_key_on_the_page_of_a_job_is_about_that_job_alone(stage: Stage, opened: Page) -> None:
    opened.get_by_label("Select sh020_plates").click()
    row(opened, 4).click(modifiers=["Control"])
    row(opened, 3).click()
    opened.get_by_role("link", name="Own page").click()
    expect(opened.locator(".job-top")).to_be_visible()
    with opened.expect_response("**/pause"):
        opened.keyboard.press("p")
    opened.keyboard.press("Enter")
    expect(opened.locator(".job-top")).to_contain_text("paused")
    assert [(verb, told) for verb, told, _ in stage.heard(1)] == [("pause", job_id(3))]
    assert opened.url == f"{stage.url}jobs/{job_id(3)}"
