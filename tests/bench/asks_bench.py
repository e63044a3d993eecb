"""What a list of 200 jobs asks of the scheduler: why they wait, where they stand, and until when.

With few jobs waiting and with very many; then all 200 on one pair, where the walk is longest. While
it answers, the scheduler does nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from statistics import median

from events.job import Job
from events.jobs import Status
from projections.board import Board
from projections.pace import Measured
from services.runtime.memory import MemoryLog
from services.scheduler.commands import ReasonsAsked
from services.scheduler.reading import Reading
from tests.bench import crowd
from tests.bench.crowd import NOON, Crowd
from tests.bench.results import Row

COMMAND = "python -m tests.bench asks"
FEW, MANY, OF_A_PAIR = 1_000, 100_000, 10_000
LIST = 200
ROUNDS = 40


def measure(_directory: Path) -> list[Row]:
    few, many = _asked(_board(FEW)), _asked(_board(MANY))
    base = Row(f"a list of {LIST}, {FEW:,} jobs wait", few, "ms", command=COMMAND)
    ratio = round(many / few, 3)
    much = Row(f"a list of {LIST}, {MANY:,} jobs wait", many, "ms", base.name, ratio, COMMAND)
    pair = _board(OF_A_PAIR, pairs=1)
    first, deep = _asked(pair), _asked(pair, behind=300)
    one = Row(f"the first {LIST} of {OF_A_PAIR:,} on one pair", first, "ms", command=COMMAND)
    behind = Row(f"{LIST} of them behind 300 others", deep, "ms", one.name, None, COMMAND)
    return [base, much, one, behind]


def _board(waiting: int, pairs: int = 1_000) -> Board:
    board = crowd.board_of(Crowd(waiting + pairs, tasks=20, pairs=pairs))
    board.pace.everywhere += [Measured(20_000 + n, 20, 3.0 + n / 10) for n in range(20)]
    return board


def _asked(board: Board, behind: int = 0) -> float:
    """Milliseconds of the scheduler, the median."""
    asked = ReasonsAsked([job.id for job in islice(_waiting(board), behind, behind + LIST)])
    reading, now, taken_s = Reading(MemoryLog(), board), NOON + timedelta(hours=1), list[float]()
    for number in range(ROUNDS):
        began = time.perf_counter()
        answer = reading.reasons(asked, now + timedelta(seconds=number))
        taken_s.append(time.perf_counter() - began)
        known = [one for one in answer.estimates.values() if one.start_at]
        assert len(answer.reasons) == len(known) == LIST
    return round(median(taken_s) * 1e3, 2)


def _waiting(board: Board) -> Iterator[Job]:
    """In the order of all jobs."""
    line = (board.jobs[job] for queue in board.in_order() for _, job in board.line(queue))
    return (job for job in line if job.status is Status.WAITING)
