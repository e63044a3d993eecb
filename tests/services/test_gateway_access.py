"""The rules at the door, and the cursors of lists: values in, values out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway import access, cursors
from services.gateway.cursors import AnyCursor, BadCursor, Ended, InLine, Logged, Numbered
from services.gateway.jobs import pattern

NAMES = access.own_names("haulage.example")
JOB = "0" * 24


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8181",
        "LOCALHOST",
        "app.localhost:1",
        "127.0.0.1:8181",
        "[::1]:8181",
        "10.1.2.3",
        "haulage.example:443",
    ],
)
def test_our_own_names_and_every_address_are_answered_to(host: str) -> None:
    assert access.is_own_host(host, NAMES)


@pytest.mark.parametrize(
    "host", ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "[evil]:80"]
)
def test_a_foreign_name_for_this_machine_is_not_answered_to(host: str) -> None:
    assert not access.is_own_host(host, NAMES)


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "http://localhost:1"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": "http://localhost:1"}, True),
        ({"origin": "http://localhost:2"}, False),
        ({"origin": "null"}, False),
        ({}, False),
    ],
)
def test_only_our_own_page_may_write_with_the_cookie(headers: dict[str, str], own: bool) -> None:
    assert access.is_own_page({"host": "localhost:1"} | headers) is own


def test_a_token_comes_as_a_bearer_or_in_the_cookie() -> None:
    assert access.bearer({"authorization": "bearer  abc"}) == "abc"
    assert access.bearer({"authorization": "Basic abc"}) is None
    assert access.cookie({"cookie": "a=b; haulage_session=abc; c=d"}) == "abc"
    assert access.cookie({"cookie": 'haulage_session="; x'}) is None
    assert access.cookie({}) is None


def test_no_script_and_no_other_site_gets_the_cookie() -> None:
    kept = access.session_cookie("abc", secure=True)
    assert {"HttpOnly", "SameSite=Strict", "Secure"} <= set(kept.split("; "))
    assert "Max-Age=0" in access.session_cookie("", secure=False)


@pytest.mark.parametrize(
    "cursor",
    [
        InLine(500, JOB, "a0V", JOB),
        Ended(datetime(2030, 1, 1, tzinfo=UTC), JOB),
        Numbered(7),
        Logged(2**62, 0),
    ],
    ids=lambda cursor: type(cursor).__name__,
)
def test_a_cursor_is_read_back_by_its_own_list_only(cursor: AnyCursor) -> None:
    kinds: list[type[AnyCursor]] = [InLine, Ended, Numbered, Logged]
    for kind in kinds:
        if isinstance(cursor, kind):
            assert cursors.read(kind, cursors.write(cursor)) == cursor  # type: ignore[type-var]
        else:
            with pytest.raises(BadCursor):
                cursors.read(kind, cursors.write(cursor))  # type: ignore[type-var]


@given(st.text(max_size=50))
def test_no_text_breaks_a_cursor(text: str) -> None:
    with pytest.raises(BadCursor):
        cursors.read(Numbered, text)


@pytest.mark.parametrize("number", [-1, 2**31, 2**80])
def test_a_cursor_holds_nothing_that_a_database_cannot(number: int) -> None:
    with pytest.raises(BadCursor):
        cursors.read(Numbered, cursors.write(Numbered(number)))


def test_what_is_sought_is_sought_literally_and_in_any_case() -> None:
    assert pattern(r"50%_Ä\x") == r"%50\%\_ä\\x%"
    assert pattern("") is None
