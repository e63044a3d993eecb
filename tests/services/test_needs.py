"""Shares that are not used up go to others, and come back as soon as they are wanted."""

from __future__ import annotations

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from events.settings import Level
from services.agent.commands import Receive
from services.scheduler import plan
from services.scheduler.commands import Holding, Move, Pause, Resume, Set
from services.scheduler.limited import limited
from services.scheduler.needs import Needs
from tests.services.spec import HQ, NAMES, OSLO, STOCKHOLM, beat, job_id, transfer
from tests.services.spec import given as spec_given

KB, MB = 1_000, 1_000_000
SPEED = "transfer_speedlimit"


class World:
    """Job a goes from hq to stockholm, b from oslo to hq; `can` is how fast each could go."""

    def __init__(self, level: Level = "endpoint", which: str = "hq", limit: int = 20) -> None:
        self.history = spec_given(transfer("a"), transfer("b", "oslo:projects/x", "hq:incoming/b"))
        self.history.ask(Set(level, which, {SPEED: limit}))
        self.needs = Needs()
        self.can = {"a": 1000.0 * MB, "b": 1000.0 * MB}
        self.told: set[str] = set()

    def given(self) -> dict[str, int]:
        """What each may take in, in bytes per second; 0 is as much as it likes."""
        board, now = self.history.board, self.history.now
        told = [plan.duties(one, board, now, self.needs.of).duties for one in NAMES]
        receives = [one for duties in told for one in duties if isinstance(one, Receive)]
        return {board.jobs[one.job].name: one.limit for one in receives}

    def beats(self, count: int = 1) -> dict[str, int]:
        """Everybody beats so often, each job moves as fast as it can and may meanwhile."""
        board = self.history.board
        for _ in range(count):
            used = {name: min(self.can[name], may) for name, may in self.given().items()}
            for endpoint in NAMES:
                holding = [
                    Holding(one.job, one.run, used[board.jobs[one.job].name])
                    for one in plan.duties(endpoint, board, self.history.now).duties
                    if isinstance(one, Receive)
                ]
                said = beat(endpoint, holding=holding)
                self.told.update(self.needs.hear(said, board, self.history.now))
        return self.given()


def test_what_a_slow_transfer_leaves_the_others_have_until_it_is_faster() -> None:
    world = World()
    assert world.beats(3) == {"a": 10 * MB, "b": 10 * MB}
    assert world.told == set(), "nothing is changed by those who use what they have"
    world.can["a"] = 2.0 * MB
    assert world.beats() == {"a": 10 * MB, "b": 10 * MB}, "one slow beat is no sign"
    slow, quick = 1 << 22, 20 * MB - (1 << 22)
    assert world.beats() == {"a": slow, "b": quick}, "twice what it uses, in steps of two"
    assert world.told == {HQ, STOCKHOLM, OSLO}
    assert world.beats(5) == {"a": slow, "b": quick}
    world.can["a"] = 8.0 * MB
    assert world.beats() == {"a": 10 * MB, "b": 10 * MB}, "its whole share at once"


def test_one_that_stands_still_keeps_an_eighth_to_begin_with() -> None:
    world = World()
    world.can["a"] = 0.0
    given = world.beats(3)
    assert 10 * MB / 8 <= given["a"] <= 10 * MB / 4
    assert given["a"] + given["b"] <= 20 * MB
    text = {job.id: job.name for job in world.history.board.jobs.values()}
    board, now = world.history.board, world.history.now
    said = limited(board.jobs.values(), board, now, world.needs.of)
    words = {text[job]: one.text for job, one in said.items()}
    assert words["a"] == "2.1 MB/s by endpoint hq, which gives 20 MB/s to 2 transfers: it used less"
    assert words["b"] == "17.9 MB/s by endpoint hq, which gives 20 MB/s to 2 transfers"


def test_a_new_run_has_its_whole_share_and_so_has_what_nobody_limits() -> None:
    world = World()
    world.can["a"] = 0.0
    world.beats(3)
    world.history.ask(Pause(job_id("a")))
    assert world.beats() == {"b": 20 * MB}
    world.history.ask(Resume(job_id("a")))
    world.history.ask(Move([job_id("a")], queue="high"))
    assert world.beats() == {"a": 10 * MB, "b": 10 * MB}
    world.history.ask(Set("endpoint", "hq", unset=[SPEED]))
    assert world.beats(3) == {"a": 0, "b": 0}
    assert world.needs.of == {}


speeds = st.floats(0, 50 * MB)


@settings(deadline=None, max_examples=50)
@for_all(speeds, speeds, st.sampled_from([1, 7, 20, 300]))
def test_whatever_they_can_shares_settle_and_little_is_left_over(
    a: float, b: float, limit: int
) -> None:
    world = World(limit=limit)
    world.can = {"a": a, "b": b}
    world.beats(6)
    settled = world.given()
    for _ in range(4):
        assert world.beats() == settled
    whole = limit * MB
    assert sum(settled.values()) <= whole
    used = sum(min(world.can[name], may) for name, may in settled.items())
    assert used >= min(a + b, whole) * 0.49
    for name, may in settled.items():
        assert min(world.can[name], may) >= min(world.can[name], whole / 2) * 0.99, "its fair half"
