"""Commits cut into the batches that one transaction writes, and these into portions. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from events import codec, tasks
from events.codec import Corrupt, Recorded
from projections import task_rows

EVENTS_MAX = 2_000
TASKS_MAX = 20_000


class Batch(Struct, frozen=True):
    """Whole commits: their events, and the log's position and chain value after them."""

    events: list[Recorded]
    sequence: int
    chain: str


def decode(sequence: int, payload: bytes) -> list[Recorded]:
    """The events of a commit. Raises Corrupt, also for one that is not about its own place."""
    commit = codec.decode(payload)
    places = [(recorded.sequence, recorded.index) for recorded in commit]
    if places != [(sequence, index) for index in range(len(commit))]:
        raise Corrupt(f"commit {sequence} holds events of another place")
    return commit


class Pile:
    """Commits put together, until there are about as many as one transaction is to write."""

    def __init__(self, *, events_max: int = EVENTS_MAX, tasks_max: int = TASKS_MAX) -> None:
        self._events_max, self._tasks_max = events_max, tasks_max
        self._weight, self._batch = 0, Batch([], 0, "")

    def add(self, sequence: int, chain: str, payload: bytes) -> bool:
        """Whether it is full now. Raises Corrupt."""
        commit = decode(sequence, payload)
        self._batch.events.extend(commit)
        self._batch = Batch(self._batch.events, sequence, chain)
        self._weight += sum(map(tasks_named, commit))
        return len(self._batch.events) >= self._events_max or self._weight >= self._tasks_max

    def take(self) -> Batch | None:
        """All of it; None of nothing."""
        batch = self._batch
        self._weight, self._batch = 0, Batch([], 0, "")
        return batch if batch.sequence else None


def cut(
    commits: Iterable[tuple[int, str, bytes]],
    *,
    events_max: int = EVENTS_MAX,
    tasks_max: int = TASKS_MAX,
) -> Iterator[Batch]:
    """Batches of commits given as (sequence, chain, payload), each about as large as allowed."""
    pile = Pile(events_max=events_max, tasks_max=tasks_max)
    for commit in commits:
        if pile.add(*commit) and (batch := pile.take()):
            yield batch
    if rest := pile.take():
        yield rest


def portions(
    events: Sequence[Recorded], *, tasks_max: int = TASKS_MAX
) -> Iterator[Sequence[Recorded]]:
    """The events in order, in pieces whose tasks fit in memory together.

    An event that alone names more than `tasks_max` comes alone (see bulk.py for those that can).
    """
    start, weight = 0, 0
    for end, recorded in enumerate(events):
        named = tasks_named(recorded)
        if weight + named > tasks_max and end > start:
            yield events[start:end]
            start, weight = end, 0
        weight += named
    if start < len(events):
        yield events[start:]


def tasks_named(recorded: Recorded) -> int:
    event = recorded.event
    if not isinstance(event, tasks.Event):
        return 0
    return sum(last - first + 1 for first, last in task_rows.spans(event))
