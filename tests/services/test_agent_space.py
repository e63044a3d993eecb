"""A destination that is really full: what fits arrives, the rest fails for want of room, and goes
on from the bytes it has once there is some. Needs a file system of its own, so the superuser.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.agent import partial, reserve
from services.agent.commands import BLOCK_BYTES
from services.agent.faults import Fault
from tests.mounts import mounted
from tests.services.agent_planes import Ledger, Planes, Proxy, leftovers, planes_in, tree

SIZE = 3 * BLOCK_BYTES
RESERVED = 2_000_000


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[Planes]:
    """A destination with room for three blocks and a bit."""
    small = tmp_path / "destination"
    small.mkdir()
    with mounted(small, SIZE + (256 << 10)), planes_in(tmp_path) as made:
        yield made


def free(planes: Planes) -> int:
    found = os.statvfs(planes.destination)
    return found.f_bavail * found.f_frsize


def test_what_has_no_room_fails_before_a_byte_of_it_is_written(planes: Planes) -> None:
    """And holds no room meanwhile; a smaller one that fits arrives."""
    filler = planes.destination / "filler"
    filler.write_bytes(bytes(BLOCK_BYTES))
    (planes.source / "large").write_bytes(os.urandom(SIZE))
    (planes.source / "medium").write_bytes(os.urandom(SIZE - BLOCK_BYTES - 1))
    ledger = planes.receive("", "in")
    [(uri, (error_class, message))] = ledger.failed().items()
    assert (uri, error_class) == ("large", "space")
    assert "make room" in message
    (planes.destination / "in/medium").unlink()
    assert free(planes) >= SIZE - BLOCK_BYTES
    assert planes.progress.bytes_moved < SIZE

    filler.unlink()
    (planes.source / "medium").unlink()
    again = planes.receive("", "in", ledger=ledger)
    assert len(again.failures) == 1
    arrived = planes.destination / "in/large"
    assert arrived.read_bytes() == (planes.source / "large").read_bytes()
    assert leftovers(planes.destination) == []


@pytest.mark.parametrize("taken", [BLOCK_BYTES, BLOCK_BYTES - (128 << 10), SIZE - (1 << 20)])
def test_where_room_cannot_be_reserved_it_goes_on_where_it_stopped_once_there_is(
    planes: Planes, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partial, "reserve", lambda *_: None)
    filler = planes.destination / "filler"
    filler.write_bytes(bytes(taken))
    (planes.source / "large").write_bytes(os.urandom(SIZE))
    (planes.source / "early").write_bytes(b"fits")
    ledger = planes.receive("", "in")
    failed = ledger.failed()
    assert {uri: error_class for uri, (error_class, _) in failed.items()} == {"large": "space"}
    assert "make room" in failed["large"][1]
    assert (planes.destination / "in" / "early").read_bytes() == b"fits"
    assert ledger.ended

    filler.unlink()
    line = Proxy(planes.server.address[1], [])
    assert len(planes.receive("", "in", ledger=ledger, url=line.url).failures) == 1
    line.close()
    assert tree(planes.destination / "in") == tree(planes.source)
    assert leftovers(planes.destination) == []
    kept = (SIZE - taken) // BLOCK_BYTES * BLOCK_BYTES
    assert line.came < SIZE - kept + BLOCK_BYTES // 4, "blocks that are there do not come again"


# Beside what is reserved.


def test_a_file_that_would_take_what_is_reserved_is_refused_before_it_is_written(
    planes: Planes,
) -> None:
    (planes.source / "large").write_bytes(os.urandom(2 * BLOCK_BYTES))
    (planes.source / "small").write_bytes(b"fits")
    before = free(planes)
    ledger = planes.receive("", "in", reserved=before - 2 * BLOCK_BYTES + 1)
    assert list(ledger.failed()) == ["large"]
    error_class, message = ledger.failed()["large"]
    assert error_class == "space"
    assert "in/large: no room for 9 MB: " in message
    assert "(transfer_reserved_space)" in message
    assert (planes.destination / "in" / "small").read_bytes() == b"fits"
    assert free(planes) > before - 4 * 65_536, "no byte of it was kept"

    again = planes.receive("", "in", ledger=ledger, reserved=BLOCK_BYTES)
    assert len(again.failures) == 1
    assert tree(planes.destination / "in") == tree(planes.source)


def test_a_run_stops_before_what_is_reserved_when_the_volume_fills_up(
    planes: Planes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when it is others who filled it, in the middle of a file."""
    monkeypatch.setattr(reserve, "FULL_S", 1.0)
    monkeypatch.setattr(partial, "reserve", lambda *_: None)  # As where nothing can be set aside.
    (planes.source / "large").write_bytes(os.urandom(2 * BLOCK_BYTES))
    filler, ledger = planes.destination / "filler", Ledger(planes.list(""))
    threading.Timer(0.4, filler.write_bytes, [bytes(5_000_000)]).start()
    with pytest.raises(Fault, match=r"volume v: no room for 1 MB: .* reserved") as raised:
        planes.receive("", "in", ledger=ledger, limit=6_000_000, reserved=RESERVED)
    assert raised.value.error_class == "space"
    assert ledger.failures == [], "it is not the fault of the file"
    assert RESERVED < free(planes) < 2 * RESERVED
    filler.unlink()
    planes.receive("", "in", ledger=ledger, reserved=RESERVED)
    assert tree(planes.destination / "in") == tree(planes.source)
    assert leftovers(planes.destination) == []
