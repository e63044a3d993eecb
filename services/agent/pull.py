"""Bring batches of tasks here, or parts of large files: one thread, one connection, one landing.

A task that cannot be done fails alone; a connection that breaks is taken up again where each
file's verified bytes end, a few times with growing pauses, before the run fails as a whole.
"""

from __future__ import annotations

from msgspec.structs import astuple, replace

from events import ranges
from events.jobs import ErrorClass
from events.tasks import Entry, Failure, Measured
from services.agent.arrival import Arrival, Elsewhere
from services.agent.bring import Bringing
from services.agent.connecting import who
from services.agent.crew import Batch, Crew
from services.agent.destination import Destination
from services.agent.faults import Fault
from services.agent.frames import Cut, Malformed
from services.agent.intake import Intake
from services.agent.landing import Landed, Landing
from services.agent.run import Run
from services.agent.sender import Broken, Sender
from services.agent.spent import SPENT, Shares
from services.agent.stretch import Damaged
from services.scheduler.commands import GivenTask, TasksDone, TasksFailed, TasksStarted

PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 3.2)


class Puller:
    def __init__(self, run: Run, destination: Destination, crew: Crew) -> None:
        self._run = run
        self._crew = crew
        self._landing = Landing(destination, run.duty.job)
        self._bringing = Bringing(run, destination, self._landing, crew)
        self._intake = Intake(run, destination, self._landing, self._bringing)
        self._sender = Sender(lambda: run.duty, run.halt, run.pulse, run.throttle, run.connect)
        self._shares = Shares()
        self._failures = 0
        self._before = (0, 0)  # Steps of the crew and bytes of others, when the first of them was.

    def close(self) -> None:
        self._sender.close()
        self._bringing.close()
        self._landing.end()

    def pull(self, work: Batch | Arrival) -> None:
        """Bring a batch, or help with a file. Raises Fault for the run, Stopped."""
        self._intake.hands = self._bringing.hands = work.hands
        self._intake.versions.clear()
        SPENT.take()
        if isinstance(work, Arrival):
            left = {work.number: work.entry} if self._bringing.join(work) else {}
        else:
            left = self._begin(work.tasks)
        while left:
            self._pull_with_patience(left)
        self._settle()

    def _begin(self, batch: list[GivenTask]) -> dict[int, Entry]:
        """What is to be asked for of a batch, after a look at what is here already."""
        batch = [task for task in batch if not self._intake.is_dropped(task.number)]
        if not batch:
            return {}
        duty, hands = self._run.duty, self._intake.hands
        numbers = ranges.write(task.number for task in batch)
        self._run.desk.report(TasksStarted(duty.job, duty.run, numbers, hands))
        left = {}
        for task in batch:
            if self._intake.look(task.number, task.entry):
                left[task.number] = task.entry
            self._settle_if_full()
        return left

    def _pull_with_patience(self, left: dict[int, Entry]) -> None:
        before = len(left), self._bringing.steps
        try:
            self._pull_once(left)
        except Elsewhere:
            self._sender.close()
        except (Broken, Cut, Malformed, Damaged) as error:
            self._sender.close()
            self._run.halt.check()
            if before != (len(left), self._bringing.steps):
                self._failures = 0
            self._be_patient(left, error)
        else:
            self._failures = 0

    def _be_patient(self, left: dict[int, Entry], error: Exception) -> None:
        """Pause before another try. After too many the run fails, unless others got on meanwhile:
        then they bring the files that they know of, and without this connection."""
        others_moved = self._run.progress.bytes_moved - self._bringing.moved
        if self._failures == 0:
            self._before = self._crew.steps, others_moved
        if self._failures == len(PAUSES_S):
            if others_moved > self._before[1]:
                self._leave_to_others(left)
            if left and self._crew.steps == self._before[0]:
                message = f"{who(self._run.duty)} cannot be read: {told(error)}"
                raise Fault(ErrorClass.NETWORK, message) from error
            self._failures = 0
        self._run.halt.sleep(PAUSES_S[self._failures])
        self._failures += 1

    def _leave_to_others(self, left: dict[int, Entry]) -> None:
        for number in self._bringing.leave_to_others():
            del left[number]
            self._crew.dismiss()

    def _pull_once(self, left: dict[int, Entry]) -> None:
        items = []
        for number, entry in list(left.items()):
            item = self._intake.item(number, entry)
            if item is None:
                del left[number]
            else:
                items.append(item)
        if not items:
            return
        inflow = self._sender.read(items)
        for number, entry in list(left.items()):
            head = self._intake.read_head(number, entry, inflow)
            try:
                settled = self._intake.take(number, entry, head, inflow)
            except Elsewhere:
                del left[number]
                raise
            if settled:
                del left[number]
            self._settle_if_full()
        self._sender.finish()

    def _settle_if_full(self) -> None:
        if self._landing.is_full:
            self._settle()

    def _settle(self) -> None:
        """Put in place what has come, and only then report it."""
        duty, progress = self._run.duty, self._run.progress
        landed, failures = self._landing.settle(self._run.step, self._intake.is_dropped)
        landed = sorted(landed, key=lambda one: one.number)
        came = [progress.done(one.number, one.size) for one in landed]
        lost = [progress.failed(failure.number) for failure in failures]
        spent = self._shares.share(SPENT.take(), came + lost)
        if landed:
            self._crew.step()
            self._run.desk.report(self._done(landed, came, spent))
        if failures:
            told = measured(failures, lost, {name: spent[name][len(landed) :] for name in spent})
            self._run.desk.report(TasksFailed(duty.job, duty.run, told, self._intake.hands))

    def _done(
        self, landed: list[Landed], came: list[int], spent: dict[str, list[int]]
    ) -> TasksDone:
        """`landed` by number; what came for each and what it cost run along."""
        duty, versions = self._run.duty, self._intake.versions
        return TasksDone(
            duty.job,
            duty.run,
            ranges.write(one.number for one in landed),
            sum(one.size for one in landed),
            [_ms(one.started - self._run.began) for one in landed],
            [_ms(one.ended - one.started) for one in landed],
            [one.hash for one in landed],
            self._intake.hands,
            [max(0, one.size - more) for one, more in zip(landed, came, strict=True)],
            **{name: values[: len(landed)] for name, values in spent.items()},
            versions=[versions.pop(one.number) for one in landed if one.number in versions],
        )


def measured(
    failures: list[Failure], came: list[int], spent: dict[str, list[int]]
) -> list[Failure]:
    """Each with what is known of it: which bytes came, and what they cost."""
    told = []
    for at, failure in enumerate(failures):
        of_task = Measured(**{name: values[at] for name, values in spent.items()}, bytes=came[at])
        told.append(replace(failure, measured=of_task) if any(astuple(of_task)) else failure)
    return told


def _ms(duration_s: float) -> int:
    return max(0, round(duration_s * 1000))


def told(error: Exception) -> str:
    match error:
        case Damaged():
            return "bytes arrived damaged"
        case Cut():
            return "the connection ended in the middle"
        case _:
            return str(error)
