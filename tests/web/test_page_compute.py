"""Compute jobs in a browser: what they run, how many frames are done, and how far each one is."""

from __future__ import annotations

from msgspec.structs import replace
from playwright.sync_api import Page, expect

from services.gateway import resources
from tests.web import scenery
from tests.web.scenery import job_id
from tests.web.stage import Stage
from tests.web.test_page import row

RENDERS = resources.Computing(
    "render --frame {frame}\u202e", "1001-1004", ["site:hq"], {"A": "b"}, "", ["hq", "hq", "oslo"]
)


def computing(number: int, **changes: object) -> resources.Job:
    none = {"kind": "compute", "source": None, "destination": None, "size": 0}
    given = {"tasks_total": 4, "compute": RENDERS}
    return scenery.job(number, "night comp", **{**none, **given, **changes})


def frame(number: int, status: str, **changes: object) -> resources.Task:
    name = str(1001 + number)
    none = (None, None, None, None, None)
    return replace(resources.Task(number, name, name, "frame", 0, status, 1, *none), **changes)


def test_a_compute_job_shows_its_command_its_frames_and_what_they_say(
    stage: Stage, page: Page
) -> None:
    scenery.set_up(stage)
    stage.put(computing(50, status="running", progress=0.6, tasks_done=2, tasks_failed=1))
    stage.tasks[job_id(50)] = [
        frame(0, "done"),
        frame(1, "failed", error_class="command", error_message="exit code 3"),
        frame(2, "executing", percent=42.4, said="step 3"),
        frame(3, "executing"),
    ]
    page.goto(stage.url)
    line = row(page, 50)
    expect(line.locator("[data-icon=compute]")).to_be_visible()
    expect(line).to_contain_text("render --frame {frame}\\u{202e}")
    expect(line).to_contain_text("2 of 4 frames, on hq, oslo")
    expect(line).to_contain_text("60 %")
    expect(line).not_to_contain_text(" B")
    line.click()
    details = page.locator(".details")
    expect(details).to_contain_text("site:hq")
    expect(details).not_to_contain_text("Source")
    expect(details.locator("tr", has_text="1003")).to_contain_text("step 3")
    expect(details.locator("tr", has_text="1003")).to_contain_text("executing 42 %")
    expect(details.locator("tr", has_text="1002")).to_contain_text("exit code 3")
    page.get_by_role("searchbox").fill("render --fr")
    expect(line).to_be_visible()


def test_an_archived_job_leaves_the_list_that_is_open(stage: Stage, page: Page) -> None:
    scenery.set_up(stage)
    done = stage.put(computing(50, status="done", finished_at=scenery.NOW))
    page.goto(f"{stage.url}?state=finished")
    expect(row(page, 50)).to_be_visible()
    stage.put(replace(done, archived=True))
    expect(row(page, 50)).to_be_hidden()
