"""What the API shows of the workspace as a whole."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class PairFlow(Struct, frozen=True):
    """What flowed from one endpoint to another, by name: `bytes` in each step, as in `Overview`,
    and how many transfers run that way now.
    """

    source: str
    destination: str
    total: int
    bytes: list[int]
    running: int


class Failure(Struct, frozen=True):
    """Why `jobs` jobs stand failed now: their class (null: unknown), and the newest of them."""

    error_class: str | None
    jobs: int
    job: str
    name: str
    message: str | None
    at: datetime


class Overview(Struct, frozen=True):
    """How the workspace is now, and how it was from `begins_at` to `ends_at`.

    `now` counts jobs by status, those of lists. Of those that ended meanwhile `done` and `aborted`
    are counted, and as `failed` those that came to stand failed and still do. `pairs` are the
    busiest, the most bytes first; `bytes` those of all pairs in each step of `step_s` seconds.
    """

    begins_at: datetime
    ends_at: datetime
    step_s: int
    now: dict[str, int]
    done: int
    aborted: int
    failed: int
    bytes: list[int]
    pairs: list[PairFlow]
    failures: list[Failure]
