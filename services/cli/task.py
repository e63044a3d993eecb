"""`task`: what a person does to tasks of a job, while it runs or not."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Group, Parameter

from services.cli.acts import Json, Version
from services.cli.client import connect
from services.cli.connection import HERE, Connection
from services.cli.failures import Failure
from services.cli.naming import find_job, text
from services.cli.outcomes import Report
from services.gateway.bodies import OfTasks
from services.gateway.resources import Done

app = App(
    name="task",
    help="Retry, hold, settle or exclude tasks of a job.",
    group_commands=Group("Commands", sort_key=0),
)

ACTS = {
    "retry": "Run tasks again, whatever they are at; a finished job goes to its queue's bottom.",
    "hold": "Stop tasks, or keep them from starting, until somebody retries them.",
    "fail": "Set tasks failed; they are not retried by themselves.",
    "done": "Set tasks done: nothing more is moved or run for them.",
    "exclude": "Leave tasks out of the job; they are kept for the record.",
}


def _command(act: str, help_text: str) -> None:
    def change(
        job: Annotated[str, Parameter(help="Its id or the beginning of it.")],
        tasks: Annotated[str, Parameter(help="Such as 0-99,120, or all, or a status: failed.")],
        /,
        *,
        if_version: Version = None,
        json: Json = False,
        connection: Connection = HERE,
    ) -> int:
        return _change(act, job, tasks, if_version, json, connection)

    app.command(change, name=act, help=help_text)


def _change(
    act: str, job: str, tasks: str, seen: int | None, json: bool, connection: Connection
) -> int:
    client, report = connect(connection), Report(json)
    found, body = find_job(client, job).id, OfTasks(text(tasks))
    try:
        done = client.post(Done, "jobs", found, "tasks", act, body=body, seen=seen)
    except Failure as failure:
        report.refused(text(job), failure)
    else:
        report.obeyed(client, text(job), found, done)
    return report.end()


for _act, _help in ACTS.items():
    _command(_act, _help)
