"""The demo: two agents, real files, several transfers in different queues, watched as they go.

Everything of it lies in one data directory, which is made anew each time; a directory that no
demo made is never touched.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console
from rich.markup import escape

from services.runtime.settings import Settings, default_data
from services.supervisor import demo_files
from services.supervisor.api import Api, NoSuccess
from services.supervisor.demo_screen import Job, Screen
from services.supervisor.directory import Refused
from services.supervisor.fleet import AgentNamed, Fleet

MARK = "made-by-demo"
LOOK_EVERY_S = 0.25
SILENT_S = 30.0
ONCE_S = 600.0

VOLUMES = {"hq": ("projects",), "stockholm": ("incoming", "outgoing")}

T = TypeVar("T")


class Transfer(Struct, frozen=True):
    """One to submit; parties as `endpoint:volume/path`."""

    source: str
    destination: str
    queue: str


TRANSFERS = (
    Transfer("hq:projects/library/", "stockholm:incoming/library/", "low"),
    Transfer("hq:projects/shot010/", "stockholm:incoming/shot010/", "medium"),
    Transfer("hq:projects/shot020/", "stockholm:incoming/shot020/", "medium"),
    Transfer("hq:projects/delivery.mov", "stockholm:incoming/delivery.mov", "high"),
    Transfer("stockholm:outgoing/dailies/", "hq:projects/dailies/", "high"),
)


class _Submitted(Struct, frozen=True):
    sequence: int
    jobs: list[str]

    @property
    def path(self) -> str:
        """Of the job, as it is since it was submitted at the earliest."""
        return f"/api/jobs/{self.jobs[0]}?at_least={self.sequence}"


def settled(settings: Settings) -> Settings:
    """Where a demo lives when nobody says: `.demo` in the current directory."""
    if settings.data == default_data():
        return replace(settings, data=Path(".demo").absolute())
    return settings


def prepare(data: Path) -> list[AgentNamed]:
    """Make the directory (held already) anew, with its files; its agents. Raises Refused."""
    there = [path for path in data.iterdir() if path.name != "lock"]
    if there and not (data / MARK).exists():
        raise Refused(f"{data} is not empty and no demo made it: choose another with --data")
    (data / MARK).touch()
    for path in there:
        if path.name != MARK:
            _remove(path)
    agents = [AgentNamed(name, _make_volumes(data, name), site=name) for name in VOLUMES]
    demo_files.make(
        Path(agents[0].volumes["projects"]),
        Path(agents[1].volumes["outgoing"]),
    )
    return agents


def _make_volumes(data: Path, endpoint: str) -> dict[str, str]:
    folders = {code: data / "volumes" / endpoint / code for code in VOLUMES[endpoint]}
    for folder in folders.values():
        folder.mkdir(parents=True)
    return {code: str(folder) for code, folder in folders.items()}


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


async def drive(planned: Fleet, console: Console) -> int:
    """Submit, show until all is over, compare; the exit status.

    Raises NoSuccess, also when the event stream, which the page lives on, tells nothing.
    """
    api = planned.api
    console.print(f"page   {api.url}/#{api.token}", highlight=False, soft_wrap=True)
    console.print("Ctrl-C ends it", style="dim")
    jobs = [await _submit(api, one) for one in TRANSFERS]
    await _patiently(partial(api.hear, f"/api/events?since={jobs[0].sequence - 1}", "job"))
    try:
        async with asyncio.timeout(ONCE_S):
            ended = await _watch(api, jobs, console)
    except TimeoutError:
        console.print(f"not over after {ONCE_S:.0f} s")
        return 1
    return await asyncio.to_thread(_judge, planned.settings.data, ended, console)


async def _submit(api: Api, transfer: Transfer) -> _Submitted:
    body = {
        "source": transfer.source,
        "destination": transfer.destination,
        "queue": transfer.queue,
        "name": transfer.source.rstrip("/").rpartition("/")[2],
    }
    key = os.urandom(12).hex()
    return await _patiently(partial(api.post, "/api/jobs", body, _Submitted, key=key))


async def _watch(api: Api, jobs: list[_Submitted], console: Console) -> list[Job]:
    """The jobs as they ended."""
    with Screen(console) as screen:
        while True:
            seen = [await _patiently(partial(api.get, job.path, Job)) for job in jobs]
            screen.show(seen)
            if all(job.is_over for job in seen):
                return seen
            await asyncio.sleep(LOOK_EVERY_S)


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """While nobody answers, again; services may be starting anew."""
    ends_by = time.monotonic() + SILENT_S
    while True:
        try:
            return await ask()
        except NoSuccess as error:
            if error.status not in (0, 503) or time.monotonic() > ends_by:
                raise
        await asyncio.sleep(LOOK_EVERY_S)


def _judge(data: Path, ended: list[Job], console: Console) -> int:
    """Are all done, and the copies what their sources are?"""
    bad = [f"{job.name} {job.status}: {job.error_message}" for job in ended if not job.is_done]
    for transfer in TRANSFERS:
        places = (transfer.source, transfer.destination)
        original, copy = (data / "volumes" / place.replace(":", "/") for place in places)
        bad += demo_files.differences(original, copy)
    for line in bad:
        console.print(escape(line), style="red", highlight=False)
    if not bad:
        console.print("every copy equals its source: names, modes, times and bytes", style="green")
    return 1 if bad else 0
