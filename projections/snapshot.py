"""A board as bytes and back. What a snapshot holds is the fold; the orders are made again from it.

A snapshot of another version's board is not read: the log is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from events.endpoints import Endpoint
from events.job import Job
from events.queues import Queue
from events.settings import Value
from projections.board import Board, Pair, Recent
from projections.pace import Pace
from projections.task_table import TaskTable


class Saved(Struct):
    workspace: str
    epoch: str
    sequence: int
    at: datetime
    settings: dict[str, Value]
    pair_settings: list[tuple[Pair, dict[str, Value]]]
    queues: list[Queue]
    endpoints: list[Endpoint]
    jobs: list[Job]
    tables: dict[str, TaskTable]
    recent: dict[str, Recent]
    reported: dict[str, Recent]
    pace: Pace


def form_of(kind: type[Struct]) -> str:
    """Names the shape of a struct and of all that is in it."""
    return hashlib.sha256(msgspec.json.encode(msgspec.json.schema(kind))).hexdigest()


FORM = form_of(Saved)
"""Changes with the shape of anything that a board holds."""


class OtherForm(Exception):
    """The snapshot was saved by a version whose boards are of another shape."""


def save(board: Board) -> bytes:
    return msgspec.msgpack.encode((FORM, _saved(board)))


def part(board: Board, named: Iterable[str]) -> bytes:
    """As `save`, for who asks what would be: of the jobs only those that are named and that they
    wait for. What came of commands is left out. `load` gives it back.
    """
    jobs = {job: board.jobs[job] for job in named if job in board.jobs}
    others = {other for job in jobs.values() for other in job.depends_on}
    while others := others - jobs.keys():
        jobs |= {other: board.jobs[other] for other in others}
        others = {one for other in others for one in board.jobs[other].depends_on}
    kept = sorted(jobs.values(), key=lambda job: job.id)
    tables = {job.id: board.tables[job.id] for job in kept}
    saved = replace(_saved(board), jobs=kept, tables=tables, recent={}, reported={})
    return msgspec.msgpack.encode((FORM, saved))


def _saved(board: Board) -> Saved:
    return Saved(
        workspace=board.workspace,
        epoch=board.epoch,
        sequence=board.sequence,
        at=board.at,
        settings=board.settings,
        pair_settings=list(board.pair_settings.items()),
        queues=list(board.queues.values()),
        endpoints=list(board.endpoints.values()),
        jobs=list(board.jobs.values()),
        tables=board.tables,
        recent=board.recent,
        reported=board.reported,
        pace=board.pace,
    )


def load(saved_bytes: bytes) -> Board:
    """Raises OtherForm."""
    try:
        form, rest = msgspec.msgpack.decode(saved_bytes, type=tuple[str, Raw])
    except msgspec.MsgspecError as error:
        raise OtherForm(str(error)) from error
    if form != FORM:
        raise OtherForm(form)
    return _board(msgspec.msgpack.decode(rest, type=Saved))


def _board(saved: Saved) -> Board:
    board = Board()
    board.workspace, board.epoch = saved.workspace, saved.epoch
    board.sequence, board.at, board.settings = saved.sequence, saved.at, saved.settings
    board.pair_settings = dict(saved.pair_settings)
    board.queues = {queue.id: queue for queue in saved.queues}
    for endpoint in saved.endpoints:
        board.put(endpoint)
    board.tables, board.recent, board.reported = saved.tables, saved.recent, saved.reported
    board.pace = saved.pace
    board.jobs = {job.id: job for job in saved.jobs}
    for job in saved.jobs:
        board.index(job)
    for job in sorted(saved.jobs, key=lambda one: (one.since or saved.at, one.id)):
        board.note_end(None, job)
    _take_lanes(board)
    return board


def _take_lanes(board: Board) -> None:
    board.lanes.look_at(board.endpoints.values(), board.settings)
    for job, table in board.tables.items():
        for run, bucket in table.buckets.items():
            board.lanes.take(bucket.endpoint, job, run)
