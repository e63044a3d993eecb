"""What the API shows of process logs; the rest of it is in resources.py."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


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
