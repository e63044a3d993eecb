"""Who may ask what: every route of the table, by everyone and by nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from litestar.routes import HTTPRoute

from services.gateway.app import make_routes
from services.gateway.context import Gateway
from services.gateway.door import OPEN
from services.scheduler.commands import Abort, Actor, Role
from tests.services.gateway_studio import Answer, World, world
from tests.services.spec import BOB, job_id, transfer

ANNS, BOBS, GONE = job_id("a"), job_id("b"), job_id("z")
ORIGINS = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {},
]


def _none() -> Gateway:
    raise AssertionError("only the table is read")


ROUTES = sorted(
    (method, route.path_format)
    for route in make_routes(_none).routes
    if isinstance(route, HTTPRoute)
    for method in route.methods
    if method != "OPTIONS"
)
OF_A_JOB = [(method, path) for method, path in ROUTES if "{job}" in path]
BODIES: dict[str, object] = {
    "/api/jobs/{job}/move": {"to": "top"},
    "/api/jobs/{job}/append": {"paths": ["more"]},
    "/api/jobs/{job}/tasks/{action}": {"tasks": "0"},
    "/api/jobs/{job}/settings": {"set": {"job_max_retries": 1}},
}


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """ann's job a runs; bob's b waits behind it."""
    async with world(database_url, tmp_path) as made:
        made.history.ask(transfer("a"))
        made.history.listed("a")
        made.history.ask(transfer("b"), by=BOB)
        made.history.listed("b")
        await made.shown()
        yield made


def at(path: str, job: str = GONE) -> str:
    filled = path.replace("{job}", job).replace("{number}", "0")
    return filled.replace("{action}", "hold").replace("{path}", "file.js")


def test_the_table_holds_what_is_tried_here() -> None:
    assert len(ROUTES) >= 20
    assert len(OF_A_JOB) >= 13


async def test_without_a_token_nothing_answers_but_health_and_the_sign_in(studio: World) -> None:
    for method, path in [*ROUTES, ("GET", "/nothing"), ("POST", "/api/nothing"), ("PUT", "/")]:
        for nobody in (studio.nobody, studio.by("nobody"), studio.by("ü"), studio.by("a b")):
            answer = await nobody.ask(method, at(path))
            if (method, path) in OPEN:
                assert answer.status != 401 or path == "/api/session"
                continue
            assert answer.status == 401, (method, path)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"].startswith("Bearer")
    assert studio.studio.asked == []


async def test_ways_around_the_door_lead_to_the_door(studio: World) -> None:
    for path in ("//api/jobs", "/health/", "/health/../api/jobs", "/api//jobs", "/API/jobs", "/*"):
        assert (await studio.nobody.get(path)).status == 401, path


async def test_a_user_gets_nothing_of_a_job_of_someone_else(studio: World) -> None:
    bob, cat = studio.by("bob"), studio.by("cat")
    before = await studio.shown()
    for method, path in OF_A_JOB:
        body = BODIES.get(path)
        for asker, job in ((bob, ANNS), (cat, ANNS), (cat, BOBS), (cat, GONE)):
            answer = await asker.ask(method, at(path, job), body)
            unknown = await asker.ask(method, at(path, GONE), body)
            assert answer.status == 404, (method, path)
            assert answer.content.replace(job.encode(), b"") == unknown.content.replace(
                GONE.encode(), b""
            ), "and learns not even that there is one"
    assert await studio.shown() == before


async def test_a_user_gets_all_of_their_own_job(studio: World) -> None:
    for method, path in OF_A_JOB:
        answer = await studio.by("bob").ask(method, at(path, BOBS), BODIES.get(path))
        assert _got(answer), (method, path, answer.content)


def _got(answer: Answer) -> bool:
    """Also what the job's kind does not have is told only to whom may know of the job."""
    return answer.status in (200, 409) or b"a transfer runs no command" in answer.content


