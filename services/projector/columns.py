"""Rows as the columns that PostgreSQL takes, and as it gives them back. Pure.

Whatever the log holds must go in, or one odd name would stop the read side for good: text loses
its NUL characters (PostgreSQL has no place for them), and numbers stay within 64 bits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from events.endpoints import Dialled, Machine, Volume
from events.tasks import Measured
from projections import attempt_rows, endpoint_rows, job_log, job_rows, task_rows

INT_MAX = 2**63 - 1
NUL_SHOWN = "\u2400"
_NUL_IN_JSON = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")

Column = Sequence[Any]
Stored = Mapping[str, Any]
_encoder = msgspec.json.Encoder()


def columns(rows: Iterable[Struct]) -> list[Column]:
    """One column a field, in the order of the fields."""
    return [_storable(column) for column in zip(*map(astuple, rows), strict=True)]


def records(rows: Iterable[Struct]) -> list[tuple[Any, ...]]:
    """The same as tuples, for COPY."""
    return list(zip(*columns(rows), strict=True))


def log_record(line: job_log.Line) -> tuple[Any, ...]:
    """A row of `job_log` in the order of its columns."""
    data, kind = job_log.encode(line.event), job_log.kind(line.event)
    who, why = text(line.actor), text(line.cause)
    place = (line.sequence, line.index, line.job, line.subject, line.at)
    return (*place, who, why, kind, json_text(data))


def job_row(stored: Stored) -> job_rows.Row:
    compute = stored["compute"] and msgspec.json.decode(stored["compute"])
    depends_on = tuple(msgspec.json.decode(stored["depends_on"]))
    causes = msgspec.json.decode(stored["causes"])
    lanes = msgspec.json.decode(stored["lanes"])
    read = {"compute": compute, "depends_on": depends_on, "causes": causes, "lanes": lanes}
    return job_rows.Row(**{**stored, **read})


def endpoint_row(stored: Stored) -> endpoint_rows.Row:
    volumes = msgspec.json.decode(stored["volumes"], type=tuple[Volume, ...])
    machine = stored["machine"] and msgspec.json.decode(stored["machine"], type=Machine)
    full = tuple(msgspec.json.decode(stored["full_volumes"]))
    reach = msgspec.json.decode(stored["reach"], type=tuple[Dialled, ...])
    read = {"volumes": volumes, "machine": machine, "full_volumes": full, "reach": reach}
    return endpoint_rows.Row(**{**stored, **read})


def task_row(stored: tuple[Any, ...]) -> task_rows.Row:
    """In the order of the fields: there are many tasks."""
    return task_rows.Row(*(*stored[:-1], _measured(stored[-1])))


def attempt_row(stored: tuple[Any, ...]) -> attempt_rows.Row:
    """As `task_row`."""
    return attempt_rows.Row(*(*stored[:-1], _measured(stored[-1])))


def _measured(told: str | None) -> Measured | None:
    return None if told is None else msgspec.json.decode(told, type=Measured)


def text(value: str) -> str:
    return value.replace("\0", NUL_SHOWN)


def number(value: int) -> int:
    return max(-INT_MAX, min(value, INT_MAX))


def json_text(data: bytes) -> str:
    """JSON that `jsonb` takes: an escaped NUL is refused by it."""
    if b"\\u0000" in data:
        data = _NUL_IN_JSON.sub(rb"\1" + NUL_SHOWN.encode(), data)
    return data.decode()


def _storable(column: Column) -> Column:
    kind = next((type(value) for value in column if value is not None), type(None))
    if issubclass(kind, str):
        return [text(value) if value and "\0" in value else value for value in column]
    if kind is int:
        known = [value for value in column if value is not None]
        if min(known) >= -INT_MAX and max(known) <= INT_MAX:
            return column
        return [value if value is None else number(value) for value in column]
    if kind in (tuple, dict) or issubclass(kind, Struct):
        return [value if value is None else json_text(_encoder.encode(value)) for value in column]
    return column
