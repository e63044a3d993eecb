"""`attempts`: each try of a task, with where, when, how much, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from projections.bottleneck import PARTS
from services.cli import pages, screen, words
from services.cli.client import connect
from services.cli.connection import HERE, Connection
from services.cli.naming import find_job
from services.cli.words import SPENT
from services.gateway.resources import Attempt

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("TRY", "OUTCOME", "ENDPOINT", "START", "TIME", "BYTES", "RATE")
OF_COMMANDS = ("EXIT", "MEMORY", "CPU")
OF_FILES = ("SAVED", "MOST OF IT")
RIGHT = ("TRY", "TIME", "BYTES", "RATE", "SAVED", *OF_COMMANDS)


def attempts(
    job: str,
    task: Annotated[int, Parameter(validator=Number(gte=0))],
    /,
    *,
    json: bool = False,
    connection: Connection = HERE,
) -> None:
    """List the tries of a task: where and when, how much and how fast, and what became of them.

    Parameters
    ----------
    job
        The job's id or the beginning of it.
    task
        The task's number, which `haulage tasks` shows.
    json
        Print JSON.
    """
    client = connect(connection)
    rows = pages.attempts(client, find_job(client, job).id, task)
    if json:
        screen.emit_all(rows)
    elif found := list(rows):
        screen.draw(table(found))
    else:
        screen.say(f"task {task} was not tried yet")


def table(rows: Sequence[Attempt]) -> Table:
    """What only commands have, or what was not measured, is left out where there is none of it."""
    of_commands = any(_of_command(row) != ("-", "-", "-") for row in rows)
    of_files = any(row.bytes_saved is not None for row in rows)
    more = (*(OF_FILES if of_files else ()), *(OF_COMMANDS if of_commands else ()))
    made = screen.table(*COLUMNS, *more, "", right=RIGHT)
    made.columns[-1].no_wrap = False
    for row in rows:
        made.add_row(
            str(row.attempt),
            screen.status(row.outcome),
            screen.cut(row.endpoint or "-"),
            words.clock(row.started_at),
            words.took(row.took_s),
            "-" if row.bytes is None else words.size(row.bytes),
            "-" if row.bytes_per_second is None else words.rate(row.bytes_per_second),
            *(_of_file(row) if of_files else ()),
            *(_of_command(row) if of_commands else ()),
            screen.cut(_why(row), "red" if row.error_class else ""),
        )
    return made


def _of_file(row: Attempt) -> tuple[str, str]:
    """Bytes that did not have to come, and what took the most of its time."""
    saved = words.size(row.bytes_saved) if row.bytes_saved else "-"
    spent = {part: getattr(row, f"{part}_s") or 0.0 for part in PARTS}
    whole, most = sum(spent.values()), max(PARTS, key=lambda part: spent[part])
    return saved, f"{SPENT[most]} {words.percent(spent[most] / whole)}" if whole else "-"


def _of_command(row: Attempt) -> tuple[str, str, str]:
    return (
        "-" if row.exit_code is None else str(row.exit_code),
        words.size(row.peak_memory_bytes) if row.peak_memory_bytes else "-",
        words.took(row.cpu_s) if row.cpu_s is not None else "-",
    )


def _why(row: Attempt) -> str:
    cause = row.cause and row.cause.replace("_", " ")
    return ": ".join(part for part in (cause, row.error_class, row.error_message) if part)
