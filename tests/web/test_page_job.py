"""A job by itself: its own address, its tabs, why it waits, its log and the logs of its tasks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from services.gateway import resources
from services.gateway.log_resources import OutputLine, TaskOutput
from tests.web import scenery
from tests.web.scenery import job_id
from tests.web.stage import Stage
from tests.web.test_page import row, violations
from tests.web.test_page_compute import computing, frame


@pytest.fixture
def opened(stage: Stage, page: Page) -> Page:
    scenery.set_up(stage)
    page.goto(f"{stage.url}jobs/{job_id(2)}")
    expect(page.locator(".connection")).to_have_text("live")
    return page


def test_a_job_has_an_address_of_its_own_and_a_way_back(stage: Stage, opened: Page) -> None:
    expect(opened.get_by_role("heading", name="sh020_plates")).to_be_visible()
    foot = opened.locator(".foot")
    expect(foot).to_contain_text("hq:projects/sh020_plates/ › stockholm:incoming/sh020_plates/")
    expect(foot).to_contain_text(job_id(2))
    opened.keyboard.press("p")
    expect(opened.locator(".job-top")).to_contain_text("paused")
    opened.get_by_role("button", name="Top").click()
    opened.get_by_label("Move to queue").select_option("low")
    expect(opened.locator(".facts")).to_contain_text("low")
    told = [(verb, body) for verb, _, body in stage.heard(3)[1:]]
    assert [body for _, body in told] == [
        f'{{"jobs":["{job_id(2)}"],"to":"top"}}',
        f'{{"jobs":["{job_id(2)}"],"queue":"low","to":"bottom"}}',
    ]
    opened.get_by_role("link", name="Active jobs").click()
    expect(row(opened, 2)).to_be_focused()
    opened.keyboard.press("Home")
    row(opened, 1).click()
    opened.get_by_role("link", name="Own page of sh010").click()
    expect(opened).to_have_url(f"{stage.url}jobs/{job_id(1)}")
    opened.get_by_role("link", name="Active jobs").click()
    expect(opened).to_have_url(f"{stage.url}?job={job_id(1)}")


def test_an_address_of_no_job_says_so(stage: Stage, page: Page) -> None:
    page.goto(f"{stage.url}jobs/{'0' * 24}")
    expect(page.locator(".state")).to_contain_text("There is no such job.")


def test_tabs_are_one_stop_and_are_chosen_by_arrows(opened: Page, sources: Path) -> None:
    opened.get_by_role("tab", name="Tasks").focus()
    for name in ("Log", "Graph", "Why", "Settings"):
        opened.keyboard.press("ArrowRight")
        expect(opened.get_by_role("tab", name=name)).to_be_focused()
        expect(opened.get_by_role("tabpanel", name=name)).to_be_visible()
    assert opened.url.endswith("?show=settings")
    stops = opened.get_by_role("tablist").locator("[tabindex='0']")
    expect(stops).to_have_text(["Settings"])
    opened.keyboard.press("Home")
    expect(opened.get_by_role("tab", name="Tasks")).to_be_focused()


def test_every_tab_is_readable_by_all(stage: Stage, page: Page, sources: Path) -> None:
    scenery.set_up(stage)
    page.goto(f"{stage.url}jobs/{job_id(1)}")
    page.add_script_tag(path=sources / "node_modules/axe-core/axe.min.js")
    for name in ("Tasks", "Log", "Graph", "Why", "Settings"):
        page.get_by_role("tab", name=name).click()
        expect(page.get_by_role("tabpanel").locator("> *").last).to_be_visible()
        assert violations(page) == []


def test_all_reasons_stand_with_buttons_that_end_them(stage: Stage, opened: Page) -> None:
    opened.get_by_role("tab", name="Why").click()
    reasons = opened.locator(".reasons li")
    expect(reasons).to_have_count(2)
    first, second = reasons.nth(0), reasons.nth(1)
    expect(first).to_contain_text("Until sh010_comp_v014 ends, or this job is moved above it.")
    expect(opened.locator(".causes")).to_contain_text("7 min")
    first.get_by_role("button", name="Move above sh010_comp_v014").click()
    expect(opened.locator(".facts")).to_contain_text("high [1]")
    second.get_by_role("button", name="Resume queue low").click()
    first.get_by_role("button", name="Pause sh010_comp_v014").click()
    expect(first.get_by_role("button", name="Pause")).to_have_count(0)
    assert [verb for verb, _, _ in stage.heard(3)] == ["move", "resume", "pause"]
    stage.reasons.clear()
    stage.put(replace(stage.jobs[job_id(2)], status="paused", reason=None))
    expect(opened.get_by_role("tabpanel")).to_contain_text("It does not wait: it is paused.")
    opened.get_by_role("tabpanel").get_by_role("button", name="Resume").click()
    expect(opened.get_by_role("tabpanel")).to_contain_text("it is waiting")


def test_a_user_is_offered_only_what_a_user_may(stage: Stage, page: Page) -> None:
    scenery.set_up(stage)
    stage.me = resources.Me("otto", "user")
    page.goto(f"{stage.url}jobs/{job_id(2)}?show=why")
    expect(page.get_by_role("button", name="Move above")).to_be_visible()
    expect(page.get_by_role("button", name="Resume queue")).to_have_count(0)


def test_the_log_is_filtered_by_text_and_kind_and_shows_what_is_stored(
    stage: Stage, page: Page
) -> None:
    scenery.set_up(stage)
    page.goto(f"{stage.url}jobs/{job_id(1)}?show=log")
    lines = page.locator(".log .line")
    expect(lines).to_have_count(7)
    page.get_by_label("Filter the log by text").fill("ANNA")
    expect(lines).to_have_count(3)
    expect(page.get_by_role("status").filter(has_text="lines")).to_have_text("3 of 7 lines")
    lines.first.get_by_role("button", name="JSON of").click()
    expect(lines.first.locator("pre")).to_contain_text('"actor": "anna"')
    stage.logs[job_id(1)].append(replace(stage.logs[job_id(1)][0], index=99, type="job.other"))
    stage.put(stage.jobs[job_id(1)])
    expect(lines).to_have_count(4)
    page.get_by_label("Filter the log by kind").select_option("job.other")
    expect(lines).to_have_count(1)


WROTE = [
    OutputLine(number, scenery.NOW, text)
    for number, text in enumerate(
        [
            *(f"sample {number}" for number in range(300)),
            "\x1b[31mout of memory\x1b[0m",
            "10 %\r20 %",
        ]
    )
]


def test_the_process_log_of_a_try_is_followed_coloured_searched_and_saved(
    stage: Stage, page: Page, sources: Path
) -> None:
    scenery.set_up(stage)
    stage.put(computing(50, status="running", progress=0.6, tasks_done=0))
    stage.tasks[job_id(50)] = [frame(0, "executing")]
    stage.attempts = [replace(one, exit_code=0) for one in scenery.ATTEMPTS]
    stage.output = TaskOutput(job_id(50), 0, 3, 5, "hq", "executing", False, WROTE, 301, False)
    page.goto(f"{stage.url}jobs/{job_id(50)}")
    page.get_by_role("button", name="1 try of 1001").click()
    output = page.get_by_role("region", name="Process log of try 3")
    expect(output).to_contain_text("live")
    expect(output.locator(".line").last).to_have_text("20 %")
    red = output.get_by_text("out of memory")
    assert red.evaluate("one => one.style.color") == "var(--ansi-1)"
    page.add_script_tag(path=sources / "node_modules/axe-core/axe.min.js")
    assert violations(page) == []
    more = [*WROTE, OutputLine(302, scenery.NOW, "saved")]
    stage.output = replace(stage.output, lines=more, over=True)
    expect(output.locator(".line").last).to_have_text("saved")
    expect(output).to_contain_text("303 lines")
    search = output.get_by_label("Search the process log")
    search.fill("SAMPLE 1")
    expect(output.get_by_role("status")).to_have_text("1 of 111")
    search.press("Enter")
    expect(output.get_by_role("status")).to_have_text("2 of 111")
    expect(output.locator("[data-found=here]")).to_have_text("sample 10")
    with page.expect_download() as saved:
        output.get_by_role("button", name="Download").click()
    text = saved.value.path().read_bytes()
    assert text.startswith(b"sample 0\n")
    assert text.endswith(b"\x1b[31mout of memory\x1b[0m\n10 %\r20 %\nsaved\n")
    assert re.fullmatch(r"[0-9a-f]{24}-task-0-try-3\.log", saved.value.suggested_filename)
