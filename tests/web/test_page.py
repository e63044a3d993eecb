"""The page in a real browser, on the stage: what it shows, and what its buttons and keys do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, Locator, Page, expect

from services.gateway import resources
from tests.web import scenery
from tests.web.chromium import NARROW, WIDE, tab
from tests.web.scenery import job, job_id, running
from tests.web.stage import Stage


@pytest.fixture
def opened(stage: Stage, page: Page) -> Page:
    scenery.set_up(stage)
    page.goto(stage.url)
    expect(connection(page)).to_have_text("live")
    return page


def connection(page: Page) -> Locator:
    return page.locator(".connection")


def row(page: Page, number: int) -> Locator:
    return page.locator(f"#job-{job_id(number)}")


def names(page: Page) -> list[str]:
    return page.locator(".row .name").all_inner_texts()


def test_jobs_stand_under_their_queues_in_the_order_of_priority_and_place(opened: Page) -> None:
    heads = opened.locator(".head .title")
    expect(heads.nth(0)).to_have_text("high")
    expect(heads.nth(1)).to_have_text("medium")
    expect(heads.nth(2)).to_have_text("low")
    assert names(opened)[:4] == [
        "sh010_comp_v014",
        "sh020_plates",
        "titles_final_FINAL_v3_really_the_last_one_with_subtitles_de_fr_es",
        "dailies_2026-11-22",
    ]
    expect(opened.locator(".tabs a").nth(0)).to_have_text("Active 50")
    expect(opened.locator(".tabs a").nth(1)).to_have_text("Finished 15")


def test_a_waiting_job_says_why_it_waits(opened: Page) -> None:
    expect(row(opened, 2)).to_contain_text("behind sh010_comp_v014 on hq–stockholm, since")


def test_a_waiting_job_says_when_it_should_start_and_how_sure_that_is(
    stage: Stage, opened: Page
) -> None:
    clock = r"\d\d:\d\d"
    starts = row(opened, 2).locator(".eta")
    expect(starts).to_have_text(re.compile(f"^starts ~({clock}|.+)$"))
    interval = f"about .*{clock} \\(.*{clock}–.*{clock}\\)"
    known = "measured on 7 finished transfers"
    told = re.compile(f"^Starts {interval}\nEnds {interval}\n{known}")
    expect(starts).to_have_attribute("title", told)
    row(opened, 2).get_by_role("button", name="Details").click()
    facts = opened.locator(".facts")
    expect(facts).to_contain_text(re.compile(f"Starts{interval}"))
    expect(facts).to_contain_text(known)
    stage.put(replace(stage.jobs[job_id(2)], estimate=scenery.expected(0)))
    expect(starts).to_have_text("starts soon")
    stage.put(replace(stage.jobs[job_id(2)], estimate=None))
    expect(starts).to_have_text("")
    expect(facts).not_to_contain_text(known)


def test_what_is_in_sight_deep_in_a_line_is_read_again(stage: Stage, page: Page) -> None:
    """The stream tells how the first of each line stand; of the others a page asks."""
    scenery.set_up(stage)
    near, deep = stage.jobs[job_id(2)], stage.jobs[job_id(3)]
    stage.put(replace(near, position=2))
    stage.put(replace(deep, position=300))
    page.clock.install()
    page.goto(stage.url)
    expect(row(page, 3)).to_contain_text("behind sh010_comp_v014")
    for one in (near, deep):
        moved = replace(stage.jobs[one.id], reason=scenery.behind("another"))
        stage.jobs[one.id] = moved
    page.clock.fast_forward(11_000)
    expect(row(page, 3)).to_contain_text("behind another")
    expect(row(page, 2)).to_contain_text("behind sh010_comp_v014")


def test_progress_moves_live_and_a_finished_job_leaves_after_a_while(
    stage: Stage, opened: Page
) -> None:
    one = row(opened, 1)
    expect(one.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "42")
    stage.tick(resources.Progress(job_id(1), 21 * 10**9, 500e6, 42.0, 0.5, 156))
    expect(one.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "50")
    expect(one).to_contain_text("500 MB/s")
    expect(one).to_contain_text("42 s")
    done = replace(
        stage.jobs[job_id(1)],
        status="done",
        progress=1.0,
        tasks_done=312,
        finished_at=scenery.NOW,
    )
    stage.put(done)
    expect(one).to_have_attribute("data-status", "done")
    expect(opened.locator(".tabs a").nth(0)).to_have_text("Active 49")
    expect(opened.locator(".tabs a").nth(1)).to_have_text("Finished 16")
    expect(one).to_be_hidden(timeout=9_000)
    opened.get_by_role("link", name="Finished").click()
    expect(one).to_be_visible()


def test_a_new_job_appears_and_a_moved_one_goes_to_its_place(stage: Stage, opened: Page) -> None:
    stage.put(job(300, "rush", queue="high", place="a0000"))
    expect(opened.locator(".row .name").first).to_have_text("rush")
    stage.put(replace(stage.jobs[job_id(300)], queue="medium", place="a0005V"))
    expect(opened.locator(".row .name").first).to_have_text("sh010_comp_v014")
    assert names(opened).index("rush") == names(opened).index("conform_reel_3") + 1


def test_what_i_do_shows_at_once_and_is_said_with_one_key(stage: Stage, opened: Page) -> None:
    stage.answer_s = 1.0
    row(opened, 1).get_by_role("button", name="Pause").click()
    expect(row(opened, 1)).to_have_attribute("data-status", "paused", timeout=300)
    expect(row(opened, 1)).to_have_attribute("data-pending", "")
    expect(row(opened, 1)).not_to_have_attribute("data-pending", "")
    expect(row(opened, 1)).to_have_attribute("data-status", "paused")
    [(verb, told, key)] = stage.heard(1)
    assert (verb, told) == ("pause", job_id(1))
    assert re.fullmatch("[0-9a-f]{32}", key)


def test_a_refusal_rolls_back_and_shows_its_message(stage: Stage, opened: Page) -> None:
    stage.refusals["resume"] = (409, "archive_show_A is being archived: wait for it")
    row(opened, 6).get_by_role("button", name="Resume").click()
    expect(opened.get_by_role("alert")).to_contain_text(
        "Could not resume archive_show_A: archive_show_A is being archived: wait for it"
    )
    expect(row(opened, 6)).to_have_attribute("data-status", "paused")
    opened.get_by_role("button", name="Dismiss").click()
    expect(opened.locator(".toast")).to_have_count(0)


def test_a_command_without_an_answer_is_repeated_with_the_same_key(
    stage: Stage, opened: Page
) -> None:
    stage.refusals["retry"] = (503, "nobody answers")
    row(opened, 7).get_by_role("button", name="Retry").click()
    opened.wait_for_timeout(500)
    stage.refusals.clear()
    expect(row(opened, 7)).to_have_attribute("data-status", "waiting")
    expect(row(opened, 7)).not_to_have_attribute("data-pending", "")
    keys = {key for _, _, key in stage.heard(2)}
    assert len(keys) == 1


def test_aborting_asks_in_place_and_takes_no_for_an_answer(stage: Stage, opened: Page) -> None:
    row(opened, 2).get_by_role("button", name="Abort").click()
    row(opened, 2).get_by_role("button", name="Keep").click()
    assert stage.asked == []
    row(opened, 2).get_by_role("button", name="Abort").click()
    row(opened, 2).get_by_role("button", name="Abort", exact=True).click()
    expect(row(opened, 2)).to_have_attribute("data-status", "aborted")
    assert [(verb, told) for verb, told, _ in stage.heard(1)] == [("abort", job_id(2))]


def test_the_page_can_be_used_by_keyboard_alone(stage: Stage, opened: Page) -> None:
    press = opened.keyboard.press
    press("j")
    press("ArrowDown")
    expect(row(opened, 2)).to_be_focused()
    press("k")
    expect(row(opened, 1)).to_be_focused()
    press("p")
    expect(row(opened, 1)).to_have_attribute("data-status", "paused")
    press("r")
    expect(row(opened, 1)).to_have_attribute("data-status", "waiting")
    press("Enter")
    expect(opened.get_by_role("region", name="Details of sh010_comp_v014")).to_be_visible()
    press("Enter")
    expect(opened.locator(".details")).to_have_count(0)
    press("x")
    press("Escape")
    expect(row(opened, 1)).to_be_focused()
    press("x")
    press("Enter")
    expect(row(opened, 1)).to_have_attribute("data-status", "aborted")
    expect(row(opened, 1)).not_to_have_attribute("data-pending", "")
    assert [verb for verb, _, _ in stage.heard(3)] == ["pause", "resume", "abort"]


def test_the_last_of_many_jobs_is_a_key_away(opened: Page) -> None:
    opened.keyboard.press("End")
    expect(row(opened, 59)).to_be_focused()
    expect(row(opened, 59)).to_be_in_viewport()
    expect(opened.locator(".item.stuck .title")).to_have_text("low")


def test_the_sheet_of_shortcuts_opens_and_closes(opened: Page) -> None:
    opened.keyboard.press("?")
    expect(opened.get_by_role("dialog", name="Keyboard")).to_be_visible()
    opened.keyboard.press("Escape")
    expect(opened.get_by_role("dialog")).to_have_count(0)


def test_the_address_keeps_tab_search_and_opened_jobs(stage: Stage, opened: Page) -> None:
    opened.keyboard.press("/")
    opened.keyboard.type("PLATES")
    expect(opened.locator(".row")).to_have_count(1)
    opened.keyboard.press("Enter")
    row(opened, 2).click()
    assert opened.url.endswith(f"/?search=PLATES&job={job_id(2)}")
    opened.reload()
    expect(opened.locator(".row")).to_have_count(1)
    expect(opened.locator(".details")).to_be_visible()
    opened.get_by_role("link", name="Finished").click()
    expect(opened.locator(".state")).to_contain_text("Nothing here matches “PLATES”")
    assert "state=finished" in opened.url
    opened.go_back()
    expect(row(opened, 2)).to_be_visible()


def test_an_opened_job_shows_its_facts_its_tasks_and_its_growing_log(
    stage: Stage, opened: Page
) -> None:
    row(opened, 1).click()
    details = opened.locator(".details")
    expect(details).to_contain_text("high [1]")
    expect(details).to_contain_text(job_id(1))
    expect(details.get_by_role("row").nth(1)).to_contain_text("sh010_comp_v014.1001.exr")
    assert details.get_by_role("row").count() < 60
    tasks = details.get_by_role("region", name="Tasks")
    tasks.evaluate("box => box.scrollTo(0, 1e6)")
    expect(details.get_by_role("row").last).to_contain_text("sh010_comp_v014.1214.exr")
    tasks.evaluate("box => box.scrollTo(0, 1e6)")
    expect(details.get_by_role("row").last).to_contain_text("sh010_comp_v014.1312.exr")
    details.get_by_role("tab", name="Log").click()
    expect(details.locator(".line")).to_have_count(7)
    stage.log(job_id(1), "gave way to rush", scenery.NOW)
    stage.put(replace(stage.jobs[job_id(1)], status="waiting"))
    expect(details.locator(".line").last).to_contain_text("gave way to rush")


def test_a_long_log_opens_at_its_end_and_reads_back_as_one_scrolls_up(
    stage: Stage, opened: Page
) -> None:
    for number in range(500):
        stage.log(job_id(2), f"event {number}", scenery.NOW)
    row(opened, 2).click()
    opened.get_by_role("tab", name="Log").click()
    lines = opened.locator(".line")
    expect(lines).to_have_count(200)
    expect(lines.last).to_be_in_viewport()
    for count in (400, 500):
        opened.locator(".log").evaluate("box => box.scrollTo(0, 0)")
        expect(lines).to_have_count(count)
    expect(lines.first).to_contain_text("event 0")


def test_a_lost_connection_says_so_and_goes_on_without_a_gap(stage: Stage, opened: Page) -> None:
    stage.is_down = True
    stage.cut()
    expect(connection(opened)).to_have_text("reconnecting")
    stage.put(running(2, "sh020_plates", 0.07, queue="high"))
    expect(connection(opened)).to_contain_text("as of", timeout=9_000)
    expect(opened.get_by_role("alert").first).to_contain_text("No connection to the server")
    expect(row(opened, 1).locator(".speed")).to_be_hidden()
    expect(row(opened, 2)).to_have_attribute("data-status", "waiting")
    stage.is_down = False
    expect(connection(opened)).to_have_text("live")
    expect(row(opened, 2)).to_have_attribute("data-status", "running")
    expect(row(opened, 1).locator(".speed")).to_be_visible()


def test_a_server_that_fell_silent_is_not_shown_as_live(stage: Stage, opened: Page) -> None:
    stage.is_silent = stage.is_down = True
    expect(connection(opened)).not_to_have_text("live", timeout=20_000)


def test_after_too_many_changes_the_lists_are_read_anew(stage: Stage, opened: Page) -> None:
    stage.is_down = stage.is_too_much = True
    stage.cut()
    expect(connection(opened)).to_have_text("reconnecting")
    stage.jobs.clear()
    stage.put(running(1, "sh010_comp_v014", 0.99, queue="high"))
    stage.is_down = False
    expect(connection(opened)).to_have_text("live")
    expect(opened.locator(".row")).to_have_count(1)
    expect(row(opened, 1)).to_contain_text("99 %")


def test_before_the_server_answers_the_page_says_so_and_tries_again(
    stage: Stage, page: Page
) -> None:
    scenery.set_up(stage)
    stage.is_down = True
    page.goto(stage.url)
    expect(page.locator(".state")).to_contain_text("The read side is starting.")
    stage.is_down = False
    expect(row(page, 1)).to_be_visible()
    expect(connection(page)).to_have_text("live")


def test_without_jobs_the_page_says_how_to_start_one(stage: Stage, page: Page) -> None:
    stage.queues = scenery.queues()
    page.goto(stage.url)
    expect(page.locator(".state")).to_contain_text("haulage submit transfer")
    page.get_by_label("All queues").check()
    expect(page.locator(".head .title")).to_have_text(["high", "medium", "low"])


def test_a_name_cannot_change_what_the_screen_says(opened: Page) -> None:
    expect(row(opened, 10).locator(".name")).to_have_text(r"invoice\u{202e}gpj.exe")
    stage_html = opened.content()
    assert "\u202e" not in stage_html


def test_five_thousand_jobs_stay_few_in_the_document(stage: Stage, page: Page) -> None:
    stage.queues = scenery.queues()
    for number in range(5_000):
        stage.put(job(1_000 + number, f"job{number:04d}", queue="low", place=f"b{number:05d}"))
    page.goto(stage.url)
    expect(page.locator(".tabs a").first).to_have_text("Active 5\u202f000")
    expect(page.locator(".row").first).to_be_visible()
    for _ in range(40):
        page.keyboard.press("End")
        if row(page, 5_999).is_visible():
            break
        page.wait_for_timeout(100)
    expect(row(page, 5_999)).to_be_focused()
    assert page.locator(".row").count() < 80


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_axe_finds_nothing_to_complain_of(
    stage: Stage, chromium: Browser, sources: Path, theme: str, size: tuple[int, int]
) -> None:
    scenery.set_up(stage)
    with tab(chromium, size, theme) as page:
        page.goto(f"{stage.url}?job={job_id(1)}&job={job_id(7)}")
        expect(page.locator(".task-table tbody tr").first).to_be_visible()
        page.add_script_tag(path=sources / "node_modules/axe-core/axe.min.js")
        assert violations(page) == []
        page.get_by_role("tab", name="Log").first.click()
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
        assert violations(page) == []


def violations(page: Page) -> list[str]:
    page.wait_for_timeout(300)  # A colour half-way through its transition has no contrast.
    found = page.evaluate("axe.run().then(result => result.violations)")
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]
