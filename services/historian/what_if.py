"""What would become of all jobs, with a change and without it: the same past run forward twice.

The answer tells of the jobs that differ. Both runs are the scheduler's own turns, so that what it
foresees is what it would do. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from msgspec.structs import replace

from events.job import Job
from projections import snapshot
from projections.board import Board
from services.historian import absences, scope
from services.historian.commands import (
    Change,
    Course,
    Forecast,
    Instant,
    Offline,
    Sum,
    Unknown,
    WhatIf,
    WhatIfFound,
)
from services.historian.forward import COST_MAX, Absence, Forward
from services.historian.rates import Rates
from services.historian.scope import Scope
from services.scheduler import explain
from services.scheduler.commands import (
    Abort,
    Actor,
    Answer,
    HandOnTasks,
    Move,
    Pause,
    Rejected,
    Resume,
    Retry,
)

SAME_S = 0.5
"""What differs by less is the same to a person."""
UNKNOWN_MAX = 20


def named(changes: Iterable[Change]) -> list[str]:
    """The jobs that they speak of."""
    found: list[str] = []
    for change in changes:
        found += getattr(change, "jobs", [getattr(change, "job", "")])
        found += [getattr(change, side, None) or "" for side in ("before", "after")]
        if getattr(change, "level", "") == "job":
            found.append(getattr(change, "which", ""))
    return [job for job in found if job]


def touched(changes: Sequence[Change], board: Board) -> Scope:
    """The jobs that have to be looked at for them."""
    of_jobs = (Move, Pause, Resume, Retry, Abort, HandOnTasks)
    near = all(isinstance(one, of_jobs) or getattr(one, "level", "") == "job" for one in changes)
    return scope.of(named(changes), board, everywhere=not near)


def answer(
    asked: WhatIf,
    saved: bytes,
    now: datetime,
    at: Instant,
    *,
    left_out: int = 0,
    cost_max: int = COST_MAX,
) -> WhatIfFound | Rejected:
    """`saved` is the board at `at`, as `snapshot.part` gives it, of the jobs that are touched;
    `left_out` more would have been.
    """
    board = snapshot.load(saved)
    rates = Rates(board, now, asked.heard)
    before, after = Forward(board, now, rates), Forward(snapshot.load(saved), now, rates)
    refusal = _change(asked, after)
    if refusal is not None:
        return refusal
    cut = [one.now for one in (before, after) if not one.run(cost_max)]
    until = min(cut, default=None)
    if until is not None:
        before.forget_after(until)
        after.forget_after(until)
    cuts = [_too_many(left_out)] if left_out else []
    cuts += [_cut(until)] if until else []
    return _Comparison(asked, before, after, rates).found(now, at, cuts)


def _change(asked: WhatIf, to: Forward) -> Rejected | None:
    """One after the other, now; of several the refusal says which was refused."""
    for number, change in enumerate(asked.changes, 1):
        done = _changed(change, asked.actor, to)
        if isinstance(done, Rejected):
            which = f"change {number}: " if len(asked.changes) > 1 else ""
            return replace(done, detail=f"{which}{done.detail}")
    return None


def _changed(change: Change, actor: Actor, to: Forward) -> Answer | Absence:
    if not isinstance(change, Offline):
        return to.ask(change, actor)
    absence = absences.read(change, to.board, to.now)
    if isinstance(absence, Absence):
        to.absent(absence)
    return absence


class _Comparison:
    def __init__(self, asked: WhatIf, before: Forward, after: Forward, rates: Rates) -> None:
        self._asked, self._before, self._after, self._rates = asked, before, after, rates
        self._named = set(named(asked.changes))

    def found(self, now: datetime, at: Instant, cuts: list[str]) -> WhatIfFound:
        visible = [job for job in self._before.board.jobs.values() if self._is_for(job)]
        differing = [job for job in visible if self._differs(job.id)]
        told = sorted(differing, key=self._weight)[: self._asked.limit]
        shown = [self._forecast(job) for job in told]
        later_s = [self._later_s(job.id) for job in differing]
        unknown = list(self._unknown())
        why = (one.why for one in (*[f.before for f in shown], *[f.after for f in shown]))
        holders = [reason.holder.id for reason in why if reason and reason.holder]
        jobs = self._before.board.jobs
        return WhatIfFound(
            instant=at,
            now=now,
            jobs=shown,
            total=len(differing),
            sooner=self._sum(differing, later_s, sooner=True),
            later=self._sum(differing, later_s, sooner=False),
            last_before=_last(self._before),
            last_after=_last(self._after),
            unknown=unknown[:UNKNOWN_MAX],
            unknown_total=len(unknown),
            notes=[*self._crowds(), *cuts],
            owners={one: jobs[one].user for one in holders if one in jobs},
        )

    def _is_for(self, job: Job) -> bool:
        return self._asked.user in (None, job.user)

    # A job.

    def _differs(self, job: str) -> bool:
        one, other = self._before.courses[job], self._after.courses[job]
        times = ((one.start, other.start), (one.end, other.end))
        statuses = {side.board.jobs[job].status for side in (self._before, self._after)}
        return len(statuses) > 1 or any(_apart(early, late) for early, late in times)

    def _later_s(self, job: str) -> float | None:
        one, other = self._before.courses[job].end, self._after.courses[job].end
        return (other - one).total_seconds() if one and other else None

    def _weight(self, job: Job) -> tuple[bool, float, str]:
        later_s = self._later_s(job.id)
        apart = float("inf") if later_s is None else abs(later_s)
        return (job.id not in self._named, -apart, job.id)

    def _forecast(self, job: Job) -> Forecast:
        queue = self._before.board.queues.get(job.queue)
        before, after = (_course(job.id, side, self._rates) for side in (self._before, self._after))
        later_s, basis = self._later_s(job.id), self._rates.basis(job)
        code = queue.code if queue else job.queue
        return Forecast(job.id, job.name, code, before, after, later_s, basis)

    # All of them.

    def _sum(self, jobs: list[Job], later_s: list[float | None], *, sooner: bool) -> Sum:
        """Who ends only with the change gains by it, who ends only without it loses."""
        gaining, seconds = 0, 0.0
        for job, late_s in zip(jobs, later_s, strict=True):
            one, other = self._before.courses[job.id].end, self._after.courses[job.id].end
            if late_s is None:
                gaining += bool(other if sooner else one)
            elif (late_s <= -SAME_S) if sooner else (late_s >= SAME_S):
                gaining, seconds = gaining + 1, seconds + abs(late_s)
        return Sum(gaining, round(seconds, 3))

    def _unknown(self) -> Iterator[Unknown]:
        both = {job.id: job for side in (self._before, self._after) for job in side.unknown()}
        for job in both.values():
            if self._is_for(job):
                yield Unknown(job.id, job.name, self._rates.basis(job))

    def _crowds(self) -> Iterator[str]:
        """Nobody measured what more at a time do to each other."""
        endpoints = self._before.board.endpoints
        for pair, most in sorted(self._after.work.most.items()):
            fewer = self._before.work.most.get(pair, 0)
            if most > max(fewer, 1):
                names = sorted({endpoints[end].name for end in pair})
                where = f"between {' and '.join(names)}" if len(names) > 1 else f"on {names[0]}"
                yield (
                    f"up to {most} transfers at a time {where}, without the change {fewer}: each "
                    "is taken to go as fast as was measured. If their line is full they take longer"
                )


def _too_many(left_out: int) -> str:
    return f"of the jobs that this may touch the last {left_out:,} in their order are left out"


def _cut(until: datetime) -> str:
    when = f"{until:%Y-%m-%d %H:%M} UTC"
    return f"too much would happen to look at all of it: what comes after {when} is left out"


def _apart(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return one is not other
    return abs((other - one).total_seconds()) >= SAME_S


def _course(job_id: str, side: Forward, rates: Rates) -> Course:
    course, job = side.courses[job_id], side.board.jobs[job_id]
    why = next(iter(explain.reasons([job], side.board)[job_id]), None) if not course.end else None
    return Course(course.start, course.end, job.status.value, why)


def _last(side: Forward) -> datetime | None:
    return max((one.end for one in side.courses.values() if one.end), default=None)
