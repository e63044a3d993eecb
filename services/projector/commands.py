"""What the projector announces on `subjects.rows`, after its transaction."""

from __future__ import annotations

from msgspec import Struct


class Moving(Struct, frozen=True):
    """A running job's newest tick, as `services.agent.commands.Tick` counts.

    `partial` is what the buckets of a compute job have done so far, in tasks. `moved` is not
    announced: what the run brought, for the history of throughput.
    """

    job: str
    run: int
    bytes_done: int
    bytes_per_second: float
    tasks_done: int
    partial: float = 0.0
    moved: int = 0


class Changed(Struct, frozen=True):
    """The rows with these ids are now as of `sequence`; `moving` jobs only made progress."""

    sequence: int
    jobs: list[str] = []
    queues: list[str] = []
    endpoints: list[str] = []
    moving: list[Moving] = []
