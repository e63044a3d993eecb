"""Frames as people write them: read in their order, each once, and written as short as read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events import frames
from events.frames import BadFrames


def test_frames_keep_their_order_and_count_once() -> None:
    assert frames.read("10,1-3,2-8x2,10") == [10, 1, 2, 3, 4, 6, 8]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "''"),
        ("a", "'a'"),
        ("5-1", "write 1-5"),
        ("1-9x0", "at least 1"),
        ("1--3", "'1--3'"),
        ("0-1000000", "1,000,001 frames"),
    ],
)
def test_what_are_no_frames_is_said(text: str, said: str) -> None:
    with pytest.raises(BadFrames, match=said):
        frames.read(text)


@settings(deadline=None)
@given(st.lists(st.integers(0, 60), unique=True, min_size=1))
def test_frames_are_written_as_they_are_read(listed: list[int]) -> None:
    text = frames.write(listed)
    assert frames.read(text) == listed
    stretches = frames.spans(text)
    assert [frames.nth(stretches, number) for number in range(len(listed))] == listed
    assert [frames.number_of(stretches, frame) for frame in listed] == list(range(len(listed)))
    assert frames.number_of(stretches, 61) is None


def test_long_ranges_are_written_short() -> None:
    assert frames.write([*range(1001, 1101), *range(1200, 1301, 5), 7]) == "1001-1100,1200-1300x5,7"


LONG = "1-30000"


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20), st.integers(1, 4)), min_size=1))
def test_what_is_written_once_is_the_same_frames(parts: list[tuple[int, int, int]]) -> None:
    text = ",".join(f"{first}-{first + more}x{step}" for first, more, step in parts)
    for whole in (text, f"{text},{LONG}", f"{LONG},40000-50000x7,{text}", "90000-120000,1-9x4"):
        short, count = frames.once(whole)
        assert frames.read(short) == frames.read(whole)
        assert sum(map(len, frames.spans(short))) == count == len(frames.read(whole))
