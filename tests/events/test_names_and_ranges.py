"""Names are bytes and come back as the same bytes; sets of numbers as the same sets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import codec, ids, names, places, ranges, subjects
from tests.events.test_golden import JOB, SAMPLES


@given(st.binary())
def test_any_name_comes_back_as_it_was(name: bytes) -> None:
    assert names.to_bytes(names.to_text(name)) == name
    names.to_text(name).encode()


@given(st.text())
def test_text_is_a_name_or_is_refused(text: str) -> None:
    try:
        name = names.to_bytes(text)
    except names.BadEscape:
        return
    assert names.to_text(name) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [(b"plain", "plain"), (b"\xff", "\\xff"), (b"a\\b", "a\\\\b"), ("é".encode(), "é")],
)
def test_only_what_is_not_utf8_and_the_backslash_are_escaped(name: bytes, text: str) -> None:
    assert names.to_text(name) == text


@pytest.mark.parametrize("text", ["\\", "\\x", "\\xFF", "\\x41", "\\xc3\\xa9", "\ud800"])
def test_an_escape_that_nobody_would_write_is_refused(text: str) -> None:
    with pytest.raises(names.BadEscape):
        names.to_bytes(text)


def test_a_screen_shows_what_would_hide() -> None:
    assert names.shown("a\n\u202eb\x1b") == "a\\u{a}\\u{202e}b\\u{1b}"


@given(st.sets(st.integers(0, 500)))
def test_a_set_of_numbers_comes_back(numbers: set[int]) -> None:
    text = ranges.write(numbers)
    assert list(ranges.read(text)) == sorted(numbers)
    assert ranges.count(text) == len(numbers)


@pytest.mark.parametrize("text", ["a", "1-", "-1", "3-1", "1,,2", "1 2", "٣"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ranges.BadRanges):
        ranges.spans(text)


@given(st.lists(st.integers(0, 40), max_size=60))
def test_there_is_always_a_place_between(choices: list[int]) -> None:
    line: list[str] = []
    for choice in choices:
        at = choice % (len(line) + 1)
        above = line[at - 1] if at else None
        below = line[at] if at < len(line) else None
        line.insert(at, places.between(above, below)[0])
        assert line == sorted(line)
    assert len(set(line)) == len(line)


def test_ids_are_ordered_by_time() -> None:
    from datetime import UTC, datetime, timedelta

    now = datetime(2026, 1, 1, tzinfo=UTC)
    early, late = (ids.new_id(now + timedelta(days=d), b"\xff" * 6) for d in (0, 1))
    assert early < late
    assert ids.is_id(early)
    assert not ids.is_id(early.upper())


@pytest.mark.parametrize("event", SAMPLES, ids=codec.tag)
def test_a_feed_subject_is_found_by_its_filter(event: codec.Event) -> None:
    subject = subjects.feed("main", event)
    assert any(subject.startswith(one.rstrip(">")) for one in subjects.feed_filters("main"))
    assert " " not in subject


def test_the_feed_is_spelled_as_the_design_says() -> None:
    by_tag = {codec.tag(event): subjects.feed("main", event) for event in SAMPLES}
    assert by_tag["job.paused"] == f"haulage.main.job.{JOB}.paused"
    assert by_tag["task.done"] == f"haulage.main.job.{JOB}.task.done"
    assert by_tag["workspace.opened"] == "haulage.main.workspace.opened"


def test_a_changed_byte_changes_the_chain() -> None:
    first = codec.chain(codec.CHAIN_START, b"one")
    assert codec.chain(first, b"two") != codec.chain(first, b"twp")
    assert codec.chain(first, b"two") != codec.chain(codec.CHAIN_START, b"two")
