"""The stage's queues, endpoints, files and new jobs: what the page's other views ask and tell."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from services.gateway import bodies, file_resources, resources
from services.gateway.endpoint_resources import Disabling
from services.gateway.overview_resources import Overview

Refusal = tuple[int, str]
Answer = Refusal | resources.Done | resources.QueueDeleted | bytes
NEW_QUEUE, NEW_JOB = "d" * 24, "f" * 24


class Administration:
    """Its answers are of the `stage`; what a test sets by hand is the rest."""

    def __init__(self, stage: Any) -> None:
        self._stage = stage
        self.files: dict[str, list[file_resources.File]] = {}
        self.flow: resources.EndpointThroughput | None = None
        self.forbidden = False
        self.overview: Overview | None = None
        self.preview: list[msgspec.Struct] = []
        self.told: list[tuple[str, str, Any]] = []

    def get(self, parts: list[str], query: dict[str, str]) -> Any:
        match parts:
            case ["endpoints", _, "throughput"]:
                return self.flow
            case ["overview"]:
                return (403, "for employees") if self.forbidden else self.overview
            case ["files"]:
                found = self.files.get(query["where"])
                return None if found is None else file_resources.FilePage(found, 0, None)
        return None

    def tell(self, method: str, path: str, body: bytes) -> Answer | None:
        """None for what is not asked here."""
        told: Any = msgspec.json.decode(body) if body else None
        match method, path.strip("/").split("/")[1:]:
            case "POST", ["queues"]:
                return self._note("create", "", told) or self._create(told)
            case "PATCH", ["queues", queue]:
                return self._note("edit", queue, told) or self._edit(queue, told)
            case "DELETE", ["queues", queue]:
                return self._note("delete", queue, told) or self._delete(queue)
            case "POST", ["endpoints", endpoint, "enable" | "disable" as verb]:
                return self._note(verb, endpoint, told) or self._use(endpoint, verb)
            case "POST", ["jobs", "preview"]:
                return self._note("preview", "", told) or self._preview()
            case "POST", ["jobs"] | ["jobs", "compute"]:
                return self._note("submit", path, told) or resources.Done(
                    self._stage.sequence, [NEW_JOB]
                )
        return None

    def _note(self, verb: str, what: str, told: Any) -> Refusal | None:
        self.told.append((verb, what, told))
        refused: Refusal | None = self._stage.refusals.get(verb)
        return refused

    def _create(self, told: dict[str, Any]) -> resources.Done:
        new = msgspec.convert(told, bodies.NewQueue)
        fields = (new.code, new.priority, new.description, new.default, "waiting", 0, 0, 0)
        queue = resources.Queue(NEW_QUEUE, *fields, new.compute_default)
        return resources.Done(self._stage.put_queue(queue).sequence, [])

    def _edit(self, queue: str, told: dict[str, Any]) -> resources.Done:
        news = {name: value for name, value in told.items() if value is not None}
        done = self._stage.put_queue(replace(self._queue(queue), **news))
        return resources.Done(done.sequence, [])

    def _delete(self, queue: str) -> resources.QueueDeleted:
        gone = self._stage.put_queue(replace(self._queue(queue), status="deleted"))
        jobs = [one.id for one in self._stage.jobs.values() if one.queue == gone.code]
        return resources.QueueDeleted(gone.sequence, jobs, "medium")

    def _queue(self, queue: str) -> resources.Queue:
        found: resources.Queue = next(one for one in self._stage.queues if one.id == queue)
        return found

    def _use(self, endpoint: str, verb: str) -> resources.Done:
        known = next(one for one in self._stage.endpoints if one.id == endpoint)
        disabled = Disabling("admin", known.since) if verb == "disable" and known.since else None
        return resources.Done(
            self._stage.put_endpoint(replace(known, disabled=disabled)).sequence, []
        )

    def _preview(self) -> bytes:
        return b"".join(msgspec.json.encode(line) + b"\n" for line in self.preview)
