"""Compute jobs as people submit them. What can be computed is for the scheduler to say; here the
folder is read and the command handed on.
"""

from __future__ import annotations

from litestar import Response, post
from litestar.params import JSONBody

from services.gateway import parties
from services.gateway.bodies import SubmitCompute
from services.gateway.command_routes import (
    Key,
    fresh_id,
    job_name,
    named,
    obeyed,
    submitted_at,
    whole_ids,
)
from services.gateway.context import Asked, Ours
from services.gateway.problems import rejected
from services.gateway.resources import Done
from services.scheduler import commands
from services.scheduler.commands import Rejected


@post("/jobs/compute", summary="Submit a compute job")
async def submit_compute(
    request: Asked, gateway: Ours, data: JSONBody[SubmitCompute], key: Key = None
) -> Response[Done]:
    volume, path = _folder(data.cwd)
    submitted = commands.SubmitCompute(
        job=fresh_id(),
        command=data.command,
        frames=data.range,
        filters=data.filters,
        environment=data.environment,
        volume=volume,
        path=path,
        name=job_name(data.name),
        queue=data.queue,
        paused=data.paused,
        settings=data.settings,
        depends_on=await whole_ids(request, gateway, data.depends_on, "depends_on"),
        bucket=data.bucket,
        limit_s=data.limit_s,
    )
    return submitted_at(await obeyed(request, gateway, submitted, named(request, key)))


def _folder(cwd: str) -> tuple[str, str]:
    """The volume and the path in it. Raises Refusal."""
    if not cwd:
        return "", ""
    read = parties.read_folder(cwd, "cwd")
    if isinstance(read, Rejected):
        raise rejected(read)
    return read
