"""What a run asks and reports, as its threads see it; `reports.py` speaks to the scheduler."""

from __future__ import annotations

from typing import Protocol

from services.scheduler.commands import AgentsReport, TasksGiven


class Desk(Protocol):
    """All raise Stopped when the run is to stop, and wait while nobody answers."""

    def ask(self, after: int) -> TasksGiven:
        """The next queued tasks from number `after`+1 on."""
        ...

    def every(self, after: int) -> TasksGiven:
        """The next of all tasks of the job, whatever became of them."""
        ...

    def flush(self) -> None:
        """Wait until all that was reported has been answered."""
        ...

    def report(self, report: AgentsReport) -> None:
        """Put a report in line; waits while too many stand there."""
        ...
