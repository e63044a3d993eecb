"""`haulage`: which commands there are, and how one ends. Knows nothing of what they do.

A command is named by where it is, and only the one that runs is imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from cyclopts import App, CycloptsError, Group, Parameter

from services.cli.failures import INTERRUPTED, USAGE, Failure

COMMANDS = {
    "Look": {
        "jobs": ("listings:jobs", "List jobs."),
        "job": ("job:job", "Show one job in full."),
        "wait": ("past:wait", "Say where the time of a job went."),
        "what-if": ("what_if:what_if", "Try commands: say what they would do to whom."),
        "why": ("job:why", "Say why a job waits, and what would release it."),
        "tasks": ("job:tasks", "List the tasks of a job: one a file or folder."),
        "log": ("history:log", "Show what has happened: to a job, to anything, to all."),
        "attempts": ("attempts:attempts", "List the tries of a task."),
        "throughput": ("throughput:throughput", "Show how fast bytes moved."),
        "manifest": ("manifest:manifest", "Say what a transfer has brought, file by file."),
        "replay": ("replay:replay", "Show what changed, event by event; or decide it again."),
        "capsule": ("capsule:capsule", "Put a stretch of the log into a file, to open elsewhere."),
        "verify": (
            "verify:verify",
            "Prove the log and what is made of it; or files by a manifest.",
        ),
        "queues": ("listings:queues", "List the queues."),
        "endpoints": ("listings:endpoints", "List the endpoints and their volumes."),
        "ls": ("files:ls", "List files on an endpoint."),
        "du": ("files:du", "Say how much lies below a place on an endpoint."),
        "health": ("health:health", "Say whether all is well, and how far behind anything is."),
        "exists": ("files:exists", "Say whether anything is at a place on an endpoint."),
        "events": ("history:events", "Show events of the whole workspace."),
        "open": ("page:open_page", "Open the page in the browser, signed in."),
    },
    "Act": {
        "submit": ("submit:app", "Submit a job."),
        "pause": ("acts:pause", "Stop jobs at once; what they have moved is kept."),
        "resume": ("acts:resume", "Put paused jobs back, at the bottom of their queue."),
        "retry": ("acts:retry", "Run failed, aborted or done jobs again."),
        "abort": ("acts:abort", "Stop jobs at once and for good."),
        "append": ("append:append", "Add paths or frames to a job, a finished one too."),
        "task": ("task:app", "Retry, hold, settle or exclude tasks of a job."),
        "move": ("acts:move", "Move jobs to another queue or place."),
        "undo": ("undo:undo", "Take back what you commanded."),
        "queue": ("queue:app", "Make, change, hold and delete queues."),
        "mkdir": ("changing:mkdir", "Make folders on an endpoint."),
        "mv": ("changing:mv", "Rename a file or folder on an endpoint."),
        "rm": ("changing:rm", "Delete files and folders on an endpoint."),
        "endpoint": ("endpoint:app", "Take endpoints out of use, and give them back."),
        "settings": ("settings:app", "See and change settings."),
    },
    "Run": {
        "up": ("processes:up", "Run all of Haulage on this machine."),
        "agent": ("agent:agent", "Run an agent: serve folders of this machine."),
        "scheduler": ("processes:scheduler", "Run a scheduler."),
        "projector": ("processes:projector", "Run a projector."),
        "historian": ("processes:historian", "Run a historian: open the past."),
        "gateway": ("processes:gateway", "Run a gateway: the API and the page."),
        "rebuild": ("proof:rebuild", "Make the read side, or parts of it, anew from the log."),
        "token": ("people:app", "Let people in."),
    },
}


def version() -> str:
    from importlib.metadata import version

    return version("haulage")


app = App(
    name="haulage",
    help="Haulage moves files in queues and can explain every wait.",
    version=version,
    version_format="plaintext",
    help_format="plaintext",
    default_parameter=Parameter(negative=(), show_default=False),
    result_action="return_value",
    suppress_keyboard_interrupt=False,
    group_commands=Group("Other", sort_key=9),
)
for rank, (title, commands) in enumerate(COMMANDS.items()):
    group = Group(title, sort_key=rank)
    for place, (name, (code, text)) in enumerate(commands.items()):
        app.command(f"services.cli.{code}", name=name, help=text, group=group, sort_key=place)
app.register_install_completion_command()


def main() -> None:
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """One command; its exit status: 0, 1 it was refused or failed, 2 it made no sense."""
    _forgiving()
    try:
        return app(arguments, exit_on_error=False, print_error=False) or 0
    except CycloptsError as error:
        return _misspelt(error)
    except Failure as failure:
        return _failed(failure)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _unread()


def _misspelt(error: CycloptsError) -> int:
    from services.cli import screen

    command = " ".join(("haulage", *(error.command_chain or ())))
    screen.complain(f"{' '.join(str(error).split())} See `{command} --help`")
    return USAGE


def _failed(failure: Failure) -> int:
    from services.cli import screen

    screen.complain(str(failure))
    return failure.exit_status


def _unread() -> int:
    """Whoever read our output has gone (`| head`): no trouble."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _forgiving() -> None:
    """A name that the terminal's encoding cannot show is no reason to fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
