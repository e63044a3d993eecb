"""Changes of files that people ask for on endpoints: who may, where, and what became of them. Pure.

A change is stored first, then ordered of the endpoint's agent until that reports how it ended. An
agent that goes away with it, or is started anew, leaves its outcome unknown, and the log says so.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from events.endpoints import Endpoint, FilesChanged, FilesChanging, Outcome
from events.jobs import ErrorClass
from projections.board import Board
from services.agent.commands import Change
from services.scheduler.commands import (
    Actor,
    AgentsReport,
    ChangeEnded,
    ChangeFiles,
    Rejected,
    Role,
    RunFailed,
    Why,
)
from services.scheduler.finding import leaves

CHANGES_MAX = 64
MESSAGE_MAX = 2_000
RUN = 1  # Each is carried out once.

Event = FilesChanging | FilesChanged


def decide(command: ChangeFiles, actor: Actor, board: Board) -> list[FilesChanging] | Rejected:
    if actor.role is Role.USER:
        detail = "files on endpoints are for employees and administrators"
        return Rejected(Why.FORBIDDEN, detail)
    endpoint = _endpoint(command, board)
    if isinstance(endpoint, Rejected):
        return endpoint
    path, to = command.path.rstrip("/"), command.to.rstrip("/")
    refusal = _wrong("where", command.volume, path) or _wrong_target(command, path, to)
    if refusal is not None:
        return refusal
    if len(endpoint.changing) >= CHANGES_MAX:
        detail = f"{CHANGES_MAX} changes of files are under way on {endpoint.name}: ask again later"
        return Rejected(Why.CONFLICT, detail, "where")
    asked = (command.change, command.act, command.volume, path, to, command.whole)
    return [FilesChanging(endpoint.id, *asked)]


def _endpoint(command: ChangeFiles, board: Board) -> Endpoint | Rejected:
    """Where the volume is, and somebody answers."""
    endpoint = board.endpoint_by_name(command.endpoint)
    if endpoint is None:
        detail = f"there is no endpoint {command.endpoint}: see `haulage endpoints`"
        return Rejected(Why.ABSENT, detail, "where")
    volumes = {one.code: one.online for one in endpoint.volumes}
    if command.volume not in volumes:
        known = ", ".join(sorted(volumes)) or "none"
        detail = f"{endpoint.name} has no volume {command.volume}: it has {known}"
        return Rejected(Why.ABSENT, detail, "where")
    if not endpoint.online or not volumes[command.volume]:
        what = f"volume {command.volume}" if endpoint.online else endpoint.name
        detail = f"{what} is offline: nobody can change files there now"
        return Rejected(Why.CONFLICT, detail, "where")
    return endpoint


def _wrong(field: str, volume: str, path: str) -> Rejected | None:
    if not path:
        detail = f"{field}: this is the volume itself: name a file or folder in {volume}"
        return Rejected(Why.INVALID, detail, field)
    return leaves(field, volume, path)


def _wrong_target(command: ChangeFiles, path: str, to: str) -> Rejected | None:
    if command.act != "rename":
        return None
    if f"{to}/".startswith(f"{path}/"):
        what = "already there" if to == path else "inside what is to be renamed"
        return Rejected(Why.INVALID, f"to: this is {what}: write another path", "to")
    return _wrong("to", command.volume, to)


def duties(endpoint: Endpoint) -> Iterator[Change]:
    for change, asked in endpoint.changing.items():
        place = (asked.volume, asked.path, asked.to, asked.whole)
        yield Change(change, RUN, asked.act, *place)


def reported(said: AgentsReport, asked: FilesChanging) -> FilesChanged | None:
    """None for what is no end of a change."""
    match said:
        case ChangeEnded():
            changed = _changed(asked, said.outcome, said.error_class, said.message)
            counts = {"files": said.files, "folders": said.folders, "links": said.links}
            return replace(changed, size=said.size, **counts)
        case RunFailed(error_class=error_class, message=message):
            return _changed(asked, "failed", error_class, message)
        case _:
            return None


def unknown(endpoint: Endpoint, message: str) -> Iterator[FilesChanged]:
    """The agent is away, or is another process, with changes that it was told to do."""
    for asked in endpoint.changing.values():
        yield _changed(asked, "unknown", None, message)


def _changed(
    asked: FilesChanging, outcome: Outcome, error_class: ErrorClass | None, message: str
) -> FilesChanged:
    return FilesChanged(
        asked.endpoint,
        asked.change,
        asked.act,
        asked.volume,
        asked.path,
        outcome,
        asked.to,
        error_class,
        message[:MESSAGE_MAX],
    )
