"""Settings, decided: who may set what where, and what the values may be. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from events import endpoints, jobs, pairs, queues, workspace
from events.endpoints import Endpoint
from events.settings import SETTINGS, Level, Value, changed
from events.settings import find as held_of
from projections.board import Board
from services.scheduler import computable, finding, queueing
from services.scheduler.commands import Actor, Rejected, Role, Set, Shown, Why

SAID_MAX = 80

Event = (
    workspace.SettingsChanged
    | queues.SettingsChanged
    | jobs.SettingsChanged
    | endpoints.SettingsChanged
    | pairs.SettingsChanged
)


class Holder(Struct, frozen=True):
    """What carries settings: its level, its id (of a pair both), and what it holds now."""

    level: Level
    id: str
    held: Mapping[str, Value]


def decide(command: Set, actor: Actor, board: Board) -> Sequence[Event] | Rejected:
    if command.level != "job" and actor.role is not Role.ADMIN:
        return Rejected(Why.FORBIDDEN, "this is for an admin: ask one to do it")
    holder = find(command.level, command.which, actor, board)
    if isinstance(holder, Rejected):
        return holder
    job = board.jobs.get(holder.id)
    if job is not None and command.seen not in (None, job.version):
        return finding.changed(job)
    given = judged(command.level, command.values, command.unset)
    if isinstance(given, Rejected):
        return given
    values = {name: value for name, value in given.items() if holder.held.get(name) != value}
    unset = tuple(dict.fromkeys(name for name in command.unset if name in holder.held))
    if job is not None and job.computes and {"task_bucketsize"} & {*values, *unset}:
        own, queue = changed(holder.held, values, unset), board.queues.get(job.queue)
        refusal = computable.wrong_bucket(job.compute.command, own, queue, board)
        if refusal is not None:
            return refusal
    return [_event(holder, values, unset)] if values or unset else []


def judged(
    level: Level, values: Mapping[str, Value], unset: Sequence[str] = ()
) -> dict[str, Value] | Rejected:
    """The values as they are stored, if all of them can be at that level."""
    for name in [*values, *unset]:
        refusal = _wrong(name, level, values, unset)
        if refusal is not None:
            return refusal
    return {name: SETTINGS[name].stored(value) for name, value in values.items()}


def find(level: Level, which: str, actor: Actor, board: Board) -> Holder | Rejected:
    """The holder that a person named."""
    match level:
        case "workspace":
            return Holder(level, "", board.settings)
        case "queue":
            queue = board.queues.get(which) or board.queue_by_code(which)
            if queue is None:
                return queueing.unknown(which, board, Why.ABSENT)
            return Holder(level, queue.id, queue.settings)
        case "endpoint":
            found = endpoint(which, board)
            if isinstance(found, Rejected):
                return found
            return Holder(level, found.id, found.settings)
        case "pair":
            return _pair(which, board)
        case "job":
            job = board.jobs.get(which)
            if job is None or (actor.role is Role.USER and job.user != actor.name):
                return Rejected(Why.ABSENT, f"there is no job {which}", "job")
            return Holder(level, job.id, job.settings)


def endpoint(which: str, board: Board) -> Endpoint | Rejected:
    """The endpoint with this id or name."""
    found = board.endpoints.get(which) or board.endpoint_by_name(which)
    if found is None:
        names = ", ".join(sorted(one.name for one in board.endpoints.values()))
        detail = f"there is no endpoint {_cut(which)}: there are {names or 'none yet'}"
        return Rejected(Why.ABSENT, detail, "endpoint")
    return found


def _pair(which: str, board: Board) -> Holder | Rejected:
    """Two endpoints in any order, whether or not anything was ever transferred between them."""
    one, colon, other = which.partition(":")
    if not colon:
        detail = f"{_cut(which)} names no pair: write two endpoints, as hq:stockholm"
        return Rejected(Why.INVALID, detail, "pair")
    ends: list[str] = []
    for name in (one, other):
        end = endpoint(name, board)
        if isinstance(end, Rejected):
            return end
        ends.append(end.id)
    pair = (min(ends), max(ends))
    return Holder("pair", ":".join(pair), board.pair_settings.get(pair, {}))


def _wrong(
    name: str, level: Level, values: Mapping[str, Value], unset: Sequence[str]
) -> Rejected | None:
    allowed = sorted(one.name for one in SETTINGS.values() if level in one.levels)
    if name not in allowed:
        there = f"those of a {level} are {', '.join(allowed)}"
        return Rejected(Why.INVALID, f"there is no setting {_cut(name)} here: {there}", name[:80])
    if name in values and name in unset:
        return Rejected(Why.INVALID, f"{name} is both set and unset: do one", name)
    if name not in values:
        return None
    value = SETTINGS[name].stored(values[name])
    problem = SETTINGS[name].problem(value)
    if problem is not None:
        said = f"{name} cannot be {_cut(value)}: give {problem}"
        return Rejected(Why.INVALID, said, name)
    return None


def _cut(said: Value) -> str:
    return repr(said[:SAID_MAX] if isinstance(said, str) else said)[: SAID_MAX + 2]


def _event(holder: Holder, values: dict[str, Value], unset: tuple[str, ...]) -> Event:
    match holder.level:
        case "workspace":
            return workspace.SettingsChanged(values, unset)
        case "queue":
            return queues.SettingsChanged(holder.id, values, unset)
        case "job":
            return jobs.SettingsChanged(holder.id, values, unset)
        case "endpoint":
            return endpoints.SettingsChanged(holder.id, values, unset)
        case "pair":
            one, _, other = holder.id.partition(":")
            return pairs.SettingsChanged(one, other, values, unset)


def show(holder: Holder, board: Board) -> list[Shown]:
    """All settings of a level, each with where its value comes from."""
    return [
        _shown(name, holder, board) for name, one in SETTINGS.items() if holder.level in one.levels
    ]


def _shown(name: str, holder: Holder, board: Board) -> Shown:
    above: list[tuple[str, Mapping[str, Value]]] = [(holder.level, holder.held)]
    setting = SETTINGS[name]
    default = setting.default
    if holder.level == "job":
        job = board.jobs[holder.id]
        queue, default = board.queues.get(job.queue), setting.default_of(computes=job.computes)
        above += [("queue", queue.settings)] if queue else []
    if holder.level not in setting.apart:
        above.append(("workspace", board.settings))
    source, held = next((one for one in above if name in one[1]), ("default", {}))
    value = held.get(name, default)
    low, high = (setting.low, setting.high) if setting.is_number else (None, None)
    return Shown(
        name,
        value,
        source,
        default,
        setting.meaning,
        setting.choices,
        low,
        high,
        setting.unit,
        setting.written,
        str(held_of(name, (held for _, held in above))) if setting.adds_up else "",
    )
