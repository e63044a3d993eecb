"""Finished jobs that lists still show, as they ended, by queue; and when the next may be archived.

A queue has one `finished_keep_days` for all its jobs but those with one of their own, which stand
apart: so only the oldest of each queue has to be looked at. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from events.job import Job
from events.jobs import FINISHED

KEEP = "finished_keep_days"
Key = tuple[str, bool]
"""A queue, and whether these are its jobs with a setting of their own."""


class Ended:
    def __init__(self) -> None:
        self._jobs: dict[Key, dict[str, None]] = {}

    def put(self, before: Job | None, after: Job) -> bool:
        """Whether another job may be the next to go."""
        if before is not None and _is_shown(before):
            if _is_shown(after) and _key(before) == _key(after):
                return False
            self._take(before)
        if _is_shown(after):
            self._jobs.setdefault(_key(after), {})[after.id] = None
            return len(self._jobs[_key(after)]) == 1 or KEEP in after.settings
        return False

    def oldest(self) -> Iterator[Iterator[str]]:
        """Of each queue its job ids, the one that ended first before the others."""
        for (_, own), ids in self._jobs.items():
            yield from ([iter((one,)) for one in ids] if own else [iter(ids)])

    def _take(self, job: Job) -> None:
        ids = self._jobs[_key(job)]
        del ids[job.id]
        if not ids:
            del self._jobs[_key(job)]


def _is_shown(job: Job) -> bool:
    return job.status in FINISHED and not job.archived


def _key(job: Job) -> Key:
    return (job.queue, KEEP in job.settings)
