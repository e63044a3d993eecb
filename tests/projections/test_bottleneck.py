"""What a transfer's time went for most, in words that name where."""

from __future__ import annotations

import pytest

from projections.bottleneck import PARTS, Bottleneck, find


def of(*, listing_s: float = 0.0, moving_s: float = 10.0, **spent_s: float) -> Bottleneck | None:
    whole = dict.fromkeys(PARTS, 0.0) | spent_s
    ends = {"source": "hq", "destination": "oslo"}
    return find(whole, listing_s=listing_s, moving_s=moving_s, **ends)


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("reading", "reading at hq is the bottleneck (62 % of the time)"),
        ("network", "the network from hq to oslo is the bottleneck (62 % of the time)"),
        ("limited", "a speed limit is the bottleneck (62 % of the time)"),
        ("writing", "writing at oslo is the bottleneck (62 % of the time)"),
        ("verifying", "hashing at oslo is the bottleneck (62 % of the time)"),
    ],
)
def test_the_part_that_took_the_most_is_named_with_where_it_is(part: str, text: str) -> None:
    other = "reading" if part != "reading" else "writing"
    assert of(**{part: 6.2, other: 3.8}) == Bottleneck(part, 0.62, text)


def test_a_listing_counts_by_the_clock_for_others_are_sums_over_threads() -> None:
    assert of(listing_s=4.0, moving_s=5.0, writing=40.0).part == "writing"  # type: ignore[union-attr]
    found = of(listing_s=15.0, moving_s=5.0, writing=40.0)
    assert found == Bottleneck("listing", 0.75, "listing hq is the bottleneck (75 % of the time)")
    assert of(listing_s=5.0, moving_s=0.0).part == "listing"  # type: ignore[union-attr]


def test_of_too_little_nothing_is_said() -> None:
    assert of(reading=0.2, writing=0.2) is None
    assert of() is None
