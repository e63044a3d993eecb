"""A run that receives: tasks asked for by pages, handed to threads, folders finished last.

A folder's mode and time are set when all it holds has arrived, deepest first. Judges nothing:
every task given ends in a report, and what is wrong with the run as a whole is raised.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from events import ranges
from events.attributes import read
from events.jobs import ErrorClass
from events.tasks import Failure
from services.agent import paths
from services.agent.cloud import OpenCloud
from services.agent.cloud_store import open_cloud
from services.agent.crew import Batch, Crew
from services.agent.destination import Destination, open_destination
from services.agent.faults import Fault
from services.agent.folder_xattrs import FolderXattrs, told_of
from services.agent.folders import Folders
from services.agent.halt import Stopped
from services.agent.left import LeftAlone
from services.agent.pull import Puller
from services.agent.run import Run
from services.agent.sweep import sweep
from services.agent.volumes import AnyVolume
from services.runtime.log import logger
from services.scheduler.commands import (
    GivenTask,
    RunEnded,
    TasksDone,
    TasksFailed,
    TasksGiven,
    TasksStarted,
)

BATCH_FILES_MAX = 1_000
BATCH_BYTES_MAX = 64 << 20
WAIT_S, WAIT_MAX_S = 0.1, 1.0


def receive(run: Run, volume: AnyVolume) -> None:
    """Bring every task of the run here, then say that it ended. Raises Fault, Stopped."""
    given, twins_left = _next(run, -1, run.hands), False
    while True:
        twins_left = bool(given.tasks) and _receive(run, volume, given, with_twins=twins_left)
        if run.hands <= given.hands and not twins_left:
            break
        run.desk.flush()  # What a hand gave back is asked for when all else is settled.
        given = _next(run, -1, run.hands)
    if run.duty.rules.removes:
        sweep(run, volume)
    run.desk.report(RunEnded(run.duty.job, run.duty.run))


def _next(run: Run, after: int, hands: int) -> TasksGiven:
    """The next tasks behind `after`, waited for while the source is being listed, unless a later
    hand than this gave some back. Raises Stopped.
    """
    pause_s = WAIT_S
    while True:
        given = run.desk.ask(after)
        if given.tasks or not given.listing or run.hands > hands:
            return given
        run.pulse.rest()
        run.halt.sleep(pause_s)
        pause_s = min(2 * pause_s, WAIT_MAX_S)


def _receive(run: Run, volume: AnyVolume, given: TasksGiven, *, with_twins: bool) -> bool:
    """Whether names of files that are here by now are left, for the next time."""
    with volume.opened() as opened:
        single = _single(run, given.tasks)
        place = (run.duty.path, single)
        if isinstance(opened, OpenCloud):
            arriving = open_cloud(opened, *place)
        else:
            arriving = open_destination(opened, *place, read(run.duty.choice.attributes))
        with arriving as destination:
            receiving = _Receiving(run, destination, with_twins=with_twins)
            receiving.receive(given)
            return receiving.twins_left


def _single(run: Run, tasks: list[GivenTask]) -> str | None:
    """The name of a source that is one file: a folder's listing begins with the folder itself."""
    first = tasks[0]
    is_all = first.number == 0 and first.entry.kind != "folder" and not run.duty.parts
    return first.entry.uri if is_all else None


