"""`submit`: a new job, and on wish its progress to the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from cyclopts import App, Parameter

from services.cli import preview, screen, tables
from services.cli.choosing import NOTHING, Choosing, settings
from services.cli.client import Client, connect
from services.cli.connection import HERE, Connection
from services.cli.failures import Usage
from services.cli.naming import find_job, path, text
from services.cli.settings import values
from services.cli.watch import wait_for
from services.gateway.bodies import SubmitCompute, SubmitTransfer
from services.gateway.resources import Done

_LITERAL = str.maketrans({"%": r"\%", "[": r"\[", "]": r"\]"})

app = App(name="submit", help="Submit a job.")

DependsOn = Annotated[tuple[str, ...], Parameter(name="--depends-on")]
Own = Annotated[tuple[str, ...], Parameter(name="--set")]


@app.command
def transfer(
    *places: Annotated[str, Parameter(name="SOURCE… DESTINATION")],
    queue: str | None = None,
    name: str | None = None,
    paused: bool = False,
    wait: bool = False,
    depends_on: DependsOn = (),
    choosing: Choosing = NOTHING,
    given: Own = (),
    literal: bool = False,
    dry_run: bool = False,
    json: bool = False,
    connection: Connection = HERE,
) -> int:
    """Submit a file transfer.

    Parameters
    ----------
    places
        Files and folders, each as endpoint:volume/path, or sequences such as
        hq:plates/plate.%04d.exr[1001-1100], and last where to: endpoint:volume/path, without a path
        as at the source. Several sources arrive each under its last name.
    queue
        The queue; the default queue if left out.
    name
        What to call the job.
    paused
        Do not start it; `resume` does.
    wait
        Show its progress and end with it: status 0 if it is done, 1 if it failed or was aborted.
    depends_on
        A job that has to be done first, by its id or the beginning of it; as many as you like.
    given
        NAME=VALUE: a setting of the job, as many as you like; see `haulage settings`.
    literal
        Take names with %04d and brackets as they are, not as sequences.
    dry_run
        Only say what it would create (+), replace (~), compare by content (?) and delete (-), and
        what would fail (!); nothing is stored or moved. Status 1 if something would fail.
    json
        Print the job as JSON; with --dry-run one object a line.
    """
    sources = _sources(places, literal=literal)
    client = connect(connection)
    body = SubmitTransfer(
        source=sources[0] if len(sources) == 1 else sources,
        destination=path(places[-1]),
        name=None if name is None else text(name),
        queue=None if queue is None else text(queue),
        paused=paused,
        settings=settings(choosing, given),
        depends_on=[find_job(client, one).id for one in depends_on],
    )
    if dry_run:
        return preview.tell(client, body, json)
    return _submitted(client, client.post(Done, "jobs", body=body), wait, json)


@app.command
def compute(
    *,
    command: str,
    range: str = "",  # noqa: A002
    bucket: int | None = None,
    filter: Annotated[tuple[str, ...], Parameter(name="--filter")] = (),  # noqa: A002
    env: Annotated[tuple[str, ...], Parameter(name="--env")] = (),
    cwd: str = "",
    limit_s: int | None = None,
    queue: str | None = None,
    name: str | None = None,
    paused: bool = False,
    wait: bool = False,
    depends_on: DependsOn = (),
    given: Own = (),
    json: bool = False,
    connection: Connection = HERE,
) -> int:
    """Submit a command that is run for each frame of a range, on endpoints that allow commands.

    Parameters
    ----------
    command
        What to run. {frame} is the frame, {first} and {last} or {frames} those of a bucket.
    range
        Frames, such as 1001-1100,1200-1300x5; left out, the command runs once.
    bucket
        So many frames go to a lane together; 0 is all.
    filter
        Which machines may run it, such as ram:>32g,site:hq; as many as you like.
    env
        NAME=VALUE: a variable of its environment, as many as you like. No secrets: it is logged.
    cwd
        The folder that it runs in, as volume/path; a temporary one if left out.
    limit_s
        Seconds after which the command of a bucket is ended; 0 is no limit.
    queue
        The queue; the default queue of compute jobs if left out.
    name
        What to call the job.
    paused
        Do not start it; `resume` does.
    wait
        Show its progress and end with it: status 0 if it is done, 1 if it failed or was aborted.
    depends_on
        A job that has to be done first, by its id or the beginning of it; as many as you like.
    given
        NAME=VALUE: a setting of the job, as many as you like; see `haulage settings`.
    json
        Print the job as JSON.
    """
    client = connect(connection)
    body = SubmitCompute(
        command=text(command),
        range=text(range),
        filters=[one.strip() for given in filter for one in text(given).split(",")],
        environment=dict(map(_variable, env)),
        cwd=path(cwd),
        bucket=bucket,
        limit_s=limit_s,
        name=None if name is None else text(name),
        queue=None if queue is None else text(queue),
        paused=paused,
        settings=values(given),
        depends_on=[find_job(client, one).id for one in depends_on],
    )
    return _submitted(client, client.post(Done, "jobs", "compute", body=body), wait, json)


def _variable(given: str) -> tuple[str, str]:
    name, equals, value = text(given).partition("=")
    if not name or not equals:
        raise Usage(f"--env {given!r}: write it as NAME=VALUE")
    return name, value


def _submitted(client: Client, done: Done, wait: bool, json: bool) -> int:
    job = find_job(client, done.jobs[0], at_least=done.sequence)
    if not json:
        screen.draw(tables.line(job))
    if wait:
        return wait_for(client, job, json)
    if json:
        screen.emit(job)
    return 0


def _sources(places: Sequence[str], *, literal: bool) -> list[str]:
    """All but the last, as the API takes them. Raises Usage."""
    if len(places) < 2:
        raise Usage("name a source and a destination, each as endpoint:volume/path")
    return [path(one).translate(_LITERAL if literal else {}) for one in places[:-1]]
