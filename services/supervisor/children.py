"""Child processes that are kept running: started, probed, started again, stopped.

A child leads a process group of its own, so that a Ctrl-C in the terminal reaches only the
supervisor, and whatever a child started and left behind ends with it. Decides nothing about
which children there are.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from services.runtime.log import logger
from services.runtime.privileges import Account, before_exec

BACKOFF_FIRST_S = 0.1
BACKOFF_MAX_S = 10.0
STEADY_S = 10.0
STOP_S = 5.0
PROBE_EVERY_S = 0.05
PROBE_AGAIN_S = 0.25
PROBE_S = 5.0
SLOW_S = 10.0
FIRST_ENDS_MAX = 5
LOG_BYTES_MAX = 16 << 20
TAIL_CHARACTERS = 2_000

Probe = Callable[[], Awaitable[bool]]


class Child(Struct, frozen=True):
    """What to run. `command` makes the argument list, anew at every start.

    `stop` is the signal that asks it to end, `death` the one it gets when we are killed; `log`
    takes its output (None: our stderr); `ready` says whether it does its work.
    """

    name: str
    command: Callable[[], list[str]]
    environ: dict[str, str]
    ready: Probe
    account: Account | None = None
    stop: signal.Signals = signal.SIGTERM
    death: signal.Signals = signal.SIGKILL
    log: Path | None = None
    descriptors: tuple[int, ...] = ()


class KeepsEnding(Exception):
    """A child never came to its work."""

    def __init__(self, child: Child) -> None:
        where = f"the end of {child.log}:\n{_tail(child.log)}" if child.log else "see above"
        super().__init__(f"{child.name} does not start; {where}")


class Kept:
    """One child that is kept running until `stop`."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.ends = 0
        self._was_ready = False
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Returns when the child does its work. Raises KeepsEnding, or what `command` raises."""
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.child.name}")
        loop = asyncio.get_running_loop()
        began = said = loop.time()
        while not await self._is_ready():
            if loop.time() - said > SLOW_S:
                said = loop.time()
                logger.warning("child.slow", child=self.child.name, after_s=round(said - began))
            if self._keeper.done():
                await self._keeper
            if self.ends >= FIRST_ENDS_MAX:
                raise KeepsEnding(self.child)
            await asyncio.sleep(PROBE_EVERY_S)
        self._was_ready = True
        logger.info("child.ready", child=self.child.name, pid=self.pid)

    async def watch(self) -> None:
        """Returns never; raises what ended the keeping."""
        assert self._keeper is not None
        await asyncio.shield(self._keeper)

    async def stop(self) -> None:
        """Ask, wait for `STOP_S`, then make it."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        if self._process is None:
            return
        os.kill(self._process.pid, self.child.stop)
        await _ended(self._process, within_s=STOP_S)
        self._reap(asked=True)

    async def _is_ready(self) -> bool:
        if self._process is None:
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(PROBE_S):
                return await self.child.ready()
        return False

    async def _keep(self) -> None:
        delay_s = BACKOFF_FIRST_S
        loop = asyncio.get_running_loop()
        while True:
            command = await asyncio.to_thread(self.child.command)
            started = loop.time()
            self._process = _spawn(self.child, command)
            await self._end_of(self._process)
            self.ends += 1
            if loop.time() - started > STEADY_S:
                delay_s = BACKOFF_FIRST_S
            self._reap(again_in_s=delay_s)
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, BACKOFF_MAX_S)

    async def _end_of(self, process: subprocess.Popen[bytes]) -> None:
        saying = asyncio.create_task(self._say_ready_again(), name=f"probe {self.child.name}")
        try:
            await _ended(process)
        finally:
            saying.cancel()
            await asyncio.wait([saying])

    async def _say_ready_again(self) -> None:
        """The first time `start` says it."""
        is_said = not self._was_ready
        while not is_said:
            if is_said := await self._is_ready():
                logger.info("child.ready", child=self.child.name, pid=self.pid, ends=self.ends)
            await asyncio.sleep(PROBE_AGAIN_S)

    def _reap(self, *, asked: bool = False, again_in_s: float = 0.0) -> None:
        """End what is left of its group while its number is still its own, then let it go."""
        process = self._process
        assert process is not None
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        status = process.wait()
        self._process = None
        if asked:
            logger.info("child.stopped", child=self.child.name, status=status)
        else:
            logger.warning(
                "child.ended",
                child=self.child.name,
                pid=process.pid,
                status=status,
                restart_in_s=again_in_s,
            )


def _spawn(child: Child, command: list[str]) -> subprocess.Popen[bytes]:
    output = _open_log(child.log) if child.log else sys.stderr.fileno()
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=child.environ,
            cwd="/",
            start_new_session=True,
            pass_fds=child.descriptors,
            preexec_fn=before_exec(child.account, death=child.death),
        )
    finally:
        if child.log:
            os.close(output)


def _open_log(path: Path) -> int:
    """Append; what is full is put aside first, once."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.replace(path.with_name(f"{path.name}.1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _tail(path: Path) -> str:
    return path.read_text(errors="replace")[-TAIL_CHARACTERS:].strip()


async def _ended(process: subprocess.Popen[bytes], *, within_s: float | None = None) -> None:
    """Returns when the process has ended, or when the time is over; it is not reaped yet, so its
    number stays taken.

    The time is no time-out that cancels: this is waited for by what is being cancelled itself.
    """
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    descriptor = os.pidfd_open(process.pid)
    loop.add_reader(descriptor, ended.set)
    bell = None if within_s is None else loop.call_later(within_s, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        if bell is not None:
            bell.cancel()
        os.close(descriptor)


async def stop_all(kept: list[Kept]) -> None:
    """The last started first, one after the other."""
    for one in reversed(kept):
        await one.stop()
