"""Queues on the page, on the stage: their heads, and what becomes of their jobs."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from playwright.sync_api import Locator, Page, expect

from services.scheduler.commands import Holder, Reason
from tests.web import scenery
from tests.web.scenery import job_id
from tests.web.stage import Stage

LOW = job_id(902)


@pytest.fixture
def opened(stage: Stage, page: Page) -> Page:
    scenery.set_up(stage)
    page.goto(stage.url)
    expect(page.locator(".connection")).to_have_text("live")
    return page


def head(page: Page, code: str) -> Locator:
    return page.locator(".head", has=page.locator(".title", has_text=code))


def test_a_queue_is_held_and_let_go_in_its_head(stage: Stage, opened: Page) -> None:
    high = head(opened, "high")
    high.get_by_role("button", name="Pause queue high").click()
    expect(high).to_contain_text("queue paused")
    held = Reason("queue_paused", "queue high is paused", Holder("queue", LOW, "high"), None, "")
    stage.put(replace(stage.jobs[job_id(2)], reason=held))
    expect(opened.locator(f"#job-{job_id(2)}")).to_contain_text("queue high is paused")
    expect(opened.locator(f"#job-{job_id(2)}")).to_have_attribute("data-status", "waiting")
    high.get_by_role("button", name="Resume queue high").click()
    expect(high).not_to_contain_text("queue paused")
    assert [(verb, told) for verb, told, _ in stage.heard(2)] == [
        ("pause", job_id(900)),
        ("resume", job_id(900)),
    ]


def test_who_may_not_hold_a_queue_is_told_so(stage: Stage, opened: Page) -> None:
    stage.refusals["pause"] = (403, "this is for an admin or an employee: ask one to do it")
    head(opened, "low").get_by_role("button", name="Pause queue low").press("Enter")
    expect(opened.get_by_role("alert")).to_contain_text(
        "Could not pause queue low: this is for an admin or an employee"
    )
    expect(head(opened, "low")).not_to_contain_text("paused")


def test_a_deleted_queue_disappears_and_its_jobs_stand_where_they_went(
    stage: Stage, opened: Page
) -> None:
    opened.get_by_label("All queues").check()
    low = stage.queues[2]
    for one in [one for one in stage.jobs.values() if one.queue == "low"]:
        stage.put(replace(one, queue="medium", place=f"z{one.place}"))
    stage.put_queue(replace(low, status="deleted"))
    expect(opened.locator(".head .title")).to_have_text(["high", "medium"])
    expect(opened.locator(".tabs a").first).to_have_text("Active 50")


def test_a_queue_with_another_code_keeps_its_jobs(stage: Stage, opened: Page) -> None:
    stage.put_queue(replace(stage.queues[0], code="rush", priority=2))
    expect(opened.locator(".head .title").first).to_have_text("medium")
    stage.put_queue(replace(stage.queues[-1], priority=1000, compute_default=True))
    expect(opened.locator(".head .title").first).to_have_text("rush")
    expect(head(opened, "rush")).to_contain_text("priority 1000 · compute default")
    expect(head(opened, "rush")).to_contain_text("1 running")
