"""What there was at an instant, found in a past: the lists that the gateway shows, as they were.

Orders, filters and the words for waiting are those of today's lists, read from the folds in memory
instead of from tables. Pure.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from events.jobs import FINISHED
from projections import job_rows
from projections.past import Past
from services.historian.commands import (
    Answer,
    Endpoints,
    EndpointsFound,
    Instant,
    Jobs,
    JobsFound,
    Moment,
    One,
    Queues,
    QueuesFound,
    SettingsFound,
    SettingsOf,
    These,
)
from services.scheduler import estimate, explain, limited, setting
from services.scheduler.commands import Reason, Rejected, Why

Row = job_rows.Row
ENDED = frozenset(status.value for status in FINISHED)
WAITING = frozenset({"init", "waiting"})


def answer(
    asked: Jobs | These | One | Queues | Endpoints | SettingsOf | Moment, past: Past, newest: int
) -> Answer:
    at = Instant(past.sequence, past.board.at, newest)
    match asked:
        case Moment():
            return at
        case Jobs():
            return _jobs(asked, past, at)
        case These(jobs=ids, user=user):
            known = [past.rows.jobs[one] for one in ids if one in past.rows.jobs]
            rows = [row for row in known if _is_for(row, user)]
            return _found(rows, past, at, total=len(rows), more=False)
        case One(job=beginning, user=user):
            one = find(beginning, user, past)
            if isinstance(one, Rejected):
                return one
            return _found([one], past, at, total=1, more=False)
        case Queues():
            return _queues(past, at)
        case Endpoints():
            return _endpoints(past, at)
        case SettingsOf(level=level, which=which, actor=actor):
            holder = setting.find(level, which, actor, past.board)
            if isinstance(holder, Rejected):
                return holder
            return SettingsFound(at, setting.show(holder, past.board))


def find(beginning: str, user: str | None, past: Past) -> Row | Rejected:
    """The job whose id begins so, if there is one alone."""
    whole = past.rows.jobs.get(beginning)
    rows = [whole] if whole else past.rows.jobs.values()
    found = [row for row in rows if row.id.startswith(beginning) and _is_for(row, user)]
    if not found:
        detail = f"there was no job {beginning[:48]!r} at {past.board.at:%Y-%m-%d %H:%M:%S} UTC"
        return Rejected(Why.ABSENT, detail, "job")
    if len(found) > 1:
        detail = f"more than one job begins with {beginning!r}: write more of the id"
        return Rejected(Why.CONFLICT, detail, "job")
    return found[0]


def _is_for(row: Row, user: str | None) -> bool:
    return user is None or row.user_name == user


def _jobs(asked: Jobs, past: Past, at: Instant) -> JobsFound | Rejected:
    queue = _queue_id(asked.queue, past) if asked.queue else None
    if isinstance(queue, Rejected):
        return queue
    matching = list(_matching(asked, queue, past))
    taken = (_ended if asked.finished else _in_line)(asked, matching, past)
    more = len(taken) > asked.limit
    return _found(taken[: asked.limit], past, at, total=len(matching), more=more)


def _ended(asked: Jobs, rows: list[Row], _past: Past) -> list[Row]:
    """The newest first; one more than asked for where there is one."""
    ends = ((_end(row), row) for row in rows)
    ahead = [one for one in ends if asked.after_end is None or one[0] < asked.after_end]
    return [row for _, row in heapq.nlargest(asked.limit + 1, ahead, key=_first)]


def _in_line(asked: Jobs, rows: list[Row], past: Past) -> list[Row]:
    """In the one order of all jobs, as `_ended`."""
    places, start = ((_line(row, past), row) for row in rows), _start(asked)
    ahead = [one for one in places if start is None or one[0] > start]
    return [row for _, row in heapq.nsmallest(asked.limit + 1, ahead, key=_first)]


def _first(pair: tuple[Any, Row]) -> Any:
    return pair[0]


def _end(row: Row) -> tuple[datetime, str]:
    assert row.finished_at is not None, "it is over"
    return (row.finished_at, row.id)


def _line(row: Row, past: Past) -> tuple[int, str, str, str]:
    return (-past.rows.queues[row.queue].priority, row.queue, row.place, row.id)


def _start(asked: Jobs) -> tuple[int, str, str, str] | None:
    if asked.after_line is None:
        return None
    priority, queue, place, job = asked.after_line
    return (-priority, queue, place, job)


def _matching(asked: Jobs, queue: str | None, past: Past) -> Iterator[Row]:
    needle = job_rows.searchable(asked.search) if asked.search else ""
    ends = {
        one.id
        for one in past.rows.endpoints.values()
        if needle and needle in job_rows.searchable(one.name)
    }
    for row in past.rows.jobs.values():
        if (
            (row.status in ENDED) is asked.finished
            and not row.archived
            and (queue is None or row.queue == queue)
            and (asked.status is None or row.status == asked.status)
            and _is_for(row, asked.user)
            and (needle in row.search or {row.source_endpoint, row.destination_endpoint} & ends)
        ):
            yield row


def _queue_id(named: str, past: Past) -> str | Rejected:
    there = [row for row in past.rows.queues.values() if row.status != "deleted"]
    found = next((row.id for row in there if named in (row.id, row.code)), None)
    if found is None:
        known = ", ".join(sorted(row.code for row in there)) or "none yet"
        detail = f"there was no queue {named!r}: there were {known}"
        return Rejected(Why.INVALID, detail, "queue")
    return found


def _found(rows: list[Row], past: Past, at: Instant, *, total: int, more: bool) -> JobsFound:
    board = past.board
    known = [board.jobs[row.id] for row in rows]
    positions = {job.id: board.position(job) for job in known}
    reasons = explain.reasons(known, board)
    return JobsFound(
        instant=at,
        rows=rows,
        total=total,
        more=more,
        names=_names(past),
        reasons={job: why for job, why in reasons.items() if why},
        positions={job: place for job, place in positions.items() if place is not None},
        estimates=estimate.estimates(known, board, board.at, {}),
        limits=limited.limited(known, board, board.at),
        awaited=explain.awaited(known),
        owners=owners_of(reasons.values(), past),
        priorities={row.id: row.priority for row in past.rows.queues.values()},
    )


def owners_of(told: Iterable[list[Reason]], past: Past) -> dict[str, str]:
    """Whose the jobs are that hold others for these reasons."""
    holders = {reason.holder.id for why in told for reason in why if reason.holder}
    return {one: past.rows.jobs[one].user_name for one in holders if one in past.rows.jobs}


def _names(past: Past) -> dict[str, str]:
    queues = {row.id: row.code for row in past.rows.queues.values()}
    return queues | {row.id: row.name for row in past.rows.endpoints.values()}


def _queues(past: Past, at: Instant) -> QueuesFound:
    there = [row for row in past.rows.queues.values() if row.status != "deleted"]
    there.sort(key=lambda row: (-row.priority, row.id))
    jobs = past.rows.jobs.values()
    waiting = Counter(row.queue for row in jobs if row.status in WAITING)
    running = Counter(row.queue for row in jobs if row.status == "running")
    return QueuesFound(at, there, dict(waiting), dict(running))


def _endpoints(past: Past, at: Instant) -> EndpointsFound:
    running = Counter(
        end
        for row in past.rows.jobs.values()
        if row.status == "running"
        for end in {row.source_endpoint, row.destination_endpoint, *row.lanes.values()}
    )
    lanes = Counter(one for row in past.rows.jobs.values() for one in row.lanes.values())
    there = sorted(past.rows.endpoints.values(), key=lambda row: (row.name, row.id))
    return EndpointsFound(at, there, dict(running), dict(lanes))
