"""Two data planes in one process, without a bus: real files, real sockets, tasks as values."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from events import ranges
from events.rules import Rules
from events.tasks import Entry, Failure
from events.work import Part
from services.agent.certificate import kept_or_made
from services.agent.commands import Choice, Receive, Ticket
from services.agent.halt import Halt
from services.agent.progress import Progress
from services.agent.receive import receive
from services.agent.run import Run
from services.agent.serve import ByteServer
from services.agent.serving import Serving
from services.agent.tls import shown
from services.agent.volume import Volume
from services.agent.volumes import AnyVolume, listing_of
from services.runtime.tickets import hash_of
from services.scheduler.commands import (
    AgentsReport,
    GivenTask,
    RunEnded,
    TasksDone,
    TasksFailed,
    TasksGiven,
    TasksStarted,
)

JOB = "0123456789abcdef01234567"
PAGE = 1_000


class Ledger:
    """The scheduler's side of a run: gives the tasks that are not done, keeps what is reported."""

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self.reports: list[AgentsReport] = []
        self.hashes: dict[int, str] = {}
        self.failures: list[Failure] = []
        self.bytes_done = 0
        self._started: set[int] = set()

    def ask(self, after: int) -> TasksGiven:
        left = [
            GivenTask(number, entry)
            for number, entry in enumerate(self.entries)
            if number > after and number not in self.hashes
        ][:PAGE]
        return TasksGiven(left, left[-1].number if left else after)

    def every(self, after: int) -> TasksGiven:
        tasks = [GivenTask(n, entry) for n, entry in enumerate(self.entries)][after + 1 :][:PAGE]
        whole = len(self.hashes) == len(self.entries)
        return TasksGiven(tasks, tasks[-1].number if tasks else after, whole=whole)

    def flush(self) -> None:
        """Reports are taken in at once."""

    def report(self, report: AgentsReport) -> None:
        self.reports.append(report)
        match report:
            case TasksStarted(numbers=numbers):
                self._started |= set(ranges.read(numbers))
            case TasksDone(numbers=numbers, size=size, hashes=hashes):
                done = list(ranges.read(numbers))
                assert set(done) <= self._started
                assert not set(done) & self.hashes.keys(), "done twice"
                assert len(report.started_ms) == len(report.took_ms) == len(hashes) == len(done)
                self.hashes |= dict(zip(done, hashes, strict=True))
                self.bytes_done += size
            case TasksFailed(failures=failures):
                self.failures += failures

    @property
    def ended(self) -> bool:
        return any(isinstance(report, RunEnded) for report in self.reports)

    def failed(self) -> dict[str, tuple[str, str]]:
        """Class and message of each failure, by uri."""
        return {
            self.entries[one.number].uri: (one.error_class.value, one.message)
            for one in self.failures
        }


class Planes:
    """A sender over `source` and a receiver into `destination`, both volumes named `v`."""

    def __init__(self, root: Path) -> None:
        self.source = root / "source"
        self.destination = root / "destination"
        self.source.mkdir(exist_ok=True)
        self.destination.mkdir(exist_ok=True)
        self.sending: AnyVolume = Volume("v", self.source)
        self.receiving: AnyVolume = Volume("v", self.destination)
        self.shared = ""
        self.rules = Rules()
        self.plain = True
        self.choice = Choice()
        self.parts: Sequence[Part] = []
        self.shown: Sequence[Part] | None = None  # To the sender, if not these.
        certificate = kept_or_made(root)
        self.fingerprint = certificate.fingerprint
        self.serving = Serving(self._volumes(), self._check, shown(certificate.path))
        self.server = ByteServer("127.0.0.1", 0, self.serving)
        self.server.start()

    def _volumes(self) -> dict[str, AnyVolume]:
        return {"v": self.sending}

    def _check(self, text: str) -> Ticket | None:
        known = text == "the ticket"
        follows = self.choice.symlinks == "follow"
        ends, parts = 2**40, hash_of(self.parts)
        right = Ticket(JOB, 1, "e", "v", self.shared, ends, self.plain, follows, parts)
        return right if known else None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.address[1]}"

    def list(self, path: str) -> list[Entry]:
        with self.sending.opened() as opened, opened.source(path, False, self.parts) as source:
            return list(listing_of(source, self.choice, parts=self.parts))

    def duty(
        self,
        to: str = "",
        *,
        url: str | None = None,
        ticket: str = "the ticket",
        fingerprint: str = "",
    ) -> Receive:
        where = (url or self.url, ticket, "v", to)
        duty = Receive(JOB, 1, *where, 0, fingerprint=fingerprint)
        shown = self.parts if self.shown is None else self.shown
        return replace(duty, rules=self.rules, choice=self.choice, parts=[*shown])

    def receive(
        self,
        path: str = "",
        to: str = "",
        *,
        ledger: Ledger | None = None,
        url: str | None = None,
        halt: Halt | None = None,
        ticket: str = "the ticket",
        fingerprint: str = "",
        limit: int = 0,
        reserved: int = 0,
        sockets: int = 2,
    ) -> Ledger:
        """List `path` (unless a ledger is given) and receive it below `to`. Raises Fault."""
        self.shared = path
        ledger = ledger or Ledger(self.list(path))
        duty = self.duty(to, url=url, ticket=ticket, fingerprint=fingerprint)
        duty = replace(duty, sockets=sockets)
        halt = halt or Halt()
        self.progress = Progress(duty)
        self.run = Run(duty, ledger, halt, self.progress, time.monotonic())
        self.run.refresh(replace(duty, limit=limit, reserved=reserved))
        receive(self.run, self.receiving)
        return ledger


