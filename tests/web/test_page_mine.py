"""My jobs: the ring in the corner, the tab's title and icon, the drawer, and news of an end."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from services.gateway import resources
from tests.web import scenery
from tests.web.scenery import job_id
from tests.web.stage import Stage
from tests.web.test_page import violations

NOTED = """
    window.noted = [];
    window.Notification = class {
        static permission = "granted";
        static requestPermission = async () => "granted";
        constructor(title, options) { window.noted.push([title, options.body]); }
    };
"""


@pytest.fixture
def opened(stage: Stage, page: Page) -> Page:
    scenery.set_up(stage)
    stage.me = resources.Me("anna", "employee")
    page.add_init_script(NOTED)
    page.goto(stage.url)
    expect(page.locator(".connection")).to_have_text("live")
    return page


def test_the_corner_the_title_and_the_icon_tell_of_my_oldest_running_job(
    stage: Stage, opened: Page
) -> None:
    ring = opened.locator(".ring")
    expect(ring).to_have_accessible_name("My jobs: sh010_comp_v014, 42 % · 59 s")
    expect(opened).to_have_title("42 % · 59 s · 2 running · Haulage")
    stage.tick(resources.Progress(job_id(1), 21 * 10**9, 500e6, 42.0, 0.5, 156))
    expect(ring).to_have_text("50 % · 42 s")
    expect(opened).to_have_title("50 % · 42 s · 2 running · Haulage")
    icon = opened.locator("link[rel=icon]")
    assert (icon.get_attribute("href") or "").startswith("data:image/svg+xml,")
    stage.put(replace(stage.jobs[job_id(1)], status="paused"))
    expect(ring).to_have_accessible_name("My jobs")
    expect(opened).to_have_title("1 running · Haulage")
    expect(icon).to_have_attribute("href", "/favicon.svg")


def test_a_drawer_has_my_jobs_and_only_mine(stage: Stage, opened: Page, sources: Path) -> None:
    stage.put(replace(stage.jobs[job_id(101)], user="anna"))
    opened.locator(".ring").click()
    drawer = opened.get_by_role("complementary", name="My jobs")
    links = drawer.get_by_role("link")
    expect(links).to_have_text(["sh010_comp_v014", "delivery_101"])
    opened.add_script_tag(path=sources / "node_modules/axe-core/axe.min.js")
    assert violations(opened) == []
    opened.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(opened.locator(".ring")).to_be_focused()
    opened.keyboard.press("Enter")
    links.first.click()
    expect(opened).to_have_url(f"{stage.url}jobs/{job_id(1)}")


def test_news_of_an_end_come_only_if_they_are_wished(stage: Stage, opened: Page) -> None:
    running = stage.jobs[job_id(1)]
    stage.put(replace(running, status="failed", error_message="disk full"))
    expect(opened.locator(".row", has_text="disk full")).to_be_visible()
    opened.locator(".ring").click()
    opened.get_by_label("Notify me").check()
    stage.put(running)
    expect(opened.locator(".ring")).to_contain_text("42 %")
    again = scenery.ahead(seconds=60)
    stage.put(replace(running, status="failed", retry_at=again, error_message="no"))
    stage.put(running)
    expect(opened.locator(".ring")).to_contain_text("42 %")
    stage.put(replace(running, status="done", progress=1.0, finished_at=scenery.NOW))
    opened.wait_for_function("window.noted.length > 0")
    assert [title for title, _ in opened.evaluate("window.noted")] == ["sh010_comp_v014 is done"]
