"""Run the benchmarks named on the command line, or all; print a table, keep the rows."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from services.runtime.log import configure
from tests.bench import (
    asks_bench,
    behind_bench,
    commands_bench,
    http_bench,
    idle_bench,
    latency_bench,
    loads,
    log_bench,
    pipeline_bench,
    restart_bench,
    scale_bench,
    tasks_bench,
    transfer_bench,
)
from tests.bench.results import Row, record, show
from tests.live.machine import Machine
from tests.live.studio import Studio
from tests.servers import Nats

LIMIT_S = 240
FULL_LIMIT_S = 3600
FULL = "--full"  # Transfers of the sizes that the aims are written for; takes about half an hour.
M = TypeVar("M", bound=Machine)
Measure = Callable[[Machine], Coroutine[Any, Any, list[Row]]]


def scale(_directory: Path) -> list[Row]:
    return scale_bench.measure()


def tasks(_directory: Path) -> list[Row]:
    return tasks_bench.measure()


def log(directory: Path) -> list[Row]:
    return _on_nats(directory, log_bench.measure)


def behind(directory: Path) -> list[Row]:
    return _on_nats(directory, behind_bench.measure)


def _on_nats(
    directory: Path, measure: Callable[[Nats], Coroutine[Any, Any, list[Row]]]
) -> list[Row]:
    nats = Nats(directory / "nats")
    nats.start()
    try:
        return asyncio.run(measure(nats))
    finally:
        nats.stop()


def http(directory: Path) -> list[Row]:
    studio = Studio(directory)
    studio.projects.mkdir()
    (studio.projects / "one").touch()
    with _running(studio), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(http_bench.measure(studio))


def _whole(
    directory: Path, measure: Callable[[Machine], Coroutine[Any, Any, list[Row]]]
) -> list[Row]:
    """On a `haulage up` of its own."""

    with (
        _running(Machine(directory / "data")) as machine,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(measure(machine))


def commands(directory: Path) -> list[Row]:
    return _whole(directory, commands_bench.measure)


def restart(directory: Path) -> list[Row]:
    return _whole(directory, restart_bench.measure)


def idle(directory: Path) -> list[Row]:
    return _whole(directory, idle_bench.measure)


def latency(directory: Path) -> list[Row]:
    return _whole(directory, latency_bench.measure)


def pipeline(directory: Path) -> list[Row]:
    return _whole(directory, pipeline_bench.measure)


def transfer(directory: Path) -> list[Row]:
    studio = Studio(directory)
    transfer_bench.make_sources(studio.projects)
    with _running(studio):
        return transfer_bench.measure(studio)


@contextmanager
def _running(machine: M) -> Iterator[M]:
    """Also what did not come up in time is ended."""
    try:
        with machine:
            yield machine
    finally:
        machine.kill_tree()


BENCHMARKS: dict[str, Callable[[Path], list[Row]]] = {
    "scale": scale,
    "tasks": tasks,
    "asks": asks_bench.measure,
    "log": log,
    "http": http,
    "commands": commands,
    "pipeline": pipeline,
    "latency": latency,
    "restart": restart,
    "behind": behind,
    "idle": idle,
    "transfer": transfer,
}


def main(names: list[str]) -> None:
    if FULL in names:
        names.remove(FULL)
        os.environ["HAULAGE_BENCH_FULL"] = "1"
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}: there are {', '.join(BENCHMARKS)}")
    configure("bench", "warning")
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGALRM, _end)
    rows: list[Row] = []
    for name in names or BENCHMARKS:
        found = _bounded(BENCHMARKS[name])
        record(found)
        rows += found
    show(rows)


def _bounded(benchmark: Callable[[Path], list[Row]]) -> list[Row]:
    signal.alarm(FULL_LIMIT_S if loads.is_full() else LIMIT_S)
    try:
        with tempfile.TemporaryDirectory(prefix="haulage-bench-") as directory:
            return benchmark(Path(directory))
    finally:
        signal.alarm(0)


def _end(number: int, _frame: object) -> None:
    """What was started is ended and what was written is removed on the way out."""
    sys.exit(f"bench: ended by {signal.Signals(number).name}")


if __name__ == "__main__":
    main(sys.argv[1:])
