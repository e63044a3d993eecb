"""What of a file is still to be fetched is handed out once, in whole blocks, and nothing twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.agent.commands import BLOCK_BYTES
from services.agent.gaps import Gaps

SIZES = st.integers(0, 20 * BLOCK_BYTES)
WANTS = st.integers(1, 7 * BLOCK_BYTES)


def taken(gaps: Gaps, wants: list[int]) -> list[tuple[int, int]]:
    found = [gaps.take(want) for want in wants]
    return [one for one in found if one is not None]


@given(SIZES, st.sets(st.integers(0, 19)), st.lists(WANTS, min_size=20, max_size=20))
def test_all_that_is_not_verified_is_taken_once_and_in_order(
    size: int, verified: set[int], wants: list[int]
) -> None:
    blocks = -(-size // BLOCK_BYTES)
    gaps = Gaps(size, sorted(one for one in verified if one < blocks))
    missing = [one for one in range(blocks) if one not in verified]
    parts = taken(gaps, wants)
    found = [
        block
        for start, end in parts
        for block in range(start // BLOCK_BYTES, -(-end // BLOCK_BYTES))
    ]
    assert found == missing
    assert parts == sorted(parts)
    assert all(start % BLOCK_BYTES == 0 for start, _ in parts)
    assert all(end % BLOCK_BYTES == 0 or end == size for _, end in parts)
    assert (gaps.left, gaps.take(1)) == (0, None)


@given(st.integers(1, 20 * BLOCK_BYTES), st.lists(WANTS, min_size=1, max_size=8), st.randoms())
def test_what_is_put_back_is_as_if_it_had_never_been_taken(
    size: int, wants: list[int], chance: object
) -> None:
    gaps = Gaps(size)
    parts = taken(gaps, wants)
    chance.shuffle(parts)  # type: ignore[attr-defined]
    for part in parts:
        gaps.put_back(*part)
    assert gaps.left == size
    assert gaps.take(size) == (0, size)


def test_as_much_is_taken_as_is_wanted() -> None:
    gaps = Gaps(10 * BLOCK_BYTES + 1)
    assert gaps.take(1) == (0, BLOCK_BYTES)
    assert gaps.take(BLOCK_BYTES + 1) == (BLOCK_BYTES, 3 * BLOCK_BYTES)
    assert gaps.take(100 * BLOCK_BYTES) == (3 * BLOCK_BYTES, 10 * BLOCK_BYTES + 1)
