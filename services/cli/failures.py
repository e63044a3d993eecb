"""What ends a command early. Each is one sentence for the person at the terminal: what is wrong
and what to do. `main` prints it; nothing here is ever shown as a traceback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.gateway.resources import Problem

FAILED, USAGE, INTERRUPTED = 1, 2, 130


class Failure(Exception):
    """The command could not be done; `str()` is the sentence, `exit_status` what to leave with."""

    exit_status = FAILED


class Usage(Failure):
    """The command line asks for something that makes no sense; nothing was sent."""

    exit_status = USAGE


class Refused(Failure):
    """The server answered with a problem document. `advice` is what only this side knows."""

    def __init__(self, problem: Problem, advice: str = "") -> None:
        said = problem.detail or problem.title
        if problem.field and problem.field != "job" and problem.field not in said:
            said = f"{problem.field}: {said}"
        super().__init__(f"{said}; {advice}" if advice else said)
        self.problem = problem


class Unanswered(Failure):
    """Nobody answered, or the answer was lost and asking again did not bring it."""
