"""New jobs and the overview on the stage: written, picked from volumes, previewed, repeated."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from services.gateway import resources
from tests.web import scenery
from tests.web.administration import NEW_JOB
from tests.web.scenery import job_id
from tests.web.stage import Stage


@pytest.fixture
def opened(stage: Stage, page: Page) -> Page:
    scenery.set_up(stage)
    page.goto(f"{stage.url}submit")
    expect(page.locator(".connection")).to_have_text("live")
    return page


def told(stage: Stage, verb: str) -> Any:
    return next(body for said, _, body in stage.desk.told if said == verb)


def test_a_transfer_is_picked_from_volumes_looked_at_and_submitted(
    stage: Stage, opened: Page
) -> None:
    source, destination = (
        opened.get_by_role("group", name="Where from"),
        opened.get_by_role("group", name="Where to"),
    )
    source.get_by_role("combobox").select_option("hq: projects")
    source.get_by_role("button", name="Add 100%d[1]").click()
    source.get_by_role("button", name="shot010", exact=True).click()
    source.get_by_role("button", name="Add plate.1002.exr").click()
    expect(opened.get_by_role("list", name="Sources").get_by_role("listitem")).to_have_text(
        ["hq:projects/100\\%d\\[1\\]/", "hq:projects/shot010/plate.1002.exr"]
    )
    destination.get_by_role("combobox").select_option("stockholm: incoming")
    destination.get_by_role("button", name="tour", exact=True).click()
    expect(destination).to_contain_text("No folders in here.")
    expect(opened.get_by_label("Destination")).to_have_value("stockholm:incoming/tour/")
    opened.get_by_label("Queue").select_option("high")
    opened.get_by_label("Paused").check()
    opened.get_by_text("Settings of its own").click()
    opened.get_by_label("job_on_missing").select_option("ignore")
    opened.get_by_label("job_max_retries").fill("5")
    opened.get_by_role("button", name="Preview").click()
    preview = opened.get_by_role("region", name="What it would do")
    expect(preview).to_contain_text("1 new (48.0 MB) · 1 would fail: something is in the way")
    expect(preview.get_by_role("listitem").last).to_have_text("blocked plate.1002.exr 48.0 MB")
    stage.put(scenery.job(0, "new", id=NEW_JOB))
    opened.get_by_role("button", name="Submit, paused").click()
    expect(opened).to_have_url(f"{stage.url}jobs/{NEW_JOB}")
    expect(opened.get_by_role("region", name="Details of new")).to_be_visible()
    assert (
        told(stage, "submit")
        == told(stage, "preview")
        == {
            "source": ["hq:projects/100\\%d\\[1\\]/", "hq:projects/shot010/plate.1002.exr"],
            "destination": "stockholm:incoming/tour/",
            "name": None,
            "queue": "high",
            "paused": True,
            "depends_on": [],
            "settings": {"job_on_missing": "ignore", "job_max_retries": 5},
        }
    )


def test_a_compute_job_is_submitted_by_keyboard_alone(stage: Stage, opened: Page) -> None:
    opened.goto(f"{stage.url}submit?kind=compute")
    opened.get_by_label("Command").fill("render {frame}")
    opened.get_by_label("Frames").fill("1-9")
    opened.get_by_label("Only on").fill("ram:>32g, site:a")
    opened.get_by_label("Environment").fill("A=1\nB=2")
    opened.get_by_label("Frames").press("Enter")
    expect(opened).to_have_url(f"{stage.url}jobs/{NEW_JOB}")
    job = told(stage, "submit")
    assert (job["filters"], job["environment"]) == (["ram:>32g", "site:a"], {"A": "1", "B": "2"})


def test_what_is_missing_or_refused_is_said_and_nothing_is_lost(stage: Stage, opened: Page) -> None:
    opened.get_by_role("button", name="Submit").click()
    opened.get_by_label("Source", exact=True).fill("hq:projects/a")
    opened.get_by_label("Destination").fill("nowhere")
    stage.refusals["submit"] = (400, "destination: 'nowhere' names no endpoint")
    opened.get_by_role("button", name="Submit").click()
    expect(opened.get_by_role("alert").first).to_have_text(
        "destination: 'nowhere' names no endpoint"
    )
    expect(opened.get_by_role("list", name="Sources")).to_contain_text("hq:projects/a")
    assert len(stage.desk.told) == 1


def test_a_finished_job_is_repeated_with_changes(stage: Stage, opened: Page) -> None:
    own = scenery.settings("job", job_id(100))
    stage.settings[f"jobs/{job_id(100)}"] = [
        replace(one, value=7, source="job") if one.name == "stall_s" else one for one in own
    ]
    opened.goto(f"{stage.url}?state=finished&job={job_id(100)}")
    opened.get_by_role("link", name="Repeat").click()
    expect(opened.get_by_role("heading", name="Repeat a job")).to_be_visible()
    expect(opened.get_by_label("Name")).to_have_value("delivery_100")
    expect(opened.get_by_label("stall_s")).to_have_value("7")
    opened.get_by_label("Destination").fill("stockholm:elsewhere/")
    opened.get_by_role("button", name="Submit").click()
    expect(opened).to_have_url(f"{stage.url}jobs/{NEW_JOB}")
    job = told(stage, "submit")
    assert (job["source"], job["destination"], job["settings"]) == (
        "hq:projects/delivery_100/",
        "stockholm:elsewhere/",
        {"stall_s": 7},
    )


def test_files_that_cannot_be_looked_at_say_why_and_the_path_may_be_written(
    stage: Stage, opened: Page
) -> None:
    del stage.desk.files["hq:projects/"]
    source = opened.get_by_role("group", name="Where from")
    source.get_by_role("combobox").select_option("hq: projects")
    expect(source.get_by_role("alert")).to_contain_text("There is no such")
    stage.desk.files["hq:projects/"] = []
    source.get_by_role("button", name="Try again").click()
    expect(source).to_contain_text("Nothing in here.")


def test_the_overview_says_what_stands_where_what_flows_and_what_failed(
    stage: Stage, opened: Page
) -> None:
    opened.goto(f"{stage.url}overview")
    expect(opened.get_by_role("region", name="Pairs").get_by_role("rowheader").first).to_have_text(
        "hq → stockholm"
    )
    failures = opened.get_by_role("region", name="Failures")
    expect(failures).to_contain_text("space 2")
    expect(failures).to_contain_text("audio\\u{202e}stems")
    expect(opened.locator(".tallies")).to_contain_text("newly failed")
    expect(opened.get_by_role("img", name="moved at most 222 MB/s")).to_be_visible()
    opened.get_by_role("button", name="hq → stockholm").press("Enter")
    expect(opened.get_by_role("img", name="moved at most 150 MB/s")).to_be_visible()
    failures.get_by_role("link", name="lut_pack").click()
    expect(opened.get_by_role("region", name="Details of lut_pack")).to_be_visible()


def test_who_may_not_see_the_overview_is_told_so(stage: Stage, opened: Page) -> None:
    stage.desk.forbidden = True
    stage.me = resources.Me("bob", "user")
    opened.goto(f"{stage.url}overview")
    expect(opened.locator(".state")).to_contain_text("for employees and admins")