class Proxy:
    """Passes bytes on between a receiver and a sender, and cuts the line where it is told to.

    `cuts` are numbers of bytes from the sender; each connection uses up the next one.
    """

    BUFFER_BYTES = 0  # How much a line holds; 0: as much as the system likes.

    def __init__(self, port: int, cuts: list[int]) -> None:
        self._to = port
        self._cuts = iter(cuts)
        self.came = 0
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads: list[threading.Thread] = []
        self._ends: list[socket.socket] = []
        self._start(self._accept)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                near.close()
                continue
            self._ends += [near, far]
            if self.BUFFER_BYTES:
                far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.BUFFER_BYTES)
                near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.BUFFER_BYTES)
            self.connections += 1
            limit = next(self._cuts, 2**62)
            self._start(partial(self._pump, near, far, 2**62))
            self._start(partial(self._pump, far, near, limit, counted=True))

    def _pump(
        self, origin: socket.socket, to: socket.socket, limit: int, *, counted: bool = False
    ) -> None:
        try:
            while limit > 0 and (data := origin.recv(min(limit, 1 << 18))):
                to.sendall(self.passed(data) if counted else data)
                limit -= len(data)
                if counted:
                    self.came += len(data)
        except OSError:
            pass
        _shut(origin, to)

    def passed(self, data: bytes) -> bytes:
        """What the receiver gets for bytes of the sender."""
        return data

    def cut(self) -> None:
        """The connections there are."""
        _shut(*self._ends)

    def close(self) -> None:
        _shut(self._listener, *self._ends)
        for thread in self._threads:
            thread.join(5)
        for end in (self._listener, *self._ends):
            end.close()


def _shut(*ends: socket.socket) -> None:
    for end in ends:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue


@contextmanager
def planes_in(root: Path) -> Iterator[Planes]:
    planes = Planes(root)
    try:
        yield planes
    finally:
        planes.server.stop()


def tree(root: Path) -> dict[bytes, tuple[str, int, int, bytes]]:
    """All that is below a folder: kind, mode, mtime_ns and content, by path."""
    top = os.fsencode(root)
    found = {}
    for folder, folders, files in os.walk(top):
        for name in [*folders, *files, b""]:
            path = os.path.join(folder, name)
            state = os.lstat(path)
            if os.path.islink(path):
                told = ("link", 0, state.st_mtime_ns, os.readlink(path))
            elif os.path.isdir(path):
                told = ("folder", state.st_mode & 0o777, state.st_mtime_ns, b"")
            else:
                told = (
                    "file",
                    state.st_mode & 0o777,
                    state.st_mtime_ns,
                    Path(os.fsdecode(path)).read_bytes(),
                )
            found[os.path.relpath(path, top)] = told
    return found


def leftovers(root: Path) -> list[str]:
    return [str(path) for path in root.rglob(".*haulage-*")]
