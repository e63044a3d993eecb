"""Files that change still are waited for: with clocks as values, and files that change by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from events.tasks import Entry
from services.agent import steady
from services.agent.steady import Steady, Times

NOW_NS = 1_900_000_000_000_000_000


class World:
    """A folder as values. Time passes only in pauses; `happens` says what happens then."""

    def __init__(self, **ages_s: float) -> None:
        self.now_s = 1000.0
        self.stable_s = 30
        self.files = {
            name: Entry(name, size=1, mtime_ns=self.ago(age)) for name, age in ages_s.items()
        }
        self.happens: list[tuple[float, Callable[[], object]]] = []
        self.told: list[int] = []

    def ago(self, seconds: float) -> int:
        return self.clock_ns() - int(seconds * 1e9)

    def clock_ns(self) -> int:
        return NOW_NS + int(self.now_s * 1e9)

    def pause(self, seconds: float) -> None:
        assert 0 < seconds <= steady.LOOK_EACH_S
        self.now_s += seconds
        for at in [one for one in self.happens if one[0] <= self.now_s]:
            self.happens.remove(at)
            at[1]()

    def writes(self, name: str, size: int) -> None:
        self.files[name] = Entry(name, size=size, mtime_ns=self.clock_ns())

    def again(self, uri: str) -> Iterator[Entry]:
        if uri in self.files:
            yield self.files[uri]

    def listed(self) -> Iterator[tuple[str, float]]:
        """Each name with how long it was waited for."""
        times = Times(lambda: self.now_s, self.clock_ns, self.pause)
        held = Steady(lambda: self.stable_s, self.again, self.told.append, times)
        for entry in filter(None, held.entries(list(self.files.values()))):
            yield entry.uri, round(self.now_s - 1000, 1)


def test_what_was_left_alone_for_long_enough_goes_first() -> None:
    world = World(fresh=10, old=30, fresher=1)
    assert list(world.listed()) == [("old", 0), ("fresh", 20), ("fresher", 29)]
    assert world.told == [2, 1, 0]


def test_nothing_is_waited_for_unless_it_is_asked_for() -> None:
    world = World(fresh=0)
    world.stable_s = 0
    assert list(world.listed()) == [("fresh", 0)]
    assert world.told == []


def test_a_file_that_goes_on_changing_is_waited_for_anew() -> None:
    world = World(grows=5)
    world.happens = [(1000.0 + at, lambda: world.writes("grows", 2)) for at in (10, 20, 40)]
    assert list(world.listed()) == [("grows", 70)]


def test_a_file_that_vanishes_meanwhile_was_never_there() -> None:
    world = World(gone=0, stays=1)
    world.happens = [(1005.0, lambda: world.files.pop("gone"))]
    assert list(world.listed()) == [("stays", 29)]
    assert world.told[-1] == 0


def test_a_file_from_the_future_is_believed_once_it_is_seen_unchanged() -> None:
    assert list(World(ahead=-5000).listed()) == [("ahead", 30)]


def test_nobody_waits_longer_than_a_day() -> None:
    world = World(log=0)
    world.stable_s = 3600
    world.happens = [(1000.0 + at, lambda: world.writes("log", 2)) for at in range(0, 200_000, 600)]
    [(name, waited)] = list(world.listed())
    assert (name, 86_400 < waited < 90_001) == ("log", True)


def test_a_change_of_the_setting_is_felt_by_who_waits() -> None:
    world = World(fresh=0)
    world.happens = [(1005.0, lambda: setattr(world, "stable_s", 0))]
    assert list(world.listed()) == [("fresh", 5)]


def test_so_many_are_held_and_no_more() -> None:
    world = World(**{f"f{n}": 10 for n in range(steady.HELD_MAX + 5)})
    found = world.listed()
    assert next(found) == ("f0", 20)
    assert max(world.told) == steady.HELD_MAX + 1
    assert sum(1 for _ in found) == steady.HELD_MAX + 4


def test_those_that_are_due_do_not_wait_for_the_end_of_the_listing() -> None:
    world = World(fresh=29, **{f"old{n}": 100 for n in range(3)})
    times = Times(lambda: world.now_s, world.clock_ns, world.pause)
    held = Steady(lambda: world.stable_s, world.again, world.told.append, times)

    def walk() -> Iterator[Entry]:
        for entry in list(world.files.values()):
            yield entry
            world.now_s += 2

    names = [entry.uri for entry in held.entries(walk()) if entry]
    assert names == ["old0", "fresh", "old1", "old2"]
    assert world.told == [], "nobody waited"
