"""The process between the agent and a command: it starts the command and ends all that came of it.

A program of its own that imports nothing of ours, so that it starts at once and stays small:
`python -I -S warden.py`, with a socket to the agent as its stdin and the pipe that takes the
command's output as its stdout. The first line on the socket is the order, as JSON:

    {"words": […], "environment": {…}, "limit_s": 60, "folder": 5 or null, "temporary": "/tmp",
     "user": {"uid": 65534, "gid": 65534, "groups": [65534]} or null}

`folder` is a descriptor of the folder to work in; without one it is the command's own temporary
folder, which `TMPDIR` names in any case and which is removed at the end. Back come `started` and,
once nothing of the command is left, `ended`. A line from the agent stops it: SIGTERM now, SIGKILL
STOP_GRACE_S later; past the limit the grace is LIMIT_GRACE_S. The end of the socket is the end of
the agent: then everything is killed at once, as when this process itself is told to end.

Whatever the command starts stays below this process, also what leaves its group or loses its
parent (PR_SET_CHILD_SUBREAPER), so all of it is found; it cannot become somebody whom we may not
kill (PR_SET_NO_NEW_PRIVS). When the first process of the command ends, the command has ended:
what it left behind is killed. CPU time and memory are those of all processes below us; the least
that the system shows as a peak is our own size, from before the command replaced it.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from contextlib import suppress
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
LIMIT_GRACE_S = 5.0
STOP_GRACE_S = 2.0
KILL_PATIENCE_S = 10.0
KILL_AGAIN_S = 0.02
SAVED_BY_OOM = "500"  # Of 1000: short of memory, the system ends the command and not us.
KIB = 1024
UMASK = 0o022
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    agent = socket.socket(fileno=0)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    woken = _woken_by_signals()
    said, _, stopped = _order(agent).partition(b"\n")
    if stopped:
        return
    order = json.loads(said)
    temporary = tempfile.mkdtemp(prefix="haulage-", dir=order["temporary"])
    try:
        ended = _carry_out(agent, woken, order, temporary)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    with suppress(OSError):
        agent.sendall(json.dumps({"ended": ended}).encode() + b"\n")


def _woken_by_signals() -> int:
    """A descriptor that gives the number of each signal that comes: a child ended, or we shall."""
    woken, waker = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(waker, False)
    for number in (signal.SIGCHLD, *ENDING):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    return woken


def _order(agent: socket.socket) -> bytes:
    """The first line, and what came together with it."""
    said = b""
    while b"\n" not in said:
        more = agent.recv(1 << 16)
        if not more:
            sys.exit(1)
        said += more
    return said


def _carry_out(
    agent: socket.socket, woken: int, order: dict[str, Any], temporary: str
) -> dict[str, Any]:
    began = time.monotonic()
    command, failure = _start(order, temporary)
    if failure is not None:
        os.waitpid(command, 0)
        return {"exit_code": None, "failure": failure}
    _let_go_of_the_output()
    with suppress(OSError):
        agent.sendall(json.dumps({"started": command}).encode() + b"\n")
    watch = _Watch(agent, woken, command, began + order["limit_s"] if order["limit_s"] else None)
    exit_code = watch.until_it_ends()
    took_s = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "exit_code": exit_code,
        "took_ms": round(took_s * 1000),
        "cpu_ms": round((used.ru_utime + used.ru_stime) * 1000),
        "peak_memory_bytes": used.ru_maxrss * KIB,
        "limit": watch.is_over_limit,
        "left": len(_below()),
    }


class _Watch:
    """Waits for the end of `command`, brings it about when it is due, and leaves nothing."""

    def __init__(
        self, agent: socket.socket, woken: int, command: int, limit_at: float | None
    ) -> None:
        self.is_over_limit = False
        self._agent, self._woken, self._command = agent, woken, command
        self._limit_at = limit_at
        self._kill_at: float | None = None
        self._exit_code: int | None = None
        self._listening = True

    def until_it_ends(self) -> int | None:
        while not self._reap():
            self._wait()
            now = time.monotonic()
            if self._limit_at is not None and now >= self._limit_at:
                self._limit_at, self.is_over_limit = None, True
                self._ask_to_end(now + LIMIT_GRACE_S)
            if self._kill_at is not None and now >= self._kill_at:
                break
        give_up_at = time.monotonic() + KILL_PATIENCE_S
        while (left := _below()) and time.monotonic() < give_up_at:
            _signal(left, signal.SIGKILL)
            self._reap()
            if _below():
                time.sleep(KILL_AGAIN_S)
        self._reap()
        return self._exit_code

    def _wait(self) -> None:
        due = [at for at in (self._limit_at, self._kill_at) if at is not None]
        pause_s = max(0.0, min(due) - time.monotonic()) if due else None
        heard = [self._woken, self._agent.fileno()] if self._listening else [self._woken]
        ready, _, _ = select.select(heard, [], [], pause_s)
        if self._woken in ready:
            with suppress(BlockingIOError):
                if set(os.read(self._woken, 1 << 10)) - {signal.SIGCHLD}:
                    self._kill_at = 0
        if self._agent.fileno() in ready:
            self._hear()

    def _hear(self) -> None:
        try:
            said = self._agent.recv(1 << 10)
        except OSError:
            said = b""
        if said:
            self._ask_to_end(time.monotonic() + STOP_GRACE_S)
        else:
            self._listening, self._kill_at = False, 0

    def _ask_to_end(self, kill_at: float) -> None:
        self._kill_at = kill_at if self._kill_at is None else min(kill_at, self._kill_at)
        _signal(_below(), signal.SIGTERM)

    def _reap(self) -> bool:
        """Take in all that ended; whether the command did."""
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                if pid == self._command:
                    self._exit_code = os.waitstatus_to_exitcode(status)
        return self._exit_code is not None


def _start(order: dict[str, Any], temporary: str) -> tuple[int, list[Any] | None]:
    """The process of the command; why it could not be started, as (step, number) of an error."""
    failed, failing = os.pipe()  # Closed by a successful exec.
    us = os.getpid()
    command = os.fork()
    if command == 0:
        step = "start"
        try:
            for step in ("user", "folder", "program"):
                _STEPS[step](order, temporary, us)
        except BaseException as error:
            number = getattr(error, "errno", None) or 0
            os.write(failing, json.dumps([step, number]).encode())
        finally:
            os._exit(127)
    os.close(failing)
    with open(failed, "rb") as told:
        said = told.read()
    return command, json.loads(said) if said else None


def _become(order: dict[str, Any], temporary: str, warden: int) -> None:
    os.setsid()
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as adjusted:
        adjusted.write(SAVED_BY_OOM)
    user = order["user"]
    if user is not None:
        os.chown(temporary, user["uid"], user["gid"])
        os.setgroups(user["groups"])
        os.setresgid(user["gid"], user["gid"], user["gid"])
        os.setresuid(user["uid"], user["uid"], user["uid"])
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # Changing the user takes it away.
    if os.getppid() != warden:
        os._exit(127)
    os.umask(UMASK)


def _enter(order: dict[str, Any], temporary: str, _warden: int) -> None:
    if order["folder"] is None:
        os.chdir(temporary)
    else:
        os.fchdir(order["folder"])


def _exec(order: dict[str, Any], temporary: str, _warden: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(1, 2)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ, *ENDING):
        signal.signal(number, signal.SIG_DFL)
    words = order["words"]
    os.execvpe(words[0], words, {**order["environment"], "TMPDIR": temporary})


_STEPS = {"user": _become, "folder": _enter, "program": _exec}


def _let_go_of_the_output() -> None:
    """So that the pipe ends with the command."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)


def _below() -> list[int]:
    """All processes that descend from this one, nearest first; also those that nobody took in."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                parent = int(file.read().rpartition(b")")[2].split()[1])
                children.setdefault(parent, []).append(int(name))
    found = list(children.get(os.getpid(), []))
    for pid in found:
        found += children.get(pid, [])
    return found


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, number)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, *(ctypes.c_ulong(one) for one in (value, 0, 0, 0))) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    main()
