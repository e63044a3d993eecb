"""What the API shows of logs, of what happened and of processes; the rest is in resources.py."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class LogLine(Struct, frozen=True):
    """One event of the job log: who, when, what, why.

    `actor`, `type`, `subject` and `data` are as the log has them, `who`, `text` and `about` in
    people's words. `cause` names the command or report that it came from, and with
    `/api/log?cause=` all else that came from it; `because` says what that did first, "" where it is
    this line.
    """

    sequence: int
    index: int
    at: datetime
    actor: str
    cause: str
    type: str
    text: str
    data: dict[str, object]
    who: str = ""
    subject: str = ""
    about: str = ""
    because: str = ""


class LogPage(Struct, frozen=True):
    """With `text` or `task` asked for, a page may hold few lines or none and have a `next`."""

    lines: list[LogLine]
    next: str | None


class OutputLine(Struct, frozen=True):
    """`number` counts from 0 in its log; `dropped` lines before this one are no more.

    `text` is as it was written, control characters and all; a byte that is no UTF-8 is `\\xHH`.
    """

    number: int
    at: datetime
    text: str
    dropped: int = 0


class TaskOutput(Struct, frozen=True):
    """What a try of a task wrote: `lines` behind number `after` of the question.

    `attempt` is None while the task was not tried. Ask again with the `after` of this answer: at
    once if there is `more`, and for as long as the try is not `over`.
    """

    job: str
    task: int
    attempt: int | None
    run: int | None
    endpoint: str | None
    outcome: str
    over: bool
    lines: list[OutputLine]
    after: int
    more: bool
