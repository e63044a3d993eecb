"""The API's questions about the history of throughput, and about the workspace as a whole. Each
answer is bounded, however far back.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, TypeAlias

from litestar import get
from litestar.params import QueryParameter

from services.gateway import overview, throughput
from services.gateway.context import Asked, Reads, user_of
from services.gateway.overview_resources import Overview
from services.gateway.problems import Refusal
from services.gateway.read_routes import EndpointName, JobId
from services.gateway.resources import EndpointThroughput, Throughput

TEXT_MAX = 64
STEP_MAX_S = 86_400
CODE_MAX = 255

From: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="from",
        max_length=TEXT_MAX,
        description="A time, or how long ago. Left out: `3h`; of a job its start.",
    ),
]
To: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="to",
        max_length=TEXT_MAX,
        description="As `from`. Left out: now; of a job its end.",
    ),
]
Step: TypeAlias = Annotated[
    int | None,
    QueryParameter(
        name="step",
        ge=1,
        le=STEP_MAX_S,
        description="Seconds in a step. It may be more: steps get longer as they age (10 s, after "
        "3 h a minute, after 2 d ten minutes), and there are at most 1,000 of them in an answer.",
    ),
]
Source: TypeAlias = Annotated[
    str, QueryParameter(name="source", max_length=CODE_MAX, description="An endpoint's id or name.")
]
Destination: TypeAlias = Annotated[
    str,
    QueryParameter(name="destination", max_length=CODE_MAX, description="Another's, or the same."),
]


@get("/jobs/{job:str}/throughput", summary="Say how fast a job moved")
async def job_throughput(
    request: Asked, rows: Reads, job: JobId, begins: From = None, ends: To = None, step: Step = None
) -> Throughput:
    asked = throughput.asked(begins, ends, step)
    return await throughput.of_job(rows, job, user_of(request), asked)


@get("/endpoints/{endpoint:str}/throughput", summary="Say how fast an endpoint sent and received")
async def endpoint_throughput(
    request: Asked,
    rows: Reads,
    endpoint: EndpointName,
    begins: From = None,
    ends: To = None,
    step: Step = None,
) -> EndpointThroughput:
    _check_sees_all(request)
    return await throughput.of_endpoint(rows, endpoint, throughput.asked(begins, ends, step))


@get("/throughput", summary="Say how fast bytes flowed from one endpoint to another")
async def pair_throughput(
    request: Asked,
    rows: Reads,
    source: Source,
    destination: Destination,
    begins: From = None,
    ends: To = None,
    step: Step = None,
) -> Throughput:
    _check_sees_all(request)
    asked = throughput.asked(begins, ends, step)
    return await throughput.of_pair(rows, source, destination, asked)


@get("/overview", summary="Show the workspace as a whole")
async def show_overview(
    request: Asked, rows: Reads, begins: From = None, ends: To = None, step: Step = None
) -> Overview:
    """What stands where now, what flowed where and ended how over the last day, or from `from`."""
    _check_sees_all(request)
    return await overview.read(rows, throughput.asked(begins, ends, step))


def _check_sees_all(request: Asked) -> None:
    if user_of(request) is not None:
        detail = "what endpoints move is for employees and administrators"
        raise Refusal(HTTPStatus.FORBIDDEN, detail)


READS = [job_throughput, endpoint_throughput, pair_throughput, show_overview]
