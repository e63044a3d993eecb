"""`python -m tests.web.screenshots`: the page in both themes and two widths, into .screenshots/."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.web import scenery
from tests.web.chromium import NARROW, WIDE, chromium, tab
from tests.web.stage import Stage

SHOTS = Path(__file__).parents[2] / ".screenshots"
LAPTOP = (1100, 700)


def main() -> None:
    SHOTS.mkdir(exist_ok=True)
    with Stage() as stage, chromium() as browser:
        scenery.set_up(stage)
        for theme in ("light", "dark"):
            for width, size in (("wide", WIDE), ("laptop", LAPTOP), ("narrow", NARROW)):
                _shoot(browser, stage, size, theme, f"{theme}-{width}")


def _shoot(browser: Browser, stage: Stage, size: tuple[int, int], theme: str, name: str) -> None:
    with tab(browser, size, theme) as page:
        page.goto(stage.url)
        page.locator(".connection[data-connection=live]").wait_for()
        _save(page, f"active-{name}")
        page.goto(f"{stage.url}?job={scenery.job_id(1)}")
        page.locator("text=sh010_comp_v014.1001.exr").wait_for()
        _save(page, f"job-{name}")
        for show, ready in (("Log", ".log .line"), ("Graph", ".plot canvas")):
            page.get_by_role("tab", name=show).click()
            page.locator(ready).first.wait_for()
            _save(page, f"{show.lower()}-{name}")
        page.goto(f"{stage.url}jobs/{scenery.job_id(2)}?show=why")
        page.locator(".causes").wait_for()
        _save(page, f"why-{name}")
        page.goto(stage.url)
        page.get_by_role("button", name="Settings of queue low").click()
        page.locator(".settings li").first.wait_for()
        _save(page, f"settings-{name}")
        page.goto(f"{stage.url}?state=finished")
        page.locator("text=Today").wait_for()
        _save(page, f"finished-{name}")
        _shoot_views(page, stage, name)


def _shoot_views(page: Page, stage: Stage, name: str) -> None:
    for view, ready in (("queues", ".queues"), ("overview", ".flows"), ("endpoints", ".machine")):
        page.goto(stage.url + view)
        page.locator(ready).first.wait_for()
        _save(page, f"{view}-{name}")
    page.get_by_role("button", name="Details of stockholm").click()
    page.locator(".plot canvas").wait_for()
    _save(page, f"endpoint-{name}")
    page.goto(f"{stage.url}queues")
    page.get_by_role("button", name="Edit queue low").click()
    _save(page, f"queue-{name}")
    page.goto(f"{stage.url}submit?repeat={scenery.job_id(1)}")
    page.get_by_role("group", name="Where from").get_by_role("combobox").select_option(
        "hq: projects"
    )
    page.get_by_role("button", name="Add shot010").click()
    page.get_by_role("button", name="Preview").click()
    page.locator(".preview li").first.wait_for()
    _save(page, f"submit-{name}")
    page.goto(f"{stage.url}submit?kind=compute")
    page.get_by_label("Command").wait_for()
    _save(page, f"compute-{name}")


def _save(page: Page, name: str) -> None:
    page.wait_for_timeout(400)
    page.screenshot(path=SHOTS / f"{name}.png")


if __name__ == "__main__":
    main()
