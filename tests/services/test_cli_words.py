"""Numbers, times and the event stream, as values."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli import stream, words
from services.cli.stream import Message, messages


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (12_345_678, "12.3 MB"),
        (99_949_999, "99.9 MB"),
        (99_950_000, "100 MB"),
        (999_499_999, "999 MB"),
        (999_500_000, "1.0 GB"),
        (2**63, "9.2 EB"),
    ],
)
def test_a_size_has_three_digits(count: int, text: str) -> None:
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0:00"),
        (0.4, "0:00"),
        (42.4, "0:42"),
        (59.7, "1:00"),
        (727, "12:07"),
        (11_100, "3:05:00"),
        (187_200, "2 d 4 h"),
    ],
)
def test_a_duration_reads_like_a_clock(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_what_is_not_finished_is_not_at_100_percent() -> None:
    assert words.percent(0.9999) == "99 %"
    assert words.percent(1.0) == "100 %"


@given(st.lists(st.text("0123456789abcdef", min_size=24, max_size=24), unique=True))
def test_beginnings_of_ids_tell_them_apart(ids: list[str]) -> None:
    beginnings = words.short(ids)
    assert len(set(beginnings.values())) == len(ids)
    assert all(one.startswith(beginnings[one]) for one in ids)


def lines(text: str) -> Iterable[bytes]:
    return text.encode().splitlines(keepends=True)


def test_a_message_ends_with_an_empty_line() -> None:
    text = (
        ": hello\nid: 7\nevent: job\ndata: {\ndata: }\n\nevent: left out\n\ndata:x\r\n\r\ndata: y"
    )
    assert list(messages(lines(text))) == [
        None,
        Message("job", b"{\n}", "7"),
        Message("message", b"x", "7"),
    ]


def test_a_message_without_an_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MESSAGE_BYTES_MAX", 100)
    with pytest.raises(stream.Lost):
        list(messages(lines("data: 0123456789\n" * 20)))
