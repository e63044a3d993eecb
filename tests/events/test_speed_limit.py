"""Speed limits as people write them: what they come to at any time, and when that changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events import speed_limit
from events.speed_limit import DAYS, FULL, InForce, Misread

TUESDAY = datetime(2030, 1, 1, 12, tzinfo=UTC)
MB = 1_000_000


def at(text: str, hours: float, zone: str = "UTC") -> InForce:
    """So many hours after the Tuesday began."""
    midnight = TUESDAY.replace(hour=0)
    return speed_limit.in_force(text, midnight + timedelta(hours=hours), zone)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("none", FULL),
        ("full", FULL),
        ("20", 20 * MB),
        ("2.5", 2_500_000),
        ("20 MB/s", 20 * MB),
        ("20MB/s", 20 * MB),
        (" 0.01 ", 10_000),
        ("500 kB/s", 500_000),
        ("1 GB/s", 1_000_000_000),
        ("100 Mbit/s", 12_500_000),
        ("1Gbit", 125_000_000),
    ],
)
def test_a_rate_is_in_megabytes_unless_it_says_otherwise(text: str, rate: int) -> None:
    assert at(text, 12) == InForce(rate)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is no rate"),
        ("fast", "'fast' is no rate"),
        ("-5", "'-5' is no rate"),
        ("0", "pause it"),
        ("1e9", "'1e9' is no rate"),
        ("20 Mb/s", "'Mb' is no unit: write kB/s"),
        ("9999999999", "1000 GB/s"),
        ("22:00-06:00 full, 20", "'20' is no window"),
        ("22:00-06:00", "no rate"),
        ("22-6 full, else 20", "'22-6 full' is no window"),
        ("22:00-22:00 full", "is empty"),
        ("22:00-24:01 full", "24 hours"),
        ("08:60-09:00 full", "60 minutes"),
        ("24:00-01:00 full", "24 hours"),
        ("8:00-9:0 full", "write 22:00-06:00"),
        ("else 20", "stands no window"),
        ("else 20, 22:00-06:00 full", "comes last"),
        ("mon-fry 5", "no rate"),
        ("mon-fry 5, else 3", "no window"),
        (",".join(["mon 5"] * 200), "500 characters"),
    ],
)
def test_what_is_no_limit_is_said(text: str, said: str) -> None:
    with pytest.raises(Misread, match=said):
        speed_limit.read(text)
    assert speed_limit.fault(text)


def test_a_window_over_midnight_belongs_to_the_day_it_begins_on() -> None:
    text = "22:00-06:00 full, else 20"
    day, night = InForce(20 * MB, TUESDAY.replace(hour=22)), TUESDAY + timedelta(hours=18)
    assert at(text, 21.99) == day
    assert at(text, 22) == at(text, 29.99) == InForce(FULL, night)
    assert at(text, 30).rate == 20 * MB
    only = "fri 22:00-06:00 5"
    hours = [24 * 3 + 21, 24 * 3 + 23, 24 * 4 + 5, 24 * 4 + 7, 24 * 4 + 23]
    assert [at(only, one).rate for one in hours] == [0, 5 * MB, 5 * MB, 0, 0]


def test_the_first_window_that_holds_counts() -> None:
    text = "sat-sun full, mon-fri 08:00-18:00 5, 07:00-23:00 50, else 100"
    rates = [at(text, one).rate // MB for one in (3, 7, 8, 18, 23, 4 * 24 + 12)]
    assert rates == [100, 50, 5, 50, 100, 0]
    assert at("MON-FRI 5", 4 * 24 + 1).rate == FULL, "nothing was said of all else"
    assert at("sat-mon 5", 6 * 24).rate == 5 * MB


def test_windows_are_of_the_wall_clock_of_the_zone() -> None:
    text, zone = "02:00-02:30 5, else full", "Europe/Stockholm"
    assert at(text, 1.25, zone) == InForce(5 * MB, TUESDAY.replace(hour=1, minute=30))
    forward = datetime(2030, 3, 31, 0, 59, tzinfo=UTC)  # From 02:00 the clock goes to 03:00.
    assert speed_limit.in_force(text, forward + timedelta(minutes=1), zone).rate == FULL
    assert speed_limit.in_force(text, forward, zone).until == datetime(2030, 4, 1, tzinfo=UTC)
    late = "01:30-02:30 5, else full"
    gone = InForce(5 * MB, datetime(2030, 3, 31, 1, tzinfo=UTC))
    assert speed_limit.in_force(late, forward, zone) == gone
    back = datetime(2030, 10, 27, 0, 15, tzinfo=UTC)  # It is 02:15 now, and in an hour again.
    rates = [
        speed_limit.in_force(text, back + timedelta(minutes=m), zone).rate for m in (0, 30, 60)
    ]
    assert rates == [5 * MB, FULL, 5 * MB]


def test_a_zone_that_there_is_not_is_said_and_never_stops_anybody() -> None:
    for name in ("", "Europe/Atlantis", "../etc/passwd", "Europe", "a" * 300, "\0"):
        assert speed_limit.zone_fault(name), name
        assert at("20", 1, name) == InForce(20 * MB)
    assert not speed_limit.zone_fault("Europe/Stockholm")


minutes = st.integers(0, 47).map(lambda half: f"{half // 2:02}:{half % 2 * 30:02}")
times = st.tuples(minutes, minutes).filter(lambda two: two[0] != two[1]).map("-".join)
days = st.sampled_from([*DAYS, "mon-fri", "sat-sun", "fri-tue"])
rates = st.sampled_from(["full", "5", "20 MB/s"])
windows = st.tuples(st.sampled_from(["{0} {1}", "{0}", "{1}"]), days, times, rates).map(
    lambda one: f"{one[0].format(*one[1:3])} {one[3]}"
)
limits = st.tuples(st.lists(windows, min_size=1, max_size=4), rates).map(
    lambda two: ", ".join([*two[0], f"else {two[1]}"])
)
moments = st.datetimes(datetime(2029, 1, 1), datetime(2031, 1, 1)).map(
    lambda naive: naive.replace(tzinfo=UTC)
)
zones = st.sampled_from(["UTC", "Europe/Stockholm", "America/New_York", "Australia/Lord_Howe"])


@settings(deadline=None)
@given(limits, moments, zones)
def test_a_rate_holds_until_it_is_said_to_and_no_longer(
    text: str, now: datetime, zone: str
) -> None:
    found = speed_limit.in_force(text, now, zone)
    end = found.until or now + timedelta(days=8)
    quarter = timedelta(minutes=15)
    samples = [now + quarter * n for n in range(1, (end - now) // quarter + 1)]
    before = [one for one in samples if one < end] + [end - timedelta(seconds=1)]
    told = {speed_limit.in_force(text, one, zone).rate for one in before if one >= now}
    assert told <= {found.rate}
    if found.until is not None:
        assert found.until > now
        assert speed_limit.in_force(text, end, zone).rate != found.rate


@settings(deadline=None)
@given(limits, moments, zones)
def test_the_changes_of_a_week_come_one_after_the_other(
    text: str, now: datetime, zone: str
) -> None:
    edges = [now]
    while edges[-1] < now + timedelta(days=7):
        until = speed_limit.in_force(text, edges[-1], zone).until
        if until is None:
            break
        edges.append(until)
    assert all(one < other for one, other in pairwise(edges))
