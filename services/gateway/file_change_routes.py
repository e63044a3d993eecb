"""The API's commands about files on endpoints, for employees and administrators."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, delete, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, QueryParameter

from services.gateway.bodies import MakeFolder, Rename
from services.gateway.command_routes import Key
from services.gateway.context import Asked, Ours
from services.gateway.file_changes import change
from services.gateway.file_resources import FilesChange
from services.gateway.file_routes import Where, not_for_users

UNDERWAY = ResponseSpec(
    FilesChange, generate_examples=False, description="It takes longer, and goes on."
)


@post("/files/mkdir", summary="Make a folder", status_code=200, responses={202: UNDERWAY})
async def make_folder(
    request: Asked, gateway: Ours, data: JSONBody[MakeFolder], key: Key = None
) -> Response[FilesChange]:
    not_for_users(request)
    return await change(request, gateway, key, "mkdir", data.where, whole=data.parents)


@post(
    "/files/rename", summary="Rename a file or folder", status_code=200, responses={202: UNDERWAY}
)
async def rename_file(
    request: Asked, gateway: Ours, data: JSONBody[Rename], key: Key = None
) -> Response[FilesChange]:
    """Nothing is ever replaced: what is at the new place keeps it from being done."""
    not_for_users(request)
    return await change(request, gateway, key, "rename", data.where, to=data.to)


@delete("/files", summary="Delete a file or folder", status_code=200, responses={202: UNDERWAY})
async def delete_file(
    request: Asked,
    gateway: Ours,
    where: Where,
    recursive: Annotated[
        bool,
        QueryParameter(
            name="recursive", description="A folder with all that is in it; else an empty one."
        ),
    ] = False,
    key: Key = None,
) -> Response[FilesChange]:
    """A link is deleted, not what it leads to."""
    not_for_users(request)
    return await change(request, gateway, key, "delete", where, whole=recursive)


COMMANDS = [make_folder, rename_file, delete_file]
