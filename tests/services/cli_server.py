"""A real HTTP server for the CLI's tests: answers with the API's structs as they were recorded,
notes what it was asked, and misbehaves when told to. Decides nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from services.cli.main import run
from services.gateway.endpoint_resources import Disabling
from services.gateway.log_resources import LogLine, LogPage, TaskOutput
from services.gateway.replay_routes import Checked, ReplayPage
from services.gateway.resources import (
    Attempt,
    AttemptPage,
    Done,
    Endpoint,
    EndpointThroughput,
    Health,
    Job,
    JobPage,
    Lag,
    Problem,
    Queue,
    QueueDeleted,
    Reach,
    Setting,
    Task,
    TaskPage,
    Throughput,
    Volume,
    Why,
)
from services.scheduler.commands import Holder, Reason

TOKEN = "a-token-of-the-tests"
NOON = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)


def job(number: int, **fields: object) -> Job:
    """A job in the middle of its run, but for the fields given."""
    whole = Job(
        id=f"{0x0199AABBCC00 + number:012x}{number:012x}",
        name=f"shot{number:03}",
        kind="transfer",
        status="running",
        reason=None,
        queue="medium",
        position=number,
        progress=0.42,
        size=300_000_000,
        bytes_done=126_000_000,
        bytes_per_second=118_000_000.0,
        eta_s=42.4,
        tasks_total=120,
        tasks_done=50,
        tasks_failed=0,
        source=f"hq:projects/shot{number:03}",
        destination=f"stockholm:incoming/shot{number:03}",
        user="ann",
        error_class=None,
        error_message=None,
        tries=0,
        created_at=NOON,
        started_at=NOON,
        finished_at=None,
        retry_at=None,
        sequence=10 + number,
    )
    return msgspec.structs.replace(whole, **fields)


BEHIND = Reason(
    code="behind_job",
    text="behind shot001",
    holder=Holder(kind="job", id="x", name="shot001"),
    since=None,
    release="when shot001 ends or is moved",
)
QUEUES = [
    Queue("q1", "high", 999, "Before all", False, "waiting", 0, 1, 1),
    Queue("q2", "medium", 500, "", True, "paused", 3, 0, 2, compute_default=True),
]
ENDPOINTS = [
    Endpoint(
        *("e" * 24, "hq", "server", "online", [Volume("projects", True, True, 10**9)], 1, 5),
        listens=False,
        reaches=[Reach("oslo", True), Reach("stockholm", False)],
    ),
    Endpoint(
        *("f" * 24, "stockholm", "server", "offline", [Volume("incoming", False)], 0, 6),
        relays=32,
        disabled=Disabling("ann", NOON),
    ),
]
SETTINGS = [
    Setting("job_max_retries", 5, "queue", 3, "automatic retries", low=0, high=1000),
    Setting("job_on_missing", "fail", "default", "fail", "no file", choices=("fail", "ignore")),
    Setting("stall_s", 300, "default", 300, "no progress", low=5, high=86400, unit="s"),
]
TASKS = [
    Task(0, "b/a.exr", "a.exr", "file", 12_300_000, "done", 1, NOON, 1.25, None, None, "00"),
    Task(1, "b\x1b.exr", "b\x1b.exr", "file", 5, "failed", 3, NOON, 0.1, "space", "disk full", ""),
]
ATTEMPTS = [
    Attempt(1, "interrupted", "gave_way", 2, "hq", NOON, 2.0, None, None, None, None),
    Attempt(2, "failed", None, 3, "hq", NOON, 0.1, None, None, "space", "disk full"),
    Attempt(3, "done", None, 4, "stockholm", NOON, 1.25, 12_300_000, 9_840_000.0, None, None),
]
AGENT, TO = f"endpoint/{'f' * 24}", "stockholm"
LINES = [
    LogLine(11, 0, NOON, "ann", "c1", "job.submitted", "ann submitted it", {}),
    LogLine(12, 0, NOON, "scheduler", "c1", "job.started", "run 1 started on stockholm", {}),
    LogLine(13, 0, NOON + timedelta(seconds=1), AGENT, "c1", "task.done", "task 0 done", {}, TO),
]


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Recorded:
    """What the server knows. `faults` are used up one a request: a status, or 0 to hang up.

    `streams` are the connections to /api/events, one list of bytes each; what is left open after
    them stays silent until `closing`.
    """

    url: str = ""
    jobs: list[Job] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=lambda: list(TASKS))
    attempts: list[Attempt] = field(default_factory=lambda: list(ATTEMPTS))
    output: list[TaskOutput] = field(default_factory=list)
    manifest: bytes = b""
    replayed: list[ReplayPage | Checked] = field(default_factory=list)
    throughput: Throughput | EndpointThroughput | None = None
    health: Health = field(
        default_factory=lambda: Health("ok", "1", 9, 0, {}, [Lag("rows", 9, 0, 0)])
    )
    why: Why = field(default_factory=lambda: Why("j1", "running", 1, [], 50))
    lines: list[LogLine] = field(default_factory=lambda: list(LINES))
    answers: dict[str, object] = field(default_factory=dict)
    """By path what a question is answered with; by path and `?` where it is a GET."""
    refusals: dict[str, Problem] = field(default_factory=dict)
    faults: list[int] = field(default_factory=list)
    streams: list[bytes] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    page_size: int = 1000
    closing: threading.Event = field(default_factory=threading.Event)

    def commands(self) -> list[Asked]:
        return [one for one in self.asked if one.method != "GET"]

    def change(self, job_id: str, **fields: object) -> None:
        self.jobs = [
            msgspec.structs.replace(one, **fields) if one.id == job_id else one for one in self.jobs
        ]


def said(event: str, data: object, position: int | None = None) -> bytes:
    """One message of the event stream."""
    mark = b"" if position is None else b"id: %d\n" % position
    return mark + b"event: %s\ndata: %s\n\n" % (event.encode(), msgspec.json.encode(data))


@contextmanager
def serving(recorded: Recorded) -> Iterator[Recorded]:
    class Handler(_Handler):
        world = recorded

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    recorded.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield recorded
    finally:
        recorded.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    world: Recorded
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Tests look at `asked`."""

    def do_GET(self) -> None:
        asked = self._note()
        if self._misbehaves():
            return
        match asked.path.removeprefix("/api/").split("/"):
            case [name] if f"{name}?" in self.world.answers:
                self._answer(self.world.answers[f"{name}?"])
            case ["", "health"]:
                self._answer(self.world.health)
            case ["events"]:
                self._stream()
            case ["jobs"]:
                self._jobs(asked.query)
            case ["jobs", name]:
                self._job(name)
            case ["jobs", _, "tasks"]:
                wanted = asked.query.get("status")
                rows = [one for one in self.world.tasks if wanted in (None, one.status)]
                self._answer(TaskPage(rows, len(rows), None))
            case ["jobs", _, "tasks", number, "attempts"]:
                self._answer(AttemptPage(self.world.attempts if number == "1" else [], None))
            case ["jobs", _, "tasks", _, "log"]:
                self._answer(self.world.output.pop(0))
            case [*_, "throughput"]:
                self._answer(self.world.throughput)
            case ["jobs", _, "manifest"]:
                self._pour(self.world.manifest)
            case ["jobs", _, "why"]:
                self._answer(self.world.why)
            case [*_, "settings"]:
                self._answer(SETTINGS)
            case ["replay", *_]:
                self._answer(self.world.replayed.pop(0))
            case ["log", "export"]:
                self._pour(self.world.manifest)
            case ["log"] | ["jobs" | "queues" | "endpoints" | "users", _, "log"]:
                newest = asked.query.get("order") == "newest"
                self._answer(LogPage(self.world.lines[:: -1 if newest else 1], None))
            case ["queues"]:
                self._answer(QUEUES)
            case ["queues", name]:
                self._queue(name)
            case ["endpoints"]:
                self._answer(ENDPOINTS)
            case _:
                self._refuse(404, "there is no such thing")

    def do_PATCH(self) -> None:
        self.do_POST()

    def do_DELETE(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        asked = self._note()
        if self._misbehaves():
            return
        match asked.path.removeprefix("/api/").split("/"):
            case [name] if name in self.world.answers:
                self._answer(self.world.answers[name])
            case ["jobs"]:
                self._answer(Done(11, [self.world.jobs[0].id]), 201)
            case ["jobs", "move"]:
                self._answer(Done(99, msgspec.json.decode(asked.body)["jobs"]))
            case ["queues"]:
                self._answer(Done(99, []), 201)
            case ["jobs" | "queues", name, *_] if name in self.world.refusals:
                problem = self.world.refusals[name]
                self._send(problem.status, msgspec.json.encode(problem))
            case ["jobs", name, _] | ["jobs", name, "tasks", _]:
                self._answer(Done(99, [name]))
            case ["queues", _] if asked.method == "DELETE":
                self._answer(QueueDeleted(99, ["j1", "j2"], "medium"))
            case ["endpoints", "attic", _]:
                self._refuse(404, "there is no endpoint 'attic'")
            case ["queues", *_] | ["endpoints", _, _] | [*_, "settings"]:
                self._answer(Done(99, []))
            case _:
                self._refuse(404, "there is no such thing")

    def _note(self) -> Asked:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        asked = Asked(
            self.command, parts.path, query, dict(self.headers.items()), self.rfile.read(length)
        )
        self.world.asked.append(asked)
        return asked

    def _misbehaves(self) -> bool:
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._refuse(401, "the token is not known here")
            return True
        if not self.world.faults:
            return False
        fault = self.world.faults.pop(0)
        if fault == 200:
            return False
        if fault:
            self._refuse(fault, "the scheduler does not answer")
        self.close_connection = True
        return True

    def _jobs(self, query: dict[str, str]) -> None:
        finished = query.get("state") == "finished"
        rows = [one for one in self.world.jobs if (one.status in ("done", "aborted")) == finished]
        rows = [one for one in rows if query.get("search", "") in f"{one.name} {one.id}"]
        first = int(query.get("cursor", 0))
        size = min(int(query["limit"]), self.world.page_size)
        last = first + size
        following = str(last) if last < len(rows) else None
        self._answer(JobPage(rows[first:last], len(rows), following, 50))

    def _job(self, name: str) -> None:
        found = [one for one in self.world.jobs if one.id.startswith(name)]
        if len(found) == 1:
            self._answer(found[0])
        elif found:
            self._refuse(409, f"more than one job begins with {name!r}: write more of the id")
        else:
            self._refuse(404, f"there is no job {name}")

    def _queue(self, name: str) -> None:
        found = [one for one in QUEUES if name in (one.id, one.code)]
        if found:
            self._answer(found[0])
        else:
            self._refuse(404, f"there is no queue {name}")

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        if self.world.streams:
            self.wfile.write(self.world.streams.pop(0))
            return
        self.wfile.flush()
        self.world.closing.wait(30)

    def _pour(self, content: bytes) -> None:
        """In chunks; nothing breaks off where there was to be something."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for start in range(0, len(content), 100):
            piece = content[start : start + 100]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if content:
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.wfile.write(b"9\r\nhalf")
            self.close_connection = True

    def _answer(self, value: object, status: int = 200) -> None:
        self._send(status, msgspec.json.encode(value))

    def _refuse(self, status: int, detail: str) -> None:
        self._send(status, msgspec.json.encode(Problem("about:blank", "Refused", status, detail)))

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Terminal:
    """Types commands in this process, at the machine that `world` serves."""

    def __init__(self, world: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
        self.world = world
        self._capsys = capsys

    def types(self, *arguments: str) -> Said:
        status = run(arguments)
        out, err = self._capsys.readouterr()
        return Said(status, "\n".join(line.rstrip() for line in out.splitlines()), err)


@dataclass
class Said:
    status: int
    out: str
    err: str

    def json(self) -> Any:
        return msgspec.json.decode(self.out)


@contextmanager
def terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Terminal]:
    with serving(Recorded()) as world:
        monkeypatch.setenv("HAULAGE_URL", world.url)
        monkeypatch.setenv("HAULAGE_TOKEN", TOKEN)
        monkeypatch.setenv("TZ", "UTC")
        monkeypatch.setattr("services.cli.client.PAUSES_S", (0.01, 0.01, 0.01))
        monkeypatch.setattr("services.cli.following.ASK_AGAIN_S", 0.01)
        time.tzset()
        yield Terminal(world, capsys)
    monkeypatch.undo()
    time.tzset()
