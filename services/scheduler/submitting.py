"""A new job, decided: a transfer, or a command to compute. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from events import jobs, placeholders, tasks
from events.job import Job, evolve
from events.jobs import Party
from events.queues import Queue
from events.settings import Value
from projections.board import Board
from services.scheduler import computable, policy, queueing, setting, several
from services.scheduler.commands import (
    DEPENDENCIES_MAX,
    NAME_MAX,
    Actor,
    PartyNamed,
    Preview,
    Rejected,
    Submit,
    SubmitCompute,
    Why,
)
from services.scheduler.finding import bottom, leaves, there_is_no, visible

Event = jobs.Event | tasks.Event


def decide(
    command: Submit | SubmitCompute, actor: Actor, board: Board
) -> Sequence[Event] | Rejected:
    if command.job in board.jobs:
        return []
    match command:
        case Submit():
            return _transfer(command, actor, board)
        case SubmitCompute():
            return _compute(command, actor, board)


def preview(command: Submit, actor: Actor, board: Board) -> Preview | Rejected:
    """What would become of a transfer; nothing does."""
    events = decide(command, actor, board)
    if isinstance(events, Rejected):
        return events
    planned = Job()
    for event in events:
        if isinstance(event, jobs.Event):
            planned = evolve(planned, event, board.at)
    work = planned.transfer
    choice, rules = policy.choice(planned, board), policy.rules(planned, board)
    return Preview(work.source, work.destination, work.parts, choice, rules)


def _transfer(command: Submit, actor: Actor, board: Board) -> Sequence[Event] | Rejected:
    queue = board.queue_by_code(command.queue) if command.queue else board.default_queue()
    if queue is None:
        return queueing.unknown(str(command.queue), board)
    source = _party("source", command.source, command.source.path or "", board)
    if isinstance(source, Rejected):
        return source
    path = source.path if command.destination.path is None else command.destination.path
    destination = _party("destination", command.destination, path, board)
    if isinstance(destination, Rejected):
        return destination
    refusal = _misplaced(command, source, destination)
    if refusal is not None:
        return refusal
    name = command.name or _called(command, source)
    work = jobs.Transfer(source, destination, tuple(command.parts))
    values = setting.judged("job", command.settings)
    if isinstance(values, Rejected):
        return values
    submitted = _submitted(command, name, queue, work, actor, board)
    if isinstance(submitted, Rejected):
        return submitted
    return [submitted, *_as_asked(command, values)]


def _misplaced(command: Submit, source: Party, destination: Party) -> Rejected | None:
    if command.parts:
        return several.wrong(command.parts, source, destination)
    if not _overlap(source, destination):
        return None
    detail = "the destination lies in the source or the source in it: choose another folder"
    return Rejected(Why.INVALID, detail, "destination")


def _called(command: Submit, source: Party) -> str:
    if command.parts:
        return several.name(command.parts)[:NAME_MAX]
    return source.path.rstrip("/").rpartition("/")[2] or source.volume


def _compute(command: SubmitCompute, actor: Actor, board: Board) -> Sequence[Event] | Rejected:
    """The job, its tasks, and as the job's own settings what was given of them."""
    queue = board.queue_by_code(command.queue) if command.queue else _queue_of_commands(board)
    if queue is None:
        return queueing.unknown(str(command.queue), board)
    refusal = computable.wrong(command, board)
    if refusal is not None:
        return refusal
    frames = computable.frames_of(command)
    if isinstance(frames, Rejected):
        return frames
    text, count = frames
    values = setting.judged("job", {**command.settings, **_settings(command)})
    if isinstance(values, Rejected):
        return values
    refusal = computable.wrong_bucket(command.command, values, queue, board)
    if refusal is not None:
        return refusal
    work = jobs.Compute(
        command=command.command,
        frames=text,
        filters=tuple(dict.fromkeys(command.filters)),
        environment=command.environment,
        volume=command.volume,
        path=command.path if command.volume else "",
    )
    name = command.name or _name(command.command, text)
    submitted = _submitted(command, name, queue, work, actor, board)
    if isinstance(submitted, Rejected):
        return submitted
    ranged = tasks.Ranged(command.job, 0, text, count)
    return [submitted, ranged, *_as_asked(command, values)]


def _as_asked(command: Submit | SubmitCompute, values: dict[str, Value]) -> Iterator[Event]:
    if values:
        yield jobs.SettingsChanged(command.job, values)
    if command.paused:
        yield jobs.Paused(command.job)


def _submitted(
    command: Submit | SubmitCompute,
    name: str,
    queue: Queue,
    work: jobs.Work,
    actor: Actor,
    board: Board,
) -> jobs.Submitted | Rejected:
    if len(name) > NAME_MAX:
        detail = f"the name has {len(name)} characters: at most {NAME_MAX}"
        return Rejected(Why.INVALID, detail, "name")
    depends_on = _dependencies(command.depends_on, actor, board)
    if isinstance(depends_on, Rejected):
        return depends_on
    return jobs.Submitted(
        job=command.job,
        name=name,
        user=actor.name,
        queue=queue.id,
        place=bottom(board, queue.id),
        work=work,
        depends_on=depends_on,
    )


def _dependencies(named: list[str], actor: Actor, board: Board) -> tuple[str, ...] | Rejected:
    """The jobs to wait for, each once. They exist already, so no circle can come of it."""
    if len(named) > DEPENDENCIES_MAX:
        detail = f"{len(named)} jobs to wait for: at most {DEPENDENCIES_MAX}"
        return Rejected(Why.INVALID, detail, "depends_on")
    for one in named:
        job = visible(one, actor, board)
        if isinstance(job, Rejected):
            return Rejected(Why.INVALID, job.detail, "depends_on")
    return tuple(dict.fromkeys(named))


def _queue_of_commands(board: Board) -> Queue:
    taking = (queue for queue in board.queues.values() if queue.compute_default)
    return next(taking, None) or board.default_queue()


def _settings(command: SubmitCompute) -> dict[str, Value]:
    given = {"task_bucketsize": command.bucket, "task_limit_s": command.limit_s}
    return {name: value for name, value in given.items() if value is not None}


def _name(command: str, frames: str) -> str:
    """`render 1001-1100`, as far as a name goes."""
    first = placeholders.words(command)[0]
    program = first.rstrip("/").rpartition("/")[2] or first
    return f"{program} {frames}".strip()[:NAME_MAX]


def _party(field: str, named: PartyNamed, path: str, board: Board) -> Party | Rejected:
    endpoint = board.endpoint_by_name(named.endpoint)
    if endpoint is None:
        known = {one.name for one in board.endpoints.values()}
        return there_is_no("endpoint", named.endpoint, known, field)
    codes = {volume.code for volume in endpoint.volumes}
    if named.volume not in codes:
        noun = f"volume of {endpoint.name}"
        return there_is_no(noun, named.volume, codes, field)
    left = leaves(field, named.volume, path)
    return left or Party(endpoint.id, named.volume, path)


def _overlap(source: Party, destination: Party) -> bool:
    if (source.endpoint, source.volume) != (destination.endpoint, destination.volume):
        return False
    one, other = (f"{party.path.strip('/')}/".lstrip("/") for party in (source, destination))
    return one.startswith(other) or other.startswith(one)
