"""`capsule`: a stretch of the log in one file, to be opened elsewhere with `up --capsule`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from msgspec.structs import replace

from projections.capsule import Header
from services.cli import screen, words
from services.cli.addresses import complete, own_settings
from services.cli.failures import Failure, Usage
from services.cli.processes import BOTH, log
from services.cli.proof import run, servers
from services.cli.stretch import Wanted, packed
from services.runtime.settings import Settings


def capsule(
    job: str | None = None,
    /,
    *,
    begins: Annotated[str | None, Parameter(name="--from")] = None,
    ends: Annotated[str, Parameter(name="--to")] = "now",
    pseudonyms: bool = False,
    output: Annotated[Path, Parameter(alias="-o")] = Path("haulage.capsule"),
    data: Path | None = None,
    json: bool = False,
) -> None:
    """Put a stretch of the log into one file, which `haulage up --capsule FILE` opens anywhere.

    With what there was before it and the versions, so that the page, the past and `haulage replay`
    work there as here; nothing can be changed in it. Asks the servers of this machine.

    Parameters
    ----------
    job
        Its id or the beginning of it: from its submission on.
    begins
        From this commit on: a sequence number, a time, or how long ago; else from the beginning.
    ends
        Up to this one.
    pseudonyms
        With made-up names for people, machines, queues, volumes, files and commands. Such a capsule
        begins with the log.
    output
        The file to write.
    data
        The data directory (also HAULAGE_DATA).
    json
        Print what is in it as JSON.
    """
    if pseudonyms and begins is not None:
        raise Usage("with made-up names a capsule begins with the log: leave out --from")
    if job is not None and begins is not None:
        raise Usage("a job's capsule begins where it was submitted: leave out --from, or the job")
    settings = complete(own_settings(data), *BOTH)
    log("capsule", replace(settings, log_level="warning"))  # It says itself what came of it.
    header, content = run(_packed(settings, Wanted(job, begins, ends, pseudonyms)))
    _keep(output, content)
    if json:
        screen.emit(header)
    else:
        screen.say(_said(header, output, len(content)))


async def _packed(settings: Settings, wanted: Wanted) -> tuple[Header, bytes]:
    async with servers(settings, "capsule") as (_, of, archive, _):
        if not await archive.is_there():
            await archive.install()
        return await packed(of, archive, settings.workspace, wanted)


def _keep(output: Path, content: bytes) -> None:
    """All of it or nothing."""
    beside = output.with_name(f"{output.name}.part")
    try:
        beside.write_bytes(content)
        beside.replace(output)
    except OSError as error:
        raise Failure(f"{output} cannot be written: {error.strerror}") from None
    finally:
        beside.unlink(missing_ok=True)


def _said(header: Header, output: Path, size: int) -> str:
    made_up = ", names made up" if header.pseudonyms else ""
    held = f"commits {header.first:,} to {header.last:,}{made_up}"
    return f"{output}: {held}, {words.size(size)}; open it with `haulage up --capsule {output}`"
