"""Endpoints that people take out of use and give back, decided and told. Pure.

A disabled endpoint is left alone like one that is away: its transfers and listings stop at once and
keep what they have, commands in its lanes finish. Whoever manages jobs may do it.
"""

from __future__ import annotations

from collections.abc import Sequence

from events import endpoints
from events.endpoints import Endpoint
from projections.board import Board
from services.scheduler import reports, setting
from services.scheduler.commands import (
    Actor,
    DisableEndpoint,
    EnableEndpoint,
    Holder,
    Reason,
    Rejected,
    Role,
    Why,
)

CODE = "endpoint_disabled"


def decide(
    command: DisableEndpoint | EnableEndpoint, actor: Actor, board: Board
) -> Sequence[reports.Event] | Rejected:
    if actor.role is Role.USER:
        return Rejected(Why.FORBIDDEN, "this is for an admin or an employee: ask one to do it")
    endpoint = setting.endpoint(command.endpoint, board)
    if isinstance(endpoint, Rejected):
        return endpoint
    match command:
        case DisableEndpoint() if endpoint.disabled_at is None:
            disabled = endpoints.Disabled(endpoint.id, actor.name)
            return [disabled, *reports.interrupted(endpoint, CODE, board)]
        case EnableEndpoint() if endpoint.disabled_at is not None:
            return [endpoints.Enabled(endpoint.id)]
        case _:
            return []


def reason(endpoint: Endpoint) -> Reason:
    """Why what is disabled is not used, for who waits for it."""
    assert endpoint.disabled_at is not None, "asked only while it is disabled"
    return Reason(
        code=CODE,
        text=f"{endpoint.name} is disabled by {endpoint.disabled_by}",
        holder=Holder("endpoint", endpoint.id, endpoint.name),
        since=endpoint.disabled_at.isoformat().replace("+00:00", "Z"),
        release=f"{endpoint.name} is enabled",
    )
