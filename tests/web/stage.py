"""A gateway whose rows a test sets by hand: the page's API and its stream, from values.

For what the real stack cannot be brought to on demand (a refusal, a silence, 5,000 jobs, a name of
direction characters). It answers with the structs of services/gateway/resources.py, decides
nothing but what a button is followed by, and knows no token. The real road is test_page_live.py.
"""

from __future__ import annotations

import mimetypes
import queue
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec.structs import replace

from services.gateway import resources

STATIC = Path(__file__).parents[2] / "services/gateway/static"
FOLLOWS = {"pause": "paused", "resume": "waiting", "retry": "waiting", "abort": "aborted"}
FINISHED = ("done", "aborted")
HEARTBEAT_S = 1.0
STREAM_QUEUE_MAX = 100_000

Refusal = tuple[int, str]


class Stage:
    """`with Stage() as stage: …` serves at `stage.url`; the rest is its state, to be set."""

    def __init__(self) -> None:
        self.jobs: dict[str, resources.Job] = {}
        self.queues: list[resources.Queue] = []
        self.endpoints: list[resources.Endpoint] = []
        self.tasks: dict[str, list[resources.Task]] = {}
        self.attempts: list[resources.Attempt] = []
        self.timings: dict[str, resources.Timing] = {}
        self.throughput: resources.Throughput | None = None
        self.logs: dict[str, list[resources.LogLine]] = {}
        self.settings: dict[str, list[resources.Setting]] = {}
        self.sequence = 0
        self.asked: list[tuple[str, str, str]] = []
        self.refusals: dict[str, Refusal] = {}
        self.answer_s = 0.0
        self.is_down = False
        self.is_silent = False
        self.is_too_much = False
        self._streams: list[queue.Queue[bytes | None]] = []
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("OfThisStage", (Handler,), {"stage": self})
        )
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> Stage:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._server.shutdown()
        self._server.server_close()

    def put(self, job: resources.Job) -> resources.Job:
        """The row as of a new commit, told to every open page."""
        self.sequence += 1
        job = replace(job, sequence=self.sequence)
        self.jobs[job.id] = job
        self.tell(_message("job", job) + self._position())
        return job

    def put_queue(self, queue: resources.Queue) -> resources.Queue:
        """As `put`, of a queue; a deleted one is told and then in no list."""
        self.sequence += 1
        queue = replace(queue, sequence=self.sequence)
        others = [one for one in self.queues if one.id != queue.id]
        self.queues = others if queue.status == "deleted" else [*others, queue]
        self.tell(_message("queue", queue) + self._position())
        return queue

    def tick(self, progress: resources.Progress) -> None:
        self.tell(_message("progress", progress))

    def log(self, job: str, text: str, at: Any, actor: str = "scheduler") -> None:
        index = len(self.logs.setdefault(job, []))
        who = actor.removeprefix("endpoint/")
        line = resources.LogLine(self.sequence, index, at, actor, "", "job.event", text, {}, who)
        self.logs[job].append(line)

    def tell(self, text: bytes) -> None:
        if not self.is_silent:
            for stream in list(self._streams):
                stream.put(text)

    def cut(self) -> None:
        """End every open stream; `is_down` says whether the next one is answered."""
        for stream in list(self._streams):
            stream.put(None)

    def follow(self, since: int, write: Callable[[bytes], object]) -> None:
        stream: queue.Queue[bytes | None] = queue.Queue(STREAM_QUEUE_MAX)
        stream.put(self._missed(since) + self._position())
        self._streams.append(stream)
        try:
            while (text := self._next(stream)) is not None:
                write(text)
        finally:
            self._streams.remove(stream)

    def _missed(self, since: int) -> bytes:
        if self.is_too_much:
            return _message("reset", {})
        changed = [job for job in self.jobs.values() if job.sequence > since]
        return b"".join(_message("job", job) for job in changed)

    def _next(self, stream: queue.Queue[bytes | None]) -> bytes | None:
        while True:
            try:
                return stream.get(timeout=HEARTBEAT_S)
            except queue.Empty:
                if not self.is_silent:
                    return b": still here\n\n"

    def _position(self) -> bytes:
        return f"id: {self.sequence}\n".encode() + _message("position", {"sequence": self.sequence})

    def get(self, path: str, query: dict[str, str]) -> Any:
        match path.strip("/").split("/"):
            case ["api", "jobs"]:
                return self._page(query)
            case ["api", "jobs", job]:
                found = self.jobs.get(job)
                return found and replace(found, timing=self.timings.get(job))
            case ["api", "jobs", _, "throughput"]:
                return self.throughput
            case ["api", "jobs", job, "tasks"]:
                tasks, following = _cut(self.tasks.get(job, []), query)
                return resources.TaskPage(tasks, len(self.tasks.get(job, [])), following)
            case ["api", "jobs", _, "tasks", _, "attempts"]:
                return resources.AttemptPage(self.attempts, None)
            case ["api", "jobs", job, "log"]:
                lines, following = _cut(self.logs.get(job, [])[::-1], query)
                return resources.LogPage(lines, following)
            case ["api", "queues"]:
                return self.queues
            case ["api", "queues", queue]:
                return next((one for one in self.queues if one.id == queue), None)
            case ["api", "endpoints"]:
                return self.endpoints
            case ["api", *place, "settings"]:
                return self.settings.get("/".join(place))
        return None

    def _page(self, query: dict[str, str]) -> resources.JobPage:
        if ids := query.get("ids", ""):
            jobs = [self.jobs[one] for one in ids.split(",") if one in self.jobs]
            return resources.JobPage(jobs, len(jobs), None, self.sequence)
        finished = query.get("state") == "finished"
        found = [job for job in self.jobs.values() if (job.status in FINISHED) == finished]
        if needle := query.get("search", "").lower():
            found = [job for job in found if needle in f"{job.name}\n{job.source}".lower()]
        priorities = {one.code: one.priority for one in self.queues}
        found.sort(key=lambda job: (-priorities.get(job.queue, 0), job.place, job.id))
        if finished:
            found.sort(key=lambda job: str(job.finished_at), reverse=True)
        jobs, following = _cut(found, query)
        return resources.JobPage(jobs, len(found), following, self.sequence)

    def command(self, kind: str, job: str, verb: str, key: str) -> Refusal | resources.Done:
        self.asked.append((verb, job, key))
        time.sleep(self.answer_s)
        if verb in self.refusals:
            return self.refusals[verb]
        if kind == "queues":
            known = next(one for one in self.queues if one.id == job)
            queue = self.put_queue(replace(known, status=FOLLOWS[verb]))
            return resources.Done(queue.sequence, [])
        done = self.put(replace(self.jobs[job], status=FOLLOWS[verb], bytes_per_second=0.0))
        return resources.Done(done.sequence, [job])

    def change_tasks(self, job: str, verb: str, tasks: str) -> Refusal | resources.Done:
        self.asked.append((verb, job, tasks))
        return self.refusals.get(verb) or resources.Done(self.sequence, [job])

    def change(self, place: str, told: dict[str, Any]) -> Refusal | resources.Done:
        """Set and unset the settings of a place: ``, `queues/<id>`, `jobs/<id>`."""
        self.asked.append(("change", place, msgspec.json.encode(told).decode()))
        if "change" in self.refusals:
            return self.refusals["change"]
        level = place.partition("/")[0].removesuffix("s") or "workspace"
        values, unset = told.get("set", {}), told.get("unset", [])
        self.settings[place] = [
            replace(one, value=values[one.name], source=level)
            if one.name in values
            else replace(one, value=one.default, source="default")
            if one.name in unset
            else one
            for one in self.settings[place]
        ]
        return resources.Done(self.sequence, [])


