"""Why a compute job has no lane, in words: who could serve it by the planner's own rules. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice, takewhile

from events.endpoints import Endpoint, Machine
from events.job import Job
from events.jobs import Status
from projections.board import Board
from projections.lanes import Need, need_of
from services.scheduler import enabling, filters, lanes, policy, steadiness
from services.scheduler.commands import Holder, Reason

NAMED_MAX = 5
AHEAD_MAX = 3
LOOKED_AT_MAX = 64


def reasons(job: Job, board: Board) -> Iterator[Reason]:
    """What keeps every lane from it, the worst first; nothing while something else holds it."""
    standing = board.lanes.standing(job.id)
    need = standing.need if standing else need_of(job)
    if not lanes.serving(need, board):
        yield from _nobody(job, need, board)
    elif standing is not None and not board.queues[job.queue].paused:
        if ahead := list(_ahead(job, need, board)):
            yield _behind(job, ahead, board)
        yield _taken(job, need, board)
        yield from (_avoided(one, job, board) for one in _avoids(need, board))


def _nobody(job: Job, need: Need, board: Board) -> Iterator[Reason]:
    """No endpoint could serve it, however long it waits."""
    machines = [(one, one.machine) for one in board.endpoints.values() if one.machine is not None]
    fitting = [one for one, machine in machines if filters.fit(need.filters, machine)]
    if not machines:
        yield Reason(
            code="no_compute_endpoint",
            text="no endpoint may run commands",
            holder=Holder("workspace", board.workspace, board.workspace),
            since=_time(job.since),
            release="an agent is started with --compute-user",
        )
    elif not fitting:
        yield _no_match(job, need, [(one.name, machine) for one, machine in machines])
    for one in fitting[:NAMED_MAX]:
        yield _away(one, need, board)


def _no_match(job: Job, need: Need, machines: list[tuple[str, Machine]]) -> Reason:
    """What holds it are those of its filters that the closest endpoint does not fit."""
    asked = filters.unfit(need.filters, (machine for _, machine in machines)) or need.filters
    name, closest = min(machines, key=lambda one: (filters.distance(need.filters, one[1]), one[0]))
    terms = filters.unmet(need.filters, closest)
    has = filters.had(terms, closest)
    return Reason(
        code="no_matching_lane",
        text=f"no endpoint fits {' and '.join(asked)}: {name}, the closest, has {has}",
        holder=Holder("filter", " and ".join(terms), " and ".join(terms)),
        since=_time(job.since),
        release=f"an endpoint that fits {' and '.join(need.filters)} allows commands, "
        "or this job is submitted anew with other filters",
    )


def _away(endpoint: Endpoint, need: Need, board: Board) -> Reason:
    """Why an endpoint that fits does not serve: it is disabled, offline, without lanes, or its
    volume is.
    """
    if endpoint.disabled_at is not None:
        return enabling.reason(endpoint)
    name, since = endpoint.name, _time(endpoint.since)
    holder = Holder("endpoint", endpoint.id, name)
    if not endpoint.online:
        release = f"{name} comes online: start its agent"
        return Reason("endpoint_offline", f"{name} is offline", holder, since, release)
    for unused in ("", need.volume):
        if endpoint.unused_until(unused) is not None:
            return steadiness.reason(endpoint, unused)
    if not board.lanes.room(endpoint.id):
        text = f"{name} has no lanes: its client_compute_lanes is 0"
        return Reason(
            "no_free_lane", text, holder, since, f"client_compute_lanes of {name} is raised"
        )
    volume = need.volume
    return Reason(
        code="volume_offline",
        text=f"volume {volume} of {name} is offline",
        holder=Holder("volume", f"{endpoint.id}/{volume}", volume),
        since=since,
        release=f"{volume} can be opened on {name}",
    )


def _ahead(job: Job, need: Need, board: Board) -> Iterator[Job]:
    """The jobs that are served first by an endpoint that could serve this one, in order."""
    mine, ends = lanes.place(job, board), set(lanes.serving(need, board))
    walks = [
        lanes.in_order(other, board)
        for other in board.lanes.hungry
        if not ends.isdisjoint(lanes.serving(other, board))
    ]
    merged = heapq.merge(*walks, key=lambda one: one[0])
    before = takewhile(lambda one: one[0] < mine, merged)
    return (other for _, other in islice(before, AHEAD_MAX + 1))


def _behind(job: Job, ahead: list[Job], board: Board) -> Reason:
    """The first of those before it is the one to be above of: by its queue's policy, if it runs."""
    first, others = ahead[0], " and others" if len(ahead) > AHEAD_MAX else ""
    names = _names(ahead[:AHEAD_MAX]) + others
    it, need = ("it", "needs") if len(ahead) == 1 else ("them", "need")
    queue = board.queues[first.queue]
    choice = policy.of_queue("queue_interrupt_policy_compute", queue.id, board)
    match choice if first.status is Status.RUNNING else "order":
        case "never":
            above = ""
        case "priority":
            above = f", or this job is moved to a queue of higher priority than {queue.code}"
        case _:
            above = f", or this job is moved above {it}"
    return Reason(
        code="behind_job",
        text=f"behind {names}: free lanes go to {it} first",
        holder=Holder("job", first.id, first.name),
        since=_time(max(one.since for one in (job, first) if one.since)),
        release=f"{names} {need} no more lanes{above}; then a lane that is free",
    )


def _taken(job: Job, need: Need, board: Board) -> Reason:
    """Whose buckets are in the lanes that it could have."""
    ends = [board.endpoints[one] for one in lanes.serving(need, board)]
    count = sum(board.lanes.count(end.id) for end in ends)
    some = islice((other for end in ends for other, _ in board.lanes.taken(end.id)), LOOKED_AT_MAX)
    takers = [board.jobs[one] for one in dict.fromkeys(some)]
    where = _names(ends)
    full = not lanes.free(need, board)
    text = f"all {count} lanes of {where} are taken, by {_names(takers)}"
    if count == 1:
        text = f"the only lane of {where} is taken, by {_names(takers)}"
    return Reason(
        code="no_free_lane",
        text=text if full else f"lanes of {where} are being handed out",
        holder=_holder(takers, ends),
        since=_time(job.since),
        release=f"a lane of {where} is free, or client_compute_lanes is raised",
    )


def _holder(takers: list[Job], ends: list[Endpoint]) -> Holder:
    if takers:
        return Holder("job", takers[0].id, takers[0].name)
    return Holder("endpoint", ends[0].id, ends[0].name)


def _avoids(need: Need, board: Board) -> list[str]:
    """The endpoints that would serve it if they were not avoided."""
    serving = lanes.serving(need, board)
    able = lanes.serving(need._replace(avoids=()), board)
    return [one for one in able if one not in serving]


def _avoided(endpoint: str, job: Job, board: Board) -> Reason:
    name, times = board.endpoints[endpoint].name, board.tables[job.id].failed_on[endpoint]
    unset = "compute_avoid is set to disable"
    kept = policy.of_job("compute_avoid", job, board) == "enable-permanent"
    return Reason(
        code="avoided",
        text=f"{name} is avoided: its commands failed there {times} times in a row",
        holder=Holder("endpoint", endpoint, name),
        since=_time(job.since),
        release=unset if kept else f"this job is paused and resumed, or {unset}",
    )


def _names(named: Iterable[Endpoint | Job]) -> str:
    names = [one.name for one in named]
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return ", ".join(names[:NAMED_MAX]) + more


def _time(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None
