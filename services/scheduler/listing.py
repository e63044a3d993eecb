"""What a listing found, judged: the tasks of a job, or more of them for one that has some. Pure.

Who adds to a job may name what it has already: a task with the same uri is tried again, as the
source is now. Its number stays, and the newest `tasks.Found` says what it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from events import jobs, ranges, tasks
from events.job import Job
from events.tasks import Entry
from projections.board import Board
from projections.task_table import DONE, QUEUED
from projections.uris import DIGEST_BYTES, Uris, digests
from services.scheduler.commands import Rejected, Why
from services.scheduler.from_agents import ListingEnded, ListingFound

Event = jobs.Event | tasks.Event


def judge(said: ListingFound | ListingEnded, job: Job, board: Board) -> Sequence[Event] | Rejected:
    match said:
        case ListingFound() if job.adding:
            return list(_added(said.entries, job, board))
        case ListingFound():
            return _found(said, job, board)
        case ListingEnded() if job.adding:
            return [_listed(said, job, board)]
        case ListingEnded():
            return _ended(said, job, board)


def _found(said: ListingFound, job: Job, board: Board) -> Sequence[Event] | Rejected:
    known = len(board.tables[job.id])
    if said.first > known:
        return _stale(f"entries from {said.first} on, but {known} are known")
    new = _new_among(said, job, board)
    if not new:
        return []
    found = tasks.Found(job.id, job.listing_run, known, new)
    opens = said.more and not job.opened
    return [found, jobs.Opened(job.id, job.listing_run)] if opens else [found]


def _new_among(said: ListingFound, job: Job, board: Board) -> list[Entry]:
    """A listing that begins again tells much that is known, mostly in the same order.

    It tells nothing twice, so once it has told as many as are known, all else is new.
    """
    table, end = board.tables[job.id], said.first + len(said.entries)
    here = table.digests[said.first * DIGEST_BYTES : end * DIGEST_BYTES]
    count = len(here) // DIGEST_BYTES
    if digests(entry.uri for entry in said.entries[:count]) == here:
        return said.entries[count:]
    index = board.uris.setdefault(job.id, Uris())
    return [one for one in said.entries if index.number(one.uri, table.digests) is None]


def _ended(said: ListingEnded, job: Job, board: Board) -> Sequence[Event] | Rejected:
    """What was appended meanwhile is listed next: it may have come after the listing went by."""
    known = len(board.tables[job.id])
    if said.tasks > known:  # What has gone since an earlier listing is not told any more.
        return _stale(f"the listing counts {said.tasks} entries, but {known} are known")
    listed = _listed(said, job, board)
    return [listed, jobs.Appended(job.id, job.later)] if job.later else [listed]


def _listed(said: ListingEnded, job: Job, board: Board) -> jobs.Listed:
    table = board.tables[job.id]
    told = (len(table), table.size, said.skipped, said.took_ms)
    return jobs.Listed(job.id, job.listing_run, *told)


def _added(entries: list[Entry], job: Job, board: Board) -> Iterator[Event]:
    table = board.tables[job.id]
    index = board.uris.setdefault(job.id, Uris())
    known: dict[int, Entry] = {}
    new: dict[str, Entry] = {}
    for entry in entries:
        number = index.number(entry.uri, table.digests)
        if number is None:
            new[entry.uri] = entry
        else:
            known[number] = entry
    again = ranges.write(n for n in sorted(known) if table.status(n) != QUEUED)
    if again:
        yield tasks.Queued(job.id, again, table.size_of(again, [DONE]))
    for first, some in _stretches(known):
        yield tasks.Found(job.id, job.listing_run, first, some)
    if new:
        yield tasks.Found(job.id, job.listing_run, len(table), list(new.values()))


def _stretches(known: dict[int, Entry]) -> Iterator[tuple[int, list[Entry]]]:
    """Entries whose numbers follow one another, with the first of them."""
    numbers = sorted(known)
    ends = [end for end, (one, other) in enumerate(pairwise(numbers), 1) if other != one + 1]
    for start, end in pairwise([0, *ends, len(numbers)]):
        if start < end:
            yield numbers[start], [known[number] for number in numbers[start:end]]


def _stale(detail: str) -> Rejected:
    return Rejected(Why.STALE, f"{detail}: drop it")
