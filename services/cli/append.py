"""`append`: more for a job to do. What it has already is tried again."""

from __future__ import annotations

from services.cli.acts import Version
from services.cli.client import connect
from services.cli.connection import HERE, Connection
from services.cli.failures import Failure, Usage
from services.cli.naming import find_job, path, text
from services.cli.outcomes import Report
from services.gateway.bodies import AppendMore
from services.gateway.resources import Done


def append(
    job: str,
    /,
    *paths: str,
    frames: str | None = None,
    if_version: Version = None,
    json: bool = False,
    connection: Connection = HERE,
) -> int:
    """Add files or folders to a transfer, or frames to a compute job. A finished job runs again.

    What the job has already is tried again, as the source is now.

    Parameters
    ----------
    job
        Its id or the beginning of it.
    paths
        Files or folders below the job's source, as they are in there.
    frames
        Frames of a compute job, such as 1001-1010,1020-1100x5.
    json
        Print JSON.
    """
    if bool(paths) == (frames is not None):
        raise Usage("name paths below the job's source, or --frames of a compute job")
    body = AppendMore([path(one) for one in paths], None if frames is None else text(frames))
    client, report = connect(connection), Report(json)
    found = find_job(client, job).id
    try:
        done = client.post(Done, "jobs", found, "append", body=body, seen=if_version)
    except Failure as failure:
        report.refused(text(job), failure)
    else:
        report.obeyed(client, job, found, done)
    return report.end()
