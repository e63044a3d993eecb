"""What every route of one gateway process works with, and who asks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from msgspec import Struct

from services.gateway.asking import Asking
from services.gateway.clock import Clock
from services.gateway.files import Pages
from services.gateway.live import Hub
from services.gateway.measures import Measures
from services.gateway.past import Historian
from services.gateway.rows import Rows
from services.gateway.wellness import Wellness
from services.runtime.ports import Bus, Outputs
from services.scheduler.commands import Actor, Role

SEQUENCE_MAX = 2**63 - 1

Asked: TypeAlias = Request[Actor, str, Any]
AtLeast: TypeAlias = Annotated[
    int | None,
    QueryParameter(
        name="at_least",
        ge=0,
        le=SEQUENCE_MAX,
        description="Answer only from what the log held at this sequence number or later; the "
        "`sequence` of a command's answer makes that command visible. Waits up to 5 s, then 503.",
    ),
]


class Gateway(Struct):
    workspace: str
    rows: Rows
    asking: Asking
    clock: Clock
    hub: Hub
    measures: Measures
    check: Callable[[str], Actor | None]
    wellness: Wellness
    pages: Pages
    bus: Bus
    outputs: Outputs
    historian: Historian


Reads: TypeAlias = NamedDependency[Rows]
Ours: TypeAlias = NamedDependency[Gateway]


def user_of(request: Asked) -> str | None:
    """Whose jobs the asker may see: a user their own, others (None) everybody's."""
    return request.user.name if request.user.role is Role.USER else None
