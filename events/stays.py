"""How steadily an endpoint or a volume of it is there: what its comings and goings add up to.

Somebody who stops an agent in order says so, and begins anew; all else is dropping out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace


class Stay(Struct, frozen=True):
    """Since `came` it is there, or was, until `went`.

    `returned`: it had dropped out before. `drops`: how often it dropped out soon after it had come,
    in a row; `until`: for that it is not used before then.
    """

    came: datetime
    returned: bool = False
    went: datetime | None = None
    drops: int = 0
    until: datetime | None = None


Stays = dict[str, Stay]
"""By the code of a volume; "" is the endpoint itself."""


def came(before: Stay | None, at: datetime) -> Stay:
    return Stay(at, returned=before is not None)


def went(stay: Stay, at: datetime) -> Stay:
    return replace(stay, went=at, until=None)


def mounted(stays: Mapping[str, Stay], online: Mapping[str, bool], at: datetime) -> Stays:
    """After the agent said which of its volumes are online; one that it does not name is not."""
    after = dict(stays)
    for volume in [*online, *(one for one in stays if one and one not in online)]:
        stay, is_there = stays.get(volume), online.get(volume, False)
        was_there = stay is not None and stay.went is None
        if is_there and not was_there:
            after[volume] = came(stay, at)
        elif stay is not None and was_there and not is_there:
            after[volume] = went(stay, at)
    return after


def back_offs(stays: Mapping[str, Stay]) -> Iterable[tuple[datetime, str]]:
    """What is not used yet: until when, and which."""
    return ((stay.until, which) for which, stay in stays.items() if stay.until is not None)
