"""What the API shows of an endpoint's machine and use; the rest of it is in resources.py."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Machine(Struct, frozen=True):
    """What a compute job finds on an endpoint: the machine, and the `user` that commands run as."""

    hostname: str
    user: str
    cores: int
    memory_bytes: int
    platform: str
    site: str
    tags: list[str]


class Disabling(Struct, frozen=True):
    """Who took an endpoint out of use, and when."""

    by: str
    at: datetime
