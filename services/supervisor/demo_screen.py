"""The demo's jobs in the terminal: bars while a person looks, else a line at every change."""

from __future__ import annotations

from typing import Self

from msgspec import Struct
from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
)

_WHAT = "{task.fields[queue]:<7}{task.description:<14}{task.fields[status]:<9}"
_HOW_FAST = "{task.fields[speed]:>12} {task.fields[left]:>6}"


class Job(Struct, frozen=True):
    """What is shown of a job of the API."""

    id: str
    name: str
    status: str
    queue: str
    size: int
    bytes_done: int
    bytes_per_second: float
    eta_s: float | None
    tasks_total: int
    retry_at: str | None
    error_message: str | None

    @property
    def is_done(self) -> bool:
        return self.status == "done"

    @property
    def is_over(self) -> bool:
        """Nothing more happens by itself; a paused job may be resumed yet."""
        waits_to_retry = self.status == "failed" and self.retry_at is not None
        return self.status in ("done", "failed", "aborted") and not waits_to_retry


class Screen:
    """A context: bars appear in it and stay as they are when it is left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: dict[str, str] = {}
        self._bars: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn(_WHAT, markup=False),
            BarColumn(),
            DownloadColumn(),
            TextColumn(_HOW_FAST, markup=False),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, jobs: list[Job]) -> None:
        for job in jobs:
            if self._console.is_terminal:
                self._draw(job)
            elif self._said.get(job.id) != job.status:
                self._console.print(_line(job), highlight=False, markup=False)
            self._said[job.id] = job.status

    def _draw(self, job: Job) -> None:
        running = job.status == "running"
        size = max(job.size, 1)
        if job.id not in self._bars:
            self._bars[job.id] = self._progress.add_task(
                job.name, total=size, queue="", status="", speed="", left=""
            )
        self._progress.update(
            self._bars[job.id],
            total=size,
            completed=size if job.is_done else job.bytes_done,
            queue=job.queue,
            status=job.status,
            speed=f"{decimal(int(job.bytes_per_second))}/s" if running else "",
            left=f"{job.eta_s:.0f} s" if running and job.eta_s is not None else "",
        )


def _line(job: Job) -> str:
    what = f"{job.queue:<7}{job.name:<14}{job.status:<9}"
    if job.error_message and job.status == "failed":
        return f"{what}{job.error_message}"
    return f"{what}{job.tasks_total} tasks, {decimal(job.size)}"
