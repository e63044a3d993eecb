"""Every subject on the bus and every stream, in one place. A workspace's name is its prefix.

| subject | from → to |
|---|---|
| `haulage.<w>.log` | the leading scheduler → LOG, commits |
| `haulage.<w>.command` | gateway → the leading scheduler, request and answer |
| `haulage.<w>.ask` | gateway, agents → any read of the leading scheduler's board |
| `haulage.<w>.past` | gateway → the historian, what there was |
| `haulage.<w>.leader` | the leading scheduler → standbys, twice a second |
| `haulage.<w>.rows` | projector → gateways, what changed |
| `haulage.<w>.agent.<endpoint>.<what>` | that agent → scheduler: beat, report, tasks |
| `haulage.<w>.orders.<endpoint>`, `haulage.<w>.call.<endpoint>` | scheduler, gateway → that agent |
| `haulage.<w>.progress.<endpoint>.<job>` | that agent → PROGRESS, ticks |
| `haulage.<w>.output.<endpoint>.<job>.<run>.<slot>` | that agent → OUTPUT, process logs |
| `haulage.<w>.snapshot` | the leading scheduler → SNAPSHOT |
| `haulage.<w>.job.<job>.<what>` … | projector → FEED, one message an event |
"""

from __future__ import annotations

from events import codec


def log_stream(workspace: str) -> str:
    return f"LOG-{workspace}"


def feed_stream(workspace: str) -> str:
    return f"FEED-{workspace}"


def progress_stream(workspace: str) -> str:
    return f"PROGRESS-{workspace}"


def output_stream(workspace: str) -> str:
    return f"OUTPUT-{workspace}"


def snapshot_stream(workspace: str) -> str:
    return f"SNAPSHOT-{workspace}"


def log(workspace: str) -> str:
    return f"haulage.{workspace}.log"


def command(workspace: str) -> str:
    return f"haulage.{workspace}.command"


def ask(workspace: str) -> str:
    return f"haulage.{workspace}.ask"


def past(workspace: str) -> str:
    return f"haulage.{workspace}.past"


def leader(workspace: str) -> str:
    return f"haulage.{workspace}.leader"


def rows(workspace: str) -> str:
    return f"haulage.{workspace}.rows"


def snapshot(workspace: str) -> str:
    return f"haulage.{workspace}.snapshot"


def from_agent(workspace: str, endpoint: str, what: str) -> str:
    """`what`: beat, report, tasks; `*` for the endpoint listens to all."""
    return f"haulage.{workspace}.agent.{endpoint}.{what}"


def orders(workspace: str, endpoint: str) -> str:
    return f"haulage.{workspace}.orders.{endpoint}"


def call(workspace: str, endpoint: str) -> str:
    return f"haulage.{workspace}.call.{endpoint}"


def progress(workspace: str, endpoint: str, job: str) -> str:
    return f"haulage.{workspace}.progress.{endpoint}.{job}"


def progress_of(subject: str) -> tuple[str, str]:
    """The endpoint and the job of a subject made by `progress`."""
    endpoint, job = subject.split(".")[-2:]
    return endpoint, job


def output(workspace: str, endpoint: str, job: str, run: str | int, slot: str | int) -> str:
    """`slot` is where in the run's log a part is kept: the one before it there is replaced."""
    return f"haulage.{workspace}.output.{endpoint}.{job}.{run}.{slot}"


def feed(workspace: str, event: codec.Event) -> str:
    """`haulage.main.job.<id>.paused`, `….job.<id>.task.done`, `….workspace.opened`."""
    noun, _, what = codec.tag(event).partition(".")
    about = codec.subject(event).replace("/", ".")
    middle = "task." if noun == "task" else ""
    return f"haulage.{workspace}.{about}.{middle}{what}"


def feed_filters(workspace: str) -> list[str]:
    nouns = ("job", "queue", "endpoint", "pair", "workspace")
    return [f"haulage.{workspace}.{noun}.>" for noun in nouns]
