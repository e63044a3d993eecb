"""What commands and reports came to, so that a repeat gets the same answer."""

from __future__ import annotations

from msgspec import Struct

from events.codec import SCHEDULER, Recorded

RECENT_MAX = 20_000
REPORTS_MAX = 5_000


class Recent(Struct, frozen=True, gc=False):
    """What a command came to: its commit, and the jobs it touched."""

    sequence: int
    jobs: tuple[str, ...]


def remember(recent: dict[str, Recent], reported: dict[str, Recent], recorded: Recorded) -> None:
    """Keep the last RECENT_MAX commands of people and the last REPORTS_MAX reports of agents."""
    if not recorded.cause or recorded.actor == SCHEDULER:
        return
    agent = recorded.actor.startswith("endpoint/")
    memory, memory_max = (reported, REPORTS_MAX) if agent else (recent, RECENT_MAX)
    seen = memory.pop(recorded.cause, None)
    known = seen.jobs if seen else ()
    job = getattr(recorded.event, "job", None)
    touched = (*known, job) if job and job not in known[-1:] else known
    memory[recorded.cause] = Recent(recorded.sequence, touched)
    if len(memory) > memory_max:
        del memory[next(iter(memory))]
