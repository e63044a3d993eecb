"""`pause`, `resume`, `retry`, `abort`, `move`: what a person does to jobs.

Each job is asked for by itself; a refusal of one does not keep the others from it.
"""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from services.cli.client import Client, connect
from services.cli.connection import HERE, Connection
from services.cli.failures import Failure, Unanswered, Usage
from services.cli.naming import find_job, text
from services.cli.outcomes import Report
from services.gateway.bodies import MoveJobs
from services.gateway.resources import Done

Version = Annotated[
    int | None,
    Parameter(help="Only if the job still has this version, which `haulage job --json` shows."),
]

Jobs = Annotated[str, Parameter(help="Their ids or the beginnings of them.")]
Json = Annotated[bool, Parameter(help="Print JSON.")]


def pause(
    *jobs: Jobs, if_version: Version = None, json: Json = False, connection: Connection = HERE
) -> int:
    """Stop jobs at once and take them out of their queue; what they have moved is kept."""
    return _each(jobs, "pause", if_version, json, connection)


def resume(
    *jobs: Jobs, if_version: Version = None, json: Json = False, connection: Connection = HERE
) -> int:
    """Put paused jobs back, at the bottom of their queue."""
    return _each(jobs, "resume", if_version, json, connection)


def retry(
    *jobs: Jobs, if_version: Version = None, json: Json = False, connection: Connection = HERE
) -> int:
    """Run failed, aborted or done jobs again, from the bottom of their queue."""
    return _each(jobs, "retry", if_version, json, connection)


def abort(
    *jobs: Jobs, if_version: Version = None, json: Json = False, connection: Connection = HERE
) -> int:
    """Stop jobs at once and for good; `retry` takes them up again."""
    return _each(jobs, "abort", if_version, json, connection)


def move(
    *jobs: str,
    queue: str | None = None,
    before: str | None = None,
    after: str | None = None,
    top: bool = False,
    bottom: bool = False,
    if_version: Version = None,
    json: bool = False,
    connection: Connection = HERE,
) -> int:
    """Move jobs to another queue or place. Several keep their order among themselves.

    Parameters
    ----------
    jobs
        Their ids or the beginnings of them.
    queue
        Into this queue; to its bottom if nothing else is said.
    before
        In front of this job.
    after
        Behind this job.
    top
        To the top of the queue.
    bottom
        To the bottom of the queue.
    json
        Print JSON.
    """
    one_place(queue, {"--before": before, "--after": after, "--top": top, "--bottom": bottom})
    _some(jobs, if_version)
    client, report = connect(connection), Report(json)
    found = _found(client, jobs, report)
    if found:
        body = MoveJobs(
            jobs=list(found.values()),
            queue=queue and text(queue),
            before=before and find_job(client, before).id,
            after=after and find_job(client, after).id,
            to="top" if top else "bottom" if bottom else None,
            seen={} if if_version is None else dict.fromkeys(found.values(), if_version),
        )
        _move(client, found, body, report)
    return report.end()


def _each(
    jobs: tuple[str, ...], act: str, seen: int | None, json: bool, connection: Connection
) -> int:
    _some(jobs, seen)
    client, report = connect(connection), Report(json)
    for asked, job in _found(client, jobs, report).items():
        try:
            done = client.post(Done, "jobs", job, act, seen=seen)
        except Failure as failure:
            report.refused(asked, failure)
            if isinstance(failure, Unanswered):
                break
        else:
            report.obeyed(client, asked, job, done)
    return report.end()


def _move(client: Client, found: dict[str, str], body: MoveJobs, report: Report) -> None:
    """One command for all of them: they move together or not at all."""
    try:
        done = client.post(Done, "jobs", "move", body=body)
    except Failure as failure:
        report.refused(", ".join(found), failure)
        return
    for asked, job in found.items():
        report.obeyed(client, asked, job, done)


def _found(client: Client, jobs: tuple[str, ...], report: Report) -> dict[str, str]:
    """The ids of the jobs that there are, by what was typed."""
    found: dict[str, str] = {}
    for asked in dict.fromkeys(jobs):
        try:
            found[asked] = find_job(client, asked).id
        except Unanswered:
            raise
        except Failure as failure:
            report.refused(text(asked), failure)
    return found


def _some(jobs: tuple[str, ...], seen: int | None) -> None:
    if not jobs:
        raise Usage("name at least one job by its id or the beginning of it, see `haulage jobs`")
    if seen is not None and len(jobs) > 1:
        raise Usage("--if-version is the version of one job: name one")


def one_place(queue: str | None, places: dict[str, str | bool | None]) -> None:
    given = [option for option, value in places.items() if value]
    if len(given) > 1:
        raise Usage(f"{' and '.join(given)} contradict each other: give one of them")
    if not given and queue is None:
        raise Usage("say where to: --queue, --before, --after, --top or --bottom")
