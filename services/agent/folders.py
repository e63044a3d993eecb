"""The folders of a run that are to be finished when all they hold has arrived.

There may be a million of them: each is kept as one short text, as what it was given as. Names of
groups may have spaces; no name has a NUL.
"""

from __future__ import annotations

from collections.abc import Iterator

from events.tasks import TASKS_PER_EVENT_MAX, Entry
from services.agent.crew import Batch
from services.scheduler.commands import GivenTask


class Folders:
    def __init__(self) -> None:
        self._packed: list[bytes] = []

    def add(self, task: GivenTask, hands: int) -> None:
        """Given under this hand. They come with rising numbers."""
        one = task.entry
        numbers = f"{hands} {task.number} {one.mode} {one.mtime_ns}"
        packed = "\0".join((numbers, one.owner, one.group, one.uri))
        self._packed.append(packed.encode("utf-8", "surrogatepass"))

    def take_back(self) -> Iterator[Batch]:
        """The last first: what is in a folder has a higher number than the folder itself."""
        batch: list[GivenTask] = []
        under = 0
        while self._packed:
            hands, task = _unpacked(self._packed.pop())
            if batch and (hands != under or len(batch) >= TASKS_PER_EVENT_MAX):
                yield Batch(under, batch)
                batch = []
            under = hands
            batch.append(task)
        if batch:
            yield Batch(under, batch)


def _unpacked(packed: bytes) -> tuple[int, GivenTask]:
    numbers, owner, group, uri = packed.decode("utf-8", "surrogatepass").split("\0")
    hands, number, mode, mtime_ns = map(int, numbers.split())
    entry = Entry(uri, "folder", mode=mode, mtime_ns=mtime_ns, owner=owner, group=group)
    return hands, GivenTask(number, entry)
