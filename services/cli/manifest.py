"""`manifest`: what a transfer has brought, written to stdout or a file. Changes nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from services.cli.client import connect
from services.cli.connection import HERE, Connection
from services.cli.failures import Failure
from services.cli.naming import find_job
from services.cli.stream import Lost

Form = Literal["jsonl", "csv", "b3sum"]
FORMS: dict[str, Form] = {".csv": "csv", ".b3": "b3sum", ".b3sum": "b3sum"}


def manifest(
    job: str,
    /,
    *,
    form: Annotated[Form | None, Parameter(name="--format")] = None,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    connection: Connection = HERE,
) -> None:
    """Say what a transfer has brought: path, size, hash and times of each file.

    `haulage verify` checks files against it, anywhere and without a server.

    Parameters
    ----------
    job
        Its id or the beginning of it.
    form
        JSON lines, CSV, or what `b3sum --check` reads; if left out what the ending of the file
        says (.csv, .b3), else JSON lines.
    output
        Write to this file, which is there only when all of it is.
    """
    client = connect(connection)
    form = form or FORMS.get(output.suffix if output else "", "jsonl")
    path = ("jobs", find_job(client, job).id, "manifest")
    try:
        with client.content(*path, query={"format": form}) as pieces:
            if output is None:
                sys.stdout.buffer.writelines(pieces)
                sys.stdout.buffer.flush()
            else:
                _keep(output, pieces)
    except Lost as lost:
        raise Failure(f"the manifest broke off ({lost}): ask for it again") from None


def _keep(output: Path, pieces: Iterable[bytes]) -> None:
    """All of it or nothing."""
    beside = output.with_name(f"{output.name}.part")
    try:
        with beside.open("wb") as file:
            file.writelines(pieces)
        beside.replace(output)
    except OSError as error:
        raise Failure(f"{output} cannot be written: {error.strerror}") from None
    finally:
        beside.unlink(missing_ok=True)