class _Receiving:
    def __init__(self, run: Run, destination: Destination, *, with_twins: bool) -> None:
        self._with_twins = with_twins
        self.twins_left = False
        self._run = run
        self._destination = destination
        self._left = LeftAlone(run, destination)
        self._crew = Crew(run, self._work)
        self._folders = Folders()
        self._extended = FolderXattrs(run)
        self._fault: Fault | None = None
        self._bucket = 0

    def receive(self, given: TasksGiven) -> None:
        self._crew.start()
        try:
            self._hand_out(given)
        except Fault as fault:
            self._fail(fault)
        except Stopped:
            pass
        finally:
            self._crew.end()
        if self._fault is not None:
            raise self._fault
        self._run.halt.check()
        try:
            self._finish()
        finally:
            self._extended.close()

    def _hand_out(self, given: TasksGiven) -> None:
        """Make folders, which are to be finished, and hand out the rest, page by page."""
        hands = given.hands
        while given.tasks:
            self._bucket = given.bucket
            if given.bucket:
                self._crew.settle()
            left = self._left.sift(given)
            self._make_folders(left)
            for batch in batches(self._due(left.tasks)):
                self._crew.put(Batch(given.hands, batch))
            if given.bucket:
                self._crew.settle()
            given = _next(self._run, given.after, hands)
        self._left.end()

    def _due(self, tasks: list[GivenTask]) -> list[GivenTask]:
        """Names of files that may be here by another name wait until all else is."""
        if self._with_twins:
            return tasks
        due = [task for task in tasks if not task.entry.same_as]
        self.twins_left |= len(due) < len(tasks)
        return due

    def _make_folders(self, given: TasksGiven) -> None:
        failures = []
        above: set[tuple[bytes, ...]] = set()
        for task in given.tasks:
            if task.entry.kind != "folder":
                continue
            self._run.pulse.beat()
            try:
                self._destination.make_folder(task.entry, self._left.mark(task))
                above.add(tuple(paths.split(task.entry.uri)[:-1]))
                self._folders.add(task, given.hands)
            except Fault as fault:
                failures.append(Failure(task.number, fault.error_class, fault.message))
        for parts in above:
            self._destination.flush_folder(parts)
        self._report_failures(failures, given.hands)

    def _finish(self) -> None:
        for hands, tasks in self._folders.take_back():
            self._run.halt.check()
            left = [one for one in tasks if not self._run.is_overruled(one.number, hands)]
            size = self._bucket or len(left)
            for first in range(0, len(left), size or 1):
                self._finish_some(left[first : first + size], hands)

    def _finish_some(self, folders: list[GivenTask], hands: int) -> None:
        duty, began = self._run.duty, time.monotonic()
        extended = self._extended.of(folders)
        numbers = ranges.write(task.number for task in folders)
        self._run.desk.report(TasksStarted(duty.job, duty.run, numbers, hands))
        done, failures = [], []
        for task in folders:
            self._run.pulse.beat()
            try:
                xattrs = told_of(extended.get(task.number))
                self._destination.finish_folder(task.entry, self._left.mark(task), xattrs)
                done.append(task.number)
                self._run.progress.done(task.number, 0)
            except Fault as fault:
                failures.append(Failure(task.number, fault.error_class, fault.message))
        if done:
            started_ms = round((began - self._run.began) * 1000)
            took_ms = round((time.monotonic() - began) * 1000 / len(folders))
            count = len(done)
            self._run.desk.report(
                TasksDone(
                    duty.job,
                    duty.run,
                    ranges.write(done),
                    0,
                    [started_ms] * count,
                    [took_ms] * count,
                    [""] * count,
                    hands,
                )
            )
        self._report_failures(failures, hands)

    def _report_failures(self, failures: list[Failure], hands: int) -> None:
        if failures:
            duty = self._run.duty
            self._run.desk.report(TasksFailed(duty.job, duty.run, failures, hands))

    def _work(self) -> None:
        """What a thread of the crew does."""
        puller = Puller(self._run, self._destination, self._crew)
        try:
            while (work := self._crew.take()) is not None:
                puller.pull(work)
        except Stopped:
            pass
        except Fault as fault:
            self._fail(fault)
        except Exception as error:
            logger.exception("run.broke", job=self._run.duty.job, run=self._run.duty.run)
            self._fail(Fault(ErrorClass.INTERNAL, f"the agent failed: {error!r}"))
        finally:
            puller.close()

    def _fail(self, fault: Fault) -> None:
        """The run fails as a whole: the first reason counts, and everyone stops."""
        self._fault = self._fault or fault
        self._run.halt.call()


def batches(tasks: list[GivenTask]) -> Iterator[list[GivenTask]]:
    """Files and links in their order, many small ones together, a large one alone."""
    batch: list[GivenTask] = []
    size = 0
    for task in tasks:
        if task.entry.kind == "folder":
            continue
        too_much = size + task.entry.size > BATCH_BYTES_MAX or len(batch) >= BATCH_FILES_MAX
        if batch and too_much:
            yield batch
            batch, size = [], 0
        batch.append(task)
        size += task.entry.size
    if batch:
        yield batch
