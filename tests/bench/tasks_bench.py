"""What 1,000,000 tasks of one job take in the scheduler: memory, and what is done to them.

The job is listed a thousand entries at a time, as an agent does it; then every other task is done
and every thousandth fails. Bytes are what Python allocated for it (tracemalloc), and what the
process grew by (resident set); both with all that the board holds of the job.
"""

from __future__ import annotations

import gc
import os
import time
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from events import jobs, tasks
from events.tasks import TASKS_PER_EVENT_MAX
from projections import snapshot
from projections.board import Board
from services.scheduler.commands import (
    Abort,
    Accepted,
    Actor,
    Report,
    Request,
    Retry,
    Role,
    RunEnded,
    TasksDone,
    TasksFailed,
)
from services.scheduler.turn import Input, Turn
from tests.bench import crowd
from tests.bench.crowd import NOON, Crowd
from tests.bench.results import Row

COMMAND = "python -m tests.bench tasks"
TASKS = 1_000_000
BYTES_MAX = 64
ANN = Actor("ann", Role.ADMIN)
STATM = Path("/proc/self/statm")


def measure() -> list[Row]:
    with ProcessPoolExecutor(1, get_context("spawn")) as elsewhere:
        resident = elsewhere.submit(_grown_by).result()
    allocated, board = _allocated()
    rows = [
        Row("board, a task of 1,000,000, allocated", allocated / TASKS, "bytes", command=COMMAND),
        Row("board, a task of 1,000,000, resident", resident / TASKS, "bytes", command=COMMAND),
        Row("snapshot, a task", len(snapshot.save(board)) / TASKS, "bytes", command=COMMAND),
        *_acts(board),
    ]
    assert allocated <= BYTES_MAX * TASKS, f"{allocated / TASKS} bytes a task"
    return [Row(one.name, round(one.value, 3), one.unit, command=COMMAND) for one in rows]


def _grown_by() -> int:
    """In a process of its own: what another left behind would be used again."""
    gc.collect()
    before = _resident_bytes()
    board = _board()
    gc.collect()
    after = _resident_bytes()
    assert len(board.tables[crowd.job_id(0)]) == TASKS
    return after - before


def _allocated() -> tuple[int, Board]:
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    board = _board()
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return after - before, board


def _board() -> Board:
    """One job of many tasks, running; half of them done, some failed."""
    board = crowd.board_of(Crowd(0, pairs=1, queues=1))
    job = jobs.Submitted(
        crowd.job_id(0),
        "plates",
        "ann",
        crowd.queue_id(0),
        "a0",
        jobs.Transfer(
            jobs.Party(crowd.endpoint_id(0), "projects", ""),
            jobs.Party(crowd.endpoint_id(1), "incoming", ""),
        ),
    )
    _apply(board, job, jobs.ListingStarted(job.job, 1))
    for first in range(0, TASKS, TASKS_PER_EVENT_MAX):
        entries = [tasks.Entry(f"{first + n:07}", size=1) for n in range(TASKS_PER_EVENT_MAX)]
        _apply(board, tasks.Found(job.job, 1, first, entries))
    _apply(
        board, jobs.Listed(job.job, 1, TASKS, TASKS), jobs.Started(job.job, 2, crowd.endpoint_id(1))
    )
    for first in range(0, TASKS, TASKS_PER_EVENT_MAX):
        every_other = range(first, first + TASKS_PER_EVENT_MAX, 2)
        numbers = ",".join(map(str, every_other))
        none = [0] * len(every_other)
        _apply(board, tasks.Done(job.job, 2, numbers, 500, none, none, [""] * len(every_other)))
        failure = tasks.Failure(first + 1, jobs.ErrorClass.NETWORK, "the connection was lost")
        _apply(board, tasks.Failed(job.job, 2, [failure]))
    return board


def _apply(board: Board, *events: jobs.Event | tasks.Event) -> None:
    for one in crowd.recorded(events, board.sequence + 1):
        board.apply(one)


def _acts(board: Board) -> list[Row]:
    """What a decision about the job takes."""
    job, run = crowd.job_id(0), board.jobs[crowd.job_id(0)].run
    left = ",".join(str(n) for n in range(3, TASKS, 2) if n % TASKS_PER_EVENT_MAX != 1)
    some = [left[:7_000].rpartition(",")[0]]
    count = some[0].count(",") + 1
    done = TasksDone(job, run, some[0], count, [0] * count, [0] * count, [""] * count)
    failure = tasks.Failure(TASKS - 1, jobs.ErrorClass.NETWORK, "lost")
    said: list[tuple[str, Input]] = [
        (f"a report of {count:,} tasks done", _report("r1", done)),
        ("a report of one that failed", _report("r2", TasksFailed(job, run, [failure]))),
        ("the end of a run with tasks left", _report("r3", RunEnded(job, run))),
        ("an abort", Request("c1", ANN, Abort(job))),
        ("a retry of all that failed", Request("c2", ANN, Retry(job))),
    ]
    return [Row(f"{name}, of 1,000,000", _took_ms(board, one), "ms") for name, one in said]


def _report(key: str, said: TasksDone | TasksFailed | RunEnded) -> Report:
    return Report(key, crowd.endpoint_id(1), crowd.SESSION, said)


def _took_ms(board: Board, said: Input) -> float:
    began = time.perf_counter()
    answer = Turn(board, NOON).take(said)
    taken_ms = (time.perf_counter() - began) * 1000
    assert isinstance(answer, Accepted), answer
    return taken_ms


def _resident_bytes() -> int:
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
