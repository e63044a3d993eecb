"""What became of what a command named: said one by one, or as JSON at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from msgspec import Struct

from services.cli import screen, tables
from services.cli.client import Client
from services.cli.failures import FAILED, Failure, Unanswered
from services.cli.naming import find_job
from services.gateway.resources import Done, Job


class Refusable(Protocol):
    @property
    def refused(self) -> str | None: ...


Told = TypeVar("Told", bound=Refusable)


def each(
    asked: Iterable[str],
    act: Callable[[str], Told],
    refused: Callable[[str, str], Told],
    say: Callable[[Told], None],
    json: bool,
) -> int:
    """Do it for each, once; the exit status. A refusal of one does not keep the others from it."""
    outcomes: list[Told] = []
    for one in dict.fromkeys(asked):
        try:
            outcomes.append(act(one))
        except Failure as failure:
            outcomes.append(refused(one, str(failure)))
            screen.complain(f"{one}: {failure}")
            if isinstance(failure, Unanswered):
                break
        else:
            if not json:
                say(outcomes[-1])
    if json:
        screen.emit_all(outcomes)
    return FAILED if any(one.refused for one in outcomes) else 0


class Outcome(Struct, frozen=True):
    """`asked` is what was typed; `sequence` where the command is stored, `job` how it is now."""

    asked: str
    sequence: int | None = None
    job: Job | None = None
    refused: str | None = None


class Report:
    """Collects outcomes; a person sees each at once, a script all of them at the end."""

    def __init__(self, json: bool) -> None:
        self._json = json
        self._outcomes: list[Outcome] = []

    def obeyed(self, client: Client, asked: str, job: str, done: Done) -> None:
        """Say how the job is now that the read side knows of the command."""
        try:
            now = find_job(client, job, at_least=done.sequence)
        except Failure as failure:
            screen.complain(f"{asked}: done, but how it is now could not be read: {failure}")
            self._outcomes.append(Outcome(asked, done.sequence))
            return
        self._outcomes.append(Outcome(asked, done.sequence, now))
        if not self._json:
            screen.draw(tables.line(now))

    def refused(self, asked: str, failure: Failure) -> None:
        self._outcomes.append(Outcome(asked, refused=str(failure)))
        screen.complain(f"{asked}: {failure}")

    def end(self) -> int:
        """The exit status."""
        if self._json:
            screen.emit_all(self._outcomes)
        return FAILED if any(one.refused for one in self._outcomes) else 0
