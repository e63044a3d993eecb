"""`GET /api/jobs/{id}/manifest`: what a transfer has brought, as a file to keep."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from litestar import get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from litestar.types import ASGIApp

from projections.manifest import Form, ManifestHeader, ManifestLine
from services.gateway import manifest
from services.gateway.context import Asked, Reads, user_of
from services.gateway.read_routes import JobId

InForm: TypeAlias = Annotated[
    Form,
    QueryParameter(
        name="format",
        description="`jsonl`: what job it was, then a line for each task; `csv`: the same lines, "
        "columns named in the first; `b3sum`: hashes and names of files, for `b3sum --check`.",
    ),
]
GIVEN = ResponseSpec(
    ManifestHeader | ManifestLine,
    generate_examples=False,
    media_type="application/x-ndjson",
    description="A header, then lines; or text in the other formats.",
)


@get("/jobs/{job:str}/manifest", summary="Say what a transfer has brought", responses={200: GIVEN})
async def give_manifest(request: Asked, rows: Reads, job: JobId, form: InForm = "jsonl") -> ASGIApp:
    """Every task that is done, however many there are; broken off when something happens to the
    job meanwhile.
    """
    first = await manifest.first_part(rows, job, user_of(request))
    return manifest.attachment(rows, first, form)
