"""The API's questions about files on endpoints: what lies there, for employees and administrators,
and what a transfer would do, for whoever may submit it.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, TypeAlias

from litestar import get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, QueryParameter
from litestar.types import ASGIApp

from events.patterns import TEXT_MAX
from services.gateway import endpoint_files, parties, previewing
from services.gateway.bodies import SubmitTransfer
from services.gateway.command_routes import submission
from services.gateway.context import Asked, Ours, Reads, user_of
from services.gateway.cursors import CURSOR_MAX
from services.gateway.endpoint_files import Wanted
from services.gateway.file_resources import (
    File,
    FileAmount,
    FilePage,
    FileThere,
    PreviewFailed,
    PreviewLine,
    PreviewTotal,
)
from services.gateway.problems import Refusal
from services.scheduler.commands import PreviewAsked

DEPTH_MAX = 10_000
LIMIT_MAX = 1_000

Where: TypeAlias = Annotated[
    str,
    QueryParameter(
        name="where",
        max_length=parties.TEXT_MAX,
        description="A place on an endpoint, as `endpoint:volume/path`.",
    ),
]
Depth: TypeAlias = Annotated[
    int,
    QueryParameter(
        name="depth",
        ge=0,
        le=DEPTH_MAX,
        description="How many levels of folders deep; 1 is what lies right there, 0 all.",
    ),
]
Include: TypeAlias = Annotated[
    str,
    QueryParameter(
        name="include",
        max_length=TEXT_MAX,
        description="Only what these patterns name, as of the setting `transfer_include`.",
    ),
]
Exclude: TypeAlias = Annotated[
    str,
    QueryParameter(
        name="exclude", max_length=TEXT_MAX, description="Not what these patterns name."
    ),
]
Files: TypeAlias = Annotated[
    int, QueryParameter(name="limit", ge=1, le=LIMIT_MAX, description="Files in a page at most.")
]
After: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="cursor", max_length=CURSOR_MAX, description="The `next` of the page before."
    ),
]

TOLD = ResponseSpec(
    PreviewLine | PreviewTotal | PreviewFailed,
    generate_examples=False,
    media_type="application/x-ndjson",
    description="A line for each file, folder or link that is not the same; then a total.",
)


@get("/files", summary="List files on an endpoint")
async def list_files(
    request: Asked,
    gateway: Ours,
    rows: Reads,
    where: Where,
    depth: Depth = 1,
    include: Include = "",
    exclude: Exclude = "",
    limit: Files = LIMIT_MAX,
    cursor: After = None,
) -> FilePage:
    """Files on their way, which are hidden until they are whole, are not listed."""
    not_for_users(request)
    at = await endpoint_files.place(rows, where)
    wanted = Wanted(include, exclude, depth, limit, cursor)
    return await endpoint_files.page(gateway.asking, at, wanted)


@get("/files/stat", summary="Say what is at a place on an endpoint")
async def show_file(request: Asked, gateway: Ours, rows: Reads, where: Where) -> File:
    not_for_users(request)
    return await endpoint_files.stat(gateway.asking, await endpoint_files.place(rows, where))


@get("/files/exists", summary="Say whether anything is at a place on an endpoint")
async def is_there(request: Asked, gateway: Ours, rows: Reads, where: Where) -> FileThere:
    """That nothing is there is an answer here, and no problem."""
    not_for_users(request)
    at = await endpoint_files.place(rows, where)
    found = await endpoint_files.there(gateway.asking, at)
    return FileThere(found is not None, found)


@get("/files/size", summary="Measure what is below a place on an endpoint")
async def measure_files(
    request: Asked,
    gateway: Ours,
    rows: Reads,
    where: Where,
    include: Include = "",
    exclude: Exclude = "",
    cursor: After = None,
) -> FileAmount:
    not_for_users(request)
    at = await endpoint_files.place(rows, where)
    wanted = Wanted(include, exclude, cursor=cursor)
    return await endpoint_files.amount(gateway.asking, at, wanted)


@post(
    "/jobs/preview", summary="Say what a transfer would do", status_code=200, responses={200: TOLD}
)
async def preview(request: Asked, gateway: Ours, data: JSONBody[SubmitTransfer]) -> ASGIApp:
    """Nothing is stored and nothing is moved: both sides are listed and compared as the transfer
    would compare them now.
    """
    command = await submission(request, gateway, data)
    planned = await gateway.asking.preview(PreviewAsked(command, request.user))
    return await previewing.begin(gateway.asking, planned)


def not_for_users(request: Asked) -> None:
    """Whose files they are, nobody knows here. Raises Refusal."""
    if user_of(request) is not None:
        detail = "files on endpoints are for employees and administrators"
        raise Refusal(HTTPStatus.FORBIDDEN, detail)


READS = [list_files, show_file, is_there, measure_files, preview]