@pytest.mark.parametrize("by", ["ann", "eve"])
async def test_employees_and_admins_get_all_of_every_job(studio: World, by: str) -> None:
    for method, path in OF_A_JOB:
        for job in (ANNS, BOBS):
            answer = await studio.by(by).ask(method, at(path, job), BODIES.get(path))
            assert _got(answer), (method, path, answer.content)


async def test_a_users_lists_hold_their_own_jobs_only(studio: World) -> None:
    studio.history.ask(transfer("c"))
    studio.history.ask(Abort(job_id("c")))
    await studio.shown()
    for query in ("", "?search=hq", "?search=projects", "?queue=medium", "?status=waiting"):
        page = (await studio.by("bob").get(f"/api/jobs{query}")).json
        assert {job["user"] for job in page["jobs"]} <= {"bob"}
        assert page["total"] == len(page["jobs"])
    assert (await studio.by("bob").get("/api/jobs?state=finished")).json["total"] == 0
    assert (await studio.by("cat").get("/api/jobs")).json["total"] == 0


async def test_a_user_is_told_that_but_not_for_whom_they_wait(studio: World) -> None:
    (waiting,) = (await studio.by("bob").get("/api/jobs")).json["jobs"]
    assert waiting["reason"]["code"] == "behind_job"
    masked = {"kind": "job", "id": "", "name": "a job of someone else"}
    assert waiting["reason"]["holder"] == masked
    assert ANNS not in str(waiting)
    why = (await studio.by("bob").get(f"/api/jobs/{BOBS}/why")).json
    assert why["reasons"] == [waiting["reason"]]
    studio.history.ask(transfer("d"), by=Actor("bob", Role.USER))
    for_employees = (await studio.by("eve").get(f"/api/jobs/{BOBS}")).json
    assert for_employees["reason"]["holder"]["id"] == ANNS


async def test_a_user_moves_neither_jobs_of_others_nor_beside_them(studio: World) -> None:
    bob = studio.by("bob")
    for body in (
        {"jobs": [ANNS], "to": "top"},
        {"jobs": [BOBS, ANNS], "to": "top"},
        {"jobs": [BOBS], "before": ANNS},
        {"jobs": [BOBS], "after": ANNS[:-1] + "1"},
    ):
        assert (await bob.post("/api/jobs/move", body)).status in (404, 409), body


async def test_measurements_are_not_for_users(studio: World) -> None:
    assert (await studio.by("bob").get("/metrics")).status == 403
    assert (await studio.by("eve").get("/metrics")).status == 200


async def test_who_am_i(studio: World) -> None:
    assert (await studio.by("bob").get("/api/me")).json == {"name": "bob", "role": "user"}


# Browsers.


async def test_a_browser_without_a_session_gets_a_page_to_sign_in(studio: World) -> None:
    for path in ("/", "/?job=1", "/some/where"):
        answer = await studio.nobody.get(path, Accept="text/html,*/*")
        assert answer.status == 401
        assert answer.headers["content-type"].startswith("text/html")
        assert b"haulage.example" not in answer.content
        assert b"://" not in answer.content, "nothing from outside"
        assert "'unsafe-inline'" not in answer.headers["content-security-policy"]
    for path in ("/api/jobs", "/api/"):
        answer = await studio.nobody.get(path, Accept="text/html")
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_browser_signs_in_with_a_token_and_out_again(studio: World) -> None:
    own = {"Origin": studio.url}
    answer = await studio.nobody.post("/api/session", {"token": "token-of-bob"}, **own)
    assert (answer.status, answer.json["name"]) == (200, "bob")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    session = cookie.partition(";")[0]
    assert (await studio.nobody.get("/api/me", Cookie=session)).json["name"] == "bob"
    out = await studio.nobody.ask("DELETE", "/api/session", Cookie=session, **own)
    assert "Max-Age=0" in out.headers["set-cookie"]


