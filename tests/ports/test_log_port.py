"""What every log promises, in memory and on NATS."""

from __future__ import annotations

import asyncio

import pytest

from events import codec
from services.runtime.ports import Broken, Conflict, Log, Stored
from tests.ports.conftest import Kind
from tests.ports.writing import Writer, read

WRITERS = 8
ROUNDS = 20


async def test_an_empty_log_has_no_newest_commit(kind: Kind) -> None:
    assert await kind.log().last() is None


async def test_commits_are_numbered_from_one_and_read_back(kind: Kind) -> None:
    writer = Writer(kind.log())
    for payload in (b"one", b"two \x00\xff\r\n", b""):
        await writer.write(payload)
    assert [stored.sequence for stored in writer.written] == [1, 2, 3]
    assert await kind.log().last() == writer.written[2]
    assert [await kind.log().get(sequence) for sequence in (1, 2, 3)] == writer.written


async def test_a_commit_of_megabytes_comes_back_as_it_was(kind: Kind) -> None:
    writer = Writer(kind.log())
    await writer.write(bytes(range(256)) * 12_000)
    assert await read(kind.log(), 1) == writer.written
    assert await kind.log().get(1) == writer.written[0]


@pytest.mark.parametrize("sequence", [0, 2, 99])
async def test_a_commit_that_is_not_there_is_a_lookup_error(kind: Kind, sequence: int) -> None:
    await Writer(kind.log()).write(b"one")
    with pytest.raises(LookupError):
        await kind.log().get(sequence)


@pytest.mark.parametrize("after", [0, 1, 3, 99])
async def test_a_commit_behind_another_place_than_the_end_is_refused(
    kind: Kind, after: int
) -> None:
    writer = Writer(kind.log())
    await writer.write(b"one")
    await writer.write(b"two")
    with pytest.raises(Conflict):
        await kind.log().append(b"three", chain=codec.chain(writer.chain, b"three"), after=after)
    assert await kind.log().last() == writer.written[1]


async def test_of_many_writers_exactly_one_appends(kind: Kind) -> None:
    """Though they write the same, as two schedulers that got the same command would."""
    chain = codec.CHAIN_START
    for after in range(ROUNDS):
        chain = codec.chain(chain, b"same")
        won = await asyncio.gather(*(_wins(kind.log(), chain, after) for _ in range(WRITERS)))
        assert sum(won) == 1
    last = await kind.log().last()
    assert last == Stored(ROUNDS, chain, b"same")


async def _wins(log: Log, chain: str, after: int) -> bool:
    try:
        assert await log.append(b"same", chain=chain, after=after) == after + 1
    except Conflict:
        return False
    return True


async def test_a_follower_is_given_everything_in_order_from_where_it_asks(kind: Kind) -> None:
    writer = Writer(kind.log())
    for number in range(1_100):
        await writer.write(b"%d" % number)
    assert await read(kind.log(), 1_100) == writer.written
    seen = writer.written[699]
    rest = await read(kind.log(), 1_100, after=seen.sequence, chain=seen.chain)
    assert rest == writer.written[700:]


async def test_followers_see_commits_as_they_are_stored(kind: Kind) -> None:
    followers = [asyncio.create_task(read(kind.log(), 50)) for _ in range(3)]
    await asyncio.sleep(0.1)
    writer = Writer(kind.log())
    for number in range(50):
        await writer.write(b"%d" % number)
    for seen in await asyncio.gather(*followers):
        assert seen == writer.written


async def test_a_commit_whose_chain_does_not_fit_stops_a_follower(kind: Kind) -> None:
    writer = Writer(kind.log())
    await writer.write(b"one")
    await kind.log().append(b"two", chain=codec.chain(codec.CHAIN_START, b"two"), after=1)
    assert await read(kind.log(), 1) == writer.written
    with pytest.raises(Broken):
        await read(kind.log(), 2)


@pytest.mark.parametrize(("after", "chain"), [(2, "another"), (3, codec.CHAIN_START)])
async def test_a_follower_that_saw_another_log_is_stopped(
    kind: Kind, after: int, chain: str
) -> None:
    """A log put back from a backup, or of another workspace: nothing is given."""
    writer = Writer(kind.log())
    await writer.write(b"one")
    await writer.write(b"two")
    with pytest.raises(Broken):
        await read(kind.log(), 9, after=after, chain=chain)
