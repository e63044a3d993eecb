"""The HTTP of the stage: what is asked is read, answered from its state, and nothing else."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import msgspec

from services.gateway import pages, resources
from tests.web.administration import Administration, Answer

STATIC = Path(__file__).parents[2] / "services/gateway/static"


class Answering(Protocol):
    """What a stage is to its connections."""

    is_down: bool
    desk: Administration

    def get(self, path: str, query: dict[str, str]) -> Any: ...
    def follow(self, since: int, write: Callable[[bytes], object]) -> None: ...
    def command(self, kind: str, job: str, verb: str, key: str) -> Answer: ...
    def move(self, told: dict[str, Any]) -> Answer: ...
    def change_tasks(self, job: str, verb: str, tasks: str) -> Answer: ...
    def change(self, place: str, told: dict[str, Any]) -> Answer: ...


class Handler(BaseHTTPRequestHandler):
    """One connection; a subclass says of which stage."""

    stage: Answering
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
        elif isinstance(found, tuple):
            self._refuse(*found)
        else:
            self._answer(200, "application/json", msgspec.json.encode(found))

    def do_POST(self) -> None:
        told = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if (answer := self.stage.desk.tell("POST", self.path, told)) is not None:
            self._done(answer)
            return
        match self.path.split("/"):
            case [_, _, "jobs", "move"]:
                self._done(self.stage.move(msgspec.json.decode(told)))
            case [_, _, _, job, "tasks", verb]:
                self._done(self.stage.change_tasks(job, verb, msgspec.json.decode(told)["tasks"]))
            case [_, _, kind, job, verb]:
                key = self.headers["Idempotency-Key"] or ""
                self._done(self.stage.command(kind, job, verb, key))

    def do_DELETE(self) -> None:
        if (answer := self.stage.desk.tell("DELETE", self.path, b"")) is not None:
            self._done(answer)

    def do_PATCH(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if (answer := self.stage.desk.tell("PATCH", self.path, body)) is not None:
            self._done(answer)
            return
        told = msgspec.json.decode(body)
        place = self.path.removeprefix("/api").removesuffix("settings").strip("/")
        self._done(self.stage.change(place, told))

    def _done(self, answer: Answer) -> None:
        if isinstance(answer, tuple):
            self._refuse(*answer)
        elif isinstance(answer, bytes):
            self._answer(200, "application/x-ndjson", answer)
        else:
            self._answer(200, "application/json", msgspec.json.encode(answer))

    def _file(self, path: str) -> None:
        name = path.strip("/")
        file = STATIC / (pages.INDEX if pages.is_place(name) else name)
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