async def test_a_wrong_token_signs_nobody_in(studio: World) -> None:
    for token in ("", "nope", "token-of-bob\n", "a" * 300, "ü"):
        answer = await studio.nobody.post("/api/session", {"token": token})
        assert (answer.status, answer.json["field"]) == (401, "token")
        assert "set-cookie" not in answer.headers


async def test_no_foreign_page_writes_with_the_cookie(studio: World) -> None:
    session = "haulage_session=token-of-ann"
    for headers in ORIGINS:
        sent = {name.replace("-", "_"): value for name, value in headers.items()}
        answer = await studio.nobody.post(f"/api/jobs/{ANNS}/abort", Cookie=session, **sent)
        assert answer.status == 403, headers
    assert studio.studio.asked == []
    for headers in ({"Sec_Fetch_Site": "same-origin"}, {"Origin": studio.url}):
        answer = await studio.nobody.post(f"/api/jobs/{ANNS}/pause", Cookie=session, **headers)
        assert answer.status == 200, headers


async def test_no_foreign_page_signs_a_browser_in(studio: World) -> None:
    for headers in ORIGINS[:4]:
        sent = {name.replace("-", "_"): value for name, value in headers.items()}
        answer = await studio.nobody.post("/api/session", {"token": "token-of-bob"}, **sent)
        assert answer.status == 403, headers


async def test_a_foreign_name_for_this_machine_is_not_answered_to(studio: World) -> None:
    for host in ("evil.example", "evil.example:8181", "localhost.evil.example"):
        for path in ("/health", "/", "/api/jobs"):
            answer = await studio.ann.get(path, Host=host)
            assert (answer.status, answer.json["field"]) == (421, "Host")


async def test_every_answer_keeps_a_browser_from_doing_more_with_it(studio: World) -> None:
    for path in ("/", "/health", "/api/jobs", "/api/nothing", "/api/openapi.json"):
        headers = (await studio.ann.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers


# The page's files.


@pytest.fixture
def static(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>" + "page " * 200)
    (folder / "assets" / "page-a1b2.js").write_text("// script\n" * 200)
    (folder / "secret.key").write_text("not a page")
    (folder / ".hidden.js").write_text("not a page")
    (tmp_path / "beside.js").write_text("outside")
    (folder / "link.js").symlink_to(tmp_path / "beside.js")
    return folder


async def test_the_page_is_served_to_who_is_signed_in(static: Path, studio: World) -> None:
    page = await studio.ann.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "private, no-cache"
    shown = await studio.ann.get("/?state=finished&job=1&job=2")
    assert shown.content == page.content, "the page's address is the page's own"
    alone = await studio.ann.get("/jobs/" + "a" * 24 + "?show=why")
    assert alone.content == page.content, "so is that of one job"
    same = await studio.ann.get("/", If_None_Match=page.headers["etag"])
    assert (same.status, same.content) == (304, b"")
    script = await studio.ann.get("/assets/page-a1b2.js", Accept_Encoding="gzip")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in script.headers["cache-control"]
    assert script.headers["content-encoding"] == "gzip"
    assert script.content.startswith(b"// script")
    (static / "index.html").write_text("<!doctype html>new")
    assert (await studio.ann.get("/")).content == b"<!doctype html>new"


OUTSIDE = [
    "/secret.key",
    "/.hidden.js",
    "/link.js",
    "/assets",
    "/assets/",
    "/nothing.js",
    "/../beside.js",
    "/%2e%2e/beside.js",
    "/..%2fbeside.js",
    "/assets/..%2f..%2fbeside.js",
    "/assets%5c..%5c..%5cbeside.js",
    "/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc/passwd",
    "/page%00.js",
    "/" + "a" * 300 + ".js",
]


@pytest.mark.usefixtures("static")
async def test_nothing_but_the_page_is_served(studio: World) -> None:
    for path in OUTSIDE:
        answer = await studio.ann.get(path)
        assert answer.status == 404, path
        assert b"outside" not in answer.content
