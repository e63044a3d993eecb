"""Folders that were at the destination before the job, left alone with all that is in them.

So `transfer_ignore_existing` may have it. Which folders were there before is not known once the job
makes its own, so each of these has a hidden mark beside it until it is finished; and a folder that
is left alone is told done after all that is in it, so that an interrupted run finds it again.
"""

from __future__ import annotations

import time

from msgspec.structs import replace

from events import ranges
from services.agent import paths
from services.agent.destination import Destination
from services.agent.partial import partial_names
from services.agent.run import Run
from services.scheduler.commands import GivenTask, TasksDone, TasksGiven, TasksStarted


class LeftAlone:
    """`_top` is the folder that is being left alone; what is in it follows it in the listing."""

    def __init__(self, run: Run, destination: Destination) -> None:
        self._run = run
        self._destination = destination
        self._top: GivenTask | None = None
        self._inside: list[GivenTask] = []
        self._hands = 0

    def mark(self, task: GivenTask) -> bytes | None:
        """The name of the mark of a folder that the job makes; a store has no folders."""
        marks = self._run.duty.rules.ignores_folders and self._destination.beyond is None
        if not marks or not task.entry.uri:
            return None
        name = paths.split(task.entry.uri)[-1]
        return partial_names(name, self._run.duty.job, task.number)[0]

    def sift(self, given: TasksGiven) -> TasksGiven:
        """The tasks that are to be done; the others are told. Raises Stopped."""
        if self._top is None and not self._run.duty.rules.ignores_folders:
            return given
        self._hands = given.hands
        rest = [task for task in given.tasks if not self._leaves(task)]
        self._tell(self._inside)
        return replace(given, tasks=rest)

    def end(self) -> None:
        """Nothing more of the folder follows."""
        self._tell(self._inside)
        if self._top is not None:
            self._tell([self._top])
            self._top = None

    def _leaves(self, task: GivenTask) -> bool:
        uri = task.entry.uri
        if self._top is not None:
            if uri.startswith(f"{self._top.entry.uri}/"):
                self._inside.append(task)
                return True
            self.end()
        mark = self.mark(task) if task.entry.kind == "folder" else None
        if mark is None or not self._destination.was_there(uri, mark):
            return False
        self._top = task
        return True

    def _tell(self, tasks: list[GivenTask]) -> None:
        """They are done, though nothing was."""
        hands = self._hands
        told = [one for one in tasks if not self._run.is_overruled(one.number, hands)]
        tasks.clear()
        if not told:
            return
        duty, count = self._run.duty, len(told)
        numbers = ranges.write(one.number for one in told)
        for task in told:
            self._run.progress.done(task.number, task.entry.size)
        self._run.desk.report(TasksStarted(duty.job, duty.run, numbers, hands))
        began_ms = round((time.monotonic() - self._run.began) * 1000)
        size = sum(one.entry.size for one in told)
        times = [began_ms] * count, [0] * count
        self._run.desk.report(
            TasksDone(duty.job, duty.run, numbers, size, *times, [""] * count, hands)
        )
