"""How fine throughput is told: never finer than it is kept, never more than a graph can show."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.throughput import EPOCH, LEVELS, POINTS_MAX, floored, grid
from tests.projections.histories import NOON

SECONDS = st.floats(0.001, 4e9).map(lambda seconds: timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("ago", "long", "step_s", "told"),
    [
        ("0:10:00", "0:10:00", None, (10, 60)),
        ("0:10:00", "0:10:00", 1, (10, 60)),
        ("0:10:00", "0:10:00", 45, (60, 10)),
        ("3:00:00", "3:00:00", None, (60, 180)),
        ("3:00:00", "3:00:00", 10, (20, 540)),
        ("5:00:00", "0:10:00", 10, (60, 10)),
        ("24:00:00", "24:00:00", None, (300, 288)),
        ("72:00:00", "1:00:00", 10, (600, 6)),
        ("336:00:00", "336:00:00", 10, (1_800, 672)),
        ("876000:00:00", "876000:00:00", None, (10_540_800, 300)),
    ],
)
def test_steps_fit_what_is_asked_kept_and_shown(
    ago: str, long: str, step_s: int | None, told: tuple[int, int]
) -> None:
    began = NOON - _span(ago)
    made = grid(began, began + _span(long), step_s, NOON)
    assert (made.step_s, made.count) == told


def _span(written: str) -> timedelta:
    hours, minutes, seconds = map(int, written.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


@given(SECONDS, SECONDS, st.none() | st.integers(1, 86_400))
def test_steps_cover_what_was_asked_and_are_few(
    ago: timedelta, span: timedelta, step_s: int | None
) -> None:
    began = max(EPOCH, NOON - ago)
    ended = min(NOON, began + span)
    made = grid(began, ended, step_s, NOON)
    assert made.begins_at <= began
    assert made.ends_at >= ended
    assert made.count <= POINTS_MAX + 1
    assert made.step_s >= (step_s or 0)
    assert floored(made.begins_at, made.step_s) == made.begins_at


def test_what_is_kept_longer_is_coarser_and_made_of_what_is_finer() -> None:
    for fine, coarse in pairwise(LEVELS):
        assert coarse.step_s % fine.step_s == 0
        assert coarse.age > fine.age


def test_bytes_are_laid_where_they_were_moved() -> None:
    made = grid(NOON, NOON + timedelta(seconds=60), 20, NOON + timedelta(seconds=60))
    assert made.laid([(NOON, 5), (NOON + timedelta(seconds=40), 7)]) == [5, 0, 7]
