"""A bucket in its lane: its command is run to its end, and what became of it is reported.

The command is a process group below a warden (warden.py). Told to stop, it is ended and nothing
more is reported. What it writes goes to its process log (outlet.py), line by line.
"""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from msgspec import Struct

from events.jobs import ErrorClass
from services.agent import command
from services.agent.bucket import Bucket
from services.agent.commands import Execute
from services.agent.desk import Desk
from services.agent.faults import Fault, class_of
from services.agent.halt import Halt
from services.agent.lines import Lines
from services.agent.permission import Permission
from services.agent.process import Ended, Process
from services.agent.volume import Volume
from services.agent.volumes import AnyVolume
from services.scheduler.commands import BucketEnded, TasksStarted

READ_PATIENCE_S = 0.1
LAST_LINE_MAX = 500
NOT_ALLOWED = (
    "commands are not allowed on this endpoint: its operator can allow them "
    "with `haulage agent --compute-user NAME`"
)


class Outlet(Protocol):
    """Where the lines of a process log go."""

    def put(self, lines: list[str]) -> None:
        """Take these and, sooner or later, what was taken before on its way; may wait."""
        ...

    def end(self) -> None:
        """Return when all is stored, or cannot be for now."""
        ...

    def finish(self) -> None:
        """Nothing more comes; does not wait."""
        ...


class Lane(Struct, frozen=True):
    """What a bucket runs with beside its duty; no `permission`: it does not."""

    permission: Permission | None
    outlet: Outlet


def execute(
    bucket: Bucket, volumes: Mapping[str, AnyVolume], lane: Lane, desk: Desk, halt: Halt
) -> None:
    """Raises Fault when the command cannot be tried at all, Stopped."""
    duty, permission = bucket.duty, lane.permission
    if permission is None:
        raise Fault(ErrorClass.PERMISSION, NOT_ALLOWED)
    words, environment = command.words(duty), command.environment(duty, permission)
    with _folder(duty, volumes) as folder:
        desk.report(TasksStarted(duty.job, duty.run, duty.numbers))
        process = Process(words, environment, permission, limit_s=duty.limit_s, folder=folder)
    try:
        halt.on_call(process.stop)
        last, ended = _follow(process, bucket, halt, lane.outlet)
    finally:
        process.close()
    halt.check()
    lane.outlet.end()
    desk.report(report(duty, ended, permission, said=bucket.said.failure or last))


@contextmanager
def _folder(duty: Execute, volumes: Mapping[str, AnyVolume]) -> Iterator[int | None]:
    """A descriptor of the folder to work in, None for one of its own. Raises Fault."""
    if not duty.volume:
        yield None
        return
    volume = volumes.get(duty.volume)
    if volume is None:
        message = f"there is no volume {duty.volume} here: it has {list(volumes)}"
        raise Fault(ErrorClass.VOLUME, message)
    if not isinstance(volume, Volume):
        message = f"volume {duty.volume} is in a store: a command works in a folder of its machine"
        raise Fault(ErrorClass.MISSING, message)
    with volume.opened() as opened, opened.source(duty.path) as source:
        if not stat.S_ISDIR(source.found.st_mode):
            message = f"{opened.named(duty.path)}: is no folder: a command works in a folder"
            raise Fault(ErrorClass.MISSING, message)
        yield source.opened


def _follow(process: Process, bucket: Bucket, halt: Halt, outlet: Outlet) -> tuple[str, Ended]:
    """Read what it says until it ends: its last line, and how it ended."""
    lines, last = Lines(), ""
    while True:
        came = process.read(READ_PATIENCE_S)
        new = lines.end() if isinstance(came, Ended) else lines.feed(came)
        for line in new:
            bucket.said.take(line)
        if not halt.called:
            outlet.put(new)
        last = next((line for line in reversed(new) if line.strip()), last)
        if isinstance(came, Ended):
            return last, came


def report(duty: Execute, ended: Ended, permission: Permission, *, said: str) -> BucketEnded:
    """`said` is what the command gave as its reason, or its last line."""
    error_class, message = verdict(duty, ended, permission, said)
    return BucketEnded(
        duty.job,
        duty.run,
        ended.exit_code,
        ended.took_ms,
        ended.cpu_ms,
        ended.peak_memory_bytes,
        error_class,
        message,
    )


def verdict(
    duty: Execute, ended: Ended, permission: Permission, said: str
) -> tuple[ErrorClass | None, str]:
    """Why it failed; (None, "") when it did not: the exit code alone says that."""
    if ended.failure is not None:
        return _not_started(duty, ended.failure, permission)
    if ended.exit_code == 0 and not ended.limit:
        return None, ""
    if ended.limit:
        message = f"took longer than {duty.limit_s} s and was ended: see task_limit_s"
    elif ended.exit_code is None:
        message = "could not be ended: it hangs in the system"
    elif ended.exit_code < 0:
        message = f"ended by {_signal(-ended.exit_code)}"
    else:
        message = f"exit code {ended.exit_code}"
    if ended.left:
        message += f"; {ended.left} of its processes could not be ended"
    return ErrorClass.COMMAND, f"{message}: {said[:LAST_LINE_MAX]}" if said else message


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _not_started(
    duty: Execute, failure: tuple[str, int], permission: Permission
) -> tuple[ErrorClass, str]:
    step, number = failure
    why = os.strerror(number) if number else "it failed"
    match step:
        case "folder":
            shown = f"{duty.volume}/{duty.path}" if duty.volume else "its own folder"
            message = f"{shown}: {permission.user} cannot work there: {why}"
            return class_of(OSError(number, why)), message
        case "program":
            program = command.words(duty)[0]
            message = f"{program} cannot be run by {permission.user} on this endpoint: {why}"
            return ErrorClass.COMMAND, message
        case "warden":
            return ErrorClass.INTERNAL, "the process that watches over the command was killed"
    return ErrorClass.INTERNAL, f"the agent could not start it ({step}): {why}"
