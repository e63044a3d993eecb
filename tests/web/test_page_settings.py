"""Settings on the page, on the stage: whose they are, where each is from, changed and unset."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web import scenery
from tests.web.scenery import job_id
from tests.web.stage import Stage


@pytest.fixture
def opened(stage: Stage, page: Page) -> Page:
    scenery.set_up(stage)
    page.goto(stage.url)
    expect(page.locator(".connection")).to_have_text("live")
    return page


def line(sheet: Locator, name: str) -> Locator:
    return sheet.locator("li", has=sheet.page.get_by_text(name, exact=True))


def test_a_setting_of_the_workspace_is_changed_and_unset_by_keyboard(
    stage: Stage, opened: Page
) -> None:
    opened.get_by_role("button", name="Settings of the workspace").press("Enter")
    sheet = opened.get_by_role("dialog", name="Settings of the workspace")
    stall = line(sheet, "stall_s")
    expect(stall).to_contain_text("5 to 86400 s")
    expect(stall).to_contain_text("default")
    field = sheet.get_by_label("stall_s")
    field.fill("60")
    field.press("Enter")
    expect(stall).to_contain_text("set here")
    expect(field).to_have_value("60")
    sheet.get_by_label("job_on_missing").select_option("ignore")
    expect(line(sheet, "job_on_missing")).to_contain_text("set here")
    stall.get_by_role("button", name="Unset stall_s").press("Enter")
    expect(field).to_have_value("300")
    field.fill("7")
    opened.keyboard.press("Escape")
    expect(sheet).not_to_be_visible()
    expect(opened.get_by_role("button", name="Settings of the workspace")).to_be_focused()
    assert [told for _, _, told in stage.heard(3)] == [
        '{"set":{"stall_s":60}}',
        '{"set":{"job_on_missing":"ignore"}}',
        '{"unset":["stall_s"]}',
    ]


def test_a_change_that_is_refused_is_told_in_words_and_taken_back(
    stage: Stage, opened: Page
) -> None:
    stage.refusals["change"] = (403, "this is for an admin: ask one to do it")
    opened.get_by_role("button", name="Settings of queue low").click()
    sheet = opened.get_by_role("dialog", name="Settings of queue low")
    expect(line(sheet, "stall_s")).to_contain_text("from the workspace")
    field = sheet.get_by_label("transfer_concurrent")
    field.fill("3")
    field.press("Tab")
    expect(sheet.get_by_role("alert")).to_have_text("this is for an admin: ask one to do it")
    expect(field).to_have_value("1")


def test_the_settings_of_a_job_are_a_key_away_and_keys_there_are_its_own(
    stage: Stage, opened: Page
) -> None:
    opened.locator(f"#job-{job_id(1)}").focus()
    opened.keyboard.press("s")
    sheet = opened.get_by_role("dialog", name="Settings of job sh010_comp_v014")
    expect(line(sheet, "job_max_retries")).to_contain_text("from the workspace")
    sheet.get_by_label("job_max_retries").press("2")
    opened.keyboard.press("p")
    expect(sheet).to_be_visible()
    assert stage.asked == []
    stage.refusals["change"] = (422, "give a whole number from 0 to 1000")
    sheet.get_by_role("button", name="Close").click()
    expect(sheet).not_to_be_visible()
    assert [told for _, _, told in stage.heard(1)] == ['{"set":{"job_max_retries":"2p5"}}']
    expect(opened.get_by_role("alert")).to_contain_text("give a whole number from 0 to 1000")
    opened.keyboard.press("Enter")
    opened.locator(".details").get_by_role("tab", name="Settings").click()
    tab = opened.get_by_role("region", name="Settings of this job")
    expect(line(tab, "job_max_retries")).to_contain_text("from the workspace")
