"""What a benchmark measured: a table for people, JSON lines for the record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

RECORD = Path(".bench/results.jsonl")


class Row(Struct, frozen=True):
    """One figure beside the one it is compared with, both measured in the same run.

    `ratio` is value divided by the other's value; `command` is what makes the row again.
    """

    name: str
    value: float
    unit: str
    compared_with: str = ""
    ratio: float | None = None
    command: str = ""


def alone(name: str, values: Sequence[float], unit: str, command: str) -> Row:
    """The median of the rounds."""
    return Row(name, round(median(values), 3), unit, command=command)


def beside(name: str, values: Sequence[float], unit: str, other: Row, command: str) -> Row:
    """The median of the rounds, beside that of rounds which were interleaved with them."""
    value = median(values)
    return Row(name, round(value, 3), unit, other.name, round(value / other.value, 3), command)


def percentiles(name: str, waits_s: Sequence[float], command: str) -> list[Row]:
    """p50 and p99 of waits, in milliseconds."""
    ordered = sorted(waits_s)
    return [
        Row(f"{name}, p50", round(ordered[len(ordered) // 2] * 1e3, 3), "ms", command=command),
        Row(f"{name}, p99", round(ordered[-len(ordered) // 100] * 1e3, 3), "ms", command=command),
    ]


def show(rows: list[Row]) -> None:
    table = Table("what", "value", "unit", "beside", "ratio")
    for column in (1, 4):
        table.columns[column].justify = "right"
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        table.add_row(row.name, _readable(row.value), row.unit, row.compared_with, ratio)
    Console(width=140).print(table)


def _readable(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def record(rows: list[Row]) -> None:
    RECORD.parent.mkdir(exist_ok=True)
    with RECORD.open("ab") as lines:
        for row in rows:
            lines.write(msgspec.json.encode(row) + b"\n")
