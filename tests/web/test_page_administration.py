"""The page's other views on the stage: queues, endpoints, and the way between them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from services.gateway import resources
from tests.web import scenery
from tests.web.chromium import NARROW, WIDE, tab
from tests.web.stage import Stage
from tests.web.test_page import violations

VIEWS = [
    ("queues", ".queues tbody tr"),
    ("endpoints?endpoint=stockholm", ".plot canvas"),
    ("overview", ".flows"),
    ("submit", ".form"),
    ("submit?kind=compute", ".form"),
]


@pytest.fixture
def opened(stage: Stage, page: Page) -> Page:
    scenery.set_up(stage)
    page.goto(f"{stage.url}queues")
    expect(page.locator(".connection")).to_have_text("live")
    return page


def line(page: Page, code: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=code))


def test_each_view_has_an_address_a_link_and_a_pair_of_keys(stage: Stage, opened: Page) -> None:
    pages = opened.get_by_role("navigation", name="Pages")
    expect(pages.get_by_role("link", name="Queues")).to_have_attribute("aria-current", "page")
    expect(opened).to_have_title(re.compile("Queues · Haulage$"))
    for key, path in (("e", "endpoints"), ("o", "overview"), ("j", ""), ("q", "queues")):
        opened.keyboard.press("g")
        opened.keyboard.press(key)
        expect(opened).to_have_url(f"{stage.url}{path}")
    pages.get_by_role("link", name="Jobs").click()
    expect(opened.locator(".row").first).to_be_visible()
    opened.go_back()
    expect(opened.get_by_role("rowheader")).to_have_count(3)
    opened.reload()
    expect(opened.get_by_role("rowheader")).to_have_count(3)
    opened.keyboard.press("?")
    expect(opened.get_by_role("dialog", name="Keyboard")).to_contain_text("to endpoints")
    opened.keyboard.press("Escape")
    opened.keyboard.press("n")
    expect(opened).to_have_url(f"{stage.url}submit")


def test_queues_stand_in_the_order_of_their_priority(opened: Page) -> None:
    expect(opened.get_by_role("rowheader")).to_have_text(["high", "mediumdefault", "low"])
    expect(line(opened, "high")).to_contain_text("999")


def test_a_queue_is_made_and_stands_where_its_priority_says(stage: Stage, opened: Page) -> None:
    opened.get_by_role("button", name="New queue").press("Enter")
    form = opened.get_by_role("dialog", name="New queue")
    form.get_by_label("Code").fill("rush")
    form.get_by_label("Priority").fill("1000")
    form.get_by_label("Description").fill("today's")
    form.get_by_label("Takes the jobs that name no queue").check()
    opened.keyboard.press("Enter")
    expect(opened.get_by_role("rowheader").first).to_have_text("rushdefault")
    expect(opened.get_by_role("status").filter(has_text="rush is there.")).to_be_visible()
    [(verb, _, told)] = stage.desk.told
    assert (verb, told) == (
        "create",
        {
            "code": "rush",
            "priority": 1000,
            "description": "today's",
            "default": True,
            "compute_default": False,
        },
    )


def test_a_refused_change_says_what_is_wrong_and_keeps_what_was_typed(
    stage: Stage, opened: Page
) -> None:
    stage.refusals["edit"] = (409, "there is a queue 'high' already")
    line(opened, "low").get_by_role("button", name="Edit queue low").click()
    form = opened.get_by_role("dialog", name="Queue low")
    form.get_by_label("Code").fill("high")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("alert")).to_have_text("there is a queue 'high' already")
    expect(form.get_by_label("Code")).to_have_value("high")
    del stage.refusals["edit"]
    form.get_by_label("Code").fill("nights")
    form.get_by_label("Priority").fill("2")
    form.get_by_role("button", name="Save").click()
    expect(line(opened, "nights")).to_contain_text("2")
    expect(opened.get_by_role("button", name="Edit queue nights")).to_be_focused()


def test_the_default_queue_cannot_be_made_none_or_deleted(stage: Stage, opened: Page) -> None:
    remove = opened.get_by_role("button", name="Delete queue medium")
    expect(remove).to_be_disabled()
    expect(remove).to_have_attribute(
        "title", "Delete queue medium: Make another queue the default first."
    )
    opened.get_by_role("button", name="Edit queue medium").click()
    expect(opened.get_by_label("Takes the jobs that name no queue")).to_be_disabled()
    opened.get_by_role("button", name="Save").click()
    expect(opened.get_by_role("dialog")).to_have_count(0)
    assert stage.desk.told[0][2]["default"] is None


def test_deleting_asks_and_says_where_the_jobs_went(stage: Stage, opened: Page) -> None:
    opened.get_by_role("button", name="Delete queue low").click()
    question = opened.get_by_role("dialog", name="Delete queue low?")
    expect(question).to_contain_text("go to the bottom of medium")
    question.get_by_role("button", name="Keep").click()
    assert stage.desk.told == []
    opened.get_by_role("button", name="Delete queue low").click()
    question.get_by_role("button", name="Delete", exact=True).click()
    expect(opened.get_by_role("rowheader")).to_have_count(2)
    expect(opened.get_by_role("status").filter(has_text="40 jobs went to medium.")).to_be_visible()


def test_a_queue_is_held_and_let_go_from_its_line(opened: Page) -> None:
    opened.get_by_role("button", name="Pause queue low").click()
    expect(line(opened, "low")).to_contain_text("paused")
    opened.get_by_role("button", name="Resume queue low").click()
    expect(line(opened, "low")).to_contain_text("enabled")
    opened.get_by_role("button", name="Settings of queue low").click()
    expect(opened.get_by_role("dialog", name="Settings of queue low")).to_be_visible()


def test_who_may_not_sees_why_not(stage: Stage, page: Page) -> None:
    scenery.set_up(stage)
    stage.me = resources.Me("eve", "employee")
    page.goto(f"{stage.url}queues")
    expect(page.locator(".note")).to_contain_text("is for an admin; you are eve, employee.")
    expect(page.get_by_role("button", name="New queue")).to_be_disabled()
    expect(page.get_by_role("button", name="Edit queue low")).to_be_disabled()
    expect(page.get_by_role("button", name="Pause queue low")).to_be_enabled()
    stage.me = resources.Me("bob", "user")
    page.reload()
    expect(page.get_by_role("button", name="Pause queue low")).to_be_disabled()


def test_before_the_queues_are_read_the_page_says_why(stage: Stage, page: Page) -> None:
    scenery.set_up(stage)
    stage.is_down = True
    page.goto(f"{stage.url}queues")
    expect(page.locator(".state")).to_contain_text("The read side is starting.")
    stage.is_down = False
    expect(page.get_by_role("rowheader")).to_have_count(3)


def machine(page: Page, name: str) -> Locator:
    return page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=name))


def test_endpoints_say_what_they_are_at_and_open_to_more(stage: Stage, opened: Page) -> None:
    opened.goto(f"{stage.url}endpoints")
    stockholm = machine(opened, "stockholm")
    expect(stockholm).to_contain_text("1 job · 3 of 8 lanes busy")
    expect(stockholm).to_contain_text("incoming (full, 300 GB free)")
    expect(machine(opened, "berlin")).to_contain_text("disabled by anna")
    stockholm.get_by_role("button", name="Details of stockholm").press("Enter")
    details = opened.get_by_role("region", name="Details of stockholm")
    expect(details).to_contain_text("64 cores, 275 GB memory")
    expect(details).to_contain_text("reaches hq; cannot reach berlin")
    expect(details.get_by_role("list", name="Running there")).to_contain_text("sh010_comp_v014")
    graph = details.get_by_role("img", name="received at most 100 MB/s, sent at most 100 MB/s")
    expect(graph.locator("canvas")).to_be_visible()
    opened.reload()
    expect(details).to_be_visible()


def test_an_endpoint_is_taken_out_of_use_and_given_back(stage: Stage, opened: Page) -> None:
    opened.goto(f"{stage.url}endpoints")
    hq = machine(opened, "hq")
    hq.get_by_role("button", name="Disable").click()
    question = opened.get_by_role("dialog", name="Disable hq?")
    expect(question).to_contain_text("Its transfers stop at once")
    stage.refusals["disable"] = (409, "not now")
    question.get_by_role("button", name="Disable", exact=True).click()
    expect(question.get_by_role("alert")).to_have_text("not now")
    del stage.refusals["disable"]
    question.get_by_role("button", name="Disable", exact=True).click()
    expect(hq).to_contain_text("disabled by admin")
    hq.get_by_role("button", name="Enable").click()
    expect(hq).not_to_contain_text("disabled")
    assert [verb for verb, _, _ in stage.desk.told] == ["disable", "disable", "enable"]


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_axe_finds_nothing_to_complain_of_in_any_view(
    stage: Stage, chromium: Browser, sources: Path, size: tuple[int, int]
) -> None:
    scenery.set_up(stage)
    with tab(chromium, size, "dark") as page:
        for place, ready in VIEWS:
            page.goto(stage.url + place)
            expect(page.locator(ready).first).to_be_visible()
            page.add_script_tag(path=sources / "node_modules/axe-core/axe.min.js")
            assert violations(page) == [], place
        page.goto(f"{stage.url}queues")
        page.get_by_role("button", name="Edit queue low").click()
        page.add_script_tag(path=sources / "node_modules/axe-core/axe.min.js")
        assert violations(page) == []
