"""Resumes, disturbed in every way that chance finds: the right bytes, or a clean failure.

Blocks are small here, so that a case takes milliseconds. HAULAGE_FUZZ says how many cases there are
(60), HAULAGE_FUZZ_SEED where they begin; a case that fails names its own seed.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from services.agent import bring, commands, frames, gaps, journal, pace, partial, pull, send
from services.agent.faults import Fault
from services.agent.halt import Halt, Stopped
from services.agent.partial import partial_names
from tests.services.agent_planes import JOB, Ledger, Planes, Proxy, leftovers, planes_in
from tests.services.test_agent_resume import Stopping

BLOCK = 16 << 10
CASES = int(os.environ.get("HAULAGE_FUZZ", "60"))
SEED = int(os.environ.get("HAULAGE_FUZZ_SEED", "0"))
NAMES = ["first", "other"]
HEAD_BYTES = 600  # About what stands before the first block of an answer.


@pytest.fixture
def planes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Planes]:
    """Two planes where blocks are small and every file of more than two is large."""
    for module in (bring, commands, frames, gaps, journal, partial, send):
        monkeypatch.setattr(module, "BLOCK_BYTES", BLOCK)
    for module in (bring, send):
        monkeypatch.setattr(module, "PIECE_BYTES", BLOCK // 4)
    monkeypatch.setattr(bring, "LARGE_BYTES", 2 * BLOCK)
    monkeypatch.setattr(pace, "TAKE_MIN_BYTES", 2 * BLOCK)
    monkeypatch.setattr(pace, "FIRST", 3)
    monkeypatch.setattr(pull, "PAUSES_S", (0.0,) * 3)
    with planes_in(tmp_path) as planes:
        yield planes


class Case:
    def __init__(self, planes: Planes, seed: int) -> None:
        self.planes = planes
        self.seed = seed
        self.chance = random.Random(seed)
        for folder in (planes.source, planes.destination):
            for path in folder.iterdir():
                path.unlink()
        for name in NAMES:
            self.write(name, self.chance.choice([self.chance.randrange(12 * BLOCK), 9 * BLOCK]))
        self.ledger = Ledger(planes.list(""))

    def write(self, name: str, size: int) -> None:
        (self.planes.source / name).write_bytes(self.chance.randbytes(size))

    def files(self) -> list[tuple[int, Path]]:
        """With their numbers; the folder itself is number 0."""
        return [(number, self.planes.source / name) for number, name in enumerate(NAMES, 1)]

    def run(self, cuts: list[int], halt: Halt | None = None) -> None:
        self.ledger.failures.clear()
        line = Proxy(self.planes.server.address[1], cuts)
        try:
            sockets = self.chance.randint(1, 3)
            self.planes.receive(
                "", "", ledger=self.ledger, url=line.url, halt=halt, sockets=sockets
            )
        except (Fault, Stopped):
            pass
        finally:
            line.close()

    # What disturbs.

    def cut(self) -> None:
        near = [
            HEAD_BYTES + block * (BLOCK + 36) + off for block in range(10) for off in (-1, 0, 1)
        ]
        anywhere = self.chance.choices(range(10 * BLOCK), k=3)
        self.run(self.chance.choices([*near, *anywhere], k=self.chance.randint(1, 9)))

    def stop(self) -> None:
        self.run([], Stopping(self.chance.randrange(120)))

    def damage(self) -> None:
        left = sorted(self.planes.destination.glob(".*haulage*"))
        if not left:
            return
        one, other = self.chance.choice(left), self.chance.choice(left)
        size = one.stat().st_size
        match self.chance.randrange(7):
            case 0 if size:
                with one.open("r+b") as file:
                    file.seek(self.chance.randrange(size))
                    file.write(self.chance.randbytes(3))
            case 1:
                os.truncate(one, self.chance.randrange(size + BLOCK))
            case 2:
                one.unlink()
            case 3:
                content, theirs = one.read_bytes(), other.read_bytes()
                one.write_bytes(theirs)
                other.write_bytes(content)
            case 4:
                one.write_bytes(other.read_bytes())
            case 5:
                one.write_bytes(self.chance.randbytes(self.chance.randrange(4 * BLOCK)))
            case _:
                os.truncate(one, size // BLOCK * BLOCK)

    def rewrite(self) -> None:
        """Another version of a source that is not done; often of the same size."""
        number, path = self.chance.choice(self.files())
        if number not in self.ledger.hashes:
            size = self.chance.choice([path.stat().st_size, self.chance.randrange(12 * BLOCK)])
            self.write(path.name, size)

    def check(self) -> None:
        """After an undisturbed run at the end all is there, and before it nothing was wrong."""
        self.run([])
        assert self.ledger.failures == [], self.seed
        for number, path in self.files():
            content = path.read_bytes()
            assert (self.planes.destination / path.name).read_bytes() == content, self.seed
            known = ("", blake3(content).hexdigest())  # Nobody read one that was in its place.
            assert self.ledger.hashes[number] in known, self.seed
        assert leftovers(self.planes.destination) == [], self.seed

    def check_meanwhile(self) -> None:
        """What has its name already has all its bytes."""
        for number, path in self.files():
            arrived = self.planes.destination / path.name
            if number in self.ledger.hashes:
                assert arrived.read_bytes() == path.read_bytes(), self.seed


def test_whatever_disturbs_a_resume_the_bytes_are_right_in_the_end(planes: Planes) -> None:
    for seed in range(SEED, SEED + CASES):
        case = Case(planes, seed)
        disturbances: list[Callable[[], None]] = [case.cut, case.stop, case.damage, case.rewrite]
        for _ in range(case.chance.randint(1, 6)):
            case.chance.choices(disturbances, weights=[4, 3, 3, 1])[0]()
            case.check_meanwhile()
        case.check()


def test_a_partial_of_another_file_is_not_taken_up(planes: Planes) -> None:
    """Both files of a partial put under the names of another's."""
    case = Case(planes, 1)
    case.write("first", 9 * BLOCK)
    case.write("other", 9 * BLOCK)
    case.ledger = Ledger(planes.list(""))
    case.run([5 * BLOCK, 5 * BLOCK, *[0] * 20])
    for mine, theirs in zip(
        partial_names(b"first", JOB, 1), partial_names(b"other", JOB, 2), strict=True
    ):
        kept = planes.destination / os.fsdecode(mine)
        if kept.exists():
            kept.replace(planes.destination / os.fsdecode(theirs))
    case.ledger.failures.clear()
    planes.receive("", "", ledger=case.ledger)
    assert case.ledger.failures == []
    for _, path in case.files():
        assert (planes.destination / path.name).read_bytes() == path.read_bytes()
