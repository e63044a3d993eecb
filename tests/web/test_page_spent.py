"""Where the time of an opened transfer went, its pace, and its manifest."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from tests.web import scenery
from tests.web.scenery import job_id
from tests.web.stage import Stage
from tests.web.test_page import row, violations


@pytest.fixture
def opened(stage: Stage, page: Page) -> Page:
    scenery.set_up(stage)
    page.goto(stage.url)
    return page


def test_an_opened_transfer_says_what_its_bottleneck_is(
    stage: Stage, opened: Page, sources: Path
) -> None:
    row(opened, 1).click()
    facts = opened.locator(".details .facts")
    expect(facts).to_contain_text("reading at hq is the bottleneck (50 % of the time)")
    expect(facts).to_contain_text("2.00 GB did not have to come.")
    expect(facts.get_by_role("listitem")).to_have_text(
        ["reading 50 %", "network 16 %", "writing 23 %", "hashing 9 %"]
    )
    expect(facts.get_by_role("img", name="reading 50 %, network 16 %")).to_be_visible()
    expect(facts.get_by_role("img", name="Pace over time, at most 500 MB/s")).to_be_visible()
    assert [one.evaluate("one => one.offsetWidth > 0") for one in facts.locator(".bar span").all()]
    opened.add_script_tag(path=sources / "node_modules/axe-core/axe.min.js")
    assert violations(opened) == []
    stage.timings[job_id(1)] = replace(scenery.TIMING, text="writing is", bytes_saved=0)
    stage.put(stage.jobs[job_id(1)])
    expect(facts).to_contain_text("writing is", timeout=10_000)
    expect(facts).not_to_contain_text("did not have to come")


def test_of_what_was_never_measured_nothing_is_shown(stage: Stage, opened: Page) -> None:
    stage.timings, stage.throughput = {}, None
    row(opened, 4).click()
    facts = opened.locator(".details .facts")
    expect(facts).to_contain_text("Started")
    expect(facts.locator(".spent, .pace")).to_have_count(0)


def test_a_manifest_is_there_for_what_is_not_under_way(stage: Stage, opened: Page) -> None:
    row(opened, 1).click()
    facts = opened.locator(".details .facts")
    expect(facts).to_contain_text("Started")
    expect(facts).not_to_contain_text("Manifest")
    opened.goto(f"{stage.url}?state=finished&job={job_id(100)}")
    links = facts.get_by_role("link")
    expect(links).to_have_text(["CSV", "JSON lines", "b3sum"])
    assert links.first.get_attribute("href") == f"/api/jobs/{job_id(100)}/manifest?format=csv"
