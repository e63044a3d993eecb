"""The progress of one job on stderr: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from events.names import shown
from services.cli import screen, tables
from services.gateway.resources import Job

STEP_PERCENT = 10
DRAWN_PER_S = 5

Show = Callable[[Job], None]


@contextmanager
def display(job: Job) -> Iterator[Show]:
    if not sys.stderr.isatty():
        yield _Lines()
        return
    with _bar(job) as show:
        yield show


class _Lines:
    """A line when the status changes and at each tenth of the way."""

    def __init__(self) -> None:
        self._said = ("", 0)

    def __call__(self, job: Job) -> None:
        step = int(_completed(job) * 100) // STEP_PERCENT
        if (job.status, step) != self._said and job.status not in ("done", "aborted"):
            self._said = (job.status, step)
            screen.note(f"{job.status} {tables.percent(job)}  {_remark(job)}".rstrip())


@contextmanager
def _bar(job: Job) -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[remark]}", markup=False),
    )
    console = Console(stderr=True, highlight=False, emoji=False)
    with Progress(*columns, console=console, refresh_per_second=DRAWN_PER_S) as progress:
        bar = progress.add_task("", total=1.0, remark="")

        def show(now: Job) -> None:
            word, remark = now.status, _remark(now)
            progress.update(bar, description=word, completed=_completed(now), remark=remark)

        yield show


def _completed(job: Job) -> float:
    """Nothing that might be less a moment later."""
    return 1.0 if job.status == "done" else job.progress if job.listed else 0.0


def _remark(job: Job) -> str:
    return shown(f"{tables.moved(job)}  {tables.remark(job, datetime.now(UTC))}".rstrip())
