"""Connections are added while they help, given up when they do not, and never more than allowed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.agent.pace import FIRST, HOLD_S, Pace, Used, share

STEP_S = 0.1
MIB = 1 << 20


def run(
    rate: Callable[[int], float],
    seconds: float,
    limit: Callable[[float], int] = lambda _: 10,
    load: float = 0.0,
    idle: float = 2.0,
) -> list[int]:
    """The connections at each moment where `rate` says what so many of them move."""
    pace, moved, numbers = Pace(0.0, limit(0.0)), 0.0, []
    for moment in range(int(seconds / STEP_S)):
        now = moment * STEP_S
        used = Used(load * now, idle * now)
        numbers.append(pace.look(now, int(moved), limit(now), lambda used=used: used))  # type: ignore[misc]
        moved += rate(numbers[-1]) * STEP_S
    return numbers


def test_a_line_that_each_connection_fills_a_part_of_gets_all_of_them() -> None:
    numbers = run(lambda number: number * 10e6, 6)
    assert numbers[0] == FIRST
    assert numbers[-1] == 10
    assert numbers == sorted(numbers)


def test_where_more_do_not_help_it_stays_with_few() -> None:
    numbers = run(lambda _: 1e9, 60)
    assert numbers[-1] == FIRST
    assert max(numbers) <= 2 * FIRST
    assert numbers.count(FIRST) > 0.9 * len(numbers)


@pytest.mark.parametrize("enough", [3, 4, 6])
def test_it_settles_near_what_is_enough(enough: int) -> None:
    numbers = run(lambda number: min(number, enough) * 10e6, 15)
    assert enough <= numbers[-1] <= 2 * enough


def test_where_processors_have_no_time_left_no_more_are_tried() -> None:
    assert max(run(lambda number: number * 1e9, 60, load=0.9, idle=0.3)) == FIRST
    assert max(run(lambda number: number * 1e9, 60, load=0.9, idle=6.0)) == 10


def test_where_processors_are_busy_it_is_enough_with_fewer_if_they_are_as_fast() -> None:
    numbers = run(lambda _: 1e9, 60, load=1.2, idle=0.3)
    assert numbers[-1] == 1
    assert max(numbers) == FIRST
    numbers = run(lambda number: min(number, 2) * 5e8, 60, load=1.2, idle=0.3)
    assert numbers[-1] == 2
    assert numbers.count(1) < 0.1 * len(numbers)


def test_where_more_are_slower_it_goes_back() -> None:
    numbers = run(lambda number: 1e9 / number, 60)
    assert numbers[-1] == FIRST


def test_a_line_that_became_longer_is_found_again() -> None:
    pace, moved, number = Pace(0.0, 10), 0.0, 0
    for moment in range(int(4 * HOLD_S / STEP_S)):
        now = moment * STEP_S
        number = pace.look(now, int(moved), 10, lambda: Used(0.0, 0.0))
        moved += (number * 10e6 if now > HOLD_S else 10e6) * STEP_S
    assert number == 10


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_never_more_than_allowed(limit: int) -> None:
    assert max(run(lambda number: number * 1e6, 10, lambda _: limit)) == limit


def test_a_changed_limit_is_felt_within_a_moment() -> None:
    numbers = run(lambda number: number * 1e6, 20, lambda now: 10 if now < 9.95 else 3)
    assert (numbers[99], numbers[100]) == (10, 3)
    numbers = run(lambda number: number * 1e6, 20, lambda now: 2 if now < 9.95 else 10)
    assert numbers[99] == 2
    assert numbers[130] > 2


def test_nothing_that_moves_is_no_reason_for_more() -> None:
    assert max(run(lambda _: 0.0, 60)) == FIRST


def test_one_takes_for_seconds_and_less_towards_the_end() -> None:
    assert share(0, 1 << 40, 2) == 16 * MIB
    assert share(50e6, 1 << 40, 2) == 100_000_000
    assert share(1e12, 1 << 40, 2) == 256 * MIB
    assert share(1e9, 100 * MIB, 5) == 10 * MIB
    assert share(1e9, 1, 64) == 4 * MIB
