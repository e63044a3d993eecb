"""The changes that `what-if` takes, as they are typed: the words of the real commands.

Only read here: they are tried by the gateway, and nothing is stored.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Literal

from cyclopts import App, CycloptsError

from events.settings import Level
from services.cli import acts
from services.cli.client import Client
from services.cli.failures import Usage
from services.cli.naming import find_job, text
from services.cli.settings import WORKSPACE, Of, only_one, values
from services.gateway.what_if_resources import (
    Change,
    IfAborted,
    IfHeld,
    IfMoved,
    IfOffline,
    IfPaused,
    IfQueueChanged,
    IfQueueDeleted,
    IfQueuePaused,
    IfQueueResumed,
    IfResumed,
    IfRetried,
    IfSet,
)

TAKEN = "move, pause, resume, retry, abort, task, queue, settings and offline"
OF_QUEUES: dict[str, type[IfQueuePaused | IfQueueResumed | IfQueueDeleted]] = {
    "pause": IfQueuePaused,
    "resume": IfQueueResumed,
    "delete": IfQueueDeleted,
}


def read(typed: tuple[str, ...], client: Client) -> list[Change]:
    """Raises Usage, and Failure for a job that there is not."""
    return [change for one in typed for change in _read(one, client)]


def _read(typed: str, client: Client) -> list[Change]:
    commands = _Commands(client).by_word()
    try:
        words = shlex.split(text(typed))
    except ValueError as error:
        raise Usage(f"{typed!r}: {error}") from None
    if not words or words[0] not in commands:
        raise Usage(f"{typed!r}: a what-if takes {TAKEN}, as they are typed otherwise")
    app = App(name="what-if", result_action="return_value", help_flags=(), version_flags=())
    for name, command in commands.items():
        app.command(command, name=name)
    try:
        return list(app(words, exit_on_error=False, print_error=False))
    except CycloptsError as error:
        raise Usage(f"{typed!r}: {' '.join(str(error).split())}") from None


class _Commands:
    """What each command makes of what follows it."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def by_word(self) -> dict[str, Callable[..., list[Change]]]:
        return {
            "move": self.move,
            "pause": self.pause,
            "resume": self.resume,
            "retry": self.retry,
            "abort": self.abort,
            "task": self.task,
            "queue": self.queue,
            "settings": self.settings,
            "offline": self.offline,
        }

    def move(
        self,
        *jobs: str,
        queue: str | None = None,
        before: str | None = None,
        after: str | None = None,
        top: bool = False,
        bottom: bool = False,
    ) -> list[Change]:
        beside = {"--before": before, "--after": after, "--top": top, "--bottom": bottom}
        acts.one_place(queue, beside)
        moved = IfMoved(
            [self._whole(job) for job in jobs],
            queue,
            before and self._whole(before),
            after and self._whole(after),
            "top" if top else "bottom" if bottom else None,
        )
        return [moved]

    def pause(self, *jobs: str) -> list[Change]:
        return [IfPaused(self._whole(job)) for job in jobs]

    def resume(self, *jobs: str) -> list[Change]:
        return [IfResumed(self._whole(job)) for job in jobs]

    def retry(self, *jobs: str) -> list[Change]:
        return [IfRetried(self._whole(job)) for job in jobs]

    def abort(self, *jobs: str) -> list[Change]:
        return [IfAborted(self._whole(job)) for job in jobs]

    def task(
        self,
        action: Literal["retry", "hold", "fail", "done", "exclude"],
        job: str,
        tasks: str,
        /,
    ) -> list[Change]:
        return [IfHeld(self._whole(job), action, tasks)]

    def queue(
        self,
        action: Literal["set", "pause", "resume", "delete"],
        /,
        *codes: str,
        priority: int | None = None,
    ) -> list[Change]:
        if action != "set":
            return [OF_QUEUES[action](code) for code in codes]
        if priority is None:
            raise Usage("queue set: of a queue only its --priority decides who runs")
        return [IfQueueChanged(code, priority) for code in codes]

    def settings(
        self, action: Literal["set", "unset"], /, *pairs: str, of: Of = WORKSPACE
    ) -> list[Change]:
        only_one(of)
        level, which = self._level(of)
        if action == "set":
            return [IfSet(level, which, set=values(pairs))]
        return [IfSet(level, which, unset=list(pairs))]

    def offline(self, endpoint: str, when: str = "", /) -> list[Change]:
        return [IfOffline(endpoint, when)]

    def _whole(self, job: str) -> str:
        return find_job(self._client, job).id

    def _level(self, of: Of) -> tuple[Level, str]:
        if of.job is not None:
            return "job", self._whole(of.job)
        given: dict[Level, str | None] = {
            "queue": of.queue,
            "endpoint": of.endpoint,
            "pair": of.pair,
        }
        return next(((level, which) for level, which in given.items() if which), ("workspace", ""))
