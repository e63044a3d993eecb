"""Ids of jobs, queues, endpoints and commands: 24 lower-case hex characters, ordered by time."""

from __future__ import annotations

import re
from datetime import datetime

_ID = re.compile(r"[0-9a-f]{24}")
CHANCE_BYTES = 6


def new_id(now: datetime, chance: bytes) -> str:
    """Join 48 bits of milliseconds and the `CHANCE_BYTES` random bytes given."""
    assert len(chance) == CHANCE_BYTES
    return f"{int(now.timestamp() * 1000):012x}{chance.hex()}"


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None
