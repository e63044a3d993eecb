"""Jobs carried to another place, by mouse and by keyboard, with a preview of where they land."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.web import scenery
from tests.web.scenery import job, job_id
from tests.web.stage import Stage
from tests.web.test_page import names, row


@pytest.fixture
def opened(stage: Stage, page: Page) -> Page:
    scenery.set_up(stage)
    page.goto(stage.url)
    expect(page.locator(".connection")).to_have_text("live")
    return page


def carry_to(page: Page, number: int, above: bool) -> None:
    """With the button held: into the upper or the lower half of a row."""
    box = row(page, number).bounding_box()
    assert box is not None
    y = box["y"] + (6 if above else box["height"] - 6)
    page.mouse.move(box["x"] + 300, y - 3)
    page.mouse.move(box["x"] + 300, y, steps=3)


def told(stage: Stage, count: int = 1) -> list[str]:
    return [body for verb, _, body in stage.heard(count) if verb == "move"]


def test_a_job_is_dragged_between_two_others_and_shows_where_it_will_be(
    stage: Stage, opened: Page
) -> None:
    row(opened, 10).hover()
    opened.mouse.down()
    carry_to(opened, 2, above=True)
    expect(row(opened, 1).locator(".landing")).to_have_text("high [2]")
    carry_to(opened, 2, above=False)
    expect(row(opened, 2).locator(".landing")).to_have_text("high [3]")
    opened.mouse.up()
    expect(opened.locator(".landing")).to_have_count(0)
    expect(opened.locator(".row .name").nth(2)).to_have_text(r"invoice\u{202e}gpj.exe")
    assert told(stage) == [f'{{"jobs":["{job_id(10)}"],"after":"{job_id(2)}"}}']
    expect(opened.locator("[aria-live]")).to_have_text(r"invoice\u{202e}gpj.exe moved to high [3]")


def test_selected_jobs_are_dragged_together_onto_a_queue(stage: Stage, opened: Page) -> None:
    opened.get_by_label("Select sh020_plates").click()
    row(opened, 3).click(modifiers=["Control"])
    row(opened, 3).hover()
    opened.mouse.down()
    head = opened.locator(".head", has_text="medium")
    box = head.bounding_box()
    assert box is not None
    opened.mouse.move(box["x"] + 200, box["y"] + 10)
    opened.mouse.move(box["x"] + 200, box["y"] + 20, steps=3)
    expect(head.locator(".landing")).to_have_text("medium [6–7]")
    opened.mouse.up()
    expect(opened.locator(".head", has_text="high").locator(".counts")).to_have_text("1 running")
    ids = f'"{job_id(2)}","{job_id(3)}"'
    assert told(stage) == [f'{{"jobs":[{ids}],"queue":"medium","to":"bottom"}}']


def test_escape_takes_a_drag_back(stage: Stage, opened: Page) -> None:
    row(opened, 10).hover()
    opened.mouse.down()
    carry_to(opened, 2, above=True)
    expect(opened.locator(".landing")).to_be_visible()
    opened.keyboard.press("Escape")
    opened.mouse.up()
    expect(opened.locator(".landing")).to_have_count(0)
    assert told(stage, 0) == []


def test_a_drag_near_the_edge_scrolls_the_list(opened: Page) -> None:
    row(opened, 2).hover()
    opened.mouse.down()
    opened.mouse.move(300, 500)
    opened.mouse.move(300, 888, steps=4)
    scrolled = "() => document.querySelector('.scroller').scrollTop > 200"
    opened.wait_for_function(scrolled)
    opened.keyboard.press("Escape")
    opened.mouse.up()


def test_a_job_is_carried_by_keyboard_and_its_place_is_said(stage: Stage, opened: Page) -> None:
    press, said = opened.keyboard.press, opened.locator("[aria-live]")
    row(opened, 3).focus()
    press("m")
    expect(said).to_contain_text("arrows carry, Enter puts down, Escape cancels. place 3 of queue")
    press("ArrowUp")
    expect(said).to_have_text("place 2 of queue high")
    expect(row(opened, 1).locator(".landing")).to_have_text("high [2]")
    press("End")
    expect(said).to_have_text("place 41 of queue low")
    expect(row(opened, 59).locator(".landing")).to_be_in_viewport()
    press("Escape")
    expect(said).to_have_text("Not moved.")
    assert told(stage, 0) == []
    row(opened, 3).focus()
    press("m")
    press("Home")
    press("Enter")
    expect(opened.locator(".row .name").first).to_contain_text("titles_final")
    assert told(stage) == [f'{{"jobs":["{job_id(3)}"],"queue":"high","to":"top"}}']


def test_alt_and_an_arrow_move_a_job_by_one_place(stage: Stage, opened: Page) -> None:
    row(opened, 2).focus()
    opened.keyboard.press("Alt+ArrowDown")
    expect(opened.locator(".row .name").nth(2)).to_have_text("sh020_plates")
    expect(row(opened, 2)).to_be_focused()
    opened.keyboard.press("Alt+ArrowUp")
    expect(opened.locator(".row .name").nth(1)).to_have_text("sh020_plates")
    assert told(stage, 2) == [
        f'{{"jobs":["{job_id(2)}"],"after":"{job_id(3)}"}}',
        f'{{"jobs":["{job_id(2)}"],"after":"{job_id(1)}"}}',
    ]


def test_a_sorted_list_has_no_places_to_drop_on(stage: Stage, opened: Page) -> None:
    opened.goto(f"{stage.url}?sort=name")
    row(opened, 10).hover()
    opened.mouse.down()
    carry_to(opened, 2, above=True)
    opened.mouse.up()
    assert told(stage, 0) == []


def test_a_refused_move_is_told(stage: Stage, opened: Page) -> None:
    stage.refusals["move"] = (409, "it is done: only what waits can be moved")
    before = names(opened)[:3]
    row(opened, 2).focus()
    opened.keyboard.press("Alt+ArrowDown")
    expect(opened.get_by_role("alert")).to_contain_text("Could not move sh020_plates: it is done")
    assert names(opened)[:3] == before
    stage.put(job(2, "sh020_plates", queue="high"))
