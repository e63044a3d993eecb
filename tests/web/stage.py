"""A gateway whose rows a test sets by hand: the page's API and its stream, from values.

For what the real stack cannot be brought to on demand (a refusal, a silence, 5,000 jobs, a name of
direction characters). It answers with the structs of services/gateway/resources.py, decides
nothing but what a button is followed by, and knows no token. The real road is test_page_live.py.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from typing import Any

import msgspec
from msgspec.structs import replace

from services.gateway import log_resources, resources
from services.gateway.log_resources import TaskOutput
from services.scheduler.commands import Reason
from tests.web.administration import Administration, Refusal
from tests.web.serving import Handler

FOLLOWS = {"pause": "paused", "resume": "waiting", "retry": "waiting", "abort": "aborted"}
FINISHED = ("done", "aborted")
HEARTBEAT_S = 1.0
HEARD_S = 10.0
STREAM_QUEUE_MAX = 100_000


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
        self.logs: dict[str, list[log_resources.LogLine]] = {}
        self.settings: dict[str, list[resources.Setting]] = {}
        self.me = resources.Me("admin", "admin")
        self.desk = Administration(self)
        self.reasons: dict[str, list[Reason]] = {}
        self.causes: dict[str, list[resources.Cause]] = {}
        self.output: TaskOutput | None = None
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

    def heard(self, count: int) -> list[tuple[str, str, str]]:
        """What was asked, once it is so much: a page shows what it does before it asks."""
        ends_by = time.monotonic() + HEARD_S
        while len(self.asked) < count and time.monotonic() < ends_by:
            time.sleep(0.01)
        return list(self.asked)

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

    def put_endpoint(self, endpoint: resources.Endpoint) -> resources.Endpoint:
        self.sequence += 1
        endpoint = replace(endpoint, sequence=self.sequence)
        others = [one for one in self.endpoints if one.id != endpoint.id]
        self.endpoints = [*others, endpoint]
        self.tell(_message("endpoint", endpoint) + self._position())
        return endpoint

    def tick(self, progress: resources.Progress) -> None:
        self.tell(_message("progress", progress))

    def log(self, job: str, text: str, at: Any, actor: str = "scheduler") -> None:
        index = len(self.logs.setdefault(job, []))
        who = actor.removeprefix("endpoint/")
        line = log_resources.LogLine(
            self.sequence, index, at, actor, "", "job.event", text, {}, who
        )
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
            case ["api", "jobs", job, "tasks", _, "log"]:
                return self.output and _behind(self.output, int(query.get("after", "-1")))
            case ["api", "jobs", job, "why"]:
                held, status = self.reasons.get(job, []), self.jobs[job].status
                return resources.Why(job, status, None, held, self.sequence)
            case ["api", "jobs", job, "wait"]:
                causes, status = self.causes.get(job, []), self.jobs[job].status
                return resources.Wait(job, status, [], causes, self.sequence)
            case ["api", "jobs", job, "log"]:
                lines, following = _cut(self.logs.get(job, [])[::-1], query)
                return log_resources.LogPage(lines, following)
            case ["api", "queues"]:
                return self.queues
            case ["api", "queues", queue]:
                return next((one for one in self.queues if one.id == queue), None)
            case ["api", "endpoints"]:
                return self.endpoints
            case ["api", *place, "settings"]:
                return self.settings.get("/".join(place))
            case ["api", "me"]:
                return self.me
            case ["api", *parts]:
                return self.desk.get(parts, query)
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

    def move(self, told: dict[str, Any]) -> Refusal | resources.Done:
        """To the queue that is named, and to the very top or bottom, or beside a job."""
        self.asked.append(("move", ",".join(told["jobs"]), msgspec.json.encode(told).decode()))
        if "move" in self.refusals:
            return self.refusals["move"]
        beside = self.jobs.get(told.get("before") or told.get("after") or "")
        for number, job in enumerate(told["jobs"]):
            queue = beside.queue if beside else told.get("queue", self.jobs[job].queue)
            place = f"{'A' if told.get('to') == 'top' else 'z'}{self.sequence:05d}{number:04d}"
            if beside:
                # Right behind it, or right behind who stands before it.
                line = sorted(one.place for one in self.jobs.values() if one.queue == queue)
                at = line.index(beside.place) - bool(told.get("before"))
                place = (line[at] if at >= 0 else "A") + f"V{number:04d}"
            self.put(replace(self.jobs[job], queue=queue, place=place))
        return resources.Done(self.sequence, told["jobs"])

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


def _behind(output: TaskOutput, after: int) -> TaskOutput:
    lines = [line for line in output.lines if line.number > after]
    return replace(output, lines=lines, after=lines[-1].number if lines else after)


def _message(event: str, data: Any) -> bytes:
    return b"event: " + event.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"
