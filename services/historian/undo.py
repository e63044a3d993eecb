"""What would take back a command: its events, and how it was before them. Pure.

The steps say what the command left behind; whether that is still so, the scheduler looks when it
decides. What a person cannot take back so is refused with what they can do instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

from events import codec, endpoints, jobs, pairs, queues, ranges, tasks, workspace
from events.codec import Recorded
from events.settings import Level, Value
from projections import snapshot, words
from projections.board import Board
from services.historian.commands import UNDO_OF
from services.scheduler.commands import (
    Accepted,
    Actor,
    GiveBack,
    HoldBack,
    PutBack,
    PutOn,
    Rejected,
    Request,
    SetBack,
    Step,
    TakeOff,
    Undo,
    Why,
)
from services.scheduler.turn import Turn

TOLD_MAX = 3
INSTEAD = {
    "job.submitted": "abort it",
    "job.aborted": "retry it, it goes on with what it has moved",
    "job.retried": "pause or abort it",
    "job.appended": "hold or exclude the tasks that came",
    "queue.created": "delete it",
    "queue.changed": "change it again",
    "queue.deleted": "make it anew and move its jobs",
    "endpoint.disabled": "enable it",
    "endpoint.enabled": "disable it",
}
AGAIN = {
    tasks.Status.QUEUED: "retry",
    tasks.Status.BOOTING: "retry",
    tasks.Status.EXECUTING: "retry",
    tasks.Status.DONE: "done",
    tasks.Status.FAILED: "fail",
    tasks.Status.ONHOLD: "hold",
    tasks.Status.EXCLUDED: "exclude",
}


def jobs_of(told: Iterable[Recorded]) -> list[str]:
    found = dict.fromkeys(getattr(one.event, "job", "") for one in told)
    return [job for job in found if job]


def before(saved: bytes, commit: Sequence[Recorded], first: Recorded) -> Board:
    """The board on which `first` was decided: that after the commit before, as far as the jobs of
    `saved` go, and what others did earlier in the same commit.
    """
    board = snapshot.load(saved)
    for recorded in commit[: first.index]:
        job = getattr(recorded.event, "job", None)
        if job is None or job in board.jobs:
            board.apply(recorded)
    return board


def undo(command: str, mine: Sequence[Recorded], was: Board) -> Undo | Rejected:
    """`mine` is what the person decided by it, not what followed."""
    lost = next((one for one in mine if not _can(one.event)), None)
    if lost is not None:
        tag = codec.tag(lost.event)
        detail = f"{tag} cannot be undone: {INSTEAD.get(tag, 'give the command that you want')}"
        return Rejected(Why.CONFLICT, detail, "command")
    return Undo(command, [step for one in mine for step in _steps(one.event, one.at, was)])


def can(mine: Iterable[Recorded]) -> bool:
    return all(_can(one.event) for one in mine)


def _can(event: codec.Event) -> bool:
    return isinstance(
        event,
        jobs.Moved
        | jobs.Paused
        | jobs.Resumed
        | jobs.SettingsChanged
        | tasks.Held
        | tasks.Excluded
        | tasks.Released
        | queues.Paused
        | queues.Resumed
        | queues.SettingsChanged
        | endpoints.SettingsChanged
        | pairs.SettingsChanged
        | workspace.SettingsChanged,
    )


def _steps(event: codec.Event, at: datetime, was: Board) -> Iterator[Step]:
    match event:
        case jobs.Moved(job=job, queue=queue, place=place):
            stood = was.jobs[job]
            yield PutBack(job, stood.queue, stood.place, (queue, place))
        case jobs.Paused(job=job):
            yield PutOn(job, at)
        case jobs.Resumed(job=job, place=place):
            yield TakeOff(job, place)
        case tasks.Held(job=job, numbers=numbers):
            yield from _tasks(job, numbers, "onhold", was)
        case tasks.Excluded(job=job, numbers=numbers):
            yield from _tasks(job, numbers, "excluded", was)
        case queues.Paused(queue=queue) | queues.Resumed(queue=queue):
            yield HoldBack(queue, isinstance(event, queues.Resumed), at)
        case jobs.SettingsChanged(job=job):
            yield _settings("job", job, was.jobs[job].settings, event)
        case queues.SettingsChanged(queue=queue):
            yield _settings("queue", queue, was.queues[queue].settings, event)
        case endpoints.SettingsChanged(endpoint=endpoint):
            yield _settings("endpoint", endpoint, was.endpoints[endpoint].settings, event)
        case pairs.SettingsChanged(one=one, other=other):
            held = was.pair_settings.get((one, other), {})
            yield _settings("pair", f"{one}:{other}", held, event)
        case workspace.SettingsChanged():
            yield _settings("workspace", "", was.settings, event)
        case _:
            return


def _tasks(job: str, numbers: str, now: str, was: Board) -> Iterator[Step]:
    table = was.tables[job]
    groups: dict[str, list[int]] = {}
    for number in ranges.read(numbers):
        groups.setdefault(AGAIN[table.status(number)], []).append(number)
    for action, those in sorted(groups.items()):
        yield GiveBack(job, ranges.write(those), now, action)  # type: ignore[arg-type]


def _settings(
    level: Level,
    which: str,
    held: Mapping[str, Value],
    event: jobs.SettingsChanged
    | queues.SettingsChanged
    | endpoints.SettingsChanged
    | pairs.SettingsChanged
    | workspace.SettingsChanged,
) -> SetBack:
    names = [*event.values, *event.unset]
    values = {name: held[name] for name in names if name in held}
    unset = [name for name in names if name not in held]
    return SetBack(level, which, values, unset, {one: event.values.get(one) for one in names})


# What is said of it.


def text(told: Iterable[Recorded], names: Mapping[str, str]) -> str:
    """What was decided, in words: `shot010: ann moved it to high`."""
    lines = [_line(one, names) for one in told if not isinstance(one.event, tasks.Released)]
    more = f", and {len(lines) - TOLD_MAX} more" if len(lines) > TOLD_MAX else ""
    return "; ".join(lines[:TOLD_MAX]) + more


def _line(recorded: Recorded, names: Mapping[str, str]) -> str:
    job = getattr(recorded.event, "job", None)
    said = words.text(recorded, names)
    return f"{names.get(job, job)}: {said}" if job else said


def preview(
    undoing: Undo, actor: Actor, saved: bytes, now: datetime, names: Mapping[str, str], most: int
) -> list[str] | Rejected:
    """What it would do, and what would follow at once: tried on a board of its own."""
    turn = Turn(snapshot.load(saved), now)
    known = {**{job.id: job.name for job in turn.board.jobs.values()}, **names}
    answer = turn.take(Request(UNDO_OF + undoing.undone, actor, undoing))
    if not isinstance(answer, Accepted):
        return answer
    return [_line(one, known) for one in islice(turn.recorded, most)]
