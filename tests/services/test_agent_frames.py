"""Frames are read as they were written, and nothing else is: no length is believed."""

from __future__ import annotations

import io
import random
import struct

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from events.jobs import ErrorClass
from services.agent.commands import BLOCK_BYTES
from services.agent.frames import (
    JSON_MAX,
    Cut,
    End,
    Head,
    Inflow,
    Item,
    Malformed,
    read_request,
    write_block_length,
    write_end,
    write_head,
    write_request,
)

COUNT = st.integers(0, 2**63 - 1)
ITEMS = st.lists(
    st.builds(
        Item,
        number=COUNT,
        uri=st.text(max_size=50),
        kind=st.sampled_from(["file", "link", "folder"]),
        offset=COUNT,
        size=COUNT,
        mtime_ns=st.integers(-(2**63) + 1, 2**63 - 1),
        hash=st.sampled_from(["", "0123456789abcdef" * 4]),
    ),
    min_size=1,
    max_size=20,
)
ENDS = st.one_of(st.just(End()), st.just(End(ErrorClass.CHANGED, "changed")))


class Trickle(io.BytesIO):
    """Gives what it has in pieces of no particular size, as a socket does."""

    def __init__(self, data: bytes, seed: int) -> None:
        super().__init__(data)
        self._random = random.Random(seed)

    def read1(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        return super().read1(self._random.randint(1, size))

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        return super().readinto(buffer[: self._random.randint(1, len(buffer))])


def written(number: int, content: bytes, end: End) -> bytes:
    pieces, hasher = [write_head(Head(number, size=len(content)))], blake3()
    for at in range(0, len(content), BLOCK_BYTES):
        block = content[at : at + BLOCK_BYTES]
        pieces += [write_block_length(len(block)), block, hasher.update(block).digest()]
    return b"".join([*pieces, write_end(end)])


def read(inflow: Inflow) -> tuple[int, bytes, End]:
    head, content, hasher = inflow.read_head(), b"", blake3()
    inflow.begin_file(head.size)
    while length := inflow.read_block_length():
        block = bytearray(length)
        inflow.read_into(memoryview(block))
        assert inflow.read_hash() == hasher.update(block).digest()
        content += block
    return head.number, content, inflow.read_end()


@given(ITEMS)
def test_a_request_is_read_as_written(items: list[Item]) -> None:
    assert read_request(write_request(items)).items == items


@given(st.lists(st.tuples(COUNT, st.binary(max_size=2_000), ENDS), max_size=5), st.integers())
def test_items_are_read_as_written(items: list[tuple[int, bytes, End]], seed: int) -> None:
    inflow = Inflow(Trickle(b"".join(written(*item) for item in items), seed))
    assert [read(inflow) for _ in items] == items


@settings(max_examples=10, deadline=None)
@given(st.integers(-2, 2), st.integers())
def test_blocks_are_read_as_written(around: int, seed: int) -> None:
    content = random.Random(seed).randbytes(2 * BLOCK_BYTES + around)
    assert read(Inflow(Trickle(written(7, content, End()), seed))) == (7, content, End())


@given(st.binary(max_size=500), st.data())
def test_an_answer_cut_anywhere_is_a_cut(content: bytes, data: st.DataObject) -> None:
    whole = written(1, content, End())
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(Cut):
        read(Inflow(io.BytesIO(cut)))


@given(st.binary(max_size=500), st.data())
def test_a_skipped_file_leaves_the_next_one_readable(content: bytes, data: st.DataObject) -> None:
    both = written(1, content, End()) + written(2, b"next", End())
    inflow = Inflow(io.BytesIO(both))
    inflow.begin_file(inflow.read_head().size)
    if content and data.draw(st.booleans()):
        length = inflow.read_block_length()
        inflow.read_into(memoryview(bytearray(data.draw(st.integers(0, length - 1)))))
    inflow.skip_file()
    assert read(inflow) == (2, b"next", End())


@given(st.binary(max_size=300))
def test_noise_is_refused_and_never_believed(noise: bytes) -> None:
    with pytest.raises((Cut, Malformed)):
        read(Inflow(io.BytesIO(noise)))


@pytest.mark.parametrize("length", [0, JSON_MAX + 1, 2**31, 2**32 - 1])
def test_a_head_of_a_length_that_cannot_be_is_refused(length: int) -> None:
    with pytest.raises(Malformed):
        Inflow(io.BytesIO(struct.pack(">I", length) + b"{}" * 10)).read_head()


@pytest.mark.parametrize("length", [1, 9, 11, BLOCK_BYTES, BLOCK_BYTES + 1, 2**32 - 1])
def test_a_block_of_another_length_than_is_due_is_refused(length: int) -> None:
    inflow = Inflow(io.BytesIO(struct.pack(">I", length) + bytes(100)))
    inflow.begin_file(10)
    with pytest.raises(Malformed):
        inflow.read_block_length()


def test_a_file_that_ends_early_without_a_reason_is_refused() -> None:
    inflow = Inflow(io.BytesIO(write_end(End())))
    inflow.begin_file(10)
    assert inflow.read_block_length() == 0
    with pytest.raises(Malformed):
        inflow.read_end()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"[1]",
        b'[{"number":-1,"uri":"a"}]',
        b'[{"number":9223372036854775808,"uri":"a"}]',
        b'[{"number":1e3,"uri":"a"}]',
        b'[{"number":1,"uri":"a","offset":-4194304}]',
        b'[{"number":1,"uri":"a","kind":"folder"}]',
        b'[{"number":1,"uri":7}]',
        b'[{"number":1,"uri":"a","hash":7}]',
        b'[{"number":1,"uri":"a","hash":"' + b"a" * 63 + b'"}]',
        b'[{"number":1,"uri":"a","hash":"' + b"a" * 65 + b'"}]',
        b'[{"number":1,"uri":"a","hash":"' + b"A" * 64 + b'"}]',
        b'[{"number":1,"uri":"a","hash":"' + b"a" * 64 + b'\\n"}]',
        b"[" + b'{"number":1,"uri":"a"},' * 1_000 + b'{"number":1,"uri":"a"}]',
    ],
)
def test_a_request_that_is_out_of_order_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        read_request(body)
