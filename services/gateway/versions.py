"""`ETag` and `If-Match`: a hand may say "only if the job is as I saw it". Pure.

A job's version is one number. `If-Match` is taken in that form only, or as `*` (any job that there
is); where a command has no guard to offer, one that was sent is refused, never ignored.
https://www.rfc-editor.org/rfc/rfc9110#name-if-match
"""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from litestar.datastructures import ResponseHeader
from litestar.params import HeaderParameter

from services.gateway.problems import Refusal, invalid

HEADER = "If-Match"
VERSION = re.compile(r'"(0|[1-9][0-9]{0,18})"')

IfMatch: TypeAlias = Annotated[
    str | None,
    HeaderParameter(
        name=HEADER,
        description="A job's version as its `ETag` has it, in quotes: the command is obeyed only "
        "while the job still has it, else refused with 412. `*` is any version.",
    ),
]
ETAG = ResponseHeader(
    name="ETag",
    documentation_only=True,
    required=True,
    description="The job's version in quotes, for `If-Match`.",
)


def etag(version: int) -> str:
    return f'"{version}"'


def seen(written: str | None) -> int | None:
    """The version that the asker saw; None when any will do. Raises Refusal."""
    if written is None or written.strip() == "*":
        return None
    found = VERSION.fullmatch(written.strip())
    if found is None:
        detail = f'{HEADER}: write one version in quotes as the ETag of a job has it, "42", or *'
        raise invalid(HEADER, detail)
    return int(found[1])


def no_guard() -> Refusal:
    detail = f"{HEADER} guards nothing here: leave it out, or say it to a command on one job"
    return invalid(HEADER, detail)
