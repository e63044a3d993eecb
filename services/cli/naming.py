"""What a person types, as the API wants it: jobs by the beginning of an id, paths as bytes."""

from __future__ import annotations

import os
import re
from http import HTTPStatus

from events.names import to_text
from services.cli.client import Client, Query
from services.cli.failures import Failure, Refused
from services.gateway.resources import Job, JobPage

MATCHES_MAX = 8

_BEGINNING = re.compile(r"[0-9a-f]{1,24}")


def find_job(
    client: Client, name: str, at_least: int | None = None, as_of: str | None = None
) -> Job:
    """The job whose id is or begins with `name`. Raises Refused, Failure: none, or several."""
    begins = beginning(name)
    try:
        query: Query = {"at_least": at_least, "as_of": as_of}
        return client.get(Job, "jobs", begins, query=query)
    except Refused as refused:
        match refused.problem.status:
            case HTTPStatus.NOT_FOUND:
                raise _no_job(name) from None
            case HTTPStatus.CONFLICT:
                raise _several(client, begins) from None
        raise


def _several(client: Client, begins: str) -> Failure:
    states = ("active", "finished")
    query: Query = {"search": begins, "limit": MATCHES_MAX}
    pages = [client.get(JobPage, "jobs", query={**query, "state": state}) for state in states]
    found = [job for page in pages for job in page.jobs if job.id.startswith(begins)]
    listed = ", ".join(f"{job.id} ({job.name})" for job in found[:MATCHES_MAX])
    more = ", …" if len(found) > MATCHES_MAX else ""
    return Failure(f"{begins} is the beginning of several jobs: {listed}{more}")


def _no_job(name: str) -> Failure:
    return Failure(
        f"there is no job {text(name)!r}: name it by its id or the beginning of it, "
        "see `haulage jobs` and `haulage jobs --finished`"
    )


def beginning(name: str) -> str:
    """Raises Failure for what cannot be the beginning of an id."""
    if not _BEGINNING.fullmatch(name.lower()):
        raise _no_job(name)
    return name.lower()


def path(argument: str) -> str:
    """`endpoint:volume/path` as typed, every byte of it, in the product's escape."""
    return to_text(os.fsencode(argument))


def text(argument: str) -> str:
    """Words as typed; what is not UTF-8 in them cannot be meant."""
    return os.fsencode(argument).decode("utf-8", "replace")