def _cut(rows: list[Any], query: dict[str, str]) -> tuple[list[Any], str | None]:
    begin = int(query.get("cursor", "0"))
    end = begin + int(query.get("limit", "100"))
    return rows[begin:end], str(end) if end < len(rows) else None


def _message(event: str, data: Any) -> bytes:
    return b"event: " + event.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"


class Handler(BaseHTTPRequestHandler):
    """One connection; a subclass says of which stage."""

    stage: Stage
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        if not url.path.startswith("/api/"):
            self._file(url.path)
        elif self.stage.is_down:
            self._refuse(503, "The read side is starting.")
        elif url.path == "/api/events":
            self._stream()
        elif (found := self.stage.get(url.path, query)) is None:
            self._refuse(404, "There is no such job.")
        else:
            self._answer(200, "application/json", msgspec.json.encode(found))

    def do_POST(self) -> None:
        told = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match self.path.split("/"):
            case [_, _, _, job, "tasks", verb]:
                self._done(self.stage.change_tasks(job, verb, msgspec.json.decode(told)["tasks"]))
            case [_, _, kind, job, verb]:
                key = self.headers["Idempotency-Key"] or ""
                self._done(self.stage.command(kind, job, verb, key))

    def do_PATCH(self) -> None:
        told = msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"])))
        place = self.path.removeprefix("/api").removesuffix("settings").strip("/")
        self._done(self.stage.change(place, told))

    def _done(self, answer: Refusal | resources.Done) -> None:
        if isinstance(answer, resources.Done):
            self._answer(200, "application/json", msgspec.json.encode(answer))
        else:
            self._refuse(*answer)

    def _file(self, path: str) -> None:
        file = STATIC / (path.strip("/") or "index.html")
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        if file.is_file():
            self._answer(200, kind, file.read_bytes())
        else:
            self._answer(404, "text/plain", b"")

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            self.stage.follow(int(self.headers["Last-Event-ID"] or 0), self.wfile.write)
        except OSError:
            return

    def _refuse(self, status: int, detail: str) -> None:
        problem = resources.Problem("about:blank", "Refused", status, detail)
        self._answer(status, "application/problem+json", msgspec.json.encode(problem))

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A test's output is its own."""
